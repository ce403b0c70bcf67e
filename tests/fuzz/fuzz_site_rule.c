/* _headers, _redirects, .assetsignore and requests: one input has the files and a path, a NUL
 * between them. */
#include <stdlib.h>

#include "bindings/assets/site_answer.h"
#include "bindings/assets/site_ignore.h"
#include "bindings/assets/site_rule.h"

static str next(str *rest)
{
    size_t len = str_find(*rest, '\0');
    str part = str_head(*rest, len);

    *rest = str_skip(*rest, len + 1);
    return part;
}

static void try_rules(str headers, str redirects, str host, str path)
{
    struct site_rules *rules = site_rule_new(headers, redirects);
    struct buf out;
    struct err err;

    buf_init(&out, 1 << 16);
    if (site_rule_redirect(rules, host, path, &out) < 0)
        abort();
    buf_clear(&out);
    site_rule_apply(rules, host, path, &out);
    if (site_rule_check_headers(headers, &err) < 0 ||
        site_rule_check_redirects(redirects, &err) < 0)
        ASSERT(err.text[0]);
    site_rule_free(rules);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str rest = {(const char *)data, size};
    str headers = next(&rest), redirects = next(&rest), path = next(&rest), lines = next(&rest);
    struct site_request request = {.method = STR("GET"),
                                   .host = STR("h"),
                                   .path = path,
                                   .headers = lines};
    struct site_settings settings = {.headers = headers, .redirects = redirects};
    struct site_ignore *ignore = site_ignore_new(headers);
    struct site_answer answer;
    struct site *site;
    struct buf text;
    struct err err;
    size_t len;
    char *bytes;

    try_rules(headers, redirects, STR("h.test:1"), path);
    (void)site_rule_who(redirects, path);
    (void)site_ignore_has(ignore, str_head(path, 64));
    site_ignore_free(ignore);
    buf_init(&text, 1 << 22);
    if (size > 1 << 20 || site_write(&settings, NULL, 0, &text) < 0)
        abort();
    bytes = buf_take(&text, &len);
    if (site_parse(bytes, len, &site, &err) < 0)
        abort();
    site_answer_find(site, &request, &answer);
    if (answer.outcome == SITE_TO_FILE)
        abort();
    site_answer_done(&answer);
    site_free(site);
    return 0;
}
