/* Consents on their way: what somebody agreed to, until the client has fetched it with its code.
 *
 * A ticket stands for one who has proven themselves and has something left to choose; a code is
 * what the client gets (RFC 6749 4.1.2). Both are 256 random bits, of which the hash is kept, and
 * work once. They are in memory: a server that starts anew has none, and one logs in again.
 * Owns: its table and the objects in it. Thread: the loop's. Limits: the enum below; with more, the
 * oldest are forgotten. */
#ifndef ATOLL_API_CONSENT_H
#define ATOLL_API_CONSENT_H

#include <jansson.h>
#include <stdint.h>

#include "base/str.h"

enum {
    CONSENT_ROWS = 256,
    CONSENT_TICKET_MS = 5 * 60 * 1000,
    CONSENT_CODE_MS = 60 * 1000,
    CONSENT_USED_MS = 10 * 60 * 1000,   /* for which a code that was used is known as one */
};

struct consent_table;

struct consent_table *consent_table_new(void);

/* NULL is fine. */
void consent_table_free(struct consent_table *table);

/* A ticket or a code for an object (taken), returned owned. */
char *consent_ticket(struct consent_table *table, json_t *what, uint64_t now_ms);
char *consent_code(struct consent_table *table, json_t *what, uint64_t now_ms);

/* The object of a ticket, returned owned, which is worth nothing from now on. NULL: it is unknown,
 * was used or is too old. */
json_t *consent_take_ticket(struct consent_table *table, str ticket, uint64_t now_ms);

/* The same for a code. When it was used before: NULL, and *ret_gave is what it gave then, returned
 * owned, else NULL. */
json_t *consent_take_code(struct consent_table *table, str code, uint64_t now_ms,
                          json_t **ret_gave);

/* Notes what a code that was taken gave (shared). */
void consent_gave(struct consent_table *table, str code, json_t *gave);

#endif
