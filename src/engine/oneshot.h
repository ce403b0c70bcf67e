/* One call of one function of a small trusted script, in a virtual machine made for it.
 *
 * For libraries that exist only in JavaScript (the TOML reader). Never for a tenant's code: there
 * is no limit on time or memory here.
 * Owns: nothing after the call. Thread: any one thread. Cost: a first VM takes 4 to 20 ms. */
#ifndef ATOLL_ENGINE_ONESHOT_H
#define ATOLL_ENGINE_ONESHOT_H

#include "base/buf.h"

/* Evaluates `library`, which sets `globalThis.oneshot` to a function from string to string, and
 * appends what that returns for `input` (UTF-8) to `ret_text`.
 * Returns 0, ERR_INVALID (input is not UTF-8 or has a NUL), ERR_SCRIPT (it threw), ERR_LIMIT
 * (ret_text is full). */
NODISCARD int oneshot_call(str library, str input, struct buf *ret_text, struct err *err);

#endif
