/* Words, scopes, sentences; see oauth_scope.h. */
#include "api/oauth_scope.h"

#include <stdio.h>
#include <string.h>

#include "api/oauth.h"
#include "base/buf.h"
#include "registry/token.h"

/* What a client that says nothing gets: enough to deploy and to look after it. */
#define NORMAL                                                                                     \
    "account:read worker:write secret:write route:write tail:read usage:read storage:write"

enum { MEANINGS_MAX = 2 };

static const struct word {
    const char *word;
    const char *meanings[MEANINGS_MAX];
} words_known[] = {
    {"user:read",             {"account:read"}},
    {"workers:write",         {"worker:write", "secret:write"}},
    {"workers_scripts:write", {"worker:write", "secret:write"}},
    {"workers_routes:write",  {"route:write"}},
    {"workers_tail:read",     {"tail:read"}},
    {"workers_kv:write",      {"storage:write"}},
    {"d1:write",              {"storage:write"}},
    {"zone:read",             {"route:read"}},
};

static const struct sentence {
    const char *noun, *read, *write;
} sentences[] = {
    {"*",       "See everything there is",        "See and change everything, as you can yourself"},
    {"worker",  "See your workers and their code", "Deploy, change and delete workers"},
    {"secret",  "See the names of secrets",       "Set and delete secrets"},
    {"route",   "See routes and domains",         "Change routes and domains"},
    {"storage", "See namespaces and databases",   "Change what is stored: namespaces, databases"},
    {"tail",    "Read logs and live tails",       "Read logs and live tails"},
    {"usage",   "See usage and invoices",         "See usage and invoices"},
    {"account", "See the account and who changed what", "Change the account"},
    {"token",   "See the names of API tokens",    "Make and delete API tokens"},
    {"server",  "See how the server is doing",    "Administer the server"},
};

/* ---- lists of scopes ---- */

static bool has(const json_t *list, str scope)
{
    size_t i;
    const json_t *text;

    json_array_foreach((json_t *)list, i, text) {
        if (str_equal(str_from(json_string_value(text)), scope))
            return true;
    }
    return false;
}

static void add(json_t *list, str scope)
{
    if (!has(list, scope) && json_array_size(list) < TOKEN_SCOPES_MAX)
        json_array_append_new(list, json_stringn(scope.ptr, scope.len));
}

/* The next word of a text, taken off its beginning; an empty one at its end. */
static str next_word(str *text)
{
    str word;

    while (text->len && text->ptr[0] == ' ')
        *text = str_skip(*text, 1);
    word = str_head(*text, str_find(*text, ' '));
    *text = str_skip(*text, word.len);
    return word;
}

static bool splits(str scope, str *ret_noun, bool *ret_writes)
{
    size_t colon = str_find(scope, ':');
    str verb = str_skip(scope, colon + 1);

    *ret_noun = str_head(scope, colon);
    *ret_writes = str_equal(verb, STR("write"));
    return *ret_writes || str_equal(verb, STR("read"));
}

static const struct sentence *sentence_of(str noun)
{
    for (size_t i = 0; i < COUNT_OF(sentences); i++) {
        if (str_equal(noun, str_from(sentences[i].noun)))
            return &sentences[i];
    }
    return NULL;
}

static bool is_own(str word)
{
    bool writes;
    str noun;

    return splits(word, &noun, &writes) && sentence_of(noun);
}

static const struct word *find_word(str word)
{
    for (size_t i = 0; i < COUNT_OF(words_known); i++) {
        if (str_equal(word, str_from(words_known[i].word)))
            return &words_known[i];
    }
    return NULL;
}

json_t *oauth_scope_wanted(str words)
{
    json_t *wanted = json_array();
    bool is_empty = true;

    for (str word = next_word(&words); word.len; word = next_word(&words)) {
        const struct word *known = find_word(word);

        is_empty = false;
        if (is_own(word))
            add(wanted, word);
        for (size_t i = 0; known && i < MEANINGS_MAX && known->meanings[i]; i++)
            add(wanted, str_from(known->meanings[i]));
    }
    if (!is_empty)
        return wanted;
    json_decref(wanted);
    return oauth_scope_wanted(STR(NORMAL));
}

bool oauth_scope_is_of_server(const json_t *wanted)
{
    return has(wanted, STR("*:read")) || has(wanted, STR("*:write")) ||
           has(wanted, STR("server:read")) || has(wanted, STR("server:write"));
}

/* ---- what is granted ---- */

static str as_read(str noun, char *room, size_t size)
{
    snprintf(room, size, "%.*s:read", STR_ARGS(noun));
    return str_from(room);
}

/* Everything a token has, or what it may read of that. */
static void add_all(json_t *granted, const json_t *token, bool writes)
{
    char room[32];
    size_t i;
    const json_t *text;

    json_array_foreach(json_object_get(token, "scopes"), i, text) {
        str scope = str_from(json_string_value(text)), noun;
        bool has_write;

        if (splits(scope, &noun, &has_write))
            add(granted, writes ? scope : as_read(noun, room, sizeof room));
    }
}

json_t *oauth_scope_granted(const json_t *wanted, const json_t *token, const char *account)
{
    json_t *granted = json_array();
    size_t i;
    const json_t *text;

    json_array_foreach((json_t *)wanted, i, text) {
        str scope = str_from(json_string_value(text)), noun = STR_NONE;
        bool writes = false;
        char room[32];

        ASSERT(splits(scope, &noun, &writes) && sentence_of(noun));
        if (token_allows(token, account, scope.ptr))
            add(granted, scope);
        else if (str_equal(noun, STR("*")))
            add_all(granted, token, writes);
        else if (writes && token_allows(token, account, as_read(noun, room, sizeof room).ptr))
            add(granted, str_from(room));
    }
    return granted;
}

/* Writing includes reading, and "*" every noun. */
static bool covers(const json_t *granted, str scope)
{
    const json_t *row = json_pack("{s:n, s:O}", "account", "scopes", granted);
    char *text = str_dup(scope);
    bool result = token_allows(row, NULL, text);

    free(text);
    json_decref((json_t *)row);
    return result;
}

static void tell(struct buf *out, str word)
{
    ASSERT(!out->len || buf_append_char(out, ' ') == 0);
    ASSERT(buf_append(out, word) == 0);
}

static void tell_own(struct buf *out, str word, const json_t *granted)
{
    char room[32];
    bool writes = false;
    str noun = STR_NONE;

    if (covers(granted, word))
        tell(out, word);
    else if (splits(word, &noun, &writes) && writes &&
             covers(granted, as_read(noun, room, sizeof room)))
        tell(out, str_from(room));
}

static bool means_granted(const struct word *word, const json_t *granted)
{
    for (size_t i = 0; i < MEANINGS_MAX && word->meanings[i]; i++) {
        if (!covers(granted, str_from(word->meanings[i])))
            return false;
    }
    return true;
}

char *oauth_scope_told(str words, const json_t *granted)
{
    size_t i;
    const json_t *text;
    struct buf out;

    buf_init(&out, OAUTH_SCOPE_MAX + 1);
    for (str word = next_word(&words); word.len; word = next_word(&words)) {
        const struct word *known = find_word(word);

        if (is_own(word))
            tell_own(&out, word, granted);
        else if (!known || means_granted(known, granted))
            tell(&out, word);
    }
    if (!out.len) {
        json_array_foreach((json_t *)granted, i, text)
            tell(&out, str_from(json_string_value(text)));
    }
    return buf_take(&out, NULL);
}

json_t *oauth_scope_sentences(const json_t *wanted)
{
    json_t *result = json_array();

    for (size_t i = 0; i < COUNT_OF(sentences); i++) {
        char reads[32], writes[32];

        snprintf(reads, sizeof reads, "%s:read", sentences[i].noun);
        snprintf(writes, sizeof writes, "%s:write", sentences[i].noun);
        if (has(wanted, str_from(writes)))
            json_array_append_new(result, json_string(sentences[i].write));
        else if (has(wanted, str_from(reads)))
            json_array_append_new(result, json_string(sentences[i].read));
    }
    return result;
}
