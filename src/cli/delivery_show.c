/* What `--dry-run` shows: the modules, the bindings, the triggers; never what a secret says. */
#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "cli/delivery.h"
#include "cli/quantity.h"
#include "cli/table.h"

enum { VALUE_SHOWN = 60 };

/* What tells a binding from others of its type, returned owned; NULL: nothing. */
static char *value_of(const json_t *binding)
{
    static const char *const skipped[] = {"name", "type"};
    json_t *rest;
    char *text;

    if (member_is(binding, "type", "plain_text"))
        return json_dumps(json_object_get(binding, "text"), JSON_ENCODE_ANY);
    if (member_is(binding, "type", "json"))
        return json_dumps(json_object_get(binding, "json"), JSON_ENCODE_ANY);
    if (member_is(binding, "type", "secret_text"))
        return NULL;
    rest = json_copy((json_t *)binding);
    for (size_t i = 0; i < COUNT_OF(skipped); i++)
        json_object_del(rest, skipped[i]);
    text = json_object_size(rest) ? json_dumps(rest, JSON_COMPACT) : NULL;
    json_decref(rest);
    return text;
}

static void show_modules(const struct package *package)
{
    struct table *table = table_new((const char *const[]){"MODULE", "TYPE", ">SIZE", NULL});
    const json_t *module;
    size_t i;

    json_array_foreach(package->modules, i, module)
        table_add(table,
                  (const char *const[]){member_text(module, "name"), member_text(module, "type"),
                                        quantity_bytes(member_int(module, "bytes"))});
    table_print(table);
}

static void show_bindings(const struct package *package)
{
    const json_t *bindings = json_object_get(package->metadata, "bindings"), *binding;
    struct table *table;
    size_t i;

    if (!json_array_size(bindings))
        return;
    putchar('\n');
    table = table_new((const char *const[]){"BINDING", "TYPE", "VALUE", NULL});
    json_array_foreach(bindings, i, binding) {
        char *value = value_of(binding);

        if (value && strlen(value) > VALUE_SHOWN)
            memcpy(value + VALUE_SHOWN, "...", 4);
        table_add(table, (const char *const[]){member_text(binding, "name"),
                                               member_text(binding, "type"), value});
        free(value);
    }
    table_print(table);
}

static void show_list(const char *word, const json_t *list, const char *key)
{
    const json_t *it;
    size_t i;

    json_array_foreach(list, i, it) {
        printf("%s ", word);
        terminal_print_text(stdout, PLAIN, key ? member_text(it, key) : json_string_value(it),
                            false, 0);
        putchar('\n');
    }
}

static void show_triggers(const struct package_triggers *triggers)
{
    putchar('\n');
    printf("workers_dev %s\n", triggers->workers_dev ? "on" : "off");
    show_list("route", triggers->routes, "pattern");
    show_list("domain", triggers->domains, "hostname");
    show_list("cron", triggers->crons, NULL);
}

/* The metadata as it would be sent, but for what secrets say. */
static json_t *without_secrets(const json_t *metadata)
{
    json_t *copy = json_deep_copy(metadata), *binding;
    size_t i;

    json_array_foreach(json_object_get(copy, "bindings"), i, binding)
        if (member_is(binding, "type", "secret_text"))
            json_object_del(binding, "text");
    return copy;
}

void delivery_show(const struct delivery *d)
{
    const struct package *package = d->package;

    if (cli_has(d->args, "json")) {
        json_t *all = json_pack("{s:s, s:o, s:O, s:b, s:O?, s:O?, s:O?}", "name", d->config->name,
                                "metadata", without_secrets(package->metadata), "modules",
                                package->modules, "workers_dev", (int)package->triggers.workers_dev,
                                "routes", package->triggers.routes, "domains",
                                package->triggers.domains, "crons", package->triggers.crons);
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
        return;
    }
    show_modules(package);
    show_bindings(package);
    show_triggers(&package->triggers);
    fprintf(stderr, "nothing was sent (--dry-run)\n");
}
