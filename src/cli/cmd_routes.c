/* `atoll routes`, `routes add` and `routes remove`: where a worker answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "cli/subject.h"
#include "cli/table.h"

/* Where a worker answers. */
struct places {
    json_t *worker;     /* with its own address */
    json_t *routes;
    json_t *domains;    /* of this worker alone */
};

static void places_done(struct places *places)
{
    json_decref(places->worker);
    json_decref(places->routes);
    json_decref(places->domains);
}

/* Whether or not the server looks at ?service=. */
static void keep_domains_of(json_t *domains, const char *worker)
{
    size_t i = 0;

    while (i < json_array_size(domains)) {
        if (member_is(json_array_get(domains, i), "service", worker))
            i++;
        else
            json_array_remove(domains, i);
    }
}

static int read_places(struct session *session, struct places *places, struct err *err)
{
    struct remote *remote = session->remote;
    const char *name = session->worker;
    int r = remote_get(remote, remote_path(remote, "workers/workers/%s", name), &places->worker,
                       err);

    if (r == 0)
        r = remote_list(remote, remote_path(remote, "workers/scripts/%s/routes", name), NULL,
                        &places->routes, err);
    if (r == 0)
        r = remote_list(remote, remote_path(remote, "workers/domains?service=%s", name), NULL,
                        &places->domains, err);
    if (r == 0)
        keep_domains_of(places->domains, name);
    return r;
}

/* ---- routes ---- */

static const char *own_address(const struct places *places)
{
    return member_text_or(json_object_get(places->worker, "subdomain"), "url", "");
}

static void print(const struct session *session, const struct places *places)
{
    const char *own = own_address(places);
    struct table *table;
    const json_t *it;
    size_t i;

    if (!*own && !json_array_size(places->domains) && !json_array_size(places->routes)) {
        fprintf(stderr, "%s answers nowhere: atoll routes add \"example.com/*\"\n",
                session->worker);
        return;
    }
    table = table_new((const char *const[]){"address", "what it is", "zone", NULL});
    if (*own)
        table_add(table, (const char *const[]){own, "the worker's own", ""});
    json_array_foreach(places->domains, i, it)
        table_add(table, (const char *const[]){member_text_or(it, "hostname", ""), "custom domain",
                                               member_text_or(it, "zone_name", "")});
    json_array_foreach(places->routes, i, it)
        table_add(table, (const char *const[]){member_text_or(it, "pattern", ""), "route",
                                               member_text_or(it, "zone_name", "")});
    table_print(table);
}

static json_t *places_json(const struct places *places)
{
    const char *own = own_address(places);

    return json_pack("{s:s?, s:O, s:O}", "url", *own ? own : NULL, "domains", places->domains,
                     "routes", places->routes);
}

static int show(struct session *session)
{
    struct places places = {0};
    struct err err;
    int status = EXIT_DONE;
    json_t *all;

    if (read_places(session, &places, &err) < 0) {
        status = subject_fail(session, &err);
    } else {
        all = places_json(&places);
        if (!session_prints_json(session, all))
            print(session, &places);
        json_decref(all);
    }
    places_done(&places);
    return status;
}

static int run(const struct cli_args *args)
{
    int status = cli_check_operands(args, 0, 0, NULL);

    return status == EXIT_DONE ? session_run_worker(args, show) : status;
}

/* ---- add ---- */

/* The host of a pattern, without a scheme and wildcards: the zone it is put in. Returned owned. */
static char *zone_of(const char *pattern)
{
    const char *scheme = strstr(pattern, "://");
    str host = str_from(scheme ? scheme + 3 : pattern);

    host = str_head(host, str_find(host, '/'));
    if (str_starts(host, STR("*.")))
        host = str_skip(host, 2);
    else if (str_starts(host, STR("*")))
        host = str_skip(host, 1);
    return host.len ? strndup(host.ptr, host.len) : str_dup(STR("-"));
}

static int add(struct session *session)
{
    const char *pattern = cli_operands(session->args)[0];
    struct remote *remote = session->remote;
    bool domain = !strchr(pattern, '/') && !strchr(pattern, '*');
    char *zone = zone_of(pattern);
    struct err err;
    int r;

    if (domain)
        r = remote_call(remote, "PUT", remote_path(remote, "workers/domains"),
                        json_pack("{s:s, s:s, s:s}", "hostname", pattern, "service",
                                  session->worker, "zone_name", zone),
                        NULL, &err);
    else
        r = remote_call(remote, "POST",
                        remote_path(remote, "/zones/%s/workers/routes?account.id=%s", zone,
                                    remote_account(remote)),
                        json_pack("{s:s, s:s}", "pattern", pattern, "script", session->worker),
                        NULL, &err);
    free(zone);
    if (r < 0)
        return subject_fail(session, &err);
    terminal_print(stdout, GREEN, "added");
    printf(domain ? " the custom domain " : " the route ");
    terminal_print_text(stdout, BOLD, pattern, false, 0);
    printf(" to %s\n", session->worker);
    return EXIT_DONE;
}

static int run_add(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "a PATTERN (\"example.com/api/*\") or a host");

    return status == EXIT_DONE ? session_run_worker(args, add) : status;
}

/* ---- remove ---- */

static const json_t *find(const json_t *rows, const char *key, const char *text)
{
    const json_t *it;
    size_t i;

    json_array_foreach(rows, i, it)
        if (strcasecmp(member_text_or(it, key, ""), text) == 0)
            return it;
    return NULL;
}

static int remove_place(struct session *session, const struct places *places, const char *pattern,
                        struct err *err)
{
    struct remote *remote = session->remote;
    const json_t *route = find(places->routes, "pattern", pattern);
    const json_t *domain = find(places->domains, "hostname", pattern);

    if (route)
        return remote_call(remote, "DELETE",
                           remote_path(remote, "/zones/%s/workers/routes/%s?account.id=%s",
                                       member_text_or(route, "zone_name", ""),
                                       member_text_or(route, "id", ""), remote_account(remote)),
                           NULL, NULL, err);
    if (domain)
        return remote_call(remote, "DELETE",
                           remote_path(remote, "workers/domains/%s",
                                       member_text_or(domain, "id", "")),
                           NULL, NULL, err);
    return err_set(
        err, ERR_NOT_FOUND,
        "%.100s has no route or custom domain \"%.200s\": atoll routes shows what it has",
        session->worker, pattern);
}

static int remove_pattern(struct session *session)
{
    const char *pattern = cli_operands(session->args)[0];
    struct places places = {0};
    int status = EXIT_DONE;
    struct err err;

    if (read_places(session, &places, &err) < 0 ||
        remove_place(session, &places, pattern, &err) < 0) {
        status = subject_fail(session, &err);
    } else {
        terminal_print(stdout, GREEN, "removed");
        putchar(' ');
        terminal_print_text(stdout, BOLD, pattern, false, 0);
        printf(" from %s\n", session->worker);
    }
    places_done(&places);
    return status;
}

static int run_remove(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "a PATTERN or a host that atoll routes shows");

    return status == EXIT_DONE ? session_run_worker(args, remove_pattern) : status;
}

/* ---- rows ---- */

static const struct cli_example examples[] = {
    {"atoll routes", "the worker's own address, its custom domains and routes"},
    {0},
};

static const struct cli_example add_examples[] = {
    {"atoll routes add \"example.com/api/*\"", "a route"},
    {"atoll routes add \"*.example.com/*\"", "all hosts below it"},
    {"atoll routes add shop.example.com", "a custom domain: a host as a whole"},
    {0},
};

static const struct cli_example remove_examples[] = {
    {"atoll routes remove \"example.com/api/*\"", NULL},
    {0},
};

const struct cli_command cmd_routes = {
    .name = "routes",
    .usage = "[OPTIONS]",
    .summary = "list where a worker answers: its address, domains and routes",
    .details = "A deploy with routes in the configuration replaces what was added here.",
    .run = run,
    .examples = examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER | CLI_JSON,
};

const struct cli_command cmd_routes_add = {
    .name = "routes add",
    .usage = "PATTERN [OPTIONS]",
    .summary = "lead a route or a host to a worker",
    .details = "PATTERN is a host and a path, \"example.com/api/*\"; a host alone is a\n"
               "custom domain.",
    .run = run_add,
    .examples = add_examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER,
};

const struct cli_command cmd_routes_remove = {
    .name = "routes remove",
    .usage = "PATTERN [OPTIONS]",
    .summary = "take a route or a host away from a worker",
    .run = run_remove,
    .examples = remove_examples,
    .group = GROUP_WORKER,
    .shared = CLI_SERVER | CLI_WORKER,
};
