/* What a bundle's log says, for the client who uploaded the modules.
 *
 * Lines of the modules, and anything of other files, are left out: an upload that names a file of
 * this machine learns nothing about it.
 * Owns: nothing. Thread: any. Limits: what `out` takes; what is over is cut. */
#ifndef ATOLL_CONTROL_UPLOAD_LOG_H
#define ATOLL_CONTROL_UPLOAD_LOG_H

#include "base/buf.h"

/* Appends the errors of `log` (as control/bundle_log.h writes it) in the form wrangler reads:
 *     Uncaught SyntaxError: Unexpected ";"
 *       at lib/x.js:3:5
 * Returns how many there were. */
size_t upload_log_errors(str log, struct buf *out);

/* Appends its warnings, one a line: "what is odd (lib/x.js:3:5)". */
void upload_log_warnings(str log, struct buf *out);

#endif
