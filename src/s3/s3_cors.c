/* Requests of pages of other origins; see s3_cors.h.
 *
 * (1) The rules are asked for before the signature is looked at: a page can read then why it was
 *     refused. A preflight has no signature; that of a presigned URL names the access key, that of
 *     others not even an account (tell_cors() of control/serve_s3.c). */
#include "s3/s3_cors.h"

#include <stdlib.h>

#include "base/member.h"
#include "bindings/r2/r2_cors.h"
#include "s3/s3_intake.h"
#include "s3/s3_ops.h"
#include "s3/s3_xml.h"

#define NAMESPACE "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

/* ---- preflights ---- */

static bool is_preflight(const struct s3_call *call)
{
    return str_equal(call->method, STR("OPTIONS"));
}

/* Its lines are there, and say all. */
static void answer_allowed(struct s3_call *call)
{
    json_decref(call->cors);
    call->cors = NULL;
    s3_call_answer(call, 200);
}

static void answer_preflight(struct s3_call *call)
{
    const struct r2_cors_asked asked = {
        .origin = s3_call_header(call, "origin"),
        .method = s3_call_header(call, "access-control-request-method"),
        .headers = s3_call_header(call, "access-control-request-headers"),
    };

    if (!asked.origin.len || !asked.method.len)
        s3_call_fail(call, S3_ERROR_PREFLIGHT);
    else if (!json_array_size(call->cors))
        s3_call_fail_text(call, S3_ERROR_CORS,
                          "CORSResponse: CORS is not enabled for this bucket.");
    else if (!r2_cors_preflight(call->cors, &asked, &call->head))
        s3_call_fail(call, S3_ERROR_CORS);
    else
        answer_allowed(call);
}

/* "ID/date/region/s3/aws4_request" of the query or the header; STR_NONE: it names none. */
static str key_of(const struct s3_call *call)
{
    static const char mark[] = "Credential=";
    str text = s3_call_param(call, "X-Amz-Credential"), header;
    const char *at;

    if (text.len)
        return str_head(text, str_find(text, '/'));
    header = s3_call_header(call, "authorization");
    at = header.len ? memmem(header.ptr, header.len, mark, sizeof mark - 1) : NULL;
    text = at ? str_skip(header, (size_t)(at - header.ptr) + sizeof mark - 1) : STR_NONE;
    return str_head(text, str_find(text, '/'));
}

static void on_rules(struct s3_ask *ask)
{
    struct s3_call *call = CONTAINER_OF(ask, struct s3_call, ask);

    if (s3_call_is_open(call)) {
        call->cors = json_incref(ask->result);
        if (is_preflight(call))
            answer_preflight(call);
        else
            call->then(call);
    }
    s3_call_unref(call);
}

void s3_cors_start(struct s3_call *call, void (*then)(struct s3_call *call))
{
    str key = key_of(call);

    call->then = then;
    if (call->target.bucket.len && s3_call_header(call, "origin").len)
        s3_call_ask(call, "cors",
                    json_pack("{s:o, s:o*}", "name", s3_call_json(call->target.bucket), "key",
                              key.len ? s3_call_json(key) : NULL),
                    on_rules);
    else if (is_preflight(call))
        answer_preflight(call);
    else
        then(call);
}

/* ---- the rules, told ---- */

static const struct member {
    const char *element;
    const char *name;       /* in JSON */
    bool is_allowed;        /* below "allowed" */
} members[] = {
    {"AllowedOrigin", "origins",       true},
    {"AllowedMethod", "methods",       true},
    {"AllowedHeader", "headers",       true},
    {"ExposeHeader",  "exposeHeaders", false},
};

/* The object in which a member is. */
static json_t *place_of(const struct member *member, const json_t *rule)
{
    return member->is_allowed ? json_object_get(rule, "allowed") : (json_t *)rule;
}

static int write_rule(struct buf *xml, const json_t *rule)
{
    const json_t *age = json_object_get(rule, "maxAgeSeconds"), *value;
    int r = buf_append(xml, STR("<CORSRule>"));
    size_t i;

    if (r == 0 && json_object_get(rule, "id"))
        r = s3_xml_element(xml, "ID", member_str(rule, "id"));
    for (size_t k = 0; k < COUNT_OF(members); k++)
        json_array_foreach(json_object_get(place_of(&members[k], rule), members[k].name), i, value)
            if (r == 0)
                r = s3_xml_element(xml, members[k].element, str_from(json_string_value(value)));
    if (r == 0 && age)
        r = s3_xml_number(xml, "MaxAgeSeconds", (uint64_t)json_integer_value(age));
    return r < 0 ? r : buf_append(xml, STR("</CORSRule>"));
}

void s3_cors_get(struct s3_call *call)
{
    const json_t *rule;
    struct buf xml;
    size_t i;
    int r;

    if (!json_array_size(call->cors)) {
        s3_call_fail(call, S3_ERROR_NO_CORS);
        return;
    }
    buf_init(&xml, S3_CALL_ANSWER_BYTES_MAX);
    r = buf_append(&xml, STR("<CORSConfiguration " NAMESPACE ">"));
    json_array_foreach(call->cors, i, rule)
        if (r == 0)
            r = write_rule(&xml, rule);
    if (r == 0)
        r = buf_append(&xml, STR("</CORSConfiguration>"));
    s3_call_answer_xml(call, 200, &xml, r);
}

/* ---- and changed ---- */

struct reading {
    json_t *rules;
    json_t *rule;           /* that is being read */
};

static int on_value(struct reading *reading, str element, str text)
{
    uint64_t seconds;

    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (str_equal(element, str_from(members[i].element))) {
            json_t *place = place_of(&members[i], reading->rule), *list;

            if (!(list = json_object_get(place, members[i].name)))
                json_object_set_new(place, members[i].name, list = json_array());
            json_array_append_new(list, s3_call_json(text));
            return 0;
        }
    if (str_equal(element, STR("ID")))
        json_object_set_new(reading->rule, "id", s3_call_json(text));
    else if (str_equal(element, STR("MaxAgeSeconds"))) {
        if (!str_to_u64(text, INT32_MAX, &seconds))
            return ERR_INVALID;
        json_object_set_new(reading->rule, "maxAgeSeconds", json_integer((json_int_t)seconds));
    }
    return 0;
}

static int on_element(void *context, str path, str text)
{
    const str rule = STR("CORSConfiguration/CORSRule");
    struct reading *reading = context;

    if (!str_starts(path, rule))
        return 0;
    if (!reading->rule)
        reading->rule = json_pack("{s:{}}", "allowed");
    if (path.len > rule.len)
        return on_value(reading, str_skip(path, rule.len + 1), str_trim(text));
    json_array_append_new(reading->rules, reading->rule);
    reading->rule = NULL;
    return 0;
}

static void on_changed(struct s3_ask *ask)
{
    struct s3_call *call = CONTAINER_OF(ask, struct s3_call, ask);

    if (s3_call_is_open(call) && !s3_call_ask_failed(call))
        s3_call_answer(call, str_equal(call->method, STR("DELETE")) ? 204 : 200);
    s3_call_unref(call);
}

/* `rules` are taken; NULL: there are to be none. */
static void change(struct s3_call *call, json_t *rules)
{
    json_t *args = s3_call_subject(call);

    if (rules)
        json_object_set_new(args, "rules", rules);
    s3_call_ask(call, "set_cors", args, on_changed);
}

static void on_body(struct s3_call *call)
{
    struct reading reading = {.rules = json_array()};
    const struct s3_xml_reader reader = {on_element, &reading};
    json_t *policy, *rules = NULL;
    struct err err;

    if (s3_xml_read(buf_str(&call->body), &reader) < 0 || !json_array_size(reading.rules)) {
        s3_call_fail(call, S3_ERROR_MALFORMED_XML);
    } else {
        policy = json_pack("{s:O}", "rules", reading.rules);
        if (r2_cors_read(policy, &rules, &err) < 0)
            s3_call_fail_text(call, S3_ERROR_INVALID_REQUEST, "%s", err.text);
        else
            change(call, rules);
        json_decref(policy);
    }
    json_decref(reading.rules);
    json_decref(reading.rule);
}

void s3_cors_set(struct s3_call *call)
{
    if (s3_intake_prepare(call))
        s3_intake_start(call, on_body);
}

void s3_cors_delete(struct s3_call *call)
{
    change(call, NULL);
}
