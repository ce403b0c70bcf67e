/* registry/distribution: hosts of buckets, whose they are, their purges. */
#include "registry_harness.h"

#include "registry/distribution.h"
#include "registry/holder.h"
#include "registry/route.h"
#include "registry/storage.h"

static void make(void)
{
    json_t *row, *wanted;

    harness_make();
    holder_set_domain(harness, "localhost");
    wanted = harness_json("{'account': 'default', 'kind': 'r2', 'name': 'pics'}");
    OK(storage_add(harness, wanted, &row, &err));
    json_decref(wanted);
    json_decref(row);
    wanted = harness_json("{'id': 'other', 'name': 'o'}");
    OK(account_add(harness, wanted, &row, &err));
    json_decref(wanted);
    json_decref(row);
}

TestSuite(distribution, .init = make, .fini = harness_clean);

static int add(const char *account, const char *host, bool managed)
{
    struct distribution_draft draft = {
        .account = account, .bucket = "pics", .host = host, .managed = managed, .enabled = true};
    json_t *row;
    int r = distribution_add(harness, &draft, &row, &err);

    if (r == 0)
        json_decref(row);
    return r;
}

static json_t *published(void)
{
    json_t *all;

    OK(distribution_published(harness, "default", "pics", &all, &err));
    return all;
}

static json_t *rules_of(const char *host)
{
    json_t *rules;

    OK(route_rules(harness, "localhost", host, &rules, &err));
    return rules;
}

Test(distribution, a_host_is_one_buckets)
{
    json_t *rows, *rules;

    OK(add("default", "b.example.com", false));
    OK(add("default", "pub-1.localhost", true));
    cr_expect_eq(add("default", "b.example.com", false), ERR_EXISTS);
    cr_expect(strstr(err.text, "pics"), "%s", err.text);
    cr_expect_eq(add("other", "c.example.com", false), ERR_NOT_FOUND);
    cr_expect_eq(holder_check(harness, "other", "b.example.com", HOLDER_HOST, &err), ERR_EXISTS);
    OK(holder_check(harness, "default", "b.example.com", HOLDER_HOST, &err));
    OK(distribution_list(harness, "default", "pics", &rows, &err));
    cr_expect_eq(json_array_size(rows), 2);
    cr_expect_str_eq(text_of(json_array_get(rows, 0), "host"), "pub-1.localhost");
    json_decref(rows);
    rules = rules_of("b.example.com");
    EXPECT_JSON(rules, "[{'path': '*', 'key': 'default/r2:pics'}]");
    json_decref(rules);
}

Test(distribution, goes_when_it_is_disabled_deleted_or_its_bucket_goes)
{
    json_t *rules, *row, *settings = json_object();

    OK(add("default", "b.example.com", false));
    OK(distribution_update(harness, "b.example.com", false, settings, &err));
    json_decref(settings);
    rules = rules_of("b.example.com");
    cr_expect_eq(json_array_size(rules), 0);
    json_decref(rules);
    OK(distribution_delete(harness, "default", "b.example.com", &err));
    cr_expect_eq(distribution_delete(harness, "default", "b.example.com", &err), ERR_NOT_FOUND);
    OK(add("default", "b.example.com", false));
    OK(storage_get(harness, "default", "r2", "pics", &row, &err));
    OK(storage_delete(harness, "default", "r2", text_of(row, "id"), &err));
    json_decref(row);
    cr_expect_eq(distribution_get(harness, "default", "b.example.com", &row, &err), ERR_NOT_FOUND);
    cr_expect_eq(distribution_published(harness, "default", "pics", &row, &err), ERR_NOT_FOUND);
}

static json_int_t purge(const char *kind, const char *text)
{
    json_t *frame;
    json_int_t seq;

    OK(distribution_purge(harness, "b.example.com", kind, text, &frame, &err));
    cr_expect_str_eq(text_of(frame, "type"), "purge");
    seq = json_integer_value(json_object_get(frame, "seq"));
    json_decref(frame);
    return seq;
}

static const json_t *host_in(const json_t *all)
{
    return json_array_get(json_object_get(all, "hosts"), 0);
}

Test(distribution, purges_count_up_and_are_told)
{
    json_int_t first, second, last;
    const json_t *host, *purges;
    json_t *all;

    OK(add("default", "b.example.com", false));
    first = purge("file", "a");
    harness_reopen();
    holder_set_domain(harness, "localhost");
    second = purge("prefix", "d/");
    cr_expect_gt(second, first);
    all = published();
    host = host_in(all);
    purges = json_object_get(host, "purges");
    cr_expect_eq(json_array_size(purges), 2);
    cr_expect_str_eq(text_of(json_array_get(purges, 1), "text"), "d/");
    cr_expect_lt(json_integer_value(json_object_get(host, "base")), first);
    cr_expect_eq(json_integer_value(json_object_get(all, "seq")), second);
    json_decref(all);
    last = purge("all", "");
    all = published();
    cr_expect_eq(json_array_size(json_object_get(host_in(all), "purges")), 0);
    cr_expect_eq(json_integer_value(json_object_get(host_in(all), "base")), last);
    json_decref(all);
    OK(distribution_delete(harness, "default", "b.example.com", &err));
    OK(add("default", "b.example.com", false));
    all = published();
    cr_expect_gt(json_integer_value(json_object_get(host_in(all), "base")), last,
                 "what another bucket had there is purged");
    json_decref(all);
}

Test(distribution, only_the_newest_purges_are_told_one_by_one)
{
    json_int_t seqs[DISTRIBUTION_PURGES_MAX + 1];
    char text[1001] = "";
    const json_t *host;
    json_t *all;

    OK(add("default", "b.example.com", false));
    for (size_t i = 0; i < COUNT_OF(seqs); i++)
        seqs[i] = purge("file", "a");
    all = published();
    host = host_in(all);
    cr_expect_eq(json_array_size(json_object_get(host, "purges")), DISTRIBUTION_PURGES_MAX);
    cr_expect_eq(json_integer_value(json_object_get(host, "base")), seqs[0]);
    json_decref(all);
    memset(text, 'x', sizeof text - 1);
    for (size_t i = 0; i < 30; i++)
        purge("file", text);
    all = published();
    host = host_in(all);
    cr_expect_leq(json_dumpb(json_object_get(host, "purges"), NULL, 0, JSON_COMPACT),
                  DISTRIBUTION_PURGES_BYTES_MAX);
    cr_expect_gt(json_array_size(json_object_get(host, "purges")), 5);
    cr_expect_gt(json_integer_value(json_object_get(host, "base")), seqs[50]);
    json_decref(all);
}

Test(distribution, hosts_of_a_bucket_have_a_maximum)
{
    char host[64];

    for (int i = 0; i < DISTRIBUTION_MAX; i++) {
        snprintf(host, sizeof host, "h%d.example.com", i);
        OK(add("default", host, false));
    }
    cr_expect_eq(add("default", "more.example.com", false), ERR_LIMIT);
}
