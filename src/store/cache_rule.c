/* What may be stored; see cache_rule.h. Sections are those of RFC 9111. */
#include "store/cache_rule.h"

#include "store/header_lines.h"
#include "store/http_date.h"

enum { TWO_HOURS = 7200, TWENTY_MINUTES = 1200, THREE_MINUTES = 180 };

static const int64_t seconds_max = INT64_C(1) << 31; /* 1.2.2 */

/* Cache-Control as far as a shared cache heeds it. */
struct control {
    bool is_public;
    bool is_private; /* without a list of fields */
    bool no_store;
    bool no_cache; /* without a list of fields */
    bool must_revalidate;
    int64_t max_age;  /* -1: not given */
    int64_t s_maxage; /* -1: not given */
};

/* ---- Cache-Control ---- */

/* "name=value" of one directive; a quoted value loses its quotes. */
static str directive_value(str directive, str *ret_name)
{
    size_t equals = str_find(directive, '=');
    str value = str_trim(str_skip(directive, equals + 1));

    *ret_name = str_trim(str_head(directive, equals));
    if (value.len && *value.ptr == '"') {
        value = str_skip(value, 1);
        value = str_head(value, str_find(value, '"'));
    }
    return value;
}

/* 1.2.2: too large counts as 2^31, what is no number as stale (4.2.1). */
static int64_t delta_seconds(str value)
{
    uint64_t seconds;

    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return 0;
    if (!value.len)
        return 0;
    return str_to_u64(value, (uint64_t)seconds_max, &seconds) ? (int64_t)seconds : seconds_max;
}

/* The first of several counts (4.2.1). */
static void take_seconds(int64_t *seconds, str value)
{
    if (*seconds < 0)
        *seconds = delta_seconds(value);
}

static void take_directive(struct control *control, str directive)
{
    str name, value = directive_value(directive, &name);

    if (str_equal_nocase(name, STR("max-age")))
        take_seconds(&control->max_age, value);
    else if (str_equal_nocase(name, STR("s-maxage")))
        take_seconds(&control->s_maxage, value);
    else if (str_equal_nocase(name, STR("no-store")))
        control->no_store = true;
    else if (str_equal_nocase(name, STR("private")))
        control->is_private |= value.len == 0;
    else if (str_equal_nocase(name, STR("no-cache")))
        control->no_cache |= value.len == 0;
    else if (str_equal_nocase(name, STR("public")))
        control->is_public = true;
    else if (str_equal_nocase(name, STR("must-revalidate")))
        control->must_revalidate = true;
}

static struct control control_of(str lines)
{
    struct control control = {.max_age = -1, .s_maxage = -1};
    str name, value, directive;

    while (header_lines_next(&lines, &name, &value))
        while (str_equal(name, STR("cache-control")) && header_lines_member(&value, &directive))
            take_directive(&control, directive);
    return control;
}

/* True when private="..." or no-cache="..." names the field (5.2.2.4, 5.2.2.7). */
static bool is_withheld(str lines, str field)
{
    str name, value, directive, kind, fields, one;

    while (header_lines_next(&lines, &name, &value))
        while (str_equal(name, STR("cache-control")) && header_lines_member(&value, &directive)) {
            fields = directive_value(directive, &kind);
            if (!str_equal_nocase(kind, STR("private")) && !str_equal_nocase(kind, STR("no-cache")))
                continue;
            while (header_lines_member(&fields, &one))
                if (str_equal_nocase(one, field))
                    return true;
        }
    return false;
}

/* ---- how long ---- */

static int64_t default_of(int status)
{
    switch (status) {
    case 200:
    case 301:
        return TWO_HOURS;
    case 302:
    case 303:
        return TWENTY_MINUTES;
    case 404:
    case 410:
        return THREE_MINUTES;
    default:
        return 0;
    }
}

static int64_t date_of(const struct cache_rule_input *input)
{
    str text;
    int64_t date;

    if (header_lines_get(input->response, STR("date"), &text) &&
        http_date_parse(text, input->now, &date))
        return date;
    return input->now;
}

/* 4.2.1: s-maxage, max-age, Expires, else what the status has. */
static int64_t lifetime_of(const struct cache_rule_input *input, const struct control *control)
{
    str text;
    int64_t expires;

    if (control->s_maxage >= 0)
        return control->s_maxage;
    if (control->max_age >= 0)
        return control->max_age;
    if (!header_lines_get(input->response, STR("expires"), &text))
        return default_of(input->status);
    return http_date_parse(text, input->now, &expires) ? expires - date_of(input) : 0;
}

/* 4.2.3, with no delay of the response known. */
static int64_t age_of(const struct cache_rule_input *input)
{
    int64_t apparent = input->now - date_of(input), given = 0;
    str text;

    if (header_lines_get(input->response, STR("age"), &text))
        given = delta_seconds(text);
    if (apparent < 0)
        apparent = 0;
    return apparent > given ? apparent : given;
}

/* ---- whether ---- */

static bool has_cookie_to_keep(str response)
{
    str value;

    return header_lines_get(response, STR("set-cookie"), &value) &&
           !is_withheld(response, STR("set-cookie"));
}

/* 3.5: what was asked for with credentials is for all only when it says so. */
static bool is_for_one(const struct cache_rule_input *input, const struct control *control)
{
    str value;

    return header_lines_get(input->request, STR("authorization"), &value) && !control->is_public &&
           !control->must_revalidate && control->s_maxage < 0;
}

const char *cache_rule_refusal(const struct cache_rule_input *input,
                               struct cache_rule_life *ret_life)
{
    struct control control = control_of(input->response);
    int64_t fresh, age;

    if (input->status < 200 || input->status == 206 || input->status == 304)
        return "a response of this status is not a whole one";
    if (control.no_store)
        return "Cache-Control: no-store";
    if (control.is_private)
        return "Cache-Control: private";
    if (control.no_cache)
        return "Cache-Control: no-cache";
    if (has_cookie_to_keep(input->response))
        return "it sets a cookie, and Cache-Control: private=Set-Cookie is not given";
    if (is_for_one(input, &control))
        return "the request has Authorization, and Cache-Control says neither public, "
               "must-revalidate nor s-maxage";
    age = age_of(input);
    fresh = lifetime_of(input, &control) - age;
    if (fresh <= 0)
        return "it is not fresh for a second";
    *ret_life = (struct cache_rule_life){age, fresh < seconds_max ? fresh : seconds_max};
    return NULL;
}

/* ---- fields ---- */

bool cache_rule_varies_always(str response)
{
    return header_lines_lists(response, STR("vary"), STR("*"));
}

/* 3.1, and what cache_answer.c says anew. */
static bool is_of_connection(str name)
{
    static const char *const names[] = {
        "age",
        "cf-cache-status",
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    };

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_equal(name, str_from(names[i])))
            return true;
    return false;
}

int cache_rule_strip(str response, struct buf *out)
{
    str rest = response, name, value;
    int r = 0;

    while (r == 0 && header_lines_next(&rest, &name, &value))
        if (!is_of_connection(name) && !is_withheld(response, name) &&
            !header_lines_lists(response, STR("connection"), name))
            r = buf_printf(out, "%.*s: %.*s\n", STR_ARGS(name), STR_ARGS(value));
    return r;
}

/* One selected field: all its values, as a list has them. */
static int append_selected(struct buf *out, str request, str field)
{
    str name, value, member;
    int r = buf_printf(out, "%.*s:", STR_ARGS(field));

    while (r == 0 && header_lines_next(&request, &name, &value))
        while (r == 0 && str_equal_nocase(name, field) && header_lines_member(&value, &member))
            r = buf_printf(out, " %.*s,", STR_ARGS(member));
    return r < 0 ? r : buf_append_char(out, '\n');
}

int cache_rule_variant(str response, str request, struct buf *out)
{
    str rest = response, name, value, field, coding;
    bool is_coded = header_lines_get(response, STR("content-encoding"), &coding);
    int count = 0, r;

    while (header_lines_next(&rest, &name, &value))
        while (str_equal(name, STR("vary")) && header_lines_member(&value, &field)) {
            if (!is_coded && str_equal_nocase(field, STR("accept-encoding")))
                continue;
            if (++count > CACHE_RULE_VARY_MAX)
                return ERR_LIMIT;
            if ((r = append_selected(out, request, field)) < 0)
                return r;
        }
    return 0;
}
