/* TLS as a client, over memory: bytes of the wire go in and come out, sockets are not its business.
 *
 * The other side's certificate is verified for the name against the system's certificates and those
 * in the file that the environment variable ATOLL_CA_FILE names (PEM). TLS 1.2 and 1.3.
 *
 * Owns: the session and what waits inside it. Thread: the loop's.
 * Limits: what was fed and not read is kept, so feed one read of the wire at a time. */
#ifndef ATOLL_HTTP_TLS_H
#define ATOLL_HTTP_TLS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { TLS_NAME_BYTES_MAX = 253, TLS_ALPN_BYTES_MAX = 255 };

enum tls_state {
    TLS_HANDSHAKE,  /* nothing can be read or written */
    TLS_OPEN,
    TLS_ENDED,      /* the other side said that nothing follows; writing goes on */
    TLS_FAILED,
};

struct tls;

/* A session that expects the certificate of `name`, a host or an address. `alpn`: the protocols to
 * offer, with commas ("h2,http/1.1"); empty: none. The handshake's first bytes wait to be taken.
 * Returned owned; NULL fills `err`: ERR_INVALID (name, list). */
struct tls *tls_new(str name, str alpn, struct err *err);

/* NULL is fine. */
void tls_free(struct tls *tls);

/* Takes bytes that came from the wire and carries the handshake on.
 * Returns 0, or ERR_NETWORK with a text ("certificate has expired"): the session has failed, and
 * what waits to be taken tells the other side. */
NODISCARD int tls_feed(struct tls *tls, str wire, struct err *err);

enum tls_state tls_state(const struct tls *tls);

/* Puts the next bytes for the reader into `out`. Returns how many, 0 when there are none now (then
 * tls_state() tells why), or ERR_NETWORK with a text. */
NODISCARD int tls_read(struct tls *tls, char *out, size_t size, struct err *err);

/* Encrypts all of `bytes`; in the states TLS_OPEN and TLS_ENDED. Returns 0 or ERR_NETWORK. */
NODISCARD int tls_write(struct tls *tls, str bytes, struct err *err);

/* Says that nothing follows (close_notify). */
void tls_end(struct tls *tls);

/* Appends to `out` what is to be sent over the wire. Returns 0 or ERR_LIMIT. */
NODISCARD int tls_take(struct tls *tls, struct buf *out);

#endif
