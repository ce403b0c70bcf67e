/* What esbuild says, taken apart and said again for people of this house.
 *
 * Owns: nothing. Thread: any. Limits: what `out` takes; a longer log is cut. */
#ifndef ATOLL_CONTROL_BUNDLE_LOG_H
#define ATOLL_CONTROL_BUNDLE_LOG_H

#include "base/buf.h"

/* Rewrites esbuild's messages (standard error, no colours) into `out`, each as
 *     src/index.ts:3:5: error: what is wrong
 *       3 | the line
 *         |     ^
 * with columns from 1 and hints that fit atoll. Calls `each_file` (may be NULL) with the file of
 * each message, as esbuild wrote it, borrowed. */
void bundle_log_format(str log, struct buf *out, void (*each_file)(void *context, str file),
                       void *context);

#endif
