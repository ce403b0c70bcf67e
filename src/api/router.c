/* Tables of paths; see router.h.
 *
 * The tables have some hundred rows and an administrator's request is a rare thing: they are
 * searched from end to end. Of two rows that fit, the one whose first differing segment is a
 * literal wins; as both have the same number of segments, that is the larger number when each
 * literal is a bit, the first segment's the highest. A row with a rest is shorter, and loses. */
#include "api/router.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "web/percent.h"

enum { TEXT_BYTES_MAX = 64 << 10 };

struct segments {
    size_t count;
    str at[ROUTER_SEGMENTS_MAX];
    bool has_more;      /* than those */
    const char *end;    /* of the path */
};

static void split(str path, struct segments *ret)
{
    ret->count = 0;
    ret->has_more = false;
    ret->end = path.ptr + path.len;
    while (path.len && !ret->has_more) {
        size_t len = str_find(path, '/');
        if (len && ret->count == ROUTER_SEGMENTS_MAX)
            ret->has_more = true;
        else if (len)
            ret->at[ret->count++] = str_head(path, len);
        path = str_skip(path, len + 1);
    }
}

/* The last segment of a row, ":name*", stands for all that follows, slashes and all. */
static bool has_rest(const struct segments *row)
{
    return row->count && str_ends(row->at[row->count - 1], STR("*"));
}

/* What is behind the segment before `at`, as it was written. */
static str rest_of(const struct segments *asked, size_t at)
{
    const char *begin = asked->at[at - 1].ptr + asked->at[at - 1].len + 1;

    return (str){begin, (size_t)(asked->end - begin)};
}

/* `text` decoded, as a JSON string; NULL when it is no text. */
static json_t *decoded(str text)
{
    struct buf bytes;
    json_t *json = NULL;

    buf_init(&bytes, TEXT_BYTES_MAX);
    if (percent_decode(text, &bytes) == 0 && utf8_is_valid(buf_str(&bytes)) &&
        str_find(buf_str(&bytes), '\0') == bytes.len)
        json = json_stringn(bytes.ptr ? bytes.ptr : "", bytes.len);
    buf_done(&bytes);
    return json;
}

/* 0 when the row's path is another one, else its rank, which is above 0. */
static uint32_t rank(const char *row_path, const struct segments *asked)
{
    struct segments row;
    uint32_t result = 1;

    split(str_from(row_path), &row);
    if (has_rest(&row) ? asked->count < row.count : asked->has_more || row.count != asked->count)
        return 0;
    for (size_t i = 0; i < row.count; i++) {
        bool is_param = row.at[i].ptr[0] == ':';
        if (!is_param && !str_equal(row.at[i], asked->at[i]))
            return 0;
        result = result << 1 | !is_param;
    }
    return result;
}

static json_t *read_params(const char *row_path, const struct segments *asked)
{
    json_t *params = json_object();
    struct segments row;

    split(str_from(row_path), &row);
    for (size_t i = 0; i < row.count; i++) {
        char name[64];
        str text = str_skip(row.at[i], 1);
        bool is_rest = str_ends(text, STR("*"));
        json_t *value;
        if (row.at[i].ptr[0] != ':')
            continue;
        ASSERT(text.len < sizeof name);
        memcpy(name, text.ptr, text.len);
        name[text.len - is_rest] = '\0';
        value = decoded(is_rest ? rest_of(asked, i) : asked->at[i]);
        if (!value) {
            json_decref(params);
            return NULL;
        }
        json_object_set_new(params, name, value);
    }
    return params;
}

static void add_allow(char *allow, const char *method)
{
    size_t len = strlen(allow);

    if (!strstr(allow, method))
        snprintf(allow + len, ROUTER_ALLOW_BYTES - len, "%s%s", len ? ", " : "", method);
}

int router_find(const struct call_route *const *tables, str method, str path,
                struct router_match *ret)
{
    struct segments asked;
    uint32_t best = 0, path_best = 0;

    memset(ret, 0, sizeof *ret);
    split(path, &asked);
    for (; *tables; tables++) {
        for (const struct call_route *row = *tables; row->method; row++) {
            uint32_t r = rank(row->path, &asked);
            if (!r)
                continue;
            path_best = r;
            add_allow(ret->allow, row->method);
            if (r > best && str_equal(str_from(row->method), method)) {
                best = r;
                ret->route = row;
            }
        }
    }
    if (!best)
        return path_best ? ERR_UNSUPPORTED : 0;
    ret->params = read_params(ret->route->path, &asked);
    return ret->params ? 1 : 0;
}

/* ---- the query ---- */

/* "+" is decoded before "%2B" is, which stands for itself. */
static json_t *form_decoded(str text)
{
    char *copy = str_dup(text);
    json_t *json;

    for (size_t i = 0; i < text.len; i++) {
        if (copy[i] == '+')
            copy[i] = ' ';
    }
    json = decoded((str){copy, text.len});
    free(copy);
    return json;
}

static void add_pair(json_t *query, str pair)
{
    size_t at = str_find(pair, '=');
    json_t *name = form_decoded(str_head(pair, at));
    json_t *value = form_decoded(str_skip(pair, at + 1));
    json_t *values;

    if (name && value) {
        values = json_object_get(query, json_string_value(name));
        if (!values) {
            values = json_array();
            json_object_set_new(query, json_string_value(name), values);
        }
        json_array_append(values, value);
    }
    json_decref(name);
    json_decref(value);
}

json_t *router_query(str query)
{
    json_t *result = json_object();

    for (size_t pairs = 0; query.len && pairs < ROUTER_QUERY_PAIRS_MAX; pairs++) {
        size_t len = str_find(query, '&');
        if (len)
            add_pair(result, str_head(query, len));
        query = str_skip(query, len + 1);
    }
    return result;
}
