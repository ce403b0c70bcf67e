/* A project made into what is uploaded: bundled modules, metadata, and what is set beside them.
 *
 * What wrangler would send for the same configuration: one ES module for everything that is script
 * (or the files as they are with no_bundle), WebAssembly, text and data beside it, the source map.
 * A main module without exports is a script in service-worker format: what it imports of files
 * becomes bindings.
 * Owns: all it points to. Thread: the loop's. Limits: those of bundle.h; PACKAGE_FILES_MAX. */
#ifndef ATOLL_REMOTE_PACKAGE_H
#define ATOLL_REMOTE_PACKAGE_H

#include <jansson.h>
#include <uv.h>

#include "base/buf.h"
#include "control/config.h"

enum { PACKAGE_FILES_MAX = 4000, PACKAGE_BYTES_MAX = 100 << 20 };

/* All is kept until package_wait(). */
struct package_request {
    const struct config *config;
    const char *message;           /* annotations; NULL: none */
    const char *tag;
    const json_t *vars;            /* object of strings that win over the file's; NULL: none */
    const json_t *secrets;         /* object of strings; NULL: none */
    bool keep_vars;
    bool minify;
};

struct package_triggers {
    json_t *crons;       /* array of strings; NULL: the configuration says nothing of them */
    json_t *routes;      /* array of {pattern, zone_name?, zone_id?}; NULL as above */
    json_t *domains;     /* array of {hostname, zone_name?, zone_id?}; NULL as above */
    bool workers_dev;    /* as wrangler has it: on unless it is switched off or there are routes */
    int previews;        /* 1, 0; -1: as it is */
};

struct package {
    json_t *metadata;    /* object, as of the upload form */
    json_t *modules;     /* array of {name, type, bytes}: the main one first,
                          * source maps last */
    struct buf blob;     /* their contents, one behind the other */
    struct package_triggers triggers;
    json_t *migrations;  /* of the configuration; NULL: none. See package_metadata_migrate() */
    char *log;           /* warnings of the bundler, lines; "" when there are none */
};

struct package_job;

/* Starts to bundle on `loop`; returned owned until package_wait(). */
struct package_job *package_begin(uv_loop_t *loop, const struct package_request *request);

/* Waits for the end, frees the job. Returns 0 with the package, returned owned; ERR_INVALID with
 * what esbuild or a check said, ERR_LIMIT, ERR_IO. */
NODISCARD int package_wait(struct package_job *job, struct package **ret, struct err *err);

/* Ends a job that nobody waits for. NULL is fine. */
void package_cancel(struct package_job *job);

/* Adds the migrations that a server lacks which is at `tag` (NULL: at none). */
void package_metadata_migrate(struct package *package, const char *tag);

/* The bytes of the modules without the source maps. */
size_t package_size(const struct package *package);

/* The body of the upload and its Content-Type (returned owned). Returns 0 or ERR_LIMIT. */
NODISCARD int package_form(const struct package *package, struct buf *out, char **ret_content_type,
                           struct err *err);

/* Writes the modules below `directory`, which is made. Returns 0 or ERR_IO. */
NODISCARD int package_form_write(const struct package *package, const char *directory,
                                 struct err *err);

/* NULL is fine. */
void package_free(struct package *package);

#endif
