/* `atoll usage`: what the account's workers used, and what it costs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/member.h"
#include "base/moment.h"
#include "cli/quantity.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/when.h"
#include "os/clock.h"

enum { DAYS_MAX = 3650, MONTH_BYTES = 8, LABEL_COLUMN = 10 };

#define DAY_MS INT64_C(86400000)
#define MB_MS_PER_GB_S (1024.0 * 1000.0)

struct bill {
    int64_t from_ms, to_ms;
    json_t *usage;
    json_t *invoice;
};

static bool is_row_of(const json_t *row, const char *name)
{
    return !name || member_is(row, "script", name);
}

/* ---- reading ---- */

/* --month, or --days up to now; this month without either. */
static int read_period(const struct cli_args *args, struct bill *bill)
{
    const char *month = cli_value(args, "month");
    char this_month[MONTH_BYTES];
    struct err err;
    long days;
    int status = cli_number(args, "days", 1, DAYS_MAX, 0, &days);

    if (status != EXIT_DONE)
        return status;
    if (month && days)
        return cli_usage_error(args, "--month and --days exclude each other");
    if (days) {
        bill->to_ms = clock_wall_ms() + 1;
        bill->from_ms = bill->to_ms - days * DAY_MS;
        return EXIT_DONE;
    }
    moment_month(clock_wall_ms(), this_month);
    if (moment_parse_month(str_from(month ? month : this_month), &bill->from_ms, &bill->to_ms,
                           &err) < 0)
        return cli_usage_error(args, "--month: %s", err.text);
    return EXIT_DONE;
}

static int read_bill(struct remote *remote, struct bill *bill, struct err *err)
{
    long from = (long)bill->from_ms, to = (long)bill->to_ms;
    int r = remote_get(remote,
                       remote_path(remote, "workers/usage?step=total&from=%ld&to=%ld", from, to),
                       &bill->usage, err);

    if (r == 0)
        r = remote_get(remote, remote_path(remote, "billing/invoice?from=%ld&to=%ld", from, to),
                       &bill->invoice, err);
    return r;
}

/* ---- the table ---- */

static const char *amount_of(const json_t *invoice, const char *name)
{
    const json_t *worker = member_find(json_object_get(invoice, "workers"), "script", name);

    return member_text_or(worker, "amount", "");
}

/* Their columns are shown where there were any. */
static bool has_operations(const json_t *rows)
{
    const json_t *it;
    size_t i;

    json_array_foreach(rows, i, it)
        if (member_int(it, "class_a") || member_int(it, "class_b"))
            return true;
    return false;
}

static void add_row(struct table *table, const json_t *row, const char *name, const char *amount,
                    bool operations)
{
    const char *cells[TABLE_COLUMNS_MAX];
    size_t count = 0;

    cells[count++] = name;
    cells[count++] = quantity_count(member_int(row, "requests"));
    cells[count++] = quantity_count(member_int(row, "errors"));
    cells[count++] = quantity_duration((double)member_int(row, "cpu_us") / 1000);
    cells[count++] = quantity_decimal((double)member_int(row, "memory_mb_ms") / MB_MS_PER_GB_S);
    cells[count++] = quantity_bytes(member_int(row, "bytes_in"));
    cells[count++] = quantity_bytes(member_int(row, "bytes_out"));
    if (operations) {
        cells[count++] = quantity_count(member_int(row, "class_a"));
        cells[count++] = quantity_count(member_int(row, "class_b"));
    }
    cells[count++] = amount;
    table_add(table, cells);
    table_colour(table, 0, BOLD);
    if (member_int(row, "errors"))
        table_colour(table, 2, RED);
}

static json_t *sum_of(const json_t *rows)
{
    static const char *const counters[] = {"requests", "errors", "cpu_us",
                                           "memory_mb_ms", "bytes_in", "bytes_out",
                                           "class_a", "class_b"};
    json_t *sum = json_object();
    const json_t *it;
    size_t i;

    json_array_foreach(rows, i, it)
        for (size_t k = 0; k < COUNT_OF(counters); k++)
            json_object_set_new(sum, counters[k],
                                json_integer(member_int(sum, counters[k]) +
                                             member_int(it, counters[k])));
    return sum;
}

static struct table *new_table(bool operations)
{
    static const char *const plain[] = {"worker", ">requests", ">errors", ">CPU", ">GB-s",
                                        ">in", ">out", ">amount", NULL};
    static const char *const more[] = {"worker", ">requests", ">errors", ">CPU", ">GB-s", ">in",
                                       ">out", ">class A", ">class B", ">amount", NULL};

    return table_new(operations ? more : plain);
}

static void print_usage(const struct bill *bill, const char *only)
{
    const json_t *rows = json_object_get(bill->usage, "rows"), *it;
    bool operations = has_operations(rows);
    struct table *table = new_table(operations);
    json_t *sum;
    size_t i;

    json_array_foreach(rows, i, it)
        if (is_row_of(it, only))
            add_row(table, it, member_text_or(it, "script", ""),
                    amount_of(bill->invoice, member_text_or(it, "script", "")), operations);
    if (!only && json_array_size(rows) > 1) {
        sum = sum_of(rows);
        add_row(table, sum, "all", member_text_or(bill->invoice, "total", ""), operations);
        json_decref(sum);
    }
    table_print(table);
}

/* ---- the bill ---- */

static const char *per_unit(const char *what)
{
    return strcmp(what, "cpu") == 0      ? "a million ms"
           : strcmp(what, "memory") == 0 ? "a GB-s"
                                         : "a million";
}

/* "requests   12,345 x 0.3 EUR a million = 0.003704". */
static void print_invoice(const json_t *invoice)
{
    const char *currency = member_text_or(invoice, "currency", "");
    const json_t *it;
    size_t i;

    putchar('\n');
    json_array_foreach(json_object_get(invoice, "items"), i, it) {
        const char *what = member_text_or(it, "what", "");
        double quantity = json_number_value(json_object_get(it, "quantity"));

        if (strncmp(what, "class_", 6) == 0 && !(quantity > 0))
            continue; /* not everybody has buckets */
        terminal_print_text(stdout, DIM, what, false, 0);
        printf("%*s%s ", (int)(strlen(what) < LABEL_COLUMN ? LABEL_COLUMN - strlen(what) : 1), "",
               quantity_decimal(quantity));
        terminal_print_text(stdout, PLAIN, member_text_or(it, "unit", ""), false, 0);
        printf(" at %s ", quantity_decimal(json_number_value(json_object_get(it, "price"))));
        terminal_print_text(stdout, PLAIN, currency, false, 0);
        printf(" %s: ", per_unit(what));
        terminal_print_text(stdout, PLAIN, member_text_or(it, "amount", ""), false, 0);
        putchar('\n');
    }
    terminal_print(stdout, DIM, "%-*s", LABEL_COLUMN, "due");
    terminal_print_text(stdout, BOLD, member_text_or(invoice, "due", ""), false, 0);
    putchar(' ');
    terminal_print_text(stdout, BOLD, currency, false, 0);
    putchar('\n');
}

static bool has_rows(const struct bill *bill, const char *only)
{
    const json_t *it;
    size_t i;

    json_array_foreach(json_object_get(bill->usage, "rows"), i, it)
        if (is_row_of(it, only))
            return true;
    return false;
}

/* "account default, from 2026-11-01T00:00 to 2026-12-01T00:00 UTC". */
static void print_period(const struct session *session, const json_t *usage)
{
    char text[128];

    snprintf(text, sizeof text, "account %.64s, from %.16s to %.16s UTC",
             remote_account(session->remote), member_text_or(usage, "from", ""),
             member_text_or(usage, "to", ""));
    terminal_print_text(stdout, DIM, text, false, 0);
    putchar('\n');
}

static void print(const struct session *session, const struct bill *bill, const char *only)
{
    print_period(session, bill->usage);
    if (!has_rows(bill, only)) {
        fprintf(stderr, "nothing ran in this time, and nothing is due\n");
        return;
    }
    print_usage(bill, only);
    if (!only)
        print_invoice(bill->invoice);
}

/* Rows of others go. */
static void keep_only(json_t *rows, const char *name)
{
    size_t i = 0;

    while (name && i < json_array_size(rows)) {
        if (is_row_of(json_array_get(rows, i), name))
            i++;
        else
            json_array_remove(rows, i);
    }
}

static int show(struct session *session, struct bill *bill)
{
    const char *only = cli_value(session->args, "name");
    struct err err;
    json_t *both;

    if (read_bill(session->remote, bill, &err) < 0)
        return session_fail(session, &err);
    keep_only(json_object_get(bill->usage, "rows"), only);
    keep_only(json_object_get(bill->invoice, "workers"), only);
    both = json_pack("{s:O, s:O}", "usage", bill->usage, "invoice", bill->invoice);
    if (!session_prints_json(session, both))
        print(session, bill, only);
    json_decref(both);
    return EXIT_DONE;
}

static int run(const struct cli_args *args)
{
    struct session session;
    struct bill bill = {0};
    int status = cli_check_operands(args, 0, 0, NULL);

    if (status == EXIT_DONE)
        status = read_period(args, &bill);
    if (status != EXIT_DONE)
        return status;
    status = session_open(&session, args);
    if (status == EXIT_DONE)
        status = show(&session, &bill);
    json_decref(bill.usage);
    json_decref(bill.invoice);
    session_close(&session);
    return status;
}

static const struct cli_option options[] = {
    {"month", "YYYY-MM", "a calendar month in UTC (this one)"},
    {"days", "N", "the last N days instead"},
    {"name", "WORKER", "this worker alone; r2:NAME is a bucket"},
    {0},
};

static const struct cli_example examples[] = {
    {"atoll usage", "this month so far, a row for each worker, and the bill"},
    {"atoll usage --month 2026-10", "another month"},
    {"atoll usage --days 7 --name api", "a week of one worker"},
    {0},
};

const struct cli_command cmd_usage = {
    .name = "usage",
    .usage = "[OPTIONS]",
    .summary = "show what the account's workers used, and the bill",
    .details = "With --json: {usage, invoice}, as the API answers them; rows of --name alone, but\n"
               "the invoice's sums are always the account's. Deleted workers stay on the bill.",
    .options = options,
    .run = run,
    .examples = examples,
    .group = GROUP_ACCOUNT,
    .shared = CLI_SERVER | CLI_JSON,
};
