/* Uploads, versions, deployments and settings through the API: what is stored, what goes live, what
 * a failure leaves behind. */
#include "api_client_harness.h"

#include "registry/script.h"
#include "registry/script_version.h"

TestSuite(release, .init = harness_start, .fini = harness_stop, .timeout = 30);

#define PLAIN "{\"main_module\":\"index.js\",\"compatibility_date\":\"2026-01-01\"}"
#define WITH_VARS \
    "{\"main_module\":\"./index.js\",\"bindings\":[{\"name\":\"V\",\"type\":\"plain_text\"," \
    "\"text\":\"one\"},{\"name\":\"J\",\"type\":\"json\",\"json\":{\"a\":[1]}}," \
    "{\"name\":\"S\",\"type\":\"secret_text\",\"text\":\"hush\"}]}"

static json_t *get(const char *path)
{
    return harness_ask("GET", path, NULL, 200);
}

static void deploy_plain(const char *script)
{
    json_decref(harness_deploy(script, PLAIN, "export default {}", 200));
}

/* Uploads a version; its id, returned owned. */
static char *add_version(const char *script, const char *metadata)
{
    char path[256];
    struct harness_request request;
    json_t *answer;
    char *id;

    snprintf(path, sizeof path, HARNESS_SCRIPTS "/%s/versions?bindings_inherit=strict", script);
    request = harness_upload("POST", path, metadata, "export default {}");
    answer = harness_ask_full(&request, 200);
    id = strdup(harness_text(answer, "id"));
    cr_expect(harness_at(answer, "resources.script"));
    json_decref(answer);
    return id;
}

static json_t *deploy_versions(const char *script, int status, const char *versions)
{
    char path[256], body[1024];

    snprintf(path, sizeof path, HARNESS_SCRIPTS "/%s/deployments", script);
    snprintf(body, sizeof body, "{\"strategy\":\"percentage\",\"versions\":%s}", versions);
    return harness_ask("POST", path, body, status);
}

static json_t *deploy_one(const char *script, const char *id)
{
    char versions[256];

    snprintf(versions, sizeof versions, "[{\"version_id\":\"%s\",\"percentage\":100}]", id);
    return deploy_versions(script, 200, versions);
}

/* ---- uploads ---- */

Test(release, an_upload_makes_a_version_and_a_deployment)
{
    json_t *answer = harness_deploy("hello", PLAIN, "export default {}", 200), *other;

    cr_expect_str_eq(harness_text(answer, "id"), "hello");
    cr_expect_str_eq(harness_text(answer, "handlers.0"), "fetch");
    cr_expect(json_number_value(harness_at(answer, "startup_time_ms")) > 1);
    cr_expect_eq(strlen(harness_text(answer, "created_on")), 24);
    cr_expect_eq(harness.routes, 1, "a new name is a new host");
    other = get(HARNESS_SCRIPTS "/hello/deployments");
    cr_expect_str_eq(harness_text(other, "deployments.0.versions.0.version_id"),
                     harness_text(answer, "deployment_id"));
    cr_expect_eq(json_integer_value(harness_at(other, "deployments.0.versions.0.percentage")), 100);
    cr_expect_str_eq(json_string_value(
                         json_object_get(harness_at(other, "deployments.0.annotations"),
                                         "workers/triggered_by")),
                     "upload");
    json_decref(other);
    other = get(HARNESS_SCRIPTS "/hello/versions?deployable=true");
    cr_expect_eq(json_array_size(harness_at(other, "items")), 1);
    cr_expect_eq(json_integer_value(harness_at(other, "items.0.number")), 1);
    cr_expect_str_eq(harness_text(other, "items.0.resources.script_runtime.compatibility_date"),
                     "2026-01-01");
    json_decref(other);
    json_decref(answer);
    deploy_plain("hello");
    cr_expect_eq(harness.routes, 1);
    cr_expect_eq(harness.deployed, 2);
}

Test(release, a_bare_body_is_a_script)
{
    struct harness_request request = {.method = "PUT",
                                      .path = HARNESS_SCRIPTS "/bare",
                                      .type = "application/javascript; charset=utf-8",
                                      .body = STR("addEventListener('fetch', () => {})")};

    json_decref(harness_ask_full(&request, 200));
    cr_expect_str_eq(json_string_value(json_object_get(harness.built_version, "main_module")),
                     "worker.js");
    request.type = "application/javascript+module";
    request.body = STR("throw 1");
    json_decref(harness_ask_full(&request, 400));
    request.type = "text/css";
    json_decref(harness_ask_full(&request, 400));
}

Test(release, a_build_that_fails_changes_nothing)
{
    json_t *answer;

    answer = harness_deploy("hello", PLAIN, "throw 1", 400);
    cr_expect_eq(harness_code(answer), 10021);
    cr_expect(strstr(harness_message(answer), "at index.js:1:7"));
    json_decref(answer);
    json_decref(harness_ask("GET", HARNESS_SCRIPTS "/hello/versions", NULL, 404));
    deploy_plain("hello");
    json_decref(harness_deploy("hello", PLAIN, "throw 1", 400));
    answer = get(HARNESS_SCRIPTS "/hello/versions");
    cr_expect_eq(json_array_size(harness_at(answer, "items")), 1);
    json_decref(answer);
    cr_expect_eq(harness.deployed, 1);
}

Test(release, bad_uploads_are_refused_before_a_build)
{
    static const struct {
        const char *script, *metadata, *words;
    } cases[] = {
        {"a", "{", "line 1"},
        {"a", "[]", "object"},
        {"a", "{}", "main_module"},
        {"a", "{\"main_module\":\"other.js\"}", "other.js"},
        {"a", "{\"main_module\":\"index.js\",\"body_part\":\"index.js\"}", "main_module"},
        {"Upper", PLAIN, "Upper"},
        {"a", "{\"main_module\":\"index.js\",\"compatibility_date\":\"soon\"}", "_date"},
        {"a", "{\"main_module\":\"index.js\",\"limits\":{\"cpu_ms\":0}}", "limits.cpu_ms"},
        {"a", "{\"main_module\":\"index.js\",\"limits\":{\"cpu_ms\":300001}}", "300000"},
        {"a", "{\"main_module\":\"index.js\",\"limits\":{\"memory_mb\":512}}", "memory_mb"},
        {"a", "{\"main_module\":\"index.js\",\"migrations\":{\"new_tag\":\"v1\"}}", "Durable"},
        {"a", "{\"main_module\":\"index.js\",\"bindings\":[{\"name\":\"KV\","
              "\"type\":\"kv_namespace\",\"namespace_id\":\"1\"}]}", "\"KV\""},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *answer = harness_deploy(cases[i].script, cases[i].metadata, "x", 400);
        cr_expect_eq(harness_code(answer), 10021);
        cr_expect(strstr(harness_message(answer), cases[i].words), "%s: %s", cases[i].metadata,
                  harness_message(answer));
        json_decref(answer);
    }
    cr_expect_eq(harness.builds, 0);
}

Test(release, modules_have_a_maximum)
{
    json_t *script, *changes = json_pack("{s:{s:{s:i}}}", "settings", "limits", "script_bytes", 20),
                    *updated, *answer;
    struct err err;

    deploy_plain("small");
    cr_assert_eq(script_find(harness.registry, "default", "small", &script, &err), 0);
    cr_assert_eq(script_update(harness.registry, json_integer_value(json_object_get(script, "id")),
                               changes, &updated, &err),
                 0, "%s", err.text);
    json_decref(script);
    json_decref(changes);
    json_decref(updated);
    json_decref(harness_deploy("small", PLAIN, "12345678901234567890", 200));
    answer = harness_deploy("small", PLAIN, "123456789012345678901", 400);
    cr_expect(strstr(harness_message(answer), "script_bytes"));
    json_decref(answer);
}

/* ---- secrets and bindings ---- */

static void expect_secret(const char *script, const char *name, const char *text)
{
    json_t *row, *version, *secrets;
    const char *found;
    struct err err;

    cr_assert_eq(script_find(harness.registry, "default", script, &row, &err), 0);
    cr_assert_eq(script_version_latest(harness.registry,
                                       json_integer_value(json_object_get(row, "id")), &version,
                                       &err),
                 0);
    cr_assert_eq(script_version_secrets(harness.registry,
                                        json_string_value(json_object_get(version, "id")), &secrets,
                                        &err),
                 0);
    found = json_string_value(json_object_get(secrets, name));
    cr_expect(text ? found && strcmp(found, text) == 0 : !found, "%s is %s", name,
              found ? found : "(none)");
    json_decref(row);
    json_decref(version);
    json_decref(secrets);
}

Test(release, secrets_live_on_and_vars_do_not)
{
    json_t *answer = harness_deploy("w", WITH_VARS, "x", 200);
    char *text;

    json_decref(answer);
    cr_expect_str_eq(json_string_value(json_object_get(harness.built_secrets, "S")), "hush");
    deploy_plain("w");
    expect_secret("w", "S", "hush");
    answer = get(HARNESS_SCRIPTS "/w/settings");
    cr_expect_eq(json_array_size(harness_at(answer, "bindings")), 1);
    cr_expect_str_eq(harness_text(answer, "bindings.0.type"), "secret_text");
    text = json_dumps(answer, 0);
    cr_expect_not(strstr(text, "hush"));
    free(text);
    json_decref(answer);
}

Test(release, inherited_bindings_are_stored_as_what_they_are)
{
    json_t *answer;

    json_decref(harness_deploy("w", WITH_VARS, "x", 200));
    json_decref(
        harness_deploy("w",
                       "{\"main_module\":\"index.js\",\"bindings\":[{\"name\":\"V\",\"type\":"
                       "\"inherit\"},{\"name\":\"S\",\"type\":\"inherit\"}]}",
                       "x", 200));
    answer = get(HARNESS_SCRIPTS "/w/settings");
    cr_expect_eq(json_array_size(harness_at(answer, "bindings")), 2);
    cr_expect_str_eq(harness_text(answer, "bindings.0.type"), "plain_text");
    cr_expect_str_eq(harness_text(answer, "bindings.0.text"), "one");
    cr_expect_str_eq(harness_text(answer, "bindings.1.type"), "secret_text");
    json_decref(answer);
    answer = harness_deploy("w",
                            "{\"main_module\":\"index.js\",\"bindings\":[{\"name\":\"NO\","
                            "\"type\":\"inherit\"}]}",
                            "x", 400);
    cr_expect_eq(harness_code(answer), 10057);
    cr_expect_eq(strncmp(harness_message(answer), "inherit binding 'NO' is invalid", 31), 0);
    json_decref(answer);
}

Test(release, a_secret_set_during_a_build_is_kept)
{
    struct harness_request request;
    char *text;
    int fd;

    deploy_plain("w");
    request = harness_upload("PUT", HARNESS_SCRIPTS "/w", PLAIN, "x");
    harness.hold = true;
    fd = harness_send(&request);
    HARNESS_UNTIL(harness.builds == 2);
    json_decref(harness_ask("PUT", HARNESS_SCRIPTS "/w/secrets",
                            "{\"name\":\"S\",\"text\":\"new\",\"type\":\"secret_text\"}", 200));
    harness.hold = false;
    text = harness_receive(fd);
    cr_expect_eq(harness_status_of(text), 200);
    free(text);
    expect_secret("w", "S", "new");
}

Test(release, two_uploads_at_once_are_two_versions)
{
    struct harness_request request = harness_upload("PUT", HARNESS_SCRIPTS "/w", PLAIN, "x");
    char *one, *two;
    int fds[2];
    json_t *answer;

    harness.hold = true;
    fds[0] = harness_send(&request);
    fds[1] = harness_send(&request);
    HARNESS_UNTIL(harness.builds == 2);
    harness.hold = false;
    one = harness_receive(fds[0]);
    two = harness_receive(fds[1]);
    cr_expect_eq(harness_status_of(one), 200, "%s", one);
    cr_expect_eq(harness_status_of(two), 200, "%s", two);
    answer = get(HARNESS_SCRIPTS "/w/versions");
    cr_expect_eq(json_array_size(harness_at(answer, "items")), 2);
    cr_expect_eq(json_integer_value(harness_at(answer, "items.0.number")), 2);
    json_decref(answer);
    free(one);
    free(two);
}

Test(release, secrets_change_what_is_live_only_when_it_is_the_latest)
{
    json_t *answer;
    char *id;

    deploy_plain("w");
    json_decref(harness_ask("PUT", HARNESS_SCRIPTS "/w/secrets",
                            "{\"name\":\"S\",\"text\":\"1\",\"type\":\"secret_text\"}", 200));
    expect_secret("w", "S", "1");
    id = add_version("w", PLAIN);
    answer = harness_ask("PUT", HARNESS_SCRIPTS "/w/secrets",
                         "{\"name\":\"S\",\"text\":\"2\",\"type\":\"secret_text\"}", 400);
    cr_expect_eq(harness_code(answer), 10215);
    json_decref(answer);
    answer = harness_ask("PATCH", "/client/v4/accounts/default/workers/workers/w/versions/latest",
                         "{\"env\":{\"S\":{\"type\":\"secret_text\",\"text\":\"3\"}},"
                         "\"annotations\":{\"workers/message\":\"m\"}}",
                         200);
    cr_expect_neq(strcmp(harness_text(answer, "id"), id), 0);
    json_decref(answer);
    expect_secret("w", "S", "3");
    json_decref(harness_ask("PATCH",
                            "/client/v4/accounts/default/workers/workers/w/versions/latest",
                            "{\"env\":{\"S\":null}}", 200));
    expect_secret("w", "S", NULL);
    json_decref(harness_ask("PATCH",
                            "/client/v4/accounts/default/workers/workers/w/versions/latest",
                            "{\"env\":{\"K\":{\"type\":\"kv_namespace\"}}}", 400));
    free(id);
}

/* ---- versions and deployments ---- */

Test(release, versions_go_live_by_deployments)
{
    json_t *answer = harness_deploy("w", PLAIN, "x", 200);
    char *first = strdup(harness_text(answer, "deployment_id")), *second, both[512];

    json_decref(answer);
    second = add_version("w",
                         "{\"main_module\":\"index.js\",\"annotations\":{\"workers/tag\":\"t\"}}");
    cr_expect_eq(harness.deployed, 1, "a version alone is not deployed");
    snprintf(
        both, sizeof both,
        "[{\"version_id\":\"%s\",\"percentage\":90},{\"version_id\":\"%s\",\"percentage\":10}]",
        first, second);
    answer = deploy_versions("w", 200, both);
    cr_expect_eq(json_array_size(harness_at(answer, "versions")), 2);
    cr_expect_str_eq(json_string_value(json_object_get(harness_at(answer, "annotations"),
                                                       "workers/triggered_by")),
                     "promotion");
    json_decref(answer);
    json_decref(deploy_one("w", second));
    answer = deploy_one("w", first);
    cr_expect_str_eq(json_string_value(json_object_get(harness_at(answer, "annotations"),
                                                       "workers/triggered_by")),
                     "rollback");
    cr_expect_eq(harness.deployed, 4);
    snprintf(both, sizeof both, HARNESS_SCRIPTS "/w/deployments/%s", harness_text(answer, "id"));
    json_decref(answer);
    json_decref(get(both));
    snprintf(both, sizeof both, HARNESS_SCRIPTS "/w/versions/%s", second);
    answer = get(both);
    cr_expect_str_eq(json_string_value(
                         json_object_get(harness_at(answer, "annotations"), "workers/tag")),
                     "t");
    json_decref(answer);
    free(first);
    free(second);
}

Test(release, deployments_that_cannot_be_are_refused)
{
    json_t *answer = harness_deploy("w", PLAIN, "x", 200);
    char versions[256];

    snprintf(versions, sizeof versions, "[{\"version_id\":\"%s\",\"percentage\":50}]",
             harness_text(answer, "deployment_id"));
    json_decref(answer);
    json_decref(deploy_versions("w", 400, versions));
    json_decref(deploy_versions("w", 400, "[]"));
    json_decref(deploy_versions("w", 400, "7"));
    json_decref(deploy_versions("w", 400, "[7]"));
    json_decref(deploy_versions(
        "w", 404,
        "[{\"version_id\":\"00000000-0000-4000-8000-000000000000\",\"percentage\":100}]"));
    json_decref(deploy_versions("none", 404, "[]"));
    cr_expect_eq(harness.deployed, 1);
}

Test(release, versions_of_no_worker_are_refused)
{
    struct harness_request request = harness_upload("POST", HARNESS_SCRIPTS "/none/versions", PLAIN,
                                                    "x");
    json_t *answer = harness_ask_full(&request, 404);

    cr_expect_eq(harness_code(answer), 10007);
    json_decref(answer);
    cr_expect_eq(harness.builds, 0);
}

/* ---- settings ---- */

Test(release, settings_of_scripts_are_kept)
{
    json_t *answer;

    deploy_plain("w");
    answer = harness_ask("PATCH", HARNESS_SCRIPTS "/w/script-settings",
                         "{\"tags\":[\"cf:service=w\"],\"observability\":{\"enabled\":true},"
                         "\"limits\":{\"cpu_ms\":1},\"min_instances\":1}",
                         200);
    cr_expect_str_eq(harness_text(answer, "tags.0"), "cf:service=w");
    json_decref(answer);
    answer = get("/client/v4/accounts/default/workers/services/w");
    cr_expect_str_eq(harness_text(answer, "default_environment.script.tags.0"), "cf:service=w");
    cr_expect_str_eq(harness_text(answer, "default_environment.script.last_deployed_from"),
                     "wrangler");
    json_decref(answer);
    answer = get(HARNESS_SCRIPTS "/w/script-settings");
    cr_expect(json_is_true(harness_at(answer, "observability.enabled")));
    cr_expect_eq(json_integer_value(harness_at(answer, "min_instances")), 1);
    json_decref(answer);
    json_decref(harness_ask("PATCH", HARNESS_SCRIPTS "/w/script-settings", "{\"tags\":1}", 400));
    json_decref(harness_ask("PATCH", HARNESS_SCRIPTS "/none/script-settings", "{}", 404));
}

static struct harness_request settings_form(const char *json)
{
    static char body[4096];

    snprintf(
        body, sizeof body,
        "------b\r\nContent-Disposition: form-data; name=\"settings\"\r\n\r\n%s\r\n------b--\r\n",
        json);
    return (struct harness_request){.method = "PATCH",
                                    .path = HARNESS_SCRIPTS "/w/settings",
                                    .type = HARNESS_FORM_TYPE,
                                    .body = str_from(body)};
}

Test(release, settings_of_versions_change_by_a_form)
{
    struct harness_request request;
    json_t *answer;

    json_decref(harness_deploy("w", WITH_VARS, "x", 200));
    request = settings_form(
        "{\"bindings\":[{\"type\":\"secret_text\",\"name\":\"N\",\"text\":\"n\"},"
        "{\"type\":\"plain_text\",\"name\":\"V\"},"
        "{\"type\":\"secret_text\",\"name\":\"S\"}]}");
    answer = harness_ask_full(&request, 200);
    cr_expect_eq(json_array_size(harness_at(answer, "bindings")), 3);
    json_decref(answer);
    expect_secret("w", "N", "n");
    expect_secret("w", "S", "hush");
    answer = get(HARNESS_SCRIPTS "/w/settings");
    cr_expect_str_eq(harness_text(answer, "bindings.1.text"), "one");
    json_decref(answer);
    cr_expect_eq(harness.deployed, 2);
    request = settings_form("{\"bindings\":[],\"compatibility_date\":\"2026-02-02\"}");
    answer = harness_ask_full(&request, 200);
    cr_expect_str_eq(harness_text(answer, "compatibility_date"), "2026-02-02");
    cr_expect_eq(json_array_size(harness_at(answer, "bindings")), 0);
    json_decref(answer);
    expect_secret("w", "S", NULL);
    request = settings_form("{\"logpush\":true}");
    answer = harness_ask_full(&request, 200);
    cr_expect(json_is_true(harness_at(answer, "logpush")));
    json_decref(answer);
    request = settings_form("{\"bindings\":[{\"type\":\"secret_text\",\"name\":\"NEW\"}]}");
    json_decref(harness_ask_full(&request, 400));
}

Test(release, workers_dev_goes_on_and_off)
{
    json_t *answer;

    deploy_plain("w");
    answer = get("/client/v4/accounts/default/workers/workers/w");
    cr_expect_str_eq(harness_text(answer, "subdomain.url"), "http://w.localhost:8787");
    json_decref(answer);
    answer = harness_ask("POST", HARNESS_SCRIPTS "/w/subdomain", "{\"enabled\":false}", 200);
    cr_expect(json_is_false(harness_at(answer, "enabled")));
    cr_expect(harness_at(answer, "previews_enabled"));
    json_decref(answer);
    cr_expect_eq(harness.routes, 2);
    answer = get("/client/v4/accounts/default/workers/workers/w");
    cr_expect_not(harness_at(answer, "subdomain.url"));
    json_decref(answer);
    answer = harness_ask("POST", HARNESS_SCRIPTS "/w/subdomain",
                         "{\"enabled\":true,\"previews_enabled\":true}", 200);
    cr_expect(json_is_true(harness_at(answer, "previews_enabled")));
    json_decref(answer);
    answer = harness_ask("DELETE", HARNESS_SCRIPTS "/w/subdomain", NULL, 200);
    cr_expect(json_is_false(harness_at(answer, "enabled")));
    json_decref(answer);
    json_decref(harness_ask("POST", HARNESS_SCRIPTS "/w/subdomain", "{\"enabled\":1}", 400));
}

Test(release, workers_are_listed_with_what_is_live)
{
    json_t *answer, *first, *worker, *route;

    first = harness_deploy("w", PLAIN, "export default {}", 200);
    json_decref(harness_ask("POST", HARNESS_SCRIPTS "/w/subdomain", "{\"enabled\":true}", 200));
    route = harness_ask("PUT", HARNESS_SCRIPTS "/w/routes", "[{\"pattern\":\"a.test/*\"}]", 200);
    json_decref(route);
    answer = get(HARNESS_SCRIPTS "?live=true");
    worker = json_array_get(json_object_get(answer, "result"), 0);
    cr_expect_eq(json_array_size(json_object_get(worker, "live")), 1);
    cr_expect(json_equal(json_object_get(json_array_get(json_object_get(worker, "live"), 0),
                                         "version_id"),
                         harness_at(first, "deployment_id")));
    cr_expect_eq(json_array_size(json_object_get(worker, "urls")), 2);
    cr_expect_str_eq(json_string_value(json_array_get(json_object_get(worker, "urls"), 1)),
                     "a.test/*");
    json_decref(answer);
    answer = get(HARNESS_SCRIPTS "?live=no");
    cr_expect_null(json_object_get(json_array_get(json_object_get(answer, "result"), 0), "live"));
    json_decref(answer);
    json_decref(first);
}

/* ---- reading back, deleting ---- */

Test(release, modules_are_read_back_as_they_were)
{
    struct harness_request request = {.method = "GET", .path = HARNESS_SCRIPTS "/w/content/v2"};
    char *text;

    json_decref(harness_deploy("w", PLAIN, "export default { text: 'ä' }", 200));
    text = harness_receive(harness_send(&request));
    cr_expect(strstr(text, "cf-entrypoint: index.js\r\n"));
    cr_expect(strstr(text, "content-type: multipart/form-data; boundary="));
    cr_expect(strstr(text,
                     "name=\"index.js\"; filename=\"index.js\"\r\nContent-Type: "
                     "application/javascript+module\r\n\r\nexport default { text: 'ä' }\r\n--"));
    free(text);
}

Test(release, deleting_takes_everything)
{
    json_t *answer;

    deploy_plain("w");
    deploy_plain("v");
    answer = get(HARNESS_SCRIPTS);
    cr_expect_eq(json_array_size(json_object_get(answer, "result")), 2);
    cr_expect_eq(json_integer_value(
                     json_object_get(json_object_get(answer, "result_info"), "total_count")),
                 2);
    json_decref(answer);
    json_decref(get(HARNESS_SCRIPTS "/w/references"));
    json_decref(get("/client/v4/accounts/default/workers/tails/by-consumer/w"));
    json_decref(get("/client/v4/accounts/default/workers/durable_objects/namespaces?page=1"));
    json_decref(harness_ask("DELETE", "/client/v4/accounts/default/workers/services/w?force=false",
                            NULL, 200));
    cr_expect_eq(harness.deleted, 1);
    answer = harness_ask("GET", "/client/v4/accounts/default/workers/services/w", NULL, 404);
    cr_expect_eq(harness_code(answer), 10007);
    json_decref(answer);
    json_decref(harness_ask("DELETE", HARNESS_SCRIPTS "/w", NULL, 404));
    json_decref(harness_ask("DELETE", HARNESS_SCRIPTS "/v", NULL, 200));
    json_decref(harness_ask("GET", HARNESS_SCRIPTS "/v/settings", NULL, 404));
}
