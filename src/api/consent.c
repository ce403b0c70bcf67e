/* A table that is searched from end to end; see consent.h.
 *
 *   FREE ──> TICKET ──taken──> FREE
 *   FREE ──> CODE ──taken──> USED ──10 minutes──> FREE */
#include "api/consent.h"

#include <stdlib.h>

#include "base/mem.h"
#include "registry/opaque.h"

enum state { FREE, TICKET, CODE, USED };

struct consent {
    enum state state;
    uint64_t since_ms;
    unsigned char hash[OPAQUE_HASH_BYTES];
    json_t *what;         /* of USED: what it gave, NULL when that was nothing */
};

struct consent_table {
    struct consent rows[CONSENT_ROWS];
};

struct consent_table *consent_table_new(void)
{
    return mem_new(struct consent_table);
}

static json_t *take(struct consent *consent, enum state next, uint64_t now_ms)
{
    json_t *what = consent->what;

    consent->what = NULL;
    consent->state = next;
    consent->since_ms = now_ms;
    return what;
}

void consent_table_free(struct consent_table *table)
{
    for (size_t i = 0; table && i < CONSENT_ROWS; i++)
        json_decref(table->rows[i].what);
    free(table);
}

static bool is_over(const struct consent *consent, uint64_t now_ms)
{
    static const uint64_t lives[] = {0, CONSENT_TICKET_MS, CONSENT_CODE_MS, CONSENT_USED_MS};

    return now_ms - consent->since_ms >= lives[consent->state];
}

/* A row that is over, else the one that began longest ago. */
static struct consent *room(struct consent_table *table, uint64_t now_ms)
{
    struct consent *oldest = table->rows;

    for (struct consent *at = table->rows; at < table->rows + CONSENT_ROWS; at++) {
        if (is_over(at, now_ms))
            return at;
        if (at->since_ms < oldest->since_ms)
            oldest = at;
    }
    return oldest;
}

static char *add(struct consent_table *table, enum state state, json_t *what, uint64_t now_ms)
{
    struct consent *consent = room(table, now_ms);
    char *secret = opaque_new("");

    json_decref(consent->what);
    *consent = (struct consent){.state = state, .since_ms = now_ms, .what = what};
    opaque_hash(str_from(secret), consent->hash);
    return secret;
}

char *consent_ticket(struct consent_table *table, json_t *what, uint64_t now_ms)
{
    return add(table, TICKET, what, now_ms);
}

char *consent_code(struct consent_table *table, json_t *what, uint64_t now_ms)
{
    return add(table, CODE, what, now_ms);
}

static struct consent *find(struct consent_table *table, str secret)
{
    unsigned char hash[OPAQUE_HASH_BYTES];
    struct consent *found = NULL;

    opaque_hash(secret, hash);
    for (struct consent *at = table->rows; at < table->rows + CONSENT_ROWS; at++) {
        if (at->state != FREE && opaque_equal(at->hash, hash))
            found = at;
    }
    return found;
}

json_t *consent_take_ticket(struct consent_table *table, str ticket, uint64_t now_ms)
{
    struct consent *consent = find(table, ticket);

    if (!consent || consent->state != TICKET || is_over(consent, now_ms))
        return NULL;
    return take(consent, FREE, now_ms);
}

json_t *consent_take_code(struct consent_table *table, str code, uint64_t now_ms, json_t **ret_gave)
{
    struct consent *consent = find(table, code);

    *ret_gave = NULL;
    if (!consent || is_over(consent, now_ms))
        return NULL;
    if (consent->state == USED)
        *ret_gave = take(consent, USED, now_ms);
    return consent->state == CODE ? take(consent, USED, now_ms) : NULL;
}

void consent_gave(struct consent_table *table, str code, json_t *gave)
{
    struct consent *consent = find(table, code);

    if (consent && consent->state == USED && !consent->what)
        consent->what = json_incref(gave);
}
