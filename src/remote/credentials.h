/* Which server, token and account are meant, and where that was found.
 *
 * The order is that of remote.h. URL and token always come from the same place: an .env that came
 * with somebody's project cannot send a token of the environment to a server of its choice.
 * Owns: its strings. Thread: one; reads small files. Limits: those of what it reads. */
#ifndef ATOLL_REMOTE_CREDENTIALS_H
#define ATOLL_REMOTE_CREDENTIALS_H

#include "remote/roundtrip.h"

struct credentials {
    char *base;          /* "http://127.0.0.1:8790/client/v4" */
    char *token;
    char *email;         /* CLOUDFLARE_EMAIL, which goes with a key; NULL: none */
    bool is_key;         /* CLOUDFLARE_API_KEY: sent as X-Auth-Key */
    char *account;       /* NULL: none was named */
    char *profile;       /* NULL: not from a profile */
    char *source;        /* for a person: "the profile local", "the environment", a path */
    bool renews;         /* there is a refresh token */
    int64_t expires_ms;  /* of the token, since 1970; 0: it does not say */
};

struct credentials_request {
    const char *profile;     /* NULL: ATOLL_PROFILE, else as remote.h says */
    const char *directory;   /* of .env */
    bool ignores_project;    /* no .env counts */
};

/* Returns 0 with credentials, which credentials_done() lets go of; ERR_NOT_FOUND when there are
 * none, ERR_INVALID when what there is is wrong. */
NODISCARD int credentials_find(const struct credentials_request *request, struct credentials *ret,
                               struct err *err);

/* Those of a server (address_read()'s form) and a token that are known; account may be NULL.
 * ERR_INVALID. */
NODISCARD int credentials_of(const char *url, const char *token, const char *account,
                             struct credentials *ret, struct err *err);

/* True when the token is about to expire and can be renewed. */
bool credentials_is_due(const struct credentials *credentials);

/* Renews the token and stores it, unless another process just did. ERR_DENIED when the login has
 * ended, or as roundtrip_run(). */
NODISCARD int credentials_renew(struct credentials *credentials, struct roundtrip *roundtrip,
                                struct err *err);

void credentials_done(struct credentials *credentials);

#endif
