/* Turns GLib's main context from the libuv loop: JSC puts its timers and finished Wasm compilations
 * there, and without turns they never run.
 *
 * Owns: one timer and one poll handle.
 * Thread: the loop's; the context becomes the thread's default. */
#ifndef ATOLL_LOOP_GLIB_BRIDGE_H
#define ATOLL_LOOP_GLIB_BRIDGE_H

#include <uv.h>

/* Makes the thread-default GLib context and hooks it into the loop. Once per process, before the
 * first engine call. Its handles do not keep the loop alive. */
void glib_bridge_start(uv_loop_t *loop);

#endif
