/* Which JavaScript engine this is, and whether it compiles.
 *
 * Owns: nothing. Thread: one, of a process that has no other. */
#ifndef ATOLL_ENGINE_ENGINE_INFO_H
#define ATOLL_ENGINE_ENGINE_INFO_H

/* "2.50.1", the version of WebKitGTK that it belongs to. Static memory. */
const char *engine_info_version(void);

enum engine_info_jit {
    ENGINE_INFO_JIT_ON,
    ENGINE_INFO_JIT_OFF,      /* it interprets: some times slower */
    ENGINE_INFO_JIT_CRASHED,  /* it does not start at all */
};

/* Starts the engine in a child process and looks whether it has memory for code of its own. Takes
 * about 20 ms. */
enum engine_info_jit engine_info_jit(void);

#endif
