/* Published hosts; see publish_host.h.
 *
 * (1) `by_name` has the current host of each name; a set names hosts whether they are current or
 *     not.
 * (2) A purge is announced in shared memory before its frame is sent: from then on, until the frame
 *     has come, nothing cached is used, so that the supervisor need not wait for anybody. */
#include "bindings/publish/publish_host.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"

struct publish_set {
    size_t count;
    struct publish_host *hosts[];
};

static struct {
    struct map by_name;
    const _Atomic uint64_t *announced;
    uint64_t told;
} all;

/* ---- hosts ---- */

struct publish_host *publish_host_ref(struct publish_host *host)
{
    host->refs++;
    return host;
}

void publish_host_unref(struct publish_host *host)
{
    if (!host || --host->refs)
        return;
    publish_rule_done(&host->rule);
    json_decref(host->cors);
    free(host->name);
    free(host->store);
    free(host->space);
    free(host);
}

static void retire(struct publish_host *host)
{
    if (host->current)
        map_remove(&all.by_name, &host->node);
    host->current = false;
}

static void enter(struct publish_host *host)
{
    struct map_node *node = map_find(&all.by_name, host->node.key);

    if (node)
        retire(CONTAINER_OF(node, struct publish_host, node));
    host->current = true;
    map_add(&all.by_name, &host->node);
}

static void add_purge(struct publish_host *host, const json_t *purge)
{
    int kind = publish_rule_purge_kind(member_text_or(purge, "kind", ""));
    int64_t seq = member_int(purge, "seq");

    if (seq > 0 && kind >= 0)
        publish_rule_add_purge(&host->rule, (uint64_t)seq, (enum publish_purge_kind)kind,
                               str_from(member_text_or(purge, "text", "")));
}

/* The cache's spaces of workers do not begin with "/". */
static char *space_of(const char *store, const char *name)
{
    char space[1024];

    snprintf(space, sizeof space, "/%s/%s", store, name);
    return str_dup(str_from(space));
}

/* Two lines of that name would make a browser refuse the answer. */
static bool allows_origins_itself(const struct publish_rule *rule)
{
    return strcasestr(rule->headers, "access-control-allow-origin:") != NULL;
}

static struct publish_host *host_new(const json_t *published, const json_t *told)
{
    const char *store = member_text_or(published, "store", "");
    struct publish_host *host = mem_new(struct publish_host);
    int64_t base = member_int(told, "base");
    const json_t *purge;
    struct err err;
    size_t i;

    host->refs = 1;
    host->name = str_dup(str_from(member_text_or(told, "host", "")));
    host->store = str_dup(str_from(store));
    host->space = space_of(store, host->name);
    host->node.key = str_from(host->name);
    if (publish_rule_read(json_object_get(told, "settings"), &host->rule, &err) < 0) {
        publish_host_unref(host);
        return NULL;
    }
    host->rule.caches = json_is_true(json_object_get(told, "caches"));
    host->rule.purged_before = base > 0 ? (uint64_t)base : 0;
    if (!allows_origins_itself(&host->rule))
        host->cors = json_incref(json_object_get(json_object_get(published, "cors"), "rules"));
    json_array_foreach(json_object_get(told, "purges"), i, purge)
        add_purge(host, purge);
    return host;
}

static void learn(json_int_t seq)
{
    if (seq > 0 && (uint64_t)seq > all.told)
        all.told = (uint64_t)seq;
}

struct publish_set *publish_host_set(const json_t *published)
{
    const json_t *hosts = json_object_get(published, "hosts"), *told;
    struct publish_set *set = mem_zeroed(sizeof *set +
                                         json_array_size(hosts) * sizeof(struct publish_host *));
    size_t i;

    learn(member_int(published, "seq"));
    json_array_foreach(hosts, i, told) {
        struct publish_host *host = host_new(published, told);

        if (!host)
            continue;
        enter(host);
        set->hosts[set->count++] = host;
    }
    return set;
}

void publish_host_free_set(struct publish_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++) {
        retire(set->hosts[i]);
        publish_host_unref(set->hosts[i]);
    }
    free(set);
}

struct publish_host *publish_host_find(const struct publish_set *set, str name)
{
    for (size_t i = 0; i < set->count; i++)
        if (str_equal(set->hosts[i]->node.key, name))
            return set->hosts[i];
    return NULL;
}

/* ---- purges ---- */

void publish_host_start(const _Atomic uint64_t *announced)
{
    all.announced = announced;
}

void publish_host_on_purge(const json_t *frame)
{
    struct map_node *node = map_find(&all.by_name, str_from(member_text_or(frame, "host", "")));

    if (node)
        add_purge(CONTAINER_OF(node, struct publish_host, node), frame);
    learn(member_int(frame, "seq"));
}

uint64_t publish_host_told(void)
{
    return all.told;
}

uint64_t publish_host_announced(void)
{
    return all.announced ? atomic_load(all.announced) : 0;
}

bool publish_host_is_behind(void)
{
    return publish_host_announced() > all.told;
}
