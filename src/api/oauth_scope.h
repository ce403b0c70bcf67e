/* Scopes of OAuth clients: what they ask for in their words, and what tokens have in ours.
 *
 * A word is one of registry/token.h ("worker:write"), or one of wrangler's, which means some of
 * them; a word that means nothing here gives nothing and is told back as it came, so that wrangler
 * does not miss it.
 * Owns: nothing; arrays are of strings and returned owned. Thread: any.
 * Limits: OAUTH_SCOPE_MAX bytes of words, TOKEN_SCOPES_MAX scopes. */
#ifndef ATOLL_API_OAUTH_SCOPE_H
#define ATOLL_API_OAUTH_SCOPE_H

#include <jansson.h>

#include "base/str.h"

/* The scopes that words mean, each once; those of a deploying client when there are no words. An
 * empty array: they mean nothing here. */
json_t *oauth_scope_wanted(str words);

/* True when one of them concerns the server as a whole. */
bool oauth_scope_is_of_server(const json_t *wanted);

/* What of it a token may give away for an account (NULL: for all): reading where it may not write,
 * all it has where everything is wanted. */
json_t *oauth_scope_granted(const json_t *wanted, const json_t *token, const char *account);

/* The client's words without those that were not granted, as a text. */
char *oauth_scope_told(str words, const json_t *granted);

/* What scopes mean, a sentence each, for a person. */
json_t *oauth_scope_sentences(const json_t *wanted);

#endif
