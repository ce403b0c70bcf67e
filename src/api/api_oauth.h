/* What the handlers of OAuth share: their forms, the clock and table of consents.
 *
 * Owns: nothing. Thread: the loop's. Limits: OAUTH_FORM_MAX for a form. */
#ifndef ATOLL_API_API_OAUTH_H
#define ATOLL_API_API_OAUTH_H

#include "api/call.h"
#include "api/consent.h"

/* The parameters of the address, borrowed; of the body, returned owned: NULL when that is no form
 * or too long. Objects as of router_query(). */
const json_t *api_oauth_query(const struct call *call);
json_t *api_oauth_form(const struct call *call);

/* True for a request that a browser made for a page of another site. What programs send is not. */
bool api_oauth_is_foreign(const struct call *call);

struct consent_table *api_oauth_consents(const struct call *call);

/* What consents count in. */
uint64_t api_oauth_now_ms(void);

#endif
