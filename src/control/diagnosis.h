/* What of this machine and this directory could keep atoll from working, and what to do about it.
 *
 * Owns: nothing; looks, and changes nothing. Thread: one, before others start. Some findings start
 * a process and wait for it: about 100 ms together. */
#ifndef ATOLL_CONTROL_DIAGNOSIS_H
#define ATOLL_CONTROL_DIAGNOSIS_H

#include <jansson.h>
#include <stdbool.h>

enum diagnosis_level { DIAGNOSIS_OK, DIAGNOSIS_WARNING, DIAGNOSIS_ERROR };

/* Findings, as an array of {area, name, status: "ok" | "warning" | "error", text, advice?}. */
struct diagnosis {
    json_t *findings;
    const char *area;    /* of those that are added */
    bool broken;         /* one is an error */
};

/* Adds one; `advice` says what to do and may be NULL. */
void diagnosis_add(struct diagnosis *diagnosis, enum diagnosis_level level, const char *name,
                   const char *advice, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Kernel, processors, memory, clock, descriptors, room for temporary files. */
void diagnosis_machine(struct diagnosis *diagnosis);

/* The libraries, the engine and its compiler, esbuild, templates and types, npm. */
void diagnosis_installation(struct diagnosis *diagnosis);

/* What strangers' code is kept in: Landlock, seccomp, a user to become, control groups. */
void diagnosis_sandbox(struct diagnosis *diagnosis);

/* The configuration in a directory; nothing when there is none. */
void diagnosis_project(struct diagnosis *diagnosis, const char *directory);

#endif
