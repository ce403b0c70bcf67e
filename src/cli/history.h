/* A worker's versions and deployments, newest first, as the server has them, and how a person names
 * one: by the first characters of its id, "latest" or "live".
 *
 * Owns: copies of the answers. Thread: one. Limits: HISTORY_PREFIX_MIN. */
#ifndef ATOLL_CLI_HISTORY_H
#define ATOLL_CLI_HISTORY_H

#include "cli/session.h"

enum { HISTORY_PREFIX_MIN = 4, HISTORY_SHORT = 8 };

struct history {
    json_t *versions;
    json_t *deployments;
};

/* Zeroed, `history` is empty; history_done() is for it, too. What remote_list() says. */
NODISCARD int history_read(struct session *session, struct history *history, struct err *err);
void history_done(struct history *history);

/* What is live; NULL when nothing is. */
const json_t *history_live(const struct history *history);

/* The deployment before it that had another version alone: where a rollback leads. NULL: none. */
const json_t *history_before(const struct history *history);

/* How much of what comes a version answers now, in per cent; below 0: it is not live. */
double history_share(const struct history *history, const char *id);

/* The version of this id; NULL when it is not among them. */
const json_t *history_version(const struct history *history, const char *id);

/* The version that `text` names. ERR_NOT_FOUND when there is none, ERR_INVALID when there are
 * several or the text is too short, with what to do. */
NODISCARD int history_find(const struct history *history, const char *text, const json_t **ret,
                           struct err *err);

/* Makes `versions` (array of {version_id, percentage}, taken) live. `message` may be NULL. */
NODISCARD int history_deploy(struct session *session, json_t *versions, const char *message,
                             struct err *err);

/* Takes away what is beyond the newest `limit`: of versions, or deployments. */
void history_shorten(json_t *rows, size_t limit);

/* The first version of a deployment ("version_id"); "" when it has none. */
const char *history_first(const json_t *deployment);

/* An annotation of a version or a deployment, "message" or "tag"; "" when it has none. */
const char *history_annotation(const json_t *object, const char *key);

/* "1b2c3d4e" of an id, harmless to print; static memory of some results. */
const char *history_short(const char *id);

/* "1b2c3d4e" or "1b2c3d4e 90 % + 9f8e7d6c 10 %" of an array of {version_id, percentage}. Returned
 * owned. */
char *history_versions_text(const json_t *versions);

/* The first line of a text, cut where it gets long. Returned owned. */
char *history_line(const char *text);

#endif
