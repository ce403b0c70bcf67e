/* Filters of tails; see tail_filter.h. Each kind has its check of shape and its test. */
#include "api/tail_filter.h"

#include <stdlib.h>
#include <strings.h>

#include "base/member.h"

struct kind {
    const char *name;
    bool (*is_well)(const json_t *value);
    const char *shape;   /* for a person */
    bool (*passes)(struct tail_filter *filter, const json_t *value, const json_t *event);
};

/* ---- shapes ---- */

static bool is_text(const json_t *value)
{
    return json_is_string(value) && json_string_length(value) <= TAIL_FILTER_TEXT_MAX;
}

static bool is_texts(const json_t *value)
{
    size_t index;
    const json_t *item;

    if (!json_is_array(value) || json_array_size(value) > TAIL_FILTERS_MAX)
        return false;
    json_array_foreach((json_t *)value, index, item) {
        if (!is_text(item))
            return false;
    }
    return true;
}

static bool is_rate(const json_t *value)
{
    return json_is_number(value) && json_number_value(value) >= 0 && json_number_value(value) <= 1;
}

static bool is_header(const json_t *value)
{
    const json_t *query = json_object_get(value, "query");

    return is_text(json_object_get(value, "key")) && (!query || is_text(query));
}

/* ---- tests ---- */

static const json_t *request_of(const json_t *event)
{
    return json_object_get(json_object_get(event, "event"), "request");
}

static const char *header_of(const json_t *event, const char *name)
{
    const char *key;
    const json_t *value;

    json_object_foreach(json_object_get(request_of(event), "headers"), key, value) {
        if (strcasecmp(key, name) == 0)
            return json_string_value(value);
    }
    return NULL;
}

static bool contains(const char *text, const char *part)
{
    return text && strstr(text, part);
}

static bool has_text(const json_t *texts, const char *text)
{
    size_t index;
    const json_t *item;

    json_array_foreach((json_t *)texts, index, item) {
        if (text && strcasecmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

static bool passes_rate(struct tail_filter *filter, const json_t *value, const json_t *event)
{
    (void)event;
    filter->sampled += json_number_value(value);
    if (filter->sampled < 1)
        return false;
    filter->sampled -= 1;
    return true;
}

static bool passes_outcome(struct tail_filter *filter, const json_t *value, const json_t *event)
{
    (void)filter;
    return has_text(value, member_text(event, "outcome"));
}

static bool passes_method(struct tail_filter *filter, const json_t *value, const json_t *event)
{
    (void)filter;
    return has_text(value, member_text(request_of(event), "method"));
}

static bool passes_header(struct tail_filter *filter, const json_t *value, const json_t *event)
{
    const char *query = member_text(value, "query");
    const char *found = header_of(event, member_text(value, "key"));

    (void)filter;
    return found && (!query || contains(found, query));
}

static bool passes_client(struct tail_filter *filter, const json_t *value, const json_t *event)
{
    (void)filter;
    return has_text(value, header_of(event, "cf-connecting-ip"));
}

static bool passes_version(struct tail_filter *filter, const json_t *value, const json_t *event)
{
    const json_t *id = json_object_get(json_object_get(event, "scriptVersion"), "id");

    (void)filter;
    return json_equal(id, value);
}

static bool message_has(const json_t *member, const char *text)
{
    char *dumped;
    bool found;

    if (json_is_string(member))
        return contains(json_string_value(member), text);
    dumped = json_dumps(member, JSON_COMPACT | JSON_ENCODE_ANY);
    found = contains(dumped, text);
    free(dumped);
    return found;
}

static bool passes_query(struct tail_filter *filter, const json_t *value, const json_t *event)
{
    size_t line, part;
    const json_t *log, *member;

    (void)filter;
    json_array_foreach(json_object_get(event, "logs"), line, log) {
        json_array_foreach(json_object_get(log, "message"), part, member) {
            if (message_has(member, json_string_value(value)))
                return true;
        }
    }
    return false;
}

/* The rate is the last: it counts what passed the others. */
static const struct kind kinds[] = {
    {"outcome",       is_texts,  "an array of words",               passes_outcome},
    {"method",        is_texts,  "an array of methods",             passes_method},
    {"header",        is_header, "an object {key, query?}",         passes_header},
    {"client_ip",     is_texts,  "an array of addresses or \"self\"", passes_client},
    {"query",         is_text,   "a text of at most 1024 bytes",    passes_query},
    {"scriptVersion", is_text,   "a version's id",                  passes_version},
    {"sampling_rate", is_rate,   "a number from 0 to 1",            passes_rate},
};

/* ---- life ---- */

static int check_filter(const json_t *item, struct err *err)
{
    const char *name;
    const json_t *value;

    if (!json_is_object(item))
        return err_set(err, ERR_INVALID, "A filter is an object like {\"outcome\": [\"ok\"]}.");
    json_object_foreach((json_t *)item, name, value) {
        const struct kind *kind = NULL;
        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
            if (strcmp(kinds[i].name, name) == 0)
                kind = &kinds[i];
        }
        if (!kind)
            return err_set(err, ERR_INVALID, "There is no filter \"%s\".", name);
        if (!kind->is_well(value))
            return err_set(err, ERR_INVALID, "The filter \"%s\" is %s.", name, kind->shape);
    }
    return 0;
}

static void name_self(json_t *item, const char *self)
{
    json_t *addresses = json_object_get(item, "client_ip");

    for (size_t i = 0; i < json_array_size(addresses); i++) {
        if (strcmp(json_string_value(json_array_get(addresses, i)), "self") == 0)
            json_array_set_new(addresses, i, json_string(self));
    }
}

int tail_filter_init(struct tail_filter *filter, const json_t *body, const char *self,
                     struct err *err)
{
    const json_t *filters = json_object_get(body, "filters");
    size_t index;
    json_t *item;

    *filter = (struct tail_filter){0};
    if (filters && !json_is_null(filters) && !json_is_array(filters))
        return err_set(err, ERR_INVALID, "\"filters\" is an array of objects.");
    if (json_array_size(filters) > TAIL_FILTERS_MAX)
        return err_set(err, ERR_LIMIT, "A tail has at most %d filters.", TAIL_FILTERS_MAX);
    json_array_foreach((json_t *)filters, index, item) {
        int r = check_filter(item, err);
        if (r < 0)
            return r;
    }
    filter->filters = json_is_array(filters) ? json_deep_copy(filters) : json_array();
    json_array_foreach(filter->filters, index, item)
        name_self(item, self);
    return 0;
}

void tail_filter_done(struct tail_filter *filter)
{
    json_decref(filter->filters);
    filter->filters = NULL;
}

bool tail_filter_passes(struct tail_filter *filter, const json_t *event)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        size_t index;
        const json_t *item;
        json_array_foreach(filter->filters, index, item) {
            const json_t *value = json_object_get(item, kinds[i].name);
            if (value && !kinds[i].passes(filter, value, event))
                return false;
        }
    }
    return true;
}
