/* New versions of a script and their going live: the one way in which a worker changes.
 *
 *   release_upload: bindings ──build (esbuild, start-up check)──> transaction ──runtimes──> on_live
 *   release_derive: the latest version with other bindings ─────> transaction ──runtimes──> on_live
 *
 * A failure answers the call, and then nothing has changed; on_live answers it else. Two at once
 * are applied one after the other: each is resolved again, in its transaction, against what is
 * there then.
 * Owns: what it waits with. Thread: the loop's. Limits: those of binding.h. */
#ifndef ATOLL_API_RELEASE_H
#define ATOLL_API_RELEASE_H

#include "api/call.h"

struct release_change {
    /* Object of name to a binding as uploads have them ({type: "secret_text", text}), or to null:
     * gone. Others stay as they are. Borrowed. */
    const json_t *bindings;
    /* Or the whole list (array): {name, type} alone and `inherit` stand for what the latest version
     * has, and what is not in it is gone. Borrowed. */
    const json_t *wanted;
    const json_t *fields;        /* of the version's row, replaced; NULL: none. Borrowed */
    const json_t *annotations;   /* "workers/message" ...; NULL: none. Borrowed */
    const char *triggered_by;    /* "secret", "upload" ... */
    bool deploy;                 /* all requests go to it at once; the latest must be live */
};

/* `version` is the new row, live everywhere if it was deployed. Borrowed; it answers the call. */
typedef void release_on_live(struct call *call, const json_t *script, const json_t *version);

/* A version like the latest one of the call's script (call_script()) but for `change`. Answers 404
 * with 10007 when there is none, 400 and 10215 when `deploy` is asked for and the latest version
 * is not live, 400 and 10021 for a binding that cannot be. */
void release_derive(struct call *call, const struct release_change *change,
                    release_on_live *on_live);

/* A version of the script that the call names (":script"), from the call's body, an upload. With
 * `deploy` all requests go to it, and the script is made when it is missing; else it must be
 * there. */
void release_upload(struct call *call, bool deploy, release_on_live *on_live);

/* Tells the runtimes that a script has a new deployment or other settings; then on_done, with what
 * the caller wants to have then (taken, may be NULL; borrowed by on_done). */
void release_tell(struct call *call, int64_t script_id, json_t *kept,
                  void (*on_done)(struct call *call, const json_t *kept));

#endif
