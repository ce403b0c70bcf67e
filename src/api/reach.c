/* Where a worker answers; see reach.h. */
#include "api/reach.h"

#include "base/member.h"
#include "registry/account.h"
#include "registry/route.h"

enum { URL_BYTES_MAX = 1024 };

static str scheme_of(const struct platform *platform)
{
    str url = str_from(platform->public_url);

    return str_head(url, str_find(url, ':'));
}

/* ":8787" of public_url; empty when it has none. */
static str port_of(const struct platform *platform)
{
    str rest = str_skip(str_from(platform->public_url), scheme_of(platform).len + 3);

    rest = str_head(rest, str_find(rest, '/'));
    if (rest.len && rest.ptr[0] == '[')
        rest = str_skip(rest, str_find(rest, ']'));
    return str_skip(rest, str_find(rest, ':'));
}

static json_t *text_json(struct buf *text, int r)
{
    json_t *json = r == 0 ? json_stringn(text->ptr, text->len) : NULL;

    buf_done(text);
    return json;
}

/* Those of `default` are right below the domain, others below their account's label. */
json_t *reach_own(struct call *call, const json_t *script)
{
    const struct platform *platform = call_platform(call);
    bool own_label = strcmp(member_text(script, "account"), ACCOUNT_DEFAULT) != 0;
    struct err ignored;
    struct buf text;
    json_t *account;
    int r;

    if (!json_is_true(json_object_get(script, "workers_dev")) ||
        account_get(call_registry(call), call_account(call), &account, &ignored) < 0)
        return NULL;
    buf_init(&text, URL_BYTES_MAX);
    r = buf_printf(&text, "%.*s://%s%s%s.%s%.*s", STR_ARGS(scheme_of(platform)),
                   member_text(script, "name"), own_label ? "." : "",
                   own_label ? member_text(account, "subdomain") : "", platform->domain,
                   STR_ARGS(port_of(platform)));
    json_decref(account);
    return text_json(&text, r);
}

static json_t *domain_url(const struct platform *platform, const char *host)
{
    struct buf text;

    buf_init(&text, URL_BYTES_MAX);
    return text_json(&text, buf_printf(&text, "%.*s://%s%.*s", STR_ARGS(scheme_of(platform)), host,
                                       STR_ARGS(port_of(platform))));
}

json_t *reach_urls(struct call *call, const json_t *script)
{
    json_t *urls = json_array(), *own = reach_own(call, script), *rows;
    int64_t id = member_int(script, "id");
    struct err ignored;
    const json_t *row;
    size_t i;

    if (own)
        json_array_append_new(urls, own);
    if (route_list_domains(call_registry(call), call_account(call), id, &rows, &ignored) == 0) {
        json_array_foreach(rows, i, row) {
            json_t *url = domain_url(call_platform(call), member_text(row, "hostname"));
            if (url)
                json_array_append_new(urls, url);
        }
        json_decref(rows);
    }
    if (route_list(call_registry(call), call_account(call), NULL, id, &rows, &ignored) == 0) {
        json_array_foreach(rows, i, row)
            json_array_append(urls, json_object_get(row, "pattern"));
        json_decref(rows);
    }
    return urls;
}
