/* api/tail_filter: which events a tail shows. */
#include <criterion/criterion.h>

#include "api/tail_filter.h"

#define EVENT \
    "{\"outcome\":\"ok\",\"scriptVersion\":{\"id\":\"v1\"},\"exceptions\":[]," \
    "\"logs\":[{\"message\":[\"hello there\",{\"user\":\"ann\"}],\"level\":\"log\"}]," \
    "\"event\":{\"request\":{\"method\":\"GET\",\"url\":\"http://a/\",\"headers\":" \
    "{\"x-trace\":\"abc123\",\"cf-connecting-ip\":\"192.0.2.7\"}}}}"
#define CRON "{\"outcome\":\"exception\",\"logs\":[],\"event\":{\"cron\":\"* * * * *\"}}"

static const struct {
    const char *filters;
    bool event, cron;
} cases[] = {
    {"[]", true, true},
    {"[{\"outcome\":[\"ok\"]}]", true, false},
    {"[{\"outcome\":[\"exception\",\"exceededCpu\"]}]", false, true},
    {"[{\"outcome\":[]}]", false, false},
    {"[{\"method\":[\"POST\",\"get\"]}]", true, false},
    {"[{\"method\":[\"POST\"]}]", false, false},
    {"[{\"header\":{\"key\":\"X-Trace\"}}]", true, false},
    {"[{\"header\":{\"key\":\"x-trace\",\"query\":\"c1\"}}]", true, false},
    {"[{\"header\":{\"key\":\"x-trace\",\"query\":\"zz\"}}]", false, false},
    {"[{\"header\":{\"key\":\"x-other\"}}]", false, false},
    {"[{\"client_ip\":[\"self\"]}]", true, false},
    {"[{\"client_ip\":[\"192.0.2.8\"]}]", false, false},
    {"[{\"query\":\"there\"}]", true, false},
    {"[{\"query\":\"ann\"}]", true, false},
    {"[{\"query\":\"nobody\"}]", false, false},
    {"[{\"scriptVersion\":\"v1\"}]", true, false},
    {"[{\"scriptVersion\":\"v2\"}]", false, false},
    {"[{\"sampling_rate\":1}]", true, true},
    {"[{\"sampling_rate\":0}]", false, false},
    {"[{\"sampling_rate\":1},{\"outcome\":[\"ok\"]},{\"method\":[\"GET\"]}]", true, false},
    {"[{\"outcome\":[\"ok\"],\"method\":[\"PUT\"]}]", false, false},
};

static struct tail_filter filter_of(const char *text)
{
    json_t *filters = json_loads(text, 0, NULL);
    json_t *body = json_pack("{s:o}", "filters", filters);
    struct tail_filter filter;
    struct err err = {0};

    cr_assert(filters);
    cr_assert_eq(tail_filter_init(&filter, body, "192.0.2.7", &err), 0, "%s: %s", text, err.text);
    json_decref(body);
    return filter;
}

Test(tail_filter, passes)
{
    json_t *event = json_loads(EVENT, 0, NULL), *cron = json_loads(CRON, 0, NULL);

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tail_filter filter = filter_of(cases[i].filters);

        cr_expect_eq(tail_filter_passes(&filter, event), cases[i].event, "%s", cases[i].filters);
        cr_expect_eq(tail_filter_passes(&filter, cron), cases[i].cron, "%s", cases[i].filters);
        tail_filter_done(&filter);
    }
    json_decref(event);
    json_decref(cron);
}

/* Half of what passes the other filters is shown. */
Test(tail_filter, sampling_counts_what_passes_the_rest)
{
    struct tail_filter filter = filter_of("[{\"sampling_rate\":0.5},{\"outcome\":[\"ok\"]}]");
    json_t *event = json_loads(EVENT, 0, NULL), *cron = json_loads(CRON, 0, NULL);
    int shown = 0;

    for (int i = 0; i < 100; i++) {
        shown += tail_filter_passes(&filter, event);
        shown += tail_filter_passes(&filter, cron);
    }
    cr_expect_eq(shown, 50, "%d", shown);
    tail_filter_done(&filter);
    json_decref(event);
    json_decref(cron);
}

/* Nothing posted, or no filters in it: everything is shown. */
Test(tail_filter, none)
{
    static const char *const bodies[] = {"{}", "{\"filters\":null}", "{\"debug\":true}"};
    json_t *event = json_loads(EVENT, 0, NULL);
    struct tail_filter filter;
    struct err err = {0};

    cr_assert_eq(tail_filter_init(&filter, NULL, "", &err), 0);
    cr_expect(tail_filter_passes(&filter, event));
    tail_filter_done(&filter);
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        json_t *body = json_loads(bodies[i], 0, NULL);
        cr_assert_eq(tail_filter_init(&filter, body, "", &err), 0, "%s", bodies[i]);
        cr_expect(tail_filter_passes(&filter, event), "%s", bodies[i]);
        tail_filter_done(&filter);
        json_decref(body);
    }
    json_decref(event);
}

Test(tail_filter, what_is_no_filter)
{
    static const char *const wrong[] = {
        "{\"filters\":{}}",
        "{\"filters\":[1]}",
        "{\"filters\":[{\"color\":\"red\"}]}",
        "{\"filters\":[{\"outcome\":\"ok\"}]}",
        "{\"filters\":[{\"method\":[1]}]}",
        "{\"filters\":[{\"header\":\"a\"}]}",
        "{\"filters\":[{\"header\":{\"key\":1}}]}",
        "{\"filters\":[{\"header\":{\"key\":\"a\",\"query\":1}}]}",
        "{\"filters\":[{\"sampling_rate\":1.5}]}",
        "{\"filters\":[{\"sampling_rate\":\"1\"}]}",
        "{\"filters\":[{\"query\":[]}]}",
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        json_t *body = json_loads(wrong[i], 0, NULL);
        struct tail_filter filter;
        struct err err = {0};

        cr_assert(body);
        cr_expect_eq(tail_filter_init(&filter, body, "", &err), ERR_INVALID, "%s", wrong[i]);
        json_decref(body);
    }
}
