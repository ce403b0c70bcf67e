/* Calls and their server: shared by the files of this room.
 *
 *   READING ──body whole──> RUNNING ──answered──> DONE ──request over, turn ends──> freed
 *      └──refused, or the client left───────────────^
 *
 * (1) A call is in api->calls until it is freed; freeing waits for the end of a loop turn, so that
 *     a handler may look at its call after it has answered.
 * (2) call->request is NULL once the client has left: a handler that waits goes on, its answer goes
 *     nowhere, and what it did is in the audit log all the same. */
#ifndef ATOLL_API_CALL_PRIVATE_H
#define ATOLL_API_CALL_PRIVATE_H

#include "api/api.h"
#include "api/api_tail.h"
#include "api/call.h"
#include "api/consent.h"
#include "api/parcel.h"
#include "api/router.h"
#include "api/throttle.h"
#include "base/list.h"

enum call_state { CALL_READING, CALL_RUNNING, CALL_DONE };

struct api {
    uv_loop_t *loop;
    uv_prepare_t prepare;
    uv_check_t check;
    struct http_server *server;
    struct registry *registry;
    const struct platform *platform;
    struct throttle *throttle;
    struct consent_table *consents;
    struct parcel_shelf *parcels;
    struct api_tail *tail;       /* NULL once it has stopped */
    struct list calls;
    size_t call_count;
    uint64_t body_bytes;         /* that calls have announced */
    unsigned open_handles;
    bool stopping, server_stopped, tail_stopped;
    void (*on_stopped)(void *context);
    void *stop_context;
};

struct call {
    struct api *api;
    struct list link;
    struct http_request *request;
    enum call_state state;
    const struct call_route *route;
    char *text;                  /* method, target, header lines: what the views below are in */
    str method, path, query_text;
    str header_lines;            /* "name: value\n" */
    char *path_below;            /* "/accounts/...", NUL-terminated */
    char client[64];
    uint64_t body_reserved;
    char *body;
    size_t body_len;
    void (*on_flow)(struct call *call, void *context);  /* NULL: nobody watches */
    void *flow_context;
    json_t *params, *query, *token, *json, *script;
    char *account;
    const char *action;          /* for the audit log; NULL: nothing was changed */
    bool is_noted_anyhow;        /* also when the answer is an error */
    json_t *actor;               /* NULL: the token */
    char *target;
    json_t *detail;
};

/* call.c */
struct call *call_new(struct api *api, struct http_request *request, const struct http_head *head);
void call_request_over(struct call *call);

/* Tells who watches it. */
void call_flows(struct call *call);

/* Frees the calls that are done. Returns how many are left. */
size_t call_reap(struct api *api);

/* A line of the server's own log, for a failure that the client is told nothing of. */
void call_tell_operator(struct call *call, const char *event, const char *text);

#endif
