/* api/oauth_scope: what clients ask for, what they get. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "api/oauth_scope.h"
#include "registry/token.h"

/* Entries with a comma between them, returned owned. */
static char *joined(json_t *list)
{
    struct buf out;
    size_t i;
    const json_t *text;

    buf_init(&out, 4096);
    json_array_foreach(list, i, text)
        cr_assert_eq(buf_printf(&out, "%s%s", i ? "," : "", json_string_value(text)), 0);
    json_decref(list);
    return buf_take(&out, NULL);
}

static json_t *token_with(const char *account, const char *scopes)
{
    json_t *list = json_array();
    char *copy = strdup(scopes), *rest = copy, *scope;

    while ((scope = strsep(&rest, ",")))
        json_array_append_new(list, json_string(scope));
    free(copy);
    return json_pack("{s:s?, s:o}", "account", account, "scopes", list);
}

#define NORMAL                                                                                     \
    "account:read,worker:write,secret:write,route:write,tail:read,usage:read,storage:write"

Test(oauth_scope, words_mean_scopes)
{
    static const struct {
        const char *words, *wanted;
    } rows[] = {
        {"", NORMAL},
        {"   ", NORMAL},
        {"worker:read", "worker:read"},
        {" worker:read  worker:read ", "worker:read"},
        {"*:write", "*:write"},
        {"workers:write workers_scripts:write user:read", "worker:write,secret:write,account:read"},
        {"workers_routes:write workers_tail:read zone:read",
         "route:write,tail:read,route:read"},
        {"workers_kv:write d1:write", "storage:write"},
        {"pages:write offline_access", ""},
        {"worker:delete worker nothing:read :read", ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *wanted = joined(oauth_scope_wanted(str_from(rows[i].words)));

        cr_expect_str_eq(wanted, rows[i].wanted, "%s", rows[i].words);
        free(wanted);
    }
}

Test(oauth_scope, never_more_than_the_token_has)
{
    static const struct {
        const char *words, *scopes, *granted, *told;
    } rows[] = {
        {"worker:write", "*:write", "worker:write", "worker:write"},
        {"worker:write", "worker:write", "worker:write", "worker:write"},
        {"worker:write", "worker:read", "worker:read", "worker:read"},
        {"worker:write tail:read", "route:write", "", ""},
        {"worker:write tail:read", "*:read", "worker:read,tail:read", "worker:read tail:read"},
        {"*:write", "*:write", "*:write", "*:write"},
        {"*:write", "worker:write,tail:read", "worker:write,tail:read", "worker:write tail:read"},
        {"*:read", "worker:write,tail:read", "worker:read,tail:read", "worker:read tail:read"},
        {"*:read", "*:write", "*:read", "*:read"},
        {"workers:write pages:write", "*:write", "worker:write,secret:write",
         "workers:write pages:write"},
        {"workers:write pages:write", "worker:write", "worker:write", "pages:write"},
        {"server:write", "account:write", "", ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *token = token_with(NULL, rows[i].scopes);
        json_t *wanted = oauth_scope_wanted(str_from(rows[i].words));
        json_t *granted = oauth_scope_granted(wanted, token, "default");
        char *told = oauth_scope_told(str_from(rows[i].words), granted), *text;

        cr_expect_str_eq(told, rows[i].told, "%zu", i);
        text = joined(granted);
        cr_expect_str_eq(text, rows[i].granted, "%zu", i);
        free(text);
        free(told);
        json_decref(wanted);
        json_decref(token);
    }
}

Test(oauth_scope, not_for_another_account)
{
    json_t *token = token_with("shop", "*:write"), *wanted = oauth_scope_wanted(STR("worker:read"));
    json_t *none = oauth_scope_granted(wanted, token, "default");
    json_t *some = oauth_scope_granted(wanted, token, "shop");

    cr_expect_eq(json_array_size(none), 0);
    cr_expect_eq(json_array_size(some), 1);
    json_decref(none);
    json_decref(some);
    json_decref(wanted);
    json_decref(token);
}

Test(oauth_scope, the_server_is_asked_for)
{
    static const struct {
        const char *words;
        bool is_of_server;
    } rows[] = {{"*:write", true}, {"*:read", true}, {"server:read", true}, {"", false},
                {"worker:write token:write", false}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        json_t *wanted = oauth_scope_wanted(str_from(rows[i].words));

        cr_expect_eq(oauth_scope_is_of_server(wanted), rows[i].is_of_server, "%s", rows[i].words);
        json_decref(wanted);
    }
}

Test(oauth_scope, every_noun_has_a_sentence)
{
    for (const char *const *noun = token_nouns; *noun; noun++) {
        json_t *wanted = json_array(), *sentences;

        json_array_append_new(wanted, json_sprintf("%s:read", *noun));
        sentences = oauth_scope_sentences(wanted);
        cr_expect_eq(json_array_size(sentences), 1, "%s", *noun);
        json_decref(sentences);
        json_decref(wanted);
    }
}
