/* Uploaded modules laid out as files for esbuild, in a directory of their own.
 *
 * A module "lib/x.js" becomes the file "lib/x.js.atoll.mjs": esbuild finds it under the name that
 * other modules import, because the rest is an extension it tries, and that extension says the
 * module's type, whatever its name ends with. No name makes a file outside of the directory, and no
 * file in it is one that esbuild reads for its own sake (package.json, tsconfig.json).
 * Owns: the directory and what is in it. Thread: the loop's; writing blocks.
 * Limits: UPLOAD_FILES_NAME_MAX, UPLOAD_FILES_MAX. */
#ifndef ATOLL_CONTROL_UPLOAD_FILES_H
#define ATOLL_CONTROL_UPLOAD_FILES_H

#include <jansson.h>

#include "base/buf.h"

enum {
    UPLOAD_FILES_MAX = 4096,
    UPLOAD_FILES_NAME_MAX = 512,   /* bytes of a module's name */
    UPLOAD_FILES_PART_MAX = 200,   /* bytes between two slashes of it */
};

struct upload_files {
    char *directory;    /* absolute, without links */
    char *entry;        /* the text of the module to start at, see control/bundle.h */
};

/* Appends a module's name without "./", empty parts and slashes at its ends. Returns 0, or
 * ERR_INVALID when it is empty, absolute, too long, or has "..", ".atoll." or control characters in
 * it. */
NODISCARD int upload_files_name(str name, struct buf *out);

/* Writes `modules` (array of {name, type, bytes} with contents in `blob`) for the version they are
 * of (main_module, bindings). Returns 0; ERR_INVALID with a text for who uploaded them; ERR_IO with
 * one for the operator. */
NODISCARD int upload_files_write(const json_t *version, const json_t *modules, str blob,
                                 struct upload_files *ret, struct err *err);

/* Removes the directory. */
void upload_files_done(struct upload_files *files);

#endif
