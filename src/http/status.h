/* Reason phrases of HTTP status codes (the IANA registry; RFC 9110 15).
 *
 * Owns: nothing; phrases are immortal. Thread: any. */
#ifndef ATOLL_HTTP_STATUS_H
#define ATOLL_HTTP_STATUS_H

/* The phrase of `status`, or "" when the registry has none. Never NULL. */
const char *http_status_reason(int status);

#endif
