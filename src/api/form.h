/* What a client uploads: metadata and modules, as a form or as a bare script.
 *
 * Owns: metadata, the list of modules, a copy of their contents. Thread: any.
 * Limits: those of multipart.h; FORM_METADATA_BYTES_MAX. */
#ifndef ATOLL_API_FORM_H
#define ATOLL_API_FORM_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum { FORM_METADATA_BYTES_MAX = 1 << 20 };

struct form {
    json_t *metadata;    /* an object */
    json_t *modules;     /* array of {name, type, bytes}; names as uploaded, types in lower case
                          * and without parameters */
    struct buf blob;     /* their contents, one behind the other */
};

/* Reads a body: multipart/form-data whose part `metadata_part` is JSON and whose other parts are
 * modules, or JavaScript alone, which becomes the module "worker.js". ERR_INVALID and ERR_LIMIT
 * with a text for the client; *ret is empty then. */
NODISCARD int form_read(str content_type, str body, const char *metadata_part, struct form *ret,
                        struct err *err);

/* An empty one is fine. */
void form_done(struct form *form);

/* The module that `name` stands for, "./" before either counting for nothing; NULL when there is
 * none. Borrowed. */
const json_t *form_module(const json_t *modules, const char *name);

#endif
