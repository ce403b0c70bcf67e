/* What the files of the package share.
 *
 * Owns: nothing. Thread: as package.h. */
#ifndef ATOLL_REMOTE_PACKAGE_PRIVATE_H
#define ATOLL_REMOTE_PACKAGE_PRIVATE_H

#include "remote/package.h"

/* Appends a module; `type` is its Content-Type. Returns 0 or ERR_LIMIT. */
NODISCARD int package_add(struct package *package, const char *name, const char *type, str bytes,
                          struct err *err);

/* The Content-Type for a kind of bundle.h ("wasm") or of a module rule ("CompiledWasm"); NULL when
 * it is none. */
const char *package_type_of(const char *kind);

/* Adds the files that the rules of the configuration name, but for the main module. */
NODISCARD int package_file_add_all(struct package *package, const struct config *config,
                                   struct err *err);

/* The name of the main module as others import it: its path below base_dir. Returned owned. */
char *package_file_main(const struct config *config);

/* Fills metadata and triggers; the modules are there. */
NODISCARD int package_metadata_describe(struct package *package,
                                        const struct package_request *request, bool classic,
                                        struct err *err);

#endif
