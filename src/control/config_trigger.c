/* What leads requests and times to a worker: triggers, routes, custom domains. A server follows
 * them; here they are checked, so that a mistake is found before it. */
#include "base/cron.h"
#include "control/config_private.h"

static int check_crons(struct config_reader *rd)
{
    json_t *crons = json_object_get(json_object_get(rd->config->deploy, "triggers"), "crons"), *it;
    size_t i;

    if (!crons || json_is_null(crons))
        return 0;
    if (!json_is_array(crons))
        return config_complain(rd, "triggers", "crons",
                               "\"triggers.crons\" must be a list of strings, but it is %s",
                               config_file_kind(rd->file, crons));
    json_array_foreach(crons, i, it) {
        struct cron cron;
        struct err why = {0};
        if (!json_is_string(it))
            return config_complain(
                rd, "triggers", "crons",
                "\"triggers.crons\" must be a list of strings, but item %zu is %s", i + 1,
                config_file_kind(rd->file, it));
        if (cron_parse(str_from(json_string_value(it)), &cron, &why) < 0)
            return config_complain(rd, "triggers", "crons",
                                   "\"triggers.crons\": \"%.60s\" is no schedule: %.300s",
                                   json_string_value(it), why.text);
    }
    return 0;
}

/* A domain is a whole host. */
static int check_domain(struct config_reader *rd, const char *key, const char *pattern)
{
    if (!strpbrk(pattern, "*/"))
        return 0;
    return config_complain(rd, key, NULL,
                           "\"%s\": \"%.100s\" cannot be a custom domain: it must be a host name "
                           "alone, without \"*\" and path",
                           key, pattern);
}

/* One entry of the list, number `nth` from 1. */
static int check_route(struct config_reader *rd, const char *key, size_t nth, const json_t *route)
{
    static const struct {
        const char *key;
        bool flag;
        const char *words;
    } members[] = {
        {"zone_name",     false, "a string"},
        {"zone_id",       false, "a string"},
        {"custom_domain", true,  "true or false"},
    };
    const json_t *pattern = json_is_object(route) ? json_object_get(route, "pattern") : route;

    if (!json_string_length(pattern))
        return config_complain(rd, key, NULL,
                               "\"%s\": entry %zu must be a pattern such as \"example.com/*\", or "
                               "%s with one as \"pattern\"",
                               key, nth, rd->file->toml ? "a table" : "an object");
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        const json_t *value = json_object_get(route, members[i].key);
        if (value && !(members[i].flag ? json_is_boolean(value) : json_is_string(value)))
            return config_complain(rd, key, NULL,
                                   "\"%s\": \"%s\" of entry %zu must be %s, but it is %s", key,
                                   members[i].key, nth, members[i].words,
                                   config_file_kind(rd->file, value));
    }
    return json_is_true(json_object_get(route, "custom_domain"))
               ? check_domain(rd, key, json_string_value(pattern))
               : 0;
}

/* "route" is a list of one; what an environment says of either hides both of the top. */
static int take_routes(struct config_reader *rd)
{
    bool own = config_is_own(rd, "route") || config_is_own(rd, "routes");
    const json_t *table = own ? rd->section : rd->file->top, *it;
    json_t *one = json_object_get(table, "route"), *list = json_object_get(table, "routes");
    const char *key = one ? "route" : "routes";
    size_t i;
    int r = 0;

    if (one && list)
        return config_complain(rd, "route", NULL,
                               "\"route\" and \"routes\" exclude each other: put all into "
                               "\"routes\"");
    if (one)
        json_object_set_new(rd->config->deploy, "routes", json_pack("[O]", one));
    else if (!list)
        json_object_del(rd->config->deploy, "routes");
    json_array_foreach(json_object_get(rd->config->deploy, "routes"), i, it)
        if (r == 0)
            r = check_route(rd, key, i + 1, it);
    return r;
}

int config_trigger_check(struct config_reader *rd)
{
    int r = check_crons(rd);

    return r < 0 ? r : take_routes(rd);
}
