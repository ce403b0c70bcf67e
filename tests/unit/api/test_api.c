/* api/api, admit and call over real sockets: who gets in, what is told to those who do not. */
#include "api_client_harness.h"

#include "registry/account.h"
#include "registry/audit.h"

TestSuite(api, .init = harness_start, .fini = harness_stop, .timeout = 30);

static void expect_refused(const struct harness_request *request, int status, int code,
                           const char *words)
{
    json_t *answer = harness_ask_full(request, status);

    cr_expect_eq(harness_code(answer), code, "%s: %d", request->path, harness_code(answer));
    cr_expect(strstr(harness_message(answer), words), "%s: %s", request->path,
              harness_message(answer));
    cr_expect(json_is_false(json_object_get(answer, "success")));
    json_decref(answer);
}

Test(api, unknown_paths_and_methods_are_named)
{
    expect_refused(&(struct harness_request){.method = "GET", .path = "/client/v4/nothing/here"},
                   404, 7003, "/client/v4/nothing/here");
    expect_refused(&(struct harness_request){.method = "GET", .path = "/"}, 404, 7003, "GET");
    expect_refused(&(struct harness_request){.method = "GET", .path = "/client/v4"}, 404, 7003,
                   "GET");
    expect_refused(&(struct harness_request){.method = "GET", .path = "/client/v4x/user"}, 404,
                   7003, "GET");
    expect_refused(&(struct harness_request){.method = "POST", .path = HARNESS_SCRIPTS}, 405, 10405,
                   "GET");
}

Test(api, slashes_do_not_count)
{
    json_decref(harness_ask("GET", "/client/v4//accounts/default//workers/scripts/", NULL, 200));
    json_decref(
        harness_ask("GET", "//client/v4/accounts/default/workers/scripts?page=1", NULL, 200));
}

Test(api, tokens_are_wanted_and_found_in_both_headers)
{
    expect_refused(&(struct harness_request){.method = "GET", .path = HARNESS_SCRIPTS, .token = ""},
                   401, 10000, "Authentication error");
    expect_refused(&(struct harness_request){.method = "GET",
                                             .path = HARNESS_SCRIPTS,
                                             .token = "wrong"},
                   401, 10000, "Authentication error");
    expect_refused(&(struct harness_request){.method = "GET",
                                             .path = "/client/v4/user/tokens/verify",
                                             .token = "wrong"},
                   401, 1000, "Invalid API Token");
    json_decref(
        harness_ask_full(&(struct harness_request){.method = "GET",
                                                   .path = HARNESS_SCRIPTS,
                                                   .token = "",
                                                   .headers = "X-Auth-Key: " HARNESS_ADMIN "\r\n"},
                         200));
}

Test(api, scopes_and_accounts_are_kept_apart)
{
    json_t *row = json_pack("{s:s, s:s}", "id", "other", "name", "Other"), *added;
    struct err err;

    cr_assert_eq(account_add(harness.registry, row, &added, &err), 0, "%s", err.text);
    json_decref(row);
    json_decref(added);
    harness_add_token("other", "worker:read", "reader");
    json_decref(harness_ask_full(
        &(struct harness_request){.method = "GET",
                                  .path = "/client/v4/accounts/other/workers/scripts",
                                  .token = "reader"},
        200));
    expect_refused(&(struct harness_request){.method = "GET",
                                             .path = HARNESS_SCRIPTS,
                                             .token = "reader"},
                   403, 9109, "worker:read");
    expect_refused(&(struct harness_request){.method = "DELETE",
                                             .path = "/client/v4/accounts/other/workers/scripts/a",
                                             .token = "reader"},
                   403, 9109, "worker:write");
    expect_refused(&(struct harness_request){.method = "GET",
                                             .path = "/client/v4/accounts/nobody/workers/scripts",
                                             .token = "reader"},
                   403, 9109, "worker:read");
    expect_refused(&(struct harness_request){.method = "GET",
                                             .path = "/client/v4/accounts/nobody/workers/scripts"},
                   404, 7003, "nobody");
    expect_refused(&(struct harness_request){.method = "GET",
                                             .path = "/metrics",
                                             .token = "reader",
                                             .headers = "x-forwarded-for: 192.0.2.1\r\n"},
                   403, 9109, "server:read");
}

Test(api, too_many_wrong_tokens_end_the_tries_of_an_address)
{
    struct harness_request wrong = {.method = "GET", .path = HARNESS_SCRIPTS, .token = "wrong"};

    for (int i = 0; i < 30; i++)
        json_decref(harness_ask_full(&wrong, 401));
    expect_refused(&wrong, 429, 971, "127.0.0.1");
    expect_refused(&(struct harness_request){.method = "GET", .path = HARNESS_SCRIPTS}, 429, 971,
                   "try again");
}

Test(api, metrics_are_open_on_this_machine_alone)
{
    static const char *const foreign[] = {"x-forwarded-for: 192.0.2.1\r\n",
                                          "forwarded: for=192.0.2.1\r\n"};
    struct harness_request request = {.method = "GET", .path = "/metrics", .token = ""};
    char *text = harness_receive(harness_send(&request));

    cr_expect_eq(harness_status_of(text), 200);
    cr_expect(strstr(text, "atoll_up 1\n"));
    free(text);
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        request.headers = foreign[i];
        expect_refused(&request, 401, 10000, "Authentication");
    }
    request.token = NULL;
    text = harness_receive(harness_send(&request));
    cr_expect_eq(harness_status_of(text), 200);
    free(text);
}

Test(api, health_needs_no_token)
{
    struct harness_request request = {.method = "GET", .path = "/healthz", .token = ""};
    char *text = harness_receive(harness_send(&request));

    cr_expect_eq(harness_status_of(text), 200);
    cr_expect(strstr(text, "\r\n\r\nok\n"));
    free(text);
    request.method = "HEAD";
    text = harness_receive(harness_send(&request));
    cr_expect_eq(harness_status_of(text), 200);
    free(text);
}

Test(api, json_errors_have_a_place)
{
    json_decref(harness_deploy("a", "{\"main_module\":\"index.js\"}", "export default {}", 200));
    expect_refused(&(struct harness_request){.method = "PATCH",
                                             .path = HARNESS_SCRIPTS "/a/script-settings",
                                             .body = STR("{\n\"tags\": nope}")},
                   400, 10001, "line 2, column");
    expect_refused(&(struct harness_request){.method = "PATCH",
                                             .path = HARNESS_SCRIPTS "/a/script-settings"},
                   400, 10001, "empty");
    expect_refused(&(struct harness_request){.method = "PATCH",
                                             .path = HARNESS_SCRIPTS "/a/script-settings",
                                             .body = STR("")},
                   400, 10001, "empty");
}

Test(api, bodies_have_a_maximum)
{
    struct harness_request request = {.method = "PUT",
                                      .path = HARNESS_SCRIPTS "/a",
                                      .headers = "content-length: 104857601\r\n"};

    expect_refused(&request, 413, 10027, "100 MiB");
}

Test(api, changes_are_in_the_audit_log_and_secrets_are_not)
{
    json_t *rows, *row;
    struct err err;
    char *text;

    json_decref(harness_deploy("a",
                               "{\"main_module\":\"index.js\",\"bindings\":[{\"name\":\"S\","
                               "\"type\":\"secret_text\",\"text\":\"hush-hush\"}]}",
                               "export default {}", 200));
    json_decref(harness_ask("GET", HARNESS_SCRIPTS, NULL, 200));
    json_decref(harness_deploy("b", "{\"main_module\":\"index.js\"}", "throw 1", 400));
    cr_assert_eq(audit_list(harness.registry, NULL, 0, 10, &rows, &err), 0);
    cr_assert_eq(json_array_size(rows), 1);
    row = json_array_get(rows, 0);
    text = json_dumps(row, JSON_COMPACT);
    cr_expect_str_eq(json_string_value(json_object_get(row, "action")), "worker.deploy");
    cr_expect_str_eq(json_string_value(json_object_get(row, "target")), "a");
    cr_expect_str_eq(json_string_value(json_object_get(row, "account")), "default");
    cr_expect_str_eq(json_string_value(json_object_get(row, "address")), "127.0.0.1");
    cr_expect(strstr(text, HARNESS_ADMIN), "the token's name is missing: %s", text);
    cr_expect_not(strstr(text, "hush-hush"));
    free(text);
    json_decref(rows);
}

Test(api, a_client_that_leaves_does_not_stop_its_deploy)
{
    struct harness_request request = harness_upload("PUT", HARNESS_SCRIPTS "/a",
                                                    "{\"main_module\":\"index.js\"}", "x");
    json_t *answer;

    harness.hold = true;
    close(harness_send(&request));
    HARNESS_UNTIL(harness.builds);
    for (int turns = 0; turns < 20; turns++)
        uv_run(&harness.loop, UV_RUN_NOWAIT);
    harness.hold = false;
    HARNESS_UNTIL(harness.deployed);
    answer = harness_ask("GET", HARNESS_SCRIPTS "/a/deployments", NULL, 200);
    cr_expect_eq(json_array_size(harness_at(answer, "deployments")), 1);
    json_decref(answer);
}

Test(api, stopping_waits_for_calls_that_run)
{
    struct harness_request request = harness_upload("PUT", HARNESS_SCRIPTS "/a",
                                                    "{\"main_module\":\"index.js\"}", "x");
    int fd;
    char *text;

    harness.hold = true;
    fd = harness_send(&request);
    HARNESS_UNTIL(harness.builds);
    api_stop(harness.api, harness_on_stopped, NULL);
    for (int turns = 0; turns < 50; turns++)
        uv_run(&harness.loop, UV_RUN_NOWAIT);
    cr_expect_not(harness.stopped);
    harness.hold = false;
    text = harness_receive(fd);
    cr_expect_eq(harness_status_of(text), 200, "%s", text);
    free(text);
    HARNESS_UNTIL(harness.stopped);
    harness.stopped = false;
    harness_listen();
}
