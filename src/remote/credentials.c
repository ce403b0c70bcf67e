/* Finds credentials and renews them; see credentials.h. */
#include "remote/credentials.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/member.h"
#include "control/dotenv.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/path.h"
#include "remote/address.h"
#include "remote/login.h"
#include "remote/profile.h"

enum { DUE_MS = 60 * 1000, SOURCE_BYTES_MAX = 8192 };

/* What one place says; each may be NULL. */
struct said {
    const char *url;
    const char *token;
    const char *key;
    const char *email;
    const char *account;
};

/* ---- a token that can be sent ---- */

/* Visible ASCII only: anything else is a mistake of copying, and could end the header's line. */
static int check_token(const char *token, const char *source, struct err *err)
{
    if (strlen(token) > PROFILE_TEXT_BYTES_MAX)
        return err_set(err, ERR_INVALID, "%s: the token is too long to be one", source);
    for (const char *c = token; *c; c++)
        if (*c <= ' ' || *c > '~')
            return err_set(err, ERR_INVALID,
                           "%s: the token has a blank or another character that no token has",
                           source);
    return 0;
}

static char *source_of(const char *format, const char *name)
{
    struct buf text;

    buf_init(&text, SOURCE_BYTES_MAX);
    ASSERT(buf_printf(&text, format, name) == 0);
    return buf_take(&text, NULL);
}

static char *copy(const char *text)
{
    return text ? str_dup(str_from(text)) : NULL;
}

/* ---- profiles ---- */

static int take_profile(const json_t *profile, const char *name, struct credentials *ret,
                        struct err *err)
{
    const char *account = member_text(profile, "account");
    char *url = NULL;
    int r;

    ret->source = source_of("the profile %s", name);
    ret->profile = copy(name);
    ret->token = copy(member_text(profile, "token"));
    ret->account = account && *account ? copy(account) : NULL;
    ret->renews = member_text(profile, "refresh_token") != NULL;
    ret->expires_ms = member_int(profile, "expires_ms");
    if ((r = address_read(str_from(member_text(profile, "url")), &url, err)) < 0)
        return r;
    r = address_read_base(str_from(url), &ret->base, err);
    free(url);
    return r < 0 ? r : check_token(ret->token, ret->source, err);
}

static int from_named(json_t *file, const char *name, struct credentials *ret, struct err *err)
{
    const json_t *profile = profile_find(file, name);

    if (!profile)
        return err_set(err, ERR_NOT_FOUND,
                       "there is no profile \"%.64s\": atoll profiles lists them, and\n"
                       "atoll login URL --profile %.64s makes it",
                       name, name);
    return take_profile(profile, name, ret, err);
}

/* The current profile when it is of this server, else the first that is; NULL: none is. */
static const char *name_for(json_t *file, const char *base)
{
    const char *current = profile_current(file), *name;
    const json_t *now = profile_find(file, NULL);
    json_t *profile;

    if (now && address_is_same_origin(member_text(now, "url"), base))
        return current;
    json_object_foreach(json_object_get(file, "profiles"), name, profile)
        if (address_is_same_origin(member_text(profile, "url"), base))
            return name;
    return NULL;
}

/* ---- the environment and .env ---- */

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static struct said said_by_environment(void)
{
    return (struct said){
        variable("CLOUDFLARE_API_BASE_URL"), variable("CLOUDFLARE_API_TOKEN"),
        variable("CLOUDFLARE_API_KEY"),      variable("CLOUDFLARE_EMAIL"),
        variable("CLOUDFLARE_ACCOUNT_ID"),
    };
}

static const char *line(const json_t *lines, const char *name)
{
    const char *value = member_text(lines, name);

    return value && *value ? value : NULL;
}

static struct said said_by_lines(const json_t *lines)
{
    return (struct said){
        line(lines, "CLOUDFLARE_API_BASE_URL"), line(lines, "CLOUDFLARE_API_TOKEN"),
        line(lines, "CLOUDFLARE_API_KEY"),      line(lines, "CLOUDFLARE_EMAIL"),
        line(lines, "CLOUDFLARE_ACCOUNT_ID"),
    };
}

static bool is_complete(const struct said *said)
{
    return said->url && (said->token || said->key);
}

static int from_said(const struct said *said, const char *source, struct credentials *ret,
                     struct err *err)
{
    struct err why;

    ret->source = copy(source);
    ret->is_key = !said->token;
    ret->token = copy(said->token ? said->token : said->key);
    ret->email = ret->is_key ? copy(said->email) : NULL;
    ret->account = copy(said->account);
    if (address_read_base(str_from(said->url), &ret->base, &why) < 0)
        return err_set(err, ERR_INVALID, "%.500s: CLOUDFLARE_API_BASE_URL: %.1000s", source,
                       why.text);
    if (ret->email && check_token(ret->email, source, err) < 0)
        return ERR_INVALID;
    return check_token(ret->token, source, err);
}

/* The lines of .env; an empty object when there is none. Returned owned. */
static int read_lines(const char *path, json_t **ret, struct err *err)
{
    struct buf text;
    int r;

    buf_init(&text, DOTENV_BYTES_MAX);
    *ret = json_object();
    r = file_read(path, &text, err);
    if (r == 0)
        r = dotenv_parse(buf_str(&text), path, *ret, err);
    else if (r == ERR_NOT_FOUND)
        r = 0;
    buf_done(&text);
    return r;
}

/* ---- in their order ---- */

static int fail_without_token(const char *url, const struct said *environment, struct err *err)
{
    if (environment->token && !environment->url)
        return err_set(err, ERR_NOT_FOUND,
                       ".env names the server %.300s, and the token is in the environment: a token "
                       "is sent only to the server it was set with\n"
                       "Set CLOUDFLARE_API_BASE_URL beside CLOUDFLARE_API_TOKEN, or run: "
                       "atoll login %.300s",
                       url, url);
    return err_set(err, ERR_NOT_FOUND,
                   "CLOUDFLARE_API_BASE_URL is %.300s, and there is no token for it: set "
                   "CLOUDFLARE_API_TOKEN beside it, or run: atoll login %.300s",
                   url, url);
}

/* A URL alone means the profile that is for this server. */
static int from_url(json_t *file, const char *url, const struct said *environment,
                    struct credentials *ret, struct err *err)
{
    const char *name;
    char *base;
    int r = address_read_base(str_from(url), &base, err);

    if (r < 0)
        return r;
    name = name_for(file, base);
    r = name ? from_named(file, name, ret, err) : fail_without_token(url, environment, err);
    free(base);
    return r;
}

static int fail_without_login(const struct said *environment, struct err *err)
{
    if (environment->token || environment->key)
        return err_set(err, ERR_NOT_FOUND,
                       "there is a token in the environment, but CLOUDFLARE_API_BASE_URL does not "
                       "say for which server: set it, such as to http://127.0.0.1:8790/client/v4");
    return err_set(err, ERR_NOT_FOUND, "you are not logged in: atoll login http://127.0.0.1:8790");
}

static int find_in_file(const struct said *environment, const struct said *lines,
                        struct credentials *ret, struct err *err)
{
    const char *url = environment->url ? environment->url : lines->url;
    json_t *file = NULL;
    int r = profile_load(&file, err);

    if (r < 0)
        return r;
    if (url)
        r = from_url(file, url, environment, ret, err);
    else if (profile_find(file, NULL))
        r = from_named(file, profile_current(file), ret, err);
    else
        r = fail_without_login(environment, err);
    if (r == 0 && url && (environment->account || lines->account)) {
        free(ret->account);
        ret->account = copy(environment->account ? environment->account : lines->account);
    }
    json_decref(file);
    return r;
}

static int find_around(const struct credentials_request *request, struct credentials *ret,
                       struct err *err)
{
    struct said environment = said_by_environment(), lines = {0};
    char *path;
    json_t *found;
    int r;

    if (is_complete(&environment))
        return from_said(&environment, "the environment", ret, err);
    if (request->ignores_project)
        return find_in_file(&environment, &lines, ret, err);
    path = path_join(str_from(request->directory), STR(".env"));
    r = read_lines(path, &found, err);
    lines = said_by_lines(found);
    if (environment.account)
        lines.account = environment.account;
    if (r == 0 && is_complete(&lines))
        r = from_said(&lines, path, ret, err);
    else if (r == 0)
        r = find_in_file(&environment, &lines, ret, err);
    json_decref(found);
    free(path);
    return r;
}

static int find_named(const char *name, struct credentials *ret, struct err *err)
{
    json_t *file = NULL;
    int r = profile_load(&file, err);

    if (r == 0)
        r = from_named(file, name, ret, err);
    json_decref(file);
    return r;
}

int credentials_find(const struct credentials_request *request, struct credentials *ret,
                     struct err *err)
{
    const char *name = request->profile ? request->profile : variable("ATOLL_PROFILE");
    int r;

    *ret = (struct credentials){0};
    r = name ? find_named(name, ret, err) : find_around(request, ret, err);
    if (r < 0)
        credentials_done(ret);
    return r;
}

int credentials_of(const char *url, const char *token, const char *account, struct credentials *ret,
                   struct err *err)
{
    struct said said = {.url = url, .token = token, .account = account};
    int r;

    *ret = (struct credentials){0};
    if ((r = from_said(&said, "the command line", ret, err)) < 0)
        credentials_done(ret);
    return r;
}

void credentials_done(struct credentials *credentials)
{
    free(credentials->base);
    free(credentials->token);
    free(credentials->email);
    free(credentials->account);
    free(credentials->profile);
    free(credentials->source);
    *credentials = (struct credentials){0};
}

/* ---- renewal ---- */

bool credentials_is_due(const struct credentials *credentials)
{
    int64_t now_ms = clock_wall_ms();

    return credentials->renews && credentials->expires_ms &&
           credentials->expires_ms - now_ms < DUE_MS;
}

static void take_token(const json_t *profile, struct credentials *credentials)
{
    free(credentials->token);
    credentials->token = copy(member_text(profile, "token"));
    credentials->renews = member_text(profile, "refresh_token") != NULL;
    credentials->expires_ms = member_int(profile, "expires_ms");
}

static int refresh(struct credentials *credentials, struct roundtrip *roundtrip, json_t *file,
                   struct err *err)
{
    json_t *profile = profile_find(file, credentials->profile);
    const char *url = member_text(profile, "url");
    int r = login_refresh(roundtrip, profile, err);

    if (r == ERR_DENIED)
        return err_set(err, ERR_DENIED,
                       "your login at %.300s has ended: atoll login %.300s --profile %.64s", url,
                       url, credentials->profile);
    if (r < 0 || (r = profile_save(file, err)) < 0)
        return r;
    take_token(profile, credentials);
    return 0;
}

/* Under the lock: the file says what another process did while this one waited for it. */
static int renew_locked(struct credentials *credentials, struct roundtrip *roundtrip,
                        struct err *err)
{
    json_t *file = NULL, *profile;
    int r = profile_load(&file, err);

    if (r < 0)
        return r;
    profile = profile_find(file, credentials->profile);
    if (!profile)
        r = err_set(err, ERR_DENIED, "the profile \"%.64s\" is gone: atoll login makes a new one",
                    credentials->profile);
    else if (strcmp(member_text(profile, "token"), credentials->token) != 0)
        take_token(profile, credentials);
    else
        r = refresh(credentials, roundtrip, file, err);
    json_decref(file);
    return r;
}

int credentials_renew(struct credentials *credentials, struct roundtrip *roundtrip, struct err *err)
{
    int lock, r = profile_lock(&lock, err);

    if (r < 0)
        return r;
    r = renew_locked(credentials, roundtrip, err);
    profile_unlock(lock);
    return r;
}
