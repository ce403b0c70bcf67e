/* `atoll r2 bucket dev-url` and `atoll r2 bucket domain`: where a bucket is published. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/approval.h"
#include "cli/session.h"
#include "cli/table.h"

#define BUCKET "r2/buckets/%s"
#define MANAGED BUCKET "/domains/managed"
#define CUSTOM BUCKET "/domains/custom"

enum { HEADERS_MAX = 32 };

/* ---- settings ---- */

/* An option that is a text of the body; "" takes it away. */
static const char *const texts[][2] = {{"prefix", "prefix"},
                                       {"index", "index_document"},
                                       {"error", "error_document"},
                                       {"not-found", "not_found_handling"},
                                       {"min-tls", "minTLS"},
                                       {"zone-id", "zoneId"}};

static const char *const seconds[][2] = {
    {"ttl", "default_ttl"}, {"min-ttl", "min_ttl"}, {"max-ttl", "max_ttl"}};

static void add_texts(const struct cli_args *args, json_t *body)
{
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const char *value = cli_value(args, texts[i][0]);

        if (value)
            json_object_set_new(body, texts[i][1], *value ? json_string(value) : json_null());
    }
}

static int add_seconds(const struct cli_args *args, json_t *body)
{
    json_t *cache = json_object();
    int status = EXIT_DONE;

    for (size_t i = 0; i < COUNT_OF(seconds) && status == EXIT_DONE; i++) {
        long value = 0;

        if (!cli_has(args, seconds[i][0]))
            continue;
        status = cli_number(args, seconds[i][0], 0, 31536000, 0, &value);
        json_object_set_new(cache, seconds[i][1], json_integer(value));
    }
    if (json_object_size(cache))
        json_object_set(body, "cache", cache);
    json_decref(cache);
    return status;
}

/* "name: value", any number of them: they are all there are then. */
static int add_headers(const struct cli_args *args, json_t *body)
{
    json_t *headers;
    const char *line;

    if (!cli_has(args, "header"))
        return EXIT_DONE;
    headers = json_object();
    json_object_set_new(body, "headers", headers);
    for (size_t i = 0; i < HEADERS_MAX && (line = cli_value_at(args, "header", i)); i++) {
        size_t colon = strcspn(line, ":");
        char *name = str_dup((str){line, colon});

        if (line[colon])
            json_object_set_new(headers, name,
                                json_string(line + colon + 1 + strspn(line + colon + 1, " ")));
        free(name);
        if (!line[colon] && *line)
            return cli_usage_error(args, "--header is \"NAME: VALUE\"");
    }
    return EXIT_DONE;
}

/* What the options set, added to `body`. */
static int read_settings(const struct cli_args *args, json_t *body)
{
    int status;

    add_texts(args, body);
    if ((status = add_seconds(args, body)) != EXIT_DONE)
        return status;
    return add_headers(args, body);
}

/* ---- calls ---- */

struct job {
    const char *method;
    char *path;       /* taken */
    json_t *body;     /* taken; NULL: none */
};

/* Makes the call in a session that is open. */
static int make_call(struct session *session, struct job job, json_t **ret)
{
    struct err err;

    if (remote_call(session->remote, job.method, job.path, job.body, ret, &err) < 0)
        return session_fail(session, &err);
    return EXIT_DONE;
}

static void print_published(const char *what, const char *host)
{
    terminal_print(stdout, GREEN, "%s", what);
    printf(" ");
    terminal_print_text(stdout, BOLD, host, false, 0);
    printf("\n");
}

/* ---- dev-url ---- */

static void print_managed(const json_t *managed)
{
    if (json_is_true(json_object_get(managed, "enabled")))
        print_published("published at", member_text_or(managed, "domain", ""));
    else
        printf("not published at an address of the server's own\n");
}

static int run_managed(const struct cli_args *args, const char *method, json_t *body)
{
    struct session session;
    json_t *managed = NULL;
    int status = session_open(&session, args);

    if (status == EXIT_DONE)
        status = make_call(&session,
                           (struct job){method,
                                        remote_path(session.remote, MANAGED, cli_operands(args)[0]),
                                        json_incref(body)},
                           &managed);
    if (status == EXIT_DONE && !session_prints_json(&session, managed))
        print_managed(managed);
    json_decref(managed);
    session_close(&session);
    return status;
}

static int run_get_url(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the bucket's NAME");

    return status == EXIT_DONE ? run_managed(args, "GET", NULL) : status;
}

static int run_switch(const struct cli_args *args, bool on, const char *question)
{
    int status = cli_check_operands(args, 1, 1, "the bucket's NAME");
    json_t *body;

    if (status != EXIT_DONE)
        return status;
    body = json_pack("{s:b}", "enabled", on);
    if (on)
        status = read_settings(args, body);
    if (status == EXIT_DONE)
        status = approval_ask(args, question, false);
    if (status == EXIT_DONE)
        status = run_managed(args, "PUT", body);
    json_decref(body);
    return status;
}

static int run_enable_url(const struct cli_args *args)
{
    return run_switch(args, true, "let everybody read what is in the bucket?");
}

static int run_disable_url(const struct cli_args *args)
{
    return run_switch(args, false, "let nobody read the bucket at this address any more?");
}

/* ---- domain ---- */

static void print_domains(const json_t *domains)
{
    struct table *table;
    const json_t *it;
    size_t i;

    if (!json_array_size(domains)) {
        fprintf(stderr, "the bucket has no domains yet: atoll r2 bucket domain add NAME HOST\n");
        return;
    }
    table = table_new(
        (const char *const[]){"domain", "enabled", "prefix", "index", "not found", NULL});
    json_array_foreach(domains, i, it) {
        bool enabled = json_is_true(json_object_get(it, "enabled"));

        table_add(table,
                  (const char *const[]){member_text_or(it, "domain", ""), enabled ? "yes" : "no",
                                        member_text_or(it, "prefix", ""),
                                        member_text_or(it, "index_document", ""),
                                        member_text_or(it, "not_found_handling", "")});
        table_colour(table, 0, BOLD);
    }
    table_print(table);
}

static int run_list_domains(const struct cli_args *args)
{
    struct session session;
    json_t *page = NULL;
    const json_t *domains;
    int status = cli_check_operands(args, 1, 1, "the bucket's NAME");

    if (status != EXIT_DONE)
        return status;
    status = session_open(&session, args);
    if (status == EXIT_DONE)
        status = make_call(&session,
                           (struct job){"GET",
                                        remote_path(session.remote, CUSTOM, cli_operands(args)[0]),
                                        NULL},
                           &page);
    domains = json_object_get(page, "domains");
    if (status == EXIT_DONE && !session_prints_json(&session, domains))
        print_domains(domains);
    json_decref(page);
    session_close(&session);
    return status;
}

/* The host, wherever it stands: as an operand, or as wrangler has it. */
static const char *host_of(const struct cli_args *args)
{
    const char *given = cli_value(args, "domain");

    return given ? given : cli_operand_count(args) > 1 ? cli_operands(args)[1] : NULL;
}

static int check_host(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 2, "the bucket's NAME");

    if (status == EXIT_DONE && !host_of(args))
        return cli_usage_error(args, "the HOST is missing");
    return status;
}

static char *path_of(const struct session *session, const struct cli_args *args)
{
    return remote_path(session->remote, CUSTOM "/%s", cli_operands(args)[0], host_of(args));
}

static void print_settings(const json_t *domain)
{
    char *text = json_dumps(domain, JSON_INDENT(2));

    terminal_print_text(stdout, PLAIN, text ? text : "", false, 0);
    printf("\n");
    free(text);
}

static int run_get_domain(const struct cli_args *args)
{
    struct session session;
    json_t *domain = NULL;
    int status = check_host(args);

    if (status != EXIT_DONE)
        return status;
    status = session_open(&session, args);
    if (status == EXIT_DONE)
        status = make_call(&session, (struct job){"GET", path_of(&session, args), NULL}, &domain);
    if (status == EXIT_DONE && !session_prints_json(&session, domain))
        print_settings(domain);
    json_decref(domain);
    session_close(&session);
    return status;
}

/* Adds it (`adds`), or changes its settings. */
static int write_domain(const struct cli_args *args, bool adds, json_t *body)
{
    struct session session;
    json_t *domain = NULL;
    int status = session_open(&session, args);

    if (status == EXIT_DONE)
        status = make_call(&session,
                           (struct job){adds ? "POST" : "PUT",
                                        adds ? remote_path(session.remote, CUSTOM,
                                                           cli_operands(args)[0])
                                             : path_of(&session, args),
                                        json_incref(body)},
                           &domain);
    if (status == EXIT_DONE && !session_prints_json(&session, domain))
        print_published(adds ? "published at" : "changed", member_text_or(domain, "domain", ""));
    json_decref(domain);
    session_close(&session);
    return status;
}

static int run_add_domain(const struct cli_args *args)
{
    int status = check_host(args);
    json_t *body;

    if (status != EXIT_DONE)
        return status;
    body = json_pack("{s:s, s:b}", "domain", host_of(args), "enabled", true);
    status = read_settings(args, body);
    if (status == EXIT_DONE)
        status = approval_ask(args, "let everybody read what is in the bucket?", false);
    if (status == EXIT_DONE)
        status = write_domain(args, true, body);
    json_decref(body);
    return status;
}

static int run_update_domain(const struct cli_args *args)
{
    int status = check_host(args);
    json_t *body;

    if (status != EXIT_DONE)
        return status;
    body = json_object();
    if (cli_has(args, "enable") || cli_has(args, "disable"))
        json_object_set_new(body, "enabled", json_boolean(cli_has(args, "enable")));
    status = read_settings(args, body);
    if (status == EXIT_DONE && !json_object_size(body))
        status = cli_usage_error(args, "nothing is to be changed");
    if (status == EXIT_DONE)
        status = write_domain(args, false, body);
    json_decref(body);
    return status;
}

static int remove_domain(struct session *session)
{
    const struct cli_args *args = session->args;
    char question[512];
    int status;

    snprintf(question, sizeof question, "publish the bucket %.100s no more at %.255s?",
             cli_operands(args)[0], host_of(args));
    if ((status = approval_ask(args, question, true)) != EXIT_DONE ||
        (status = make_call(session, (struct job){"DELETE", path_of(session, args), NULL}, NULL)) !=
            EXIT_DONE)
        return status;
    print_published("removed", host_of(args));
    return EXIT_DONE;
}

static int run_remove_domain(const struct cli_args *args)
{
    struct session session;
    int status = check_host(args);

    if (status != EXIT_DONE)
        return status;
    status = session_open(&session, args);
    if (status == EXIT_DONE)
        status = remove_domain(&session);
    session_close(&session);
    return status;
}

/* ---- rows ---- */

#define SETTINGS                                                                                   \
    {"prefix", "DIRECTORY", "publish what is below it in the bucket"},                             \
    {"index", "NAME", "the document of a path that ends with \"/\": index.html"},                  \
    {"not-found", "none|404-page|single-page-application", "what stands for missing objects"},     \
    {"error", "NAME", "the document of 404-page (404.html)"},                                      \
    {"header", "NAME: VALUE", "a header of every answer; may be given several times"}

#define CACHE                                                                                      \
    {"ttl", "SECONDS", "how long objects are kept that do not say so (7200)"},                     \
    {"min-ttl", "SECONDS", "at least so long, whatever they say (0)"},                             \
    {"max-ttl", "SECONDS", "at most so long (a year)"},                                            \
    {"domain", "HOST", "the same as the operand"},                                                 \
    {"min-tls", "1.0|1.1|1.2|1.3", "kept for who asks; TLS ends before atoll"}

static const struct cli_option url_options[] = {SETTINGS, {0}};
static const struct cli_option add_options[] = {
    SETTINGS, CACHE, {"zone-id", "ID", "the zone that the host is in (its own)"}, {0}};
static const struct cli_option update_options[] = {
    SETTINGS, CACHE, {"enable", NULL, "answer there"}, {"disable", NULL, "answer 404 there"}, {0}};
static const struct cli_option host_options[] = {
    {"domain", "HOST", "the same as the operand"}, {0}};

static const struct cli_example enable_examples[] = {
    {"atoll r2 bucket dev-url enable pictures --yes", "says where"},
    {0},
};

static const struct cli_example disable_examples[] = {
    {"atoll r2 bucket dev-url disable pictures", "the address stays the bucket's"},
    {0},
};

static const struct cli_example url_examples[] = {
    {"atoll r2 bucket dev-url get pictures --json | jq -r .domain", "the host"},
    {0},
};

static const struct cli_example list_examples[] = {
    {"atoll r2 bucket domain list pictures", NULL},
    {0},
};

static const struct cli_example get_examples[] = {
    {"atoll r2 bucket domain get app www.example.com", NULL},
    {0},
};

static const struct cli_example remove_examples[] = {
    {"atoll r2 bucket domain remove app www.example.com --yes", "without a question"},
    {0},
};

static const struct cli_example add_examples[] = {
    {"atoll r2 bucket domain add pictures cdn.example.com --ttl 600", "with a cache in front"},
    {"atoll r2 bucket domain add app www.example.com --index index.html", "a front end"},
    {0},
};

static const struct cli_example update_examples[] = {
    {"atoll r2 bucket domain update app www.example.com --prefix v2/", "another release"},
    {0},
};

#define DETAILS_SETTINGS "A setting with an empty value (--prefix=) is taken away."

const struct cli_command cmd_r2_domain_dev_url_enable = {
    .name = "r2 bucket dev-url enable",
    .usage = "BUCKET [OPTIONS]",
    .summary = "publish a bucket at an address of the server's own",
    .details = "It shows what is in the bucket: nothing is cached. " DETAILS_SETTINGS,
    .options = url_options,
    .run = run_enable_url,
    .examples = enable_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON | CLI_YES,
};

const struct cli_command cmd_r2_domain_dev_url_disable = {
    .name = "r2 bucket dev-url disable",
    .usage = "BUCKET [OPTIONS]",
    .summary = "publish it there no more",
    .run = run_disable_url,
    .examples = disable_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON | CLI_YES,
};

const struct cli_command cmd_r2_domain_dev_url_get = {
    .name = "r2 bucket dev-url get",
    .usage = "BUCKET [OPTIONS]",
    .summary = "whether it is published there, and where",
    .run = run_get_url,
    .examples = url_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};

const struct cli_command cmd_r2_domain_add = {
    .name = "r2 bucket domain add",
    .usage = "BUCKET HOST [OPTIONS]",
    .summary = "publish a bucket at a host of yours, with a cache in front",
    .details = "What is kept there goes by atoll cache purge, or with its time.",
    .options = add_options,
    .run = run_add_domain,
    .examples = add_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON | CLI_YES,
};

const struct cli_command cmd_r2_domain_list = {
    .name = "r2 bucket domain list",
    .usage = "BUCKET [OPTIONS]",
    .summary = "list the hosts at which a bucket is published",
    .run = run_list_domains,
    .examples = list_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};

const struct cli_command cmd_r2_domain_get = {
    .name = "r2 bucket domain get",
    .usage = "BUCKET HOST [OPTIONS]",
    .summary = "the settings of such a host",
    .options = host_options,
    .run = run_get_domain,
    .examples = get_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};

const struct cli_command cmd_r2_domain_update = {
    .name = "r2 bucket domain update",
    .usage = "BUCKET HOST [OPTIONS]",
    .summary = "change such a host's settings; what was kept goes",
    .details = DETAILS_SETTINGS,
    .options = update_options,
    .run = run_update_domain,
    .examples = update_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};

const struct cli_command cmd_r2_domain_remove = {
    .name = "r2 bucket domain remove",
    .usage = "BUCKET HOST [OPTIONS]",
    .summary = "publish a bucket no more at a host",
    .details = "Where nobody is there to ask, it takes --yes.",
    .options = host_options,
    .run = run_remove_domain,
    .examples = remove_examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_YES,
};
