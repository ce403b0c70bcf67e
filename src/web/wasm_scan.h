/* What a WebAssembly module has that no worker may have: shared memory, with which its instructions
 * could stop the thread that serves every worker of the process.
 *
 * Only the sections that can tell are read; whether the rest is valid is the engine's to say.
 * Owns: nothing. Thread: any. Limits: none of its own. WebAssembly Core 2.0, 5.5 "Modules". */
#ifndef ATOLL_WEB_WASM_SCAN_H
#define ATOLL_WEB_WASM_SCAN_H

#include <stdbool.h>

#include "base/str.h"

/* True when the module may be compiled: its memories, its own and imported ones, are not shared.
 * False, too, when that cannot be told. */
bool wasm_scan_is_harmless(str module);

#endif
