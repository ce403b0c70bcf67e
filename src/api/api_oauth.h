/* What the handlers of OAuth share: their forms, the clock and table of consents.
 *
 * Owns: nothing. Thread: the loop's. Limits: OAUTH_FORM_MAX for a form. */
#ifndef ATOLL_API_API_OAUTH_H
#define ATOLL_API_API_OAUTH_H

#include "api/call.h"
#include "api/consent.h"

/* The parameters of the body, an object as of router_query(), returned owned; NULL when that is no
 * form or too long. */
json_t *api_oauth_form(const struct call *call);

/* True for a request that a browser made for a page of another site. What programs send is not. */
bool api_oauth_is_foreign(const struct call *call);

struct consent_table *api_oauth_consents(const struct call *call);

#endif
