/* One call of the REST API, from its handler's side.
 *
 * A handler answers with one of call_ok(), call_fail() ... exactly once, at once or later: the call
 * stays until it has. Answers are Cloudflare's envelope {success, errors, messages, result}.
 * Owns: body, parameters, JSON it gives out (borrowed by the handler). Thread: the loop's. */
#ifndef ATOLL_API_CALL_H
#define ATOLL_API_CALL_H

#include <jansson.h>
#include <stdbool.h>

#include "api/platform.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/server.h"
#include "registry/registry.h"

struct call;

/* A row of an api_*.c file's table; ends with a method of NULL. */
struct call_route {
    const char *method;
    const char *path;     /* below /client/v4: "/accounts/:account/workers/scripts/:script" */
    const char *scope;    /* "worker:write"; NULL: any valid token; "": no token */
    void (*handle)(struct call *call);
    const char *action;   /* for the audit log: "worker.deploy"; NULL: it changes nothing */
};

/* A scope for paths below which ":secret" names a parcel (api/parcel.h): no token. */
#define CALL_SCOPE_PARCEL "parcel"

/* A scope for uploads that bring a token of their own (api/asset_token.h). */
#define CALL_SCOPE_ASSETS "assets"

struct registry *call_registry(const struct call *call);
const struct platform *call_platform(const struct call *call);

/* A ":name" of the path, percent-decoded; the first value of a query parameter (NULL when
 * missing); a header (name in lower case; "" when missing). Borrowed. */
const char *call_param(const struct call *call, const char *name);
const char *call_query(const struct call *call, const char *name);
str call_header(const struct call *call, const char *name);
str call_body(const struct call *call);
const char *call_path(const struct call *call);     /* below /client/v4, without its query */
const char *call_client(const struct call *call);   /* address */
const json_t *call_token(const struct call *call);  /* its row */

/* The account of the path (":account"), which exists: checked before the handler runs. Elsewhere
 * the query's "account.id", else the token's account, else "default". A route's scope is asked for
 * this account below /accounts/:account and /zones, and for the server as a whole elsewhere. */
const char *call_account(const struct call *call);

/* The script of the path (":script"). NULL after it was answered with 404 and code 10007.
 * Borrowed. */
const json_t *call_script(struct call *call);

/* The script's row as it is now (taken); what call_script() gave before is not valid any more. */
void call_script_changed(struct call *call, json_t *row);

/* The body as JSON, whatever its Content-Type says. NULL after it was answered with 400. */
const json_t *call_json(struct call *call);

/* page and per_page of the query: offset and limit for the registry. What is no number from 1 up
 * counts as missing; per_page is CALL_PER_PAGE then, and CALL_PER_PAGE_MAX at most. */
enum { CALL_PER_PAGE = 100, CALL_PER_PAGE_MAX = 1000, CALL_PAGE_MAX = 1000000 };
void call_page(const struct call *call, size_t *ret_offset, size_t *ret_limit);

/* 200 with `result` (taken; NULL is null). */
void call_ok(struct call *call, json_t *result);

/* The same with a result that is JSON text already ("" is null); borrowed. */
void call_ok_text(struct call *call, str result);

/* The same with result_info {page, per_page, count, total_count} (taken). */
void call_ok_info(struct call *call, json_t *result, json_t *info);

/* An error: HTTP status, the API's code, text. */
void call_fail(struct call *call, int status, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* What a function of the registry said: status by err->code, `code` for the client (0: one that
 * fits). The text of ERR_IO goes to the operator, not to the client. */
void call_fail_err(struct call *call, int code, const struct err *err);

/* The request below, for a handler that makes it a WebSocket; NULL when the client has left.
 * call_upgraded() then counts as the answer. */
struct http_request *call_request(const struct call *call);
void call_upgraded(struct call *call);

/* Calls on_flow when there is more of the body (http_body_want()), when an answer has room again,
 * and when the client has left; NULL: not any more. For bodies and answers in pieces, by
 * call_request(). */
void call_watch(struct call *call, void (*on_flow)(struct call *call, void *context),
                void *context);

/* Counts as the answer: it was given on call_request(), piece by piece, with this status. */
void call_streamed(struct call *call, int status);

/* Bytes as they are, `head` as in http_answer_whole(). */
void call_bytes(struct call *call, int status, str head, str body);

/* Adds to what the audit log will say of it: a target and a detail (an object of the handler's own,
 * taken; members of later ones are added). */
void call_audit(struct call *call, const char *target, json_t *detail);

/* For a handler whose row has no action: the answer is noted under this one, a literal, whatever
 * its status, by an actor ({id, name}, taken; NULL: the token) for an account (NULL: none). */
void call_audit_as(struct call *call, const char *action, json_t *actor, const char *account);

/* ISO 8601 with milliseconds, "2026-11-21T07:30:00.000Z", as a JSON string; null for 0. */
json_t *call_time(int64_t ms);

#endif
