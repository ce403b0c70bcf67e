/* What the files of `atoll serve` share. See serve.h.
 *
 *   serve.c            the parts, started and stopped in their order; signals
 *   serve_socket.c     listening sockets: opened, or inherited
 *   serve_frame.c      what the registry knows, as frames for runtimes
 *   serve_platform.c   what the REST API needs
 *   serve_storage.c    what tenants store: calls, data that is to go, copies
 *   serve_quota.c      what accounts store, against what they may
 *   serve_site.c       files of versions, where runtimes read them
 *   serve_token.c      the administrator's token
 *   serve_s3.c         the process of the S3 API
 *   serve_replace.c    the next binary
 * Owns: as serve.h says. Thread: the loop's. */
#ifndef ATOLL_CONTROL_SERVE_PRIVATE_H
#define ATOLL_CONTROL_SERVE_PRIVATE_H

#include <uv.h>

#include "api/api.h"
#include "control/collector.h"
#include "control/fleet.h"
#include "control/journal.h"
#include "control/scheduler.h"
#include "control/serve.h"
#include "registry/registry.h"

enum serve_state { SERVE_RUNNING, SERVE_DRAINING };

struct serve_socket {
    int fd;             /* -1: none */
    char shown[96];     /* "127.0.0.1:8787" */
    int port;
};

struct serve {
    uv_loop_t loop;
    const struct serve_options *options;
    const struct serve_hooks *hooks;
    void *context;
    enum serve_state state;
    struct serve_config *config;
    struct registry *registry;
    struct journal *journal;
    struct fleet *fleet;
    struct collector *collector;
    struct scheduler *scheduler;
    struct api *api;
    struct serve_quota *quota;
    struct platform platform;
    struct serve_socket listen, admin, s3_socket;
    struct serve_s3 *s3;      /* NULL: it does not run */
    char *public_url;
    char *cache, *storage;    /* directories */
    char *binary;             /* what is started by SIGUSR2 */
    uv_signal_t signals[4];
    bool at_terminal;         /* and is to end when that is closed */
    uv_timer_t tick;
    unsigned ticks;
    uv_process_t probe;       /* the next binary, asked for its version */
    bool probing;
    bool replacing;           /* the next binary is started when everything has ended, */
    uv_timer_t patience;      /* or this is over: it then hears what the others still say */
    struct buf left;          /* "<pid>:<descriptor> " of each */
    bool inherited;           /* the sockets came from a binary before this one */
    bool fleet_stopped;
    bool sweeping, sweep_again;    /* of data that is to go */
    unsigned site_place;           /* which of the contents are looked at next */
};

/* ---- serve_socket.c ---- */

/* Opens both sockets, or takes those that were inherited (SIGUSR2, systemd). */
NODISCARD int serve_socket_open_all(struct serve *serve, struct err *err);

/* Leaves them open for the next binary, and says so in the environment. */
void serve_socket_hand_over(struct serve *serve);

/* ---- serve_frame.c: hooks of the fleet; the context is the struct serve ---- */

json_t *serve_frame_worker(void *context, const char *key, struct buf *blob);
json_t *serve_frame_hosts(void *context, const char *host);

/* The key of what stands for a bucket that is published, "<account>/r2:<name>". Returned owned. */
char *serve_frame_bucket_key(const char *account, const char *bucket);

/* How many processes are to keep a script loaded, by its settings. */
unsigned serve_frame_kept(const json_t *script);

/* ---- serve_platform.c ---- */

void serve_platform_init(struct serve *serve);

/* Has everything kept that is to be kept. */
void serve_platform_keep_all(struct serve *serve);

/* A cron trigger: for scheduler_start(). */
void serve_platform_run_cron(void *context, int64_t script_id, const char *cron, int64_t time_ms);

/* ---- serve_storage.c: stores, as in struct platform; the context is the struct serve ---- */

void serve_storage_call(void *context, const struct platform_store *request,
                        void (*on_done)(void *arg, const struct platform_stored *stored),
                        void *arg);
void serve_storage_copy(void *context,
                        void (*on_done)(void *arg, int code, const char *text_or_path), void *arg);

/* Has data removed that is to go. */
void serve_storage_sweep(void *context);

/* Removes what a copy left that did not come to its end; before the first runtime. */
void serve_storage_remove_copies(const struct serve *serve);

/* ---- serve_quota.c ---- */

struct serve_quota *serve_quota_new(struct serve *serve);

/* Before the fleet is freed no more; NULL is fine. */
void serve_quota_free(struct serve_quota *quota);

/* Once a second. */
void serve_quota_on_tick(struct serve_quota *quota);

/* ---- serve_site.c ---- */

/* Sees that a site (registry/asset.h) is in the storage directory with its files; "" is none. */
NODISCARD int serve_site_ensure(struct serve *serve, const char *account, const char *manifest,
                                struct err *err);

/* Removes a part of what no version refers to any more; now and then. */
void serve_site_sweep(struct serve *serve);

/* ---- serve_token.c ---- */

/* Sees that there is an administrator's token: the given one (NULL: any), or a new one, which is
 * shown by on_token. */
NODISCARD int serve_token_ensure(struct serve *serve, const char *given, struct err *err);

/* ---- serve_s3.c ---- */

/* Starts the S3 API, when there is a socket for it. */
NODISCARD int serve_s3_start(struct serve *serve, struct err *err);

/* What runs is finished; a second call ends it. serve_end_if_last() follows. */
void serve_s3_stop(struct serve *serve);

/* Which accounts store as much as they may: the frame `quota`, borrowed. */
void serve_s3_quota(struct serve *serve, json_t *quota);

/* Leaves what does not end to the next binary, as the runtimes are (serve->left). */
void serve_s3_leave(struct serve *serve);

/* Where clients find it; NULL: nowhere. Returned owned. */
char *serve_s3_endpoint(const struct serve *serve);

/* ---- serve_replace.c ---- */

/* Asks the next binary for its version, and has everything drained when it answers. */
void serve_replace_start(struct serve *serve);

/* Takes over the runtimes that a binary before this one left. */
void serve_replace_adopt(struct serve *serve);

/* Becomes the next binary; returns only when that fails. */
int serve_replace_exec(struct serve *serve, struct err *err);

/* ---- serve.c ---- */

/* One of the parts has ended: the rest follows when it was the last one. */
void serve_end_if_last(struct serve *serve);

/* Begins to end: connections in the backlog wait for the next binary, or are refused. */
void serve_drain(struct serve *serve);

#endif
