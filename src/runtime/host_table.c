/* Host tables; see host_table.h.
 *
 *   no entry ──a request──> ASKED ──rules──> KNOWN ──not used for long, forget──> no entry
 *                             └──no rules──> NOBODY ──newer ones, forget──> no entry
 *
 * (1) An entry is in the list of its state, oldest use first, and in `by_host`.
 * (2) A rule holds its worker: what it points to stays.
 * (3) Made-up hosts cost the supervisor no more than HOST_NOBODY_PER_SECOND answers; while that is
 *     used up, hosts nobody asked for before have to wait. */
#include "runtime/host_table.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/member.h"
#include "runtime/runtime.h"
#include "runtime/worker.h"

struct rule {
    char *pattern;
    size_t len;
    bool any;                 /* the pattern is "*" */
    struct worker *worker;    /* NULL: nobody answers there */
};

enum entry_state { ENTRY_ASKED, ENTRY_KNOWN, ENTRY_NOBODY, ENTRY_STATES };

struct entry {
    struct map_node node;
    struct list link;
    enum entry_state state;
    size_t rule_count;
    struct rule *rules;
    struct list waiting;    /* exchanges, while it is asked for */
    char host[];
};

static struct {
    struct map by_host;
    struct list lists[ENTRY_STATES];
    size_t counts[ENTRY_STATES];
    struct entry *everywhere;    /* host "*"; in no list */
    struct entry *last;          /* that was found: nearly always the next one too */
    uint64_t second;             /* of the loop, in which `told_nobody` is counted */
    unsigned told_nobody;
} table = {.lists = {{&table.lists[0], &table.lists[0]},
                     {&table.lists[1], &table.lists[1]},
                     {&table.lists[2], &table.lists[2]}}};

/* ---- rules ---- */

bool host_table_matches(str pattern, str path)
{
    if (pattern.len && pattern.ptr[pattern.len - 1] == '*')
        return str_starts(path, str_head(pattern, pattern.len - 1));
    return str_equal(pattern, path);
}

static void free_rules(struct entry *e)
{
    for (size_t i = 0; i < e->rule_count; i++) {
        free(e->rules[i].pattern);
        worker_unref(e->rules[i].worker);
    }
    free(e->rules);
    e->rules = NULL;
    e->rule_count = 0;
}

static void set_rules(struct entry *e, const json_t *rules)
{
    size_t count = json_array_size(rules), index;
    const json_t *rule;

    free_rules(e);
    if (count > HOST_RULES_MAX)
        count = HOST_RULES_MAX;
    e->rules = mem_zeroed((count + 1) * sizeof *e->rules);
    json_array_foreach(rules, index, rule) {
        const char *pattern = member_text(rule, "path");
        const json_t *key = json_object_get(rule, "worker");
        struct rule *r = &e->rules[e->rule_count];

        if (index >= count || !pattern || !(json_is_string(key) || json_is_null(key)))
            continue;
        *r = (struct rule){.pattern = str_dup(str_from(pattern))};
        if (json_is_string(key))
            r->worker = worker_ref(worker_get(str_from(json_string_value(key))));
        r->len = strlen(r->pattern);
        r->any = strcmp(r->pattern, "*") == 0;
        e->rule_count++;
    }
}

static struct worker *worker_at(const struct entry *e, const struct exchange *x)
{
    if (e->rule_count == 1 && e->rules[0].any)
        return e->rules[0].worker;
    for (size_t i = 0; i < e->rule_count; i++) {
        const struct rule *r = &e->rules[i];
        if (host_table_matches((str){r->pattern, r->len}, exchange_path(x)))
            return r->worker;
    }
    return NULL;
}

/* ---- entries ---- */

static struct entry *entry_new(str host)
{
    struct entry *e = mem_zeroed(sizeof *e + host.len + 1);

    memcpy(e->host, host.ptr, host.len);
    e->node.key = (str){e->host, host.len};
    list_init(&e->link);
    list_init(&e->waiting);
    return e;
}

static void enter(struct entry *e, enum entry_state state)
{
    if (e->link.next != &e->link)
        table.counts[e->state]--;
    list_remove(&e->link);
    e->state = state;
    list_push(&table.lists[state], &e->link);
    table.counts[state]++;
}

static void entry_free(struct entry *e)
{
    if (!e)
        return;
    if (table.last == e)
        table.last = NULL;
    free_rules(e);
    free(e);
}

static void drop(struct entry *e)
{
    table.counts[e->state]--;
    list_remove(&e->link);
    map_remove(&table.by_host, &e->node);
    entry_free(e);
}

static void drop_oldest(enum entry_state state, size_t max)
{
    while (table.counts[state] > max)
        drop(CONTAINER_OF(table.lists[state].next, struct entry, link));
}

static struct entry *entry_find(str host)
{
    struct map_node *node;

    if (table.last && str_equal(table.last->node.key, host))
        return table.last;
    node = table.by_host.count ? map_find(&table.by_host, host) : NULL;
    if (!node)
        return NULL;
    table.last = CONTAINER_OF(node, struct entry, node);
    enter(table.last, table.last->state);
    return table.last;
}

/* ---- requests ---- */

str host_table_host(const struct exchange *x)
{
    str host = exchange_host(x);

    for (size_t i = host.len; i > 0 && host.ptr[i - 1] != ']'; i--)
        if (host.ptr[i - 1] == ':')
            return str_head(host, i - 1);
    return host;
}

static bool may_ask(void)
{
    uint64_t second = uv_now(isolate_loop()) / 1000;

    if (second != table.second) {
        table.second = second;
        table.told_nobody = 0;
    }
    return table.counts[ENTRY_ASKED] < HOST_ASKED_MAX &&
           table.told_nobody + table.counts[ENTRY_ASKED] < HOST_NOBODY_PER_SECOND;
}

bool host_table_is_asked(void)
{
    return table.counts[ENTRY_ASKED] > 0;
}

static struct entry *ask(str host, str path)
{
    struct entry *e = entry_new(host);
    json_t *text = runtime_text(path); /* NULL for a path that is not UTF-8 */

    map_add(&table.by_host, &e->node);
    enter(e, ENTRY_ASKED);
    runtime_tell(json_pack("{s:s, s:s%, s:o}", "type", "want", "host", host.ptr, host.len, "path",
                           text ? text : json_string("/")));
    return e;
}

enum host_answer host_table_find(struct exchange *x, struct worker **ret_worker)
{
    str host = table.by_host.count ? host_table_host(x) : STR_NONE;
    struct entry *e = host.len ? entry_find(host) : NULL;

    if (!e)
        e = table.everywhere;
    if (!e) {
        host = host_table_host(x);
        if (host.len > HTTP_HOST_BYTES_MAX)
            return HOST_NOBODY;
        if (!may_ask())
            return HOST_BUSY;
        e = ask(host, exchange_path(x));
    }
    if (e->state == ENTRY_ASKED) {
        list_remove(&x->link);
        list_push(&e->waiting, &x->link);
        return HOST_ASKED;
    }
    *ret_worker = worker_at(e, x);
    return *ret_worker ? HOST_WORKER : HOST_NOBODY;
}

/* ---- frames ---- */

static void route_waiting(struct entry *e)
{
    struct list batch, *link;

    list_init(&batch);
    list_move_all(&e->waiting, &batch);
    while ((link = list_pop(&batch)))
        worker_route(CONTAINER_OF(link, struct exchange, link));
}

/* Nobody waits any longer to learn who answers at a host of its own. */
static void set_everywhere(json_t *rules)
{
    struct list waiting = {&waiting, &waiting}, *link;

    if (!table.everywhere)
        table.everywhere = entry_new(STR("*"));
    table.everywhere->state = ENTRY_KNOWN;
    set_rules(table.everywhere, rules);
    LIST_EACH_SAFE(&table.lists[ENTRY_ASKED], asked) {
        struct entry *e = CONTAINER_OF(asked, struct entry, link);
        list_move_all(&e->waiting, &waiting);
        drop(e);
    }
    while ((link = list_pop(&waiting)))
        worker_route(CONTAINER_OF(link, struct exchange, link));
}

void host_table_on_hosts(json_t *frame)
{
    str host = str_from(member_text(frame, "host"));
    json_t *rules = json_object_get(frame, "rules");
    struct entry *e;

    if (!host.len || host.len > HTTP_HOST_BYTES_MAX)
        return runtime_log("", "error", STR("the supervisor sent a table without a host"));
    if (str_equal(host, STR("*"))) {
        set_everywhere(rules);
        return;
    }
    e = entry_find(host);
    if (!e) {
        e = entry_new(host);
        map_add(&table.by_host, &e->node);
    }
    set_rules(e, rules);
    enter(e, e->rule_count ? ENTRY_KNOWN : ENTRY_NOBODY);
    table.told_nobody += e->state == ENTRY_NOBODY;
    route_waiting(e);
    drop_oldest(ENTRY_KNOWN, HOST_TABLES_MAX);
    drop_oldest(ENTRY_NOBODY, HOST_NOBODY_MAX);
}

/* What is asked for stays: its answer is on its way. */
static void forget_all(void)
{
    drop_oldest(ENTRY_KNOWN, 0);
    drop_oldest(ENTRY_NOBODY, 0);
    entry_free(table.everywhere);
    table.everywhere = NULL;
}

void host_table_on_forget(json_t *frame)
{
    str host = str_from(member_text(frame, "host"));
    struct entry *e;

    if (!host.len) {
        forget_all();
    } else if (str_equal(host, STR("*"))) {
        entry_free(table.everywhere);
        table.everywhere = NULL;
    } else if ((e = entry_find(host)) && e->state != ENTRY_ASKED) {
        drop(e);
    }
}
