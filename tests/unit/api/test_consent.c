/* api/consent: tickets and codes work once, and for a while. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "api/consent.h"

static struct consent_table *table;

static void setup(void)
{
    table = consent_table_new();
}

static void teardown(void)
{
    consent_table_free(table);
}

TestSuite(consent, .init = setup, .fini = teardown);

static json_int_t number_taken(json_t *what)
{
    json_int_t number = what ? json_integer_value(what) : -1;

    json_decref(what);
    return number;
}

static json_int_t take_ticket(const char *ticket, uint64_t now_ms)
{
    return number_taken(consent_take_ticket(table, str_from(ticket), now_ms));
}

static json_int_t take_code(const char *code, uint64_t now_ms, json_int_t *ret_gave)
{
    json_t *gave, *what = consent_take_code(table, str_from(code), now_ms, &gave);

    *ret_gave = number_taken(gave);
    return number_taken(what);
}

Test(consent, a_ticket_works_once)
{
    char *ticket = consent_ticket(table, json_integer(7), 1000);
    json_int_t gave;

    cr_expect_eq(take_ticket("", 1000), -1);
    cr_expect_eq(take_code(ticket, 1000, &gave), -1, "it is no code");
    cr_expect_eq(take_ticket(ticket, 1000 + CONSENT_TICKET_MS - 1), 7);
    cr_expect_eq(take_ticket(ticket, 1000 + CONSENT_TICKET_MS - 1), -1);
    free(ticket);
}

Test(consent, a_code_works_once_and_what_it_gave_is_known)
{
    char *code = consent_code(table, json_integer(7), 1000);
    json_t *grant = json_integer(8);
    json_int_t gave;

    cr_expect_eq(take_ticket(code, 1000), -1, "it is no ticket");
    cr_expect_eq(take_code(code, 1000 + CONSENT_CODE_MS - 1, &gave), 7);
    cr_expect_eq(gave, -1);
    consent_gave(table, str_from(code), grant);
    cr_expect_eq(take_code(code, 1000 + CONSENT_CODE_MS, &gave), -1);
    cr_expect_eq(gave, 8);
    cr_expect_eq(take_code(code, 1000 + CONSENT_CODE_MS, &gave), -1);
    cr_expect_eq(gave, -1, "it was taken back already");
    consent_gave(table, STR("another"), grant);
    json_decref(grant);
    free(code);
}

Test(consent, they_grow_old)
{
    char *ticket = consent_ticket(table, json_integer(1), 0);
    char *code = consent_code(table, json_integer(2), 0);
    char *used = consent_code(table, json_integer(3), 0);
    json_t *grant = json_integer(4);
    json_int_t gave;

    cr_expect_eq(take_code(used, 0, &gave), 3);
    consent_gave(table, str_from(used), grant);
    cr_expect_eq(take_ticket(ticket, CONSENT_TICKET_MS), -1);
    cr_expect_eq(take_code(code, CONSENT_CODE_MS, &gave), -1);
    cr_expect_eq(take_code(used, CONSENT_USED_MS, &gave), -1);
    cr_expect_eq(gave, -1);
    json_decref(grant);
    free(ticket);
    free(code);
    free(used);
}

Test(consent, the_oldest_are_forgotten)
{
    char *oldest = consent_code(table, json_integer(1), 1), *second;
    json_int_t gave;

    second = consent_code(table, json_integer(2), 2);
    for (int i = 2; i <= CONSENT_ROWS; i++)
        free(consent_ticket(table, json_integer(i), 3));
    cr_expect_eq(take_code(oldest, 3, &gave), -1);
    cr_expect_eq(take_code(second, 3, &gave), 2);
    free(oldest);
    free(second);
}
