/* The configuration of `atoll serve`; see serve_config.h.
 *
 * `keys` is the whole of it: where a value is kept, what it must be, and its range. A value of the
 * command line goes through the same row as one of the file. */
#include "control/serve_config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/config_file.h"
#include "control/suggest.h"
#include "http/outbound.h"
#include "os/path.h"

enum kind { TEXT, NUMBER, ADDRESS, DOMAIN, URL, PATH, OUTBOUND, USER, LIMITS, PRICES };

struct key {
    const char *name;
    enum kind kind;
    size_t offset;
    uint64_t least, most;
};

#define AT(field) offsetof(struct serve_config, field)

static const struct key keys[] = {
    {"data", PATH, AT(data), 0, 0},
    {"listen", ADDRESS, AT(listen), 0, 0},
    {"admin", ADDRESS, AT(admin), 0, 0},
    {"s3", ADDRESS, AT(s3), 0, 0},
    {"s3_url", URL, AT(s3_url), 0, 0},
    {"domain", DOMAIN, AT(domain), 0, 0},
    {"public_url", URL, AT(public_url), 0, 0},
    {"outbound", OUTBOUND, AT(outbound), 0, 0},
    {"sandbox", USER, AT(sandbox_user), 0, 0},
    {"cgroup", PATH, AT(cgroup), 0, 0},
    {"runtimes", NUMBER, AT(runtimes), 1, 128},
    {"slow_lane", NUMBER, AT(slow_lane), 1, 64},
    {"memory_mib", NUMBER, AT(memory_mib), 64, 1 << 20},
    {"idle_seconds", NUMBER, AT(idle_seconds), 0, 30 * 86400},
    {"log_mib", NUMBER, AT(log_mib), 0, 4096},
    {"cache_mib", NUMBER, AT(cache_mib), 1, 1 << 20},
    {"limits", LIMITS, 0, 0, 0},
    {"prices", PRICES, AT(prices), 0, 0},
};

static const char *const price_names[] = {"currency",        "million_requests",
                                          "million_cpu_ms",  "gb_s",
                                          "million_class_a", "million_class_b", NULL};

/* Where a value stands: a key of a file, or an option. */
struct source {
    const struct config_file *file;    /* NULL: the command line */
    struct serve_config *config;
    struct err *err;
};

static int complain(const struct source *source, const char *key, const char *inner,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

static int complain(const struct source *source, const char *key, const char *inner,
                    const char *format, ...)
{
    const char *way[] = {key, inner, NULL};
    char text[ERR_TEXT_MAX / 4];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (source->file)
        return config_file_complain(source->file, way, source->err, "\"%s%s%s\" %s", key,
                                    inner ? "." : "", inner ? inner : "", text);
    return err_set(source->err, ERR_INVALID, "--%s %s", key, text);
}

static int wrong_kind(const struct source *source, const char *key, const char *inner,
                      const char *wanted, const json_t *value)
{
    return complain(source, key, inner, "must be %s, but it is %s", wanted,
                    config_file_kind(source->file, value));
}

static void warn_unknown(const struct source *source, const char *key, const char *inner,
                         const char *const *names)
{
    const char *near = suggest_word(inner ? inner : key, names);

    complain(source, key, inner, "is not known and ignored%s%s%s", near ? "; did you mean \"" : "",
             near ? near : "", near ? "\"?" : "");
    json_array_append_new(source->config->warnings, json_string(source->err->text));
}

/* ---- values ---- */

static void set_text(char **at, const char *text)
{
    char *copy = text ? str_dup(str_from(text)) : NULL;

    free(*at);
    *at = copy;
}

static bool is_ip(const char *text)
{
    unsigned char bytes[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* "127.0.0.1:80", "[::1]:80", "localhost:80", ":80" (every address), "80" (this machine only). */
static int take_address(const struct source *source, const struct key *key, const char *text)
{
    struct serve_address *address = (void *)((char *)source->config + key->offset);
    const char *colon = strrchr(text, ':'), *port_text = colon ? colon + 1 : text;
    str ip = colon ? str_head(str_from(text), (size_t)(colon - text)) : STR("127.0.0.1");
    uint64_t port;
    char *copy;

    if (colon && !ip.len)
        ip = STR("0.0.0.0");
    if (str_equal(ip, STR("localhost")))
        ip = STR("127.0.0.1");
    if (ip.len > 2 && ip.ptr[0] == '[' && ip.ptr[ip.len - 1] == ']')
        ip = str_head(str_skip(ip, 1), ip.len - 2);
    copy = str_dup(ip);
    if (!is_ip(copy) || !str_to_u64(str_from(port_text), UINT16_MAX, &port)) {
        free(copy);
        return complain(source, key->name, NULL,
                        "must be an address and a port such as 127.0.0.1:8787 or [::]:80, but it "
                        "is \"%.100s\"",
                        text);
    }
    free(address->ip);
    *address = (struct serve_address){copy, (int)port};
    return 0;
}

static bool is_host(const char *text)
{
    size_t len = strlen(text);

    if (!len || len > SERVE_CONFIG_HOST_BYTES_MAX || *text == '.' || text[len - 1] == '.')
        return false;
    for (const char *at = text; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '-' && *at != '.')
            return false;
    return strstr(text, "..") == NULL;
}

static int take_domain(const struct source *source, const struct key *key, const char *text)
{
    char **at = (void *)((char *)source->config + key->offset);

    if (!is_host(text))
        return complain(source, key->name, NULL,
                        "must be a host name such as \"workers.example.com\", without scheme, port "
                        "or wildcard, but it is \"%.100s\"",
                        text);
    set_text(at, text);
    for (char *c = *at; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return 0;
}

static int take_url(const struct source *source, const struct key *key, const char *text)
{
    char **at = (void *)((char *)source->config + key->offset);
    size_t len = strlen(text);

    if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
        return complain(source, key->name, NULL,
                        "must begin with http:// or https://, but it is \"%.100s\"", text);
    set_text(at, text);
    if (text[len - 1] == '/')
        (*at)[len - 1] = '\0';
    return 0;
}

static int take_outbound(const struct source *source, const struct key *key, const char *text)
{
    struct outbound rules;
    struct err err;

    if (outbound_parse(&rules, str_from(text), &err) < 0)
        return complain(source, key->name, NULL, "is wrong: %.500s", err.text);
    set_text((void *)((char *)source->config + key->offset), text);
    return 0;
}

/* Relative to the file's directory, or to where the command line was typed. */
static int take_path(const struct source *source, const struct key *key, const char *text)
{
    char **at = (void *)((char *)source->config + key->offset);
    char *directory = source->file ? path_directory(str_from(source->file->path))
                                   : str_dup(STR("."));
    char *joined = path_join(str_from(directory), str_from(text));

    free(directory);
    free(*at);
    *at = *text ? path_absolute(str_from(joined)) : NULL;
    free(joined);
    return *at ? 0 : complain(source, key->name, NULL, "must be the path of a directory");
}

static int take_text(const struct source *source, const struct key *key, const char *text)
{
    switch (key->kind) {
    case ADDRESS:
        return take_address(source, key, text);
    case DOMAIN:
        return take_domain(source, key, text);
    case URL:
        return take_url(source, key, text);
    case OUTBOUND:
        return take_outbound(source, key, text);
    case PATH:
        return take_path(source, key, text);
    default:
        set_text((void *)((char *)source->config + key->offset), text);
        return 0;
    }
}

static int take_number(const struct source *source, const struct key *key, bool is_number,
                       uint64_t value)
{
    if (!is_number || value < key->least || value > key->most)
        return complain(source, key->name, NULL, "must be a whole number from %llu to %llu",
                        (unsigned long long)key->least, (unsigned long long)key->most);
    *(uint64_t *)((char *)source->config + key->offset) = value;
    return 0;
}

static int take_limit(const struct source *source, const struct limits_row *row,
                      const json_t *value)
{
    struct serve_config *config = source->config;
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < 0 || (uint64_t)number < row->least ||
        (uint64_t)number > row->most)
        return complain(source, "limits", row->key, "(%s) must be a whole number from %llu to %llu",
                        row->text, (unsigned long long)row->least, (unsigned long long)row->most);
    *limits_value(&config->limits, row) = (uint64_t)number;
    config->limits_given[row - limits_rows] = true;
    return 0;
}

static int take_limits(const struct source *source, json_t *object)
{
    const char *names[COUNT_OF(source->config->limits_given) + 1] = {NULL}, *inner;
    json_t *value;
    size_t count = 0;
    int r = 0;

    for (const struct limits_row *row = limits_rows; row->key; row++) {
        ASSERT(count < COUNT_OF(names) - 1);
        names[count++] = row->key;
    }
    json_object_foreach(object, inner, value) {
        const struct limits_row *row = limits_find(inner);

        if (!row)
            warn_unknown(source, "limits", inner, names);
        else if ((r = take_limit(source, row, value)) < 0)
            return r;
    }
    return 0;
}

static int take_prices(const struct source *source, json_t *object)
{
    const char *inner;
    json_t *value;
    size_t i;

    json_object_foreach(object, inner, value) {
        for (i = 0; price_names[i] && strcmp(price_names[i], inner) != 0; i++)
            continue;
        if (!price_names[i]) {
            warn_unknown(source, "prices", inner, price_names);
            continue;
        }
        if (i == 0 ? !json_is_string(value) : !json_is_number(value))
            return wrong_kind(source, "prices", inner, i == 0 ? "a string" : "a number", value);
        if (i && (json_number_value(value) < 0 || json_number_value(value) > 1e9))
            return complain(source, "prices", inner, "must be a number from 0 to 1000000000");
        json_object_set(source->config->prices, inner, value);
    }
    return 0;
}

/* ---- the file ---- */

static int take_table(const struct source *source, const struct key *key, json_t *value)
{
    if (!json_is_object(value))
        return wrong_kind(source, key->name, NULL,
                          source->file->toml ? "a table" : "an object of names and values", value);
    return key->kind == LIMITS ? take_limits(source, value) : take_prices(source, value);
}

static int take_value(const struct source *source, const struct key *key, json_t *value)
{
    if (key->kind == LIMITS || key->kind == PRICES)
        return take_table(source, key, value);
    if (key->kind == NUMBER && json_is_integer(value) && json_integer_value(value) >= 0)
        return take_number(source, key, true, (uint64_t)json_integer_value(value));
    if (key->kind == NUMBER)
        return take_number(source, key, false, 0);
    if (key->kind == USER)
        source->config->sandbox_given = !json_is_true(value);
    if (key->kind == USER && json_is_boolean(value)) {
        set_text(&source->config->sandbox_user, NULL);
        return 0;
    }
    if (!json_is_string(value))
        return wrong_kind(source, key->name, NULL,
                          key->kind == USER ? "a user's name, true or false" : "a string", value);
    return take_text(source, key, json_string_value(value));
}

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static int take_file(struct serve_config *config, const struct config_file *file, struct err *err)
{
    const struct source source = {file, config, err};
    const char *names[COUNT_OF(keys) + 1] = {NULL}, *name;
    json_t *value;
    int r;

    for (size_t i = 0; i < COUNT_OF(keys); i++)
        names[i] = keys[i].name;
    json_object_foreach(file->top, name, value) {
        const struct key *key = find_key(name);

        if (!key && strcmp(name, "$schema") != 0)
            warn_unknown(&source, name, NULL, names);
        else if (key && (r = take_value(&source, key, value)) < 0)
            return r;
    }
    return 0;
}

static int take_settings(struct serve_config *config, const struct serve_setting *settings,
                         struct err *err)
{
    const struct source source = {NULL, config, err};
    int r;

    for (; settings->key; settings++) {
        const struct key *key = find_key(settings->key);
        uint64_t number = 0;
        bool is_number;

        ASSERT(key);
        is_number = str_to_u64(str_from(settings->value), UINT64_MAX, &number);
        r = key->kind == NUMBER ? take_number(&source, key, is_number, number)
                                : take_text(&source, key, settings->value);
        if (r < 0)
            return r;
    }
    return 0;
}

static struct serve_config *defaults(void)
{
    struct serve_config *config = mem_new(struct serve_config);

    config->listen = (struct serve_address){str_dup(STR("127.0.0.1")), SERVE_CONFIG_LISTEN_PORT};
    config->admin = (struct serve_address){str_dup(STR("127.0.0.1")), SERVE_CONFIG_ADMIN_PORT};
    config->domain = str_dup(STR("localhost"));
    config->outbound = str_dup(STR("public"));
    config->memory_mib = SERVE_CONFIG_MEMORY_MIB;
    config->idle_seconds = SERVE_CONFIG_IDLE_SECONDS;
    config->log_mib = SERVE_CONFIG_LOG_MIB;
    config->cache_mib = SERVE_CONFIG_CACHE_MIB;
    config->limits = limits_default();
    config->prices = json_pack("{s:s}", "currency", "EUR");
    config->warnings = json_array();
    return config;
}

int serve_config_read(const char *path, const struct serve_setting *settings,
                      struct serve_config **ret_config, struct err *err)
{
    struct serve_config *config = defaults();
    char *absolute = path ? path_absolute(str_from(path)) : NULL;
    struct config_file *file = NULL;
    int r = 0;

    if (absolute && (r = config_file_open(absolute, &file, err)) < 0)
        goto fail;
    if ((file && (r = take_file(config, file, err)) < 0) ||
        (r = take_settings(config, settings, err)) < 0)
        goto fail;
    if (!config->data) {
        r = err_set(err, ERR_INVALID,
                    "there is no directory for accounts, workers and usage\n"
                    "name one with --data DIR, or with \"data\" in the configuration");
        goto fail;
    }
    config_file_free(file);
    free(absolute);
    *ret_config = config;
    return 0;
fail:
    config_file_free(file);
    free(absolute);
    serve_config_free(config);
    return r;
}

void serve_config_free(struct serve_config *config)
{
    if (!config)
        return;
    free(config->data);
    free(config->listen.ip);
    free(config->admin.ip);
    free(config->s3.ip);
    free(config->s3_url);
    free(config->domain);
    free(config->public_url);
    free(config->outbound);
    free(config->sandbox_user);
    free(config->cgroup);
    json_decref(config->prices);
    json_decref(config->warnings);
    free(config);
}
