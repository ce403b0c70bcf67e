/* bindings/publish_rule: settings, a path and a Cache-Control, a line each; keys and times are
 * within their limits, and what was just purged is purged. */
#include "bindings/publish/publish_rule.h"
#include "base/utf8.h"

enum { NOW = 1000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static str take_line(str *rest)
{
    str line = str_head(*rest, str_find(*rest, '\n'));

    *rest = str_skip(*rest, line.len + 1);
    return line;
}

static void try_key(struct publish_rule *rule, str path)
{
    struct buf key, text;

    buf_init(&key, 4096);
    buf_init(&text, 4096);
    if (publish_rule_key(rule, path, &key)) {
        ASSERT(utf8_is_valid(buf_str(&key)) && str_find(buf_str(&key), '\0') == key.len);
        ASSERT(str_starts(buf_str(&key), str_from(rule->prefix)));
        ASSERT(publish_rule_path(path, &text) == 0);
        publish_rule_add_purge(rule, 7, PUBLISH_PURGE_FILE, buf_str(&text));
        ASSERT(publish_rule_is_purged(rule, buf_str(&key), 6));
        ASSERT(!publish_rule_is_purged(rule, buf_str(&key), 7));
        publish_rule_add_index(rule, &key);
        ASSERT(publish_rule_is_purged(rule, buf_str(&key), 6));
    }
    (void)!publish_rule_fallback(rule, &key);
    buf_done(&key);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str rest = {(const char *)data, size};
    str settings = take_line(&rest), path = take_line(&rest);
    json_t *json = json_loadb(settings.ptr ? settings.ptr : "", settings.len, JSON_ALLOW_NUL, NULL);
    struct publish_rule rule;
    struct err err;
    int64_t ttl;

    if (publish_rule_read(json, &rule, &err) == 0) {
        rule.caches = true;
        ttl = publish_rule_ttl(&rule, rest, size % 3 ? -1 : NOW + (int64_t)size, NOW);
        ASSERT(ttl == 0 || (ttl >= rule.min_ttl && ttl <= rule.max_ttl));
        try_key(&rule, path);
    }
    publish_rule_done(&rule);
    json_decref(json);
    return 0;
}
