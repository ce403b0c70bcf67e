/* An ES module printed by esbuild, made into the one script a runtime evaluates, and its map.
 *
 * The script is an expression whose value is a function; called as
 *     f(main, require, module)
 * it runs the worker's modules and returns a promise of their end. `main` gets the namespace of the
 * entry module, `require(name)` gives a module of the runtime's own ("cloudflare:workers"),
 * `module(name)` gives what a part of the bundle stands for (a WebAssembly.Module, an ArrayBuffer).
 * The function's head is one line of its own, which the map counts: positions in the script are
 * positions in the map, nothing needs to be added.
 *
 * Owns: nothing. Thread: any. Limits: what `out` takes. */
#ifndef ATOLL_CONTROL_BUNDLE_SCRIPT_H
#define ATOLL_CONTROL_BUNDLE_SCRIPT_H

#include <stdbool.h>

#include "base/buf.h"

/* The names that `bundle.c` has esbuild use inside the module. */
#define BUNDLE_SCRIPT_MAIN "__atoll_main"
#define BUNDLE_SCRIPT_REQUIRE "__atoll_require"
#define BUNDLE_SCRIPT_META "__atoll_meta"

/* Follows an uploaded module's name in the name of its file, before the extension that says its
 * type: "lib/x.js.atoll.mjs". */
#define BUNDLE_SCRIPT_SUFFIX ".atoll"

/* The module's name in the name of such a file; other names as they are. Borrowed from `file`. */
str bundle_script_source(str file);

/* Appends the script for `module` to `out`. Returns 0 or ERR_LIMIT. */
NODISCARD int bundle_script_wrap(str module, struct buf *out);

/* Appends `module` as a script in service-worker format: what it imports of copied files are
 * globals of the files' names, set up in one line before it. `*ret_head` tells whether there is
 * such a line. Returns 0 or ERR_LIMIT. */
NODISCARD int bundle_script_classic(str module, struct buf *out, bool *ret_head);

/* Appends the map for a script with a line before the module's own, or (`head` false) for the
 * module as it was: `map` is esbuild's, with sources relative to `directory`; in the result they
 * are relative to `root` (both absolute), uploaded modules have their own names and what stands for
 * a module of the runtime is "atoll:module". Returns 0, ERR_LIMIT, ERR_INVALID. */
NODISCARD int bundle_script_map(str map, bool head, const char *directory, const char *root,
                                struct buf *out);

#endif
