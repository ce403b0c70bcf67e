// The configuration of `atoll serve`: what is read, what is refused and where.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/serve_config.h"
#include "os/file.h"
#include "os/path.h"

static char *directory;

static void setup(void)
{
    struct err err;

    cr_assert_eq(file_make_temporary(&directory, &err), 0);
}

static void teardown(void)
{
    file_remove_tree(directory);
    free(directory);
}

/* Reads `text` as a file of this name, with settings of the command line. */
static int read_with(const char *name, const char *text, const struct serve_setting *settings,
                     struct serve_config **ret, struct err *err)
{
    static const struct serve_setting none[] = {{NULL, NULL}};
    char *path = path_join(str_from(directory), str_from(name));
    int r = file_write(path, str_from(text), err);

    if (r == 0)
        r = serve_config_read(path, settings ? settings : none, ret, err);
    free(path);
    return r;
}

TestSuite(serve_config, .init = setup, .fini = teardown);

Test(serve_config, defaults_and_command_line)
{
    static const struct serve_setting settings[] = {
        {"data", "/tmp/somewhere"}, {"listen", "[::1]:80"}, {"admin", "9000"}, {NULL, NULL}};
    static const struct serve_setting nothing[] = {{NULL, NULL}};
    struct serve_config *config;
    struct err err;

    cr_assert_eq(serve_config_read(NULL, nothing, &config, &err), ERR_INVALID);
    cr_assert_not_null(strstr(err.text, "--data"));
    cr_assert_eq(serve_config_read(NULL, settings, &config, &err), 0, "%s", err.text);
    cr_assert_str_eq(config->data, "/tmp/somewhere");
    cr_assert_str_eq(config->listen.ip, "::1");
    cr_assert_eq(config->listen.port, 80);
    cr_assert_str_eq(config->admin.ip, "127.0.0.1");
    cr_assert_eq(config->admin.port, 9000);
    cr_assert_str_eq(config->domain, "localhost");
    cr_assert_str_eq(config->outbound, "public");
    cr_assert_null(config->sandbox_user);
    cr_assert_not(config->sandbox_given);
    cr_assert_eq(config->limits.cpu_ms, limits_default().cpu_ms);
    cr_assert_eq(json_array_size(config->warnings), 0);
    serve_config_free(config);
}

Test(serve_config, file)
{
    static const struct serve_setting settings[] = {{"runtimes", "3"}, {NULL, NULL}};
    static const char text[] = "data = \"store\"\n"
                               "listen = \"0.0.0.0:80\"\n"
                               "domain = \"Workers.Example.COM\"\n"
                               "public_url = \"https://workers.example.com/\"\n"
                               "runtimes = 7\nslow_lane = 5\nmemory_mib = 512\nidle_seconds = 0\n"
                               "log_mib = 9\ncache_mib = 77\noutbound = \"all\"\n"
                               "sandbox = \"atoll\"\n"
                               "[limits]\ncpu_ms = 50\nsubrequests = 0\n"
                               "[prices]\ncurrency = \"EUR\"\nmillion_requests = 0.15\n";
    char *expected = path_join(str_from(directory), STR("store"));
    struct serve_config *config;
    struct err err;

    cr_assert_eq(read_with("atoll.toml", text, settings, &config, &err), 0, "%s", err.text);
    cr_assert_str_eq(config->data, expected, "relative to the file");
    cr_assert_str_eq(config->listen.ip, "0.0.0.0");
    cr_assert_str_eq(config->domain, "workers.example.com");
    cr_assert_str_eq(config->public_url, "https://workers.example.com");
    cr_assert_eq(config->runtimes, 3, "the command line wins");
    cr_assert_eq(config->slow_lane, 5);
    cr_assert_eq(config->memory_mib, 512);
    cr_assert_eq(config->idle_seconds, 0);
    cr_assert_eq(config->log_mib, 9);
    cr_assert_eq(config->cache_mib, 77);
    cr_assert_str_eq(config->sandbox_user, "atoll");
    cr_assert_eq(config->limits.cpu_ms, 50);
    cr_assert(config->limits_given[limits_find("cpu_ms") - limits_rows]);
    cr_assert_not(config->limits_given[limits_find("wall_ms") - limits_rows]);
    cr_assert_float_eq(json_number_value(json_object_get(config->prices, "million_requests")), 0.15,
                       1e-9);
    serve_config_free(config);
    free(expected);
}

Test(serve_config, sandbox)
{
    static const struct {
        const char *value;
        bool given;
        const char *user;
    } rows[] = {{"true", false, NULL}, {"false", true, NULL}, {"\"www\"", true, "www"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct serve_config *config;
        struct err err;
        char text[128];

        snprintf(text, sizeof text, "{\"data\": \"d\", \"sandbox\": %s} // a comment\n",
                 rows[i].value);
        cr_assert_eq(read_with("atoll.jsonc", text, NULL, &config, &err), 0, "%s", err.text);
        cr_assert_eq(config->sandbox_given, rows[i].given, "%s", rows[i].value);
        cr_assert_eq(config->sandbox_user == NULL, rows[i].user == NULL, "%s", rows[i].value);
        if (rows[i].user)
            cr_assert_str_eq(config->sandbox_user, rows[i].user);
        serve_config_free(config);
    }
}

Test(serve_config, unknown_keys_warn)
{
    static const char text[] = "data = \"d\"\nlisten_on = \"x\"\nlisen = \"x\"\n"
                               "[limits]\ncpu = 5\n[prices]\nmillion_request = 1\n";
    static const char *const parts[] = {":2:", ":3:1: \"lisen\" is not known", "\"listen\"?",
                                        "\"limits.cpu\"", "\"million_requests\"?"};
    struct serve_config *config;
    struct err err;
    char *all;

    cr_assert_eq(read_with("atoll.toml", text, NULL, &config, &err), 0, "%s", err.text);
    cr_assert_eq(json_array_size(config->warnings), 4);
    all = json_dumps(config->warnings, JSON_ENCODE_ANY);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        json_t *needle = json_string(parts[i]);
        char *quoted = json_dumps(needle, JSON_ENCODE_ANY);

        quoted[strlen(quoted) - 1] = '\0';
        cr_assert_not_null(strstr(all, quoted + 1), "%s in %s", parts[i], all);
        free(quoted);
        json_decref(needle);
    }
    free(all);
    serve_config_free(config);
}

Test(serve_config, wrong_values)
{
    static const struct {
        const char *line, *wanted;
    } rows[] = {
        {"listen = \"nowhere:80\"", "\"listen\" must be an address and a port"},
        {"listen = \"127.0.0.1:70000\"", "must be an address and a port"},
        {"listen = \"127.0.0.1\"", "must be an address and a port"},
        {"listen = 80", "\"listen\" must be a string, but it is a number"},
        {"domain = \"http://x\"", "must be a host name"},
        {"domain = \"a..b\"", "must be a host name"},
        {"domain = \"\"", "must be a host name"},
        {"public_url = \"example.com\"", "must begin with http://"},
        {"outbound = \"everywhere\"", "\"outbound\" is wrong"},
        {"runtimes = 0", "\"runtimes\" must be a whole number from 1 to 128"},
        {"runtimes = 1.5", "must be a whole number"},
        {"runtimes = -1", "must be a whole number"},
        {"memory_mib = \"much\"", "must be a whole number from 64"},
        {"sandbox = 1", "\"sandbox\" must be a user's name, true or false"},
        {"limits = 5", "\"limits\" must be a table"},
        {"limits.cpu_ms = 0", "\"limits.cpu_ms\" (CPU time of a request, ms) must be"},
        {"limits.cpu_ms = \"1\"", "must be a whole number from 1 to 300000"},
        {"prices.gb_s = \"free\"", "\"prices.gb_s\" must be a number, but it is a string"},
        {"prices.gb_s = -1", "must be a number from 0"},
        {"prices.currency = 1", "\"prices.currency\" must be a string"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct serve_config *config;
        struct err err;
        char text[256];

        snprintf(text, sizeof text, "data = \"d\"\n%s\n", rows[i].line);
        cr_assert_eq(read_with("atoll.toml", text, NULL, &config, &err), ERR_INVALID, "%s",
                     rows[i].line);
        cr_assert_not_null(strstr(err.text, rows[i].wanted), "%s: %s", rows[i].line, err.text);
        cr_assert_not_null(strstr(err.text, "atoll.toml:2:"), "%s: %s", rows[i].line, err.text);
    }
}

Test(serve_config, wrong_option)
{
    static const struct serve_setting settings[] = {
        {"data", "d"}, {"runtimes", "many"}, {NULL, NULL}};
    struct serve_config *config;
    struct err err;

    cr_assert_eq(serve_config_read(NULL, settings, &config, &err), ERR_INVALID);
    cr_assert_str_eq(err.text, "--runtimes must be a whole number from 1 to 128");
}
