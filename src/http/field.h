/* Header fields of outbound requests and their answers: which can be sent, which are not a tenant's
 * to send, and which bodies come decoded.
 *
 * Owns: nothing. Thread: any. Limits: none. */
#ifndef ATOLL_HTTP_FIELD_H
#define ATOLL_HTTP_FIELD_H

#include <stdbool.h>

#include "base/str.h"

/* True for a token (RFC 9110 5.6.2): a method or a field's name. */
bool field_is_token(str s);

/* True for a field that frames the message or speaks of the connection, in any case. */
bool field_is_of_connection(str name);

/* True when the field logs a connection in and not a request, as NTLM and Negotiate do: such a
 * connection is nobody else's to use. */
bool field_logs_connection_in(str name, str value);

/* True when the header lines, "name: value\n" with names in lower case, say that the body is coded,
 * and the client decodes all the codings they name (RFC 9110 8.4). */
bool field_body_is_decoded(str lines);

#endif
