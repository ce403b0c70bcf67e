/* _headers and _redirects: rules for paths, read and applied, as Cloudflare documents them.
 *
 * A pattern is a path, or "https://host/path", with one "*" (":splat") and ":name" placeholders.
 * Owns: the rules; their texts are borrowed from the files' texts. Thread: one.
 * Limits: the enum below; a rule that takes more than SITE_RULE_STEPS_MAX steps to match, or comes
 * after SITE_RULE_STEPS_ALL_MAX of one request, does not fit. */
#ifndef ATOLL_BINDINGS_SITE_RULE_H
#define ATOLL_BINDINGS_SITE_RULE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    SITE_RULE_LINE_MAX = 2000,          /* characters of a line */
    SITE_RULE_HEADERS_MAX = 100,        /* rules of _headers, */
    SITE_RULE_LINES_MAX = 2000,         /* headers of all of them, */
    SITE_RULE_APPLIED_MAX = 128,        /* and of those that one answer gets */
    SITE_RULE_STATIC_MAX = 2000,        /* redirects without placeholders */
    SITE_RULE_DYNAMIC_MAX = 100,        /* and with */
    SITE_RULE_NAMES_MAX = 16,           /* placeholders of a rule */
    SITE_RULE_STEPS_MAX = 20000,
    SITE_RULE_STEPS_ALL_MAX = 400000,
    SITE_RULE_OUT_MAX = 16 << 10,       /* bytes of what a rule makes */
};

struct site_rules;

/* Reads both files; lines that cannot be are left out. Returned owned. */
struct site_rules *site_rule_new(str headers, str redirects);

/* NULL is fine. */
void site_rule_free(struct site_rules *rules);

/* Whether both files can be: ERR_INVALID or ERR_LIMIT with the lines that cannot. */
NODISCARD int site_rule_check_headers(str headers, struct err *err);
NODISCARD int site_rule_check_redirects(str redirects, struct err *err);

/* The redirect for an encoded path: its status (200: another file is served), with where it leads
 * to appended to `to`; 0 when there is none. */
int site_rule_redirect(const struct site_rules *rules, str host, str path, struct buf *to);

/* Changes `head`, lines "name: value\r\n" with names in small letters, as the rules for the path
 * say. */
void site_rule_apply(const struct site_rules *rules, str host, str path, struct buf *head);

/* True when there are rules for headers at all. */
bool site_rule_have_headers(const struct site_rules *rules);

/* Who gets a request, by lines of patterns (site.h): those with "!" win. */
enum site_rule_who { SITE_RULE_EITHER, SITE_RULE_SCRIPT, SITE_RULE_FILES };
enum site_rule_who site_rule_who(str patterns, str path);

/* True when all of them are the script's. */
bool site_rule_is_always_first(str patterns);

#endif
