/* CORS rules of buckets: what is one, which fits, what is answered. */
#include <criterion/criterion.h>

#include "bindings/r2/r2_cors.h"

static json_t *json_of(const char *text)
{
    json_error_t where;
    json_t *json = json_loads(text, JSON_DECODE_ANY, &where);

    cr_assert(json, "%s: %s", text, where.text);
    return json;
}

static json_t *rules_of(const char *text)
{
    json_t *policy = json_of(text), *rules = NULL;
    struct err err = {0};

    cr_assert_eq(r2_cors_read(policy, &rules, &err), 0, "%s: %s", text, err.text);
    json_decref(policy);
    return rules;
}

#define RULE(allowed) "{\"rules\": [{\"allowed\": " allowed "}]}"
#define ORIGIN(origin) RULE("{\"origins\": [\"" origin "\"], \"methods\": [\"GET\"]}")
#define HEADERS(list) RULE("{\"origins\": [\"*\"], \"methods\": [\"GET\"], \"headers\": " list "}")
#define MORE(more)                                                                                 \
    "{\"rules\": [{\"allowed\": {\"origins\": [\"*\"], \"methods\": [\"GET\"]}, " more "}]}"

Test(r2_cors, keeps_what_is_known)
{
    json_t *rules = rules_of(
        "{\"rules\": [{\"id\": \"a\", \"other\": 1, \"allowed\": {\"origins\": [\"*\"], "
        "\"methods\": [\"GET\"], \"headers\": [\"x-*\"], \"more\": 1}, \"exposeHeaders\": "
        "[\"etag\"], \"maxAgeSeconds\": 86400}, {\"id\": null, \"exposeHeaders\": null, "
        "\"maxAgeSeconds\": null, \"allowed\": {\"origins\": [\"null\"], \"methods\": "
        "[\"PUT\"], \"headers\": []}}]}");
    json_t *wanted = json_of(
        "[{\"id\": \"a\", \"allowed\": {\"origins\": [\"*\"], \"methods\": [\"GET\"], "
        "\"headers\": [\"x-*\"]}, \"exposeHeaders\": [\"etag\"], \"maxAgeSeconds\": 86400}, "
        "{\"allowed\": {\"origins\": [\"null\"], \"methods\": [\"PUT\"]}}]");

    cr_expect(json_equal(rules, wanted));
    json_decref(rules);
    json_decref(wanted);
    rules = rules_of("{\"rules\": []}");
    cr_expect_eq(json_array_size(rules), 0);
    json_decref(rules);
}

Test(r2_cors, says_what_is_wrong)
{
    static const struct {
        const char *policy, *text;
    } rows[] = {
        {"[]", "\"rules\" is to be an array"},
        {"{}", "\"rules\" is to be an array"},
        {"{\"rules\": {}}", "\"rules\" is to be an array"},
        {"{\"rules\": [{}]}", "rules[0]: \"allowed\""},
        {"{\"rules\": [1]}", "rules[0]: \"allowed\""},
        {"{\"rules\": [{\"AllowedOrigins\": [\"*\"]}]}", "rules[0]: \"allowed\""},
        {RULE("{\"methods\": [\"GET\"]}"), "\"origins\" is to be an array of one text or more"},
        {RULE("{\"origins\": [], \"methods\": [\"GET\"]}"), "\"origins\""},
        {RULE("{\"origins\": \"*\", \"methods\": [\"GET\"]}"), "\"origins\""},
        {RULE("{\"origins\": [1], \"methods\": [\"GET\"]}"), "\"origins\""},
        {ORIGIN("https://a.example/"), "without a path"},
        {ORIGIN("https://a.example/b"), "\"origins\""},
        {ORIGIN("https://"), "\"origins\""},
        {ORIGIN("https://*.a.*"), "one \"*\""},
        {ORIGIN("a.example"), "\"origins\""},
        {ORIGIN(""), "\"origins\""},
        {ORIGIN("https://a b"), "\"origins\""},
        {ORIGIN("https://a\\r\\nb"), "\"origins\""},
        {ORIGIN("https://\\u00e4"), "\"origins\""},
        {RULE("{\"origins\": [\"*\"]}"), "\"methods\""},
        {RULE("{\"origins\": [\"*\"], \"methods\": [\"get\"]}"), "\"methods\""},
        {RULE("{\"origins\": [\"*\"], \"methods\": [\"PATCH\"]}"), "GET, PUT, POST, DELETE or"},
        {HEADERS("[\"a b\"]"), "\"headers\""},
        {HEADERS("[\"*-*\"]"), "\"headers\""},
        {HEADERS("\"a\""), "\"headers\""},
        {MORE("\"exposeHeaders\": [\"x-*\"]"), "\"exposeHeaders\""},
        {MORE("\"exposeHeaders\": [\"a\\r\\nb\"]"), "\"exposeHeaders\""},
        {MORE("\"maxAgeSeconds\": 86401"), "86400 at most"},
        {MORE("\"maxAgeSeconds\": -1"), "\"maxAgeSeconds\""},
        {MORE("\"maxAgeSeconds\": \"1\""), "\"maxAgeSeconds\""},
        {MORE("\"id\": 1"), "\"id\""},
        {MORE("\"id\": \"a\\u0001\""), "\"id\""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *policy = json_of(rows[i].policy), *rules = NULL;
        struct err err = {0};

        cr_expect_eq(r2_cors_read(policy, &rules, &err), ERR_INVALID, "%s", rows[i].policy);
        cr_expect(strstr(err.text, rows[i].text), "%s: %s", rows[i].policy, err.text);
        json_decref(policy);
    }
}

/* `count` rules, each with an id of `len` bytes. */
static json_t *policy_of(size_t count, size_t len)
{
    json_t *rules = json_array();
    char id[R2_CORS_TEXT_BYTES_MAX + 2];

    memset(id, 'a', sizeof id);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rules, json_pack("{s:s%, s:{s:[s], s:[s]}}", "id", id, len, "allowed",
                                               "origins", "*", "methods", "GET"));
    return json_pack("{s:o}", "rules", rules);
}

Test(r2_cors, is_bounded)
{
    static const struct {
        size_t count, len;
        int code;
    } rows[] = {
        {R2_CORS_RULES_MAX, 1, 0},
        {R2_CORS_RULES_MAX + 1, 1, ERR_INVALID},
        {1, R2_CORS_TEXT_BYTES_MAX, 0},
        {1, R2_CORS_TEXT_BYTES_MAX + 1, ERR_INVALID},
        {R2_CORS_RULES_MAX, R2_CORS_TEXT_BYTES_MAX, 0},
    };
    json_t *policy, *rules;
    struct err err;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        policy = policy_of(rows[i].count, rows[i].len);
        rules = NULL;
        cr_expect_eq(r2_cors_read(policy, &rules, &err), rows[i].code, "%zu", i);
        json_decref(rules);
        json_decref(policy);
    }
    policy = policy_of(R2_CORS_RULES_MAX, R2_CORS_TEXT_BYTES_MAX);
    rules = json_array();
    for (int i = 0; i < 1000; i++)
        json_array_append_new(rules, json_string("a-header-to-be-exposed"));
    json_object_set_new(json_array_get(json_object_get(policy, "rules"), 0), "exposeHeaders",
                        rules);
    cr_expect_eq(r2_cors_read(policy, &rules, &err), ERR_INVALID);
    cr_expect(strstr(err.text, "65536"), "%s", err.text);
    json_decref(policy);
}

static const char several[] =
    "{\"rules\": ["
    " {\"allowed\": {\"origins\": [\"https://a.example\", \"https://*.b.example:8443\"],"
    "  \"methods\": [\"GET\", \"PUT\"], \"headers\": [\"content-type\", \"x-amz-*\"]},"
    "  \"exposeHeaders\": [\"ETag\", \"x-a\"], \"maxAgeSeconds\": 60},"
    " {\"allowed\": {\"origins\": [\"*\"], \"methods\": [\"GET\"]}}]}";

#define VARY "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"
#define FIRST(origin, headers)                                                                     \
    VARY "access-control-allow-origin: " origin "\r\naccess-control-expose-headers: ETag, x-a\r\n" \
         "access-control-allow-methods: GET, PUT\r\n" headers "access-control-max-age: 60\r\n"

Test(r2_cors, answers_what_is_asked_before)
{
    static const struct {
        const char *origin, *method, *headers, *lines;     /* NULL: not allowed */
    } rows[] = {
        {"https://a.example", "PUT", "", FIRST("https://a.example", "")},
        {"https://a.example", "PUT", "content-type,X-Amz-Date",
         FIRST("https://a.example", "access-control-allow-headers: content-type,X-Amz-Date\r\n")},
        {"https://x.y.b.example:8443", "GET", "", FIRST("https://x.y.b.example:8443", "")},
        {"https://b.example:8443", "PUT", "", NULL},
        {"https://.b.example:8443", "PUT", "", FIRST("https://.b.example:8443", "")},
        {"https://x.b.example", "PUT", "", NULL},
        {"https://a.example.evil.test", "PUT", "", NULL},
        {"http://a.example", "PUT", "", NULL},
        {"http://a.example", "GET", "", VARY "access-control-allow-origin: *\r\n"
                                             "access-control-allow-methods: GET\r\n"},
        {"https://a.example", "GET", "x-other", NULL},
        {"https://a.example", "PUT", "x-other", NULL},
        {"https://a.example", "PUT", "x-amz-date\x01", NULL},
        {"https://a.example", "DELETE", "", NULL},
        {"https://a.example", "put", "", NULL},
        {"null", "GET", "", VARY "access-control-allow-origin: *\r\n"
                                 "access-control-allow-methods: GET\r\n"},
        {"", "GET", "", NULL},
        {"https://a.example", "", "", NULL},
    };
    json_t *rules = rules_of(several);

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct r2_cors_asked asked = {str_from(rows[i].origin), str_from(rows[i].method),
                                            str_from(rows[i].headers)};
        struct buf head;
        bool allowed;

        buf_init(&head, 4096);
        allowed = r2_cors_preflight(rules, &asked, &head);
        cr_expect_eq(allowed, rows[i].lines != NULL, "%zu", i);
        if (allowed && rows[i].lines)
            cr_expect(str_equal(buf_str(&head), str_from(rows[i].lines)), "%zu: %.*s", i,
                      STR_ARGS(buf_str(&head)));
        buf_clear(&head);
        cr_expect_not(r2_cors_preflight(NULL, &asked, &head));
        buf_done(&head);
    }
    json_decref(rules);
}

Test(r2_cors, says_who_may_read_an_answer)
{
    static const struct {
        const char *origin, *method, *lines;
    } rows[] = {
        {"https://a.example", "GET",
         "vary: Origin\r\naccess-control-allow-origin: https://a.example\r\n"
         "access-control-expose-headers: ETag, x-a\r\n"},
        {"HTTPS://A.example", "PUT",
         "vary: Origin\r\naccess-control-allow-origin: HTTPS://A.example\r\n"
         "access-control-expose-headers: ETag, x-a\r\n"},
        {"https://c.example", "GET", "vary: Origin\r\naccess-control-allow-origin: *\r\n"},
        {"https://c.example", "PUT", "vary: Origin\r\n"},
        {"https://a.example", "OPTIONS", "vary: Origin\r\n"},
        {"", "GET", "vary: Origin\r\n"},
    };
    json_t *rules = rules_of(several), *none = rules_of("{\"rules\": []}");
    struct buf head;

    buf_init(&head, 4096);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str origin = str_from(rows[i].origin), method = str_from(rows[i].method);

        buf_clear(&head);
        cr_expect_eq(r2_cors_add(rules, origin, method, &head), 0);
        cr_expect(str_equal(buf_str(&head), str_from(rows[i].lines)), "%zu: %.*s", i,
                  STR_ARGS(buf_str(&head)));
        buf_clear(&head);
        cr_expect_eq(r2_cors_add(NULL, origin, method, &head), 0);
        cr_expect_eq(r2_cors_add(none, origin, method, &head), 0);
        cr_expect_eq(head.len, 0);
    }
    buf_done(&head);
    buf_init(&head, 40);
    cr_expect_eq(r2_cors_add(rules, STR("https://a.example"), STR("GET"), &head), ERR_LIMIT);
    cr_expect_eq(head.len, 0, "no half of a line");
    buf_done(&head);
    json_decref(rules);
    json_decref(none);
}
