/* CORS rules; see r2_cors.h. */
#include "bindings/r2/r2_cors.h"

#include <stdio.h>

#include "http/field.h"
#include "store/header_lines.h"

static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "HEAD"};

static str text_of(const json_t *value)
{
    return (str){json_string_value(value), json_string_length(value)};
}

/* ---- checks ---- */

static bool is_method(str text)
{
    for (size_t i = 0; i < COUNT_OF(methods); i++)
        if (str_equal(text, str_from(methods[i])))
            return true;
    return false;
}

static bool has_one_star(str text)
{
    str rest = str_skip(text, str_find(text, '*') + 1);

    return str_find(rest, '*') == rest.len;
}

/* Visible ASCII; after "://" no path, which no browser sends. */
static bool is_origin(str text)
{
    static const char mark[] = "://";
    const char *at = memmem(text.ptr, text.len, mark, sizeof mark - 1);
    str host = at ? str_skip(text, (size_t)(at - text.ptr) + sizeof mark - 1) : STR_NONE;

    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= ' ' || (unsigned char)text.ptr[i] >= 127)
            return false;
    if (!has_one_star(text))
        return false;
    if (at)
        return host.len && str_find(host, '/') == host.len;
    return str_find(text, '*') < text.len || str_equal(text, STR("null"));
}

static bool is_header(str text)
{
    return field_is_token(text) && has_one_star(text);
}

static bool is_exposed(str text)
{
    return field_is_token(text) && (str_find(text, '*') == text.len || text.len == 1);
}

struct list_kind {
    const char *name;
    bool (*is_good)(str text);
    bool is_wanted;
    const char *what;
};

static const struct list_kind allowed_kinds[] = {
    {"origins", is_origin, true,
     "\"*\", or scheme://host[:port] as a browser says it, with one \"*\" at most and without a "
     "path or \"/\" at its end"},
    {"methods", is_method, true, "GET, PUT, POST, DELETE or HEAD"},
    {"headers", is_header, false, "a header's name, with one \"*\" at most"},
};

static const struct list_kind exposed_kind = {"exposeHeaders", is_exposed, false,
                                              "a header's name, or \"*\""};

static int wrong(struct err *err, size_t rule, const char *name, const char *what)
{
    return err_set(err, ERR_INVALID, "rules[%zu]: \"%s\" is to be %s", rule, name, what);
}

/* Copies a list of `from` into `to`, when there is one. */
static int read_list(const json_t *from, const struct list_kind *kind, size_t rule, json_t *to,
                     struct err *err)
{
    const json_t *list = json_object_get(from, kind->name), *value;
    char what[256];
    size_t i;

    snprintf(what, sizeof what, "an array%s, each %s",
             kind->is_wanted ? " of one text or more" : " of texts", kind->what);
    if (!kind->is_wanted && (!list || json_is_null(list)))
        return 0;
    if (!json_is_array(list) || (kind->is_wanted && !json_array_size(list)))
        return wrong(err, rule, kind->name, what);
    json_array_foreach(list, i, value)
        if (!json_is_string(value) || json_string_length(value) > R2_CORS_TEXT_BYTES_MAX ||
            !kind->is_good(text_of(value)))
            return wrong(err, rule, kind->name, what);
    if (json_array_size(list))
        json_object_set_new(to, kind->name, json_deep_copy(list));
    return 0;
}

static bool is_id(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ')
            return false;
    return text.len <= R2_CORS_TEXT_BYTES_MAX;
}

static int read_id(const json_t *from, size_t rule, json_t *to, struct err *err)
{
    json_t *id = json_object_get(from, "id");

    if (!id || json_is_null(id))
        return 0;
    if (!json_is_string(id) || !is_id(text_of(id)))
        return wrong(err, rule, "id", "a text of at most 512 bytes without control characters");
    json_object_set(to, "id", id);
    return 0;
}

static int read_age(const json_t *from, size_t rule, json_t *to, struct err *err)
{
    json_t *age = json_object_get(from, "maxAgeSeconds");

    if (!age || json_is_null(age))
        return 0;
    if (!json_is_integer(age) || json_integer_value(age) < 0 ||
        json_integer_value(age) > R2_CORS_AGE_S_MAX)
        return wrong(err, rule, "maxAgeSeconds", "a number of seconds, 86400 at most");
    json_object_set(to, "maxAgeSeconds", age);
    return 0;
}

static int read_rule(const json_t *from, size_t at, json_t *to, struct err *err)
{
    const json_t *allowed = json_object_get(from, "allowed");
    json_t *known = json_object();
    int r = read_id(from, at, to, err);

    json_object_set_new(to, "allowed", known);
    if (r == 0 && !json_is_object(allowed))
        r = wrong(err, at, "allowed", "an object {\"origins\": [...], \"methods\": [...]}");
    for (size_t i = 0; i < COUNT_OF(allowed_kinds) && r == 0; i++)
        r = read_list(allowed, &allowed_kinds[i], at, known, err);
    if (r == 0)
        r = read_list(from, &exposed_kind, at, to, err);
    return r < 0 ? r : read_age(from, at, to, err);
}

static int check_size(const json_t *rules, struct err *err)
{
    size_t len = json_dumpb(rules, NULL, 0, JSON_COMPACT);

    return len <= R2_CORS_BYTES_MAX
               ? 0
               : err_set(err, ERR_INVALID, "the rules have %zu bytes as JSON, and may have %d", len,
                         R2_CORS_BYTES_MAX);
}

int r2_cors_read(const json_t *policy, json_t **ret, struct err *err)
{
    const json_t *wanted = json_object_get(policy, "rules"), *rule;
    json_t *rules;
    size_t i;
    int r = 0;

    if (!json_is_array(wanted) || json_array_size(wanted) > R2_CORS_RULES_MAX)
        return err_set(err, ERR_INVALID, "\"rules\" is to be an array of at most %d rules",
                       R2_CORS_RULES_MAX);
    rules = json_array();
    json_array_foreach(wanted, i, rule) {
        json_t *known = json_object();

        json_array_append_new(rules, known);
        if (r == 0)
            r = read_rule(rule, i, known, err);
    }
    if (r == 0 && (r = check_size(rules, err)) == 0)
        *ret = rules;
    else
        json_decref(rules);
    return r;
}

/* ---- which rule ---- */

static bool fits(str pattern, str text)
{
    size_t star = str_find(pattern, '*');
    str end = str_skip(pattern, star + 1);

    if (star == pattern.len)
        return str_equal_nocase(pattern, text);
    return text.len + 1 >= pattern.len &&
           str_equal_nocase(str_head(pattern, star), str_head(text, star)) &&
           str_equal_nocase(end, str_skip(text, text.len - end.len));
}

/* The pattern of a list that fits; STR_NONE when none does. */
static str find(const json_t *list, str text)
{
    const json_t *pattern;
    size_t i;

    json_array_foreach(list, i, pattern)
        if (fits(text_of(pattern), text))
            return text_of(pattern);
    return STR_NONE;
}

static bool has_method(const json_t *allowed, str method)
{
    const json_t *value;
    size_t i;

    json_array_foreach(json_object_get(allowed, "methods"), i, value)
        if (str_equal(text_of(value), method))
            return true;
    return false;
}

static bool has_headers(const json_t *allowed, str headers)
{
    const json_t *list = json_object_get(allowed, "headers");
    str name;

    while (header_lines_member(&headers, &name))
        if (!field_is_token(name) || !find(list, name).len)
            return false;
    return true;
}

/* The first rule that fits, and the origin as it allows it: "*", or the one that asks. */
static const json_t *find_rule(const json_t *rules, const struct r2_cors_asked *asked,
                               str *ret_origin)
{
    const json_t *rule;
    size_t i;

    if (asked->origin.len > R2_CORS_TEXT_BYTES_MAX || asked->headers.len > R2_CORS_ASKED_BYTES_MAX)
        return NULL;
    json_array_foreach(rules, i, rule) {
        const json_t *allowed = json_object_get(rule, "allowed");
        str pattern = find(json_object_get(allowed, "origins"), asked->origin);

        if (!pattern.len || !has_method(allowed, asked->method) ||
            !has_headers(allowed, asked->headers))
            continue;
        *ret_origin = str_equal(pattern, STR("*")) ? pattern : asked->origin;
        return rule;
    }
    return NULL;
}

/* ---- lines ---- */

static int add_list(const char *name, const json_t *list, struct buf *head)
{
    const json_t *value;
    size_t i;
    int r = 0;

    if (!json_array_size(list))
        return 0;
    json_array_foreach(list, i, value)
        if (r == 0)
            r = buf_printf(head, "%s%s%s", i ? ", " : name, i ? "" : ": ",
                           json_string_value(value));
    return r < 0 ? r : buf_append(head, STR("\r\n"));
}

static int add_rule(const json_t *rule, str origin, struct buf *head)
{
    int r = buf_printf(head, "access-control-allow-origin: %.*s\r\n", STR_ARGS(origin));

    return r < 0 ? r
                 : add_list("access-control-expose-headers", json_object_get(rule, "exposeHeaders"),
                            head);
}

int r2_cors_add(const json_t *rules, str origin, str method, struct buf *head)
{
    const struct r2_cors_asked asked = {.origin = origin, .method = method};
    const json_t *rule = origin.len ? find_rule(rules, &asked, &origin) : NULL;
    size_t before = head->len;
    int r = json_array_size(rules) ? buf_append(head, STR("vary: Origin\r\n")) : 0;

    if (r == 0 && rule)
        r = add_rule(rule, origin, head);
    if (r < 0)
        head->len = before; /* no half of a line */
    return r;
}

static int add_preflight(const json_t *rule, str origin, str headers, struct buf *head)
{
    const json_t *age = json_object_get(rule, "maxAgeSeconds");
    int r = buf_append(head, STR("vary: Origin, Access-Control-Request-Method, "
                                 "Access-Control-Request-Headers\r\n"));

    if (r == 0)
        r = add_rule(rule, origin, head);
    if (r == 0)
        r = add_list("access-control-allow-methods",
                     json_object_get(json_object_get(rule, "allowed"), "methods"), head);
    if (r == 0 && headers.len)
        r = buf_printf(head, "access-control-allow-headers: %.*s\r\n", STR_ARGS(headers));
    if (r == 0 && age)
        r = buf_printf(head, "access-control-max-age: %d\r\n", (int)json_integer_value(age));
    return r;
}

bool r2_cors_preflight(const json_t *rules, const struct r2_cors_asked *asked, struct buf *head)
{
    str origin;
    const json_t *rule = asked->origin.len ? find_rule(rules, asked, &origin) : NULL;

    return rule && add_preflight(rule, origin, asked->headers, head) == 0;
}
