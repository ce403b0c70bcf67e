/* Deployments; see deployment.h. */
#include "registry/deployment.h"

#include <math.h>

#include "base/member.h"
#include "os/clock.h"
#include "registry/registry_private.h"
#include "registry/script_version.h"

#define COLUMNS                                                                                    \
    "body AS \"*:json\", id, script_id, created_ms, versions AS \"versions:json\", "               \
    "'percentage' AS strategy"

/* How far off 100 a sum of percentages may be: they are decimal fractions. */
static const double slack = 1e-6;

static int check_version(struct registry *registry, int64_t script_id, const json_t *version,
                         double *sum, struct err *err)
{
    const char *id = member_text(version, "version_id");
    const json_t *percentage = json_object_get(version, "percentage");
    json_t *row;
    int r;

    if (!id)
        return err_set(err, ERR_INVALID, "a version of a deployment has a version_id");
    if (!json_is_number(percentage) || !(json_number_value(percentage) >= 0) ||
        json_number_value(percentage) > 100)
        return err_set(err, ERR_INVALID, "the percentage of version %.100s is not from 0 to 100",
                       id);
    *sum += json_number_value(percentage);
    if ((r = script_version_get(registry, script_id, id, &row, err)) == 0)
        json_decref(row);
    return r;
}

static int check(struct registry *registry, int64_t script_id, const json_t *versions,
                 struct err *err)
{
    const json_t *version;
    double sum = 0;
    size_t i;
    int r;

    if (json_array_size(versions) < 1 || json_array_size(versions) > 2)
        return err_set(err, ERR_INVALID, "a deployment has one or two versions");
    json_array_foreach(versions, i, version)
        if ((r = check_version(registry, script_id, version, &sum, err)) < 0)
            return r;
    if (json_array_size(versions) == 2 &&
        json_equal(json_object_get(json_array_get(versions, 0), "version_id"),
                   json_object_get(json_array_get(versions, 1), "version_id")))
        return err_set(err, ERR_INVALID, "the two versions of a deployment are the same");
    if (fabs(sum - 100) > slack)
        return err_set(err, ERR_INVALID, "the percentages of a deployment make 100, not %g", sum);
    return 0;
}

/* {version_id, percentage} of each, and nothing else. */
static json_t *versions_of(const json_t *row)
{
    json_t *versions = json_array(), *version;
    size_t i;

    json_array_foreach(json_object_get(row, "versions"), i, version)
        json_array_append_new(versions,
                              json_pack("{s:O, s:O}", "version_id",
                                        json_object_get(version, "version_id"), "percentage",
                                        json_object_get(version, "percentage")));
    return versions;
}

/* What a row says without having a column. */
static json_t *body_of(const json_t *row)
{
    json_t *annotations = json_object_get(row, "annotations");

    return json_pack("{s:O?, s:O?, s:o}", "source", json_object_get(row, "source"), "author_email",
                     json_object_get(row, "author_email"), "annotations",
                     json_is_object(annotations) ? json_incref(annotations) : json_object());
}

static int insert(struct registry *registry, int64_t script_id, const char *id, const json_t *row,
                  struct err *err)
{
    json_t *versions = versions_of(row), *body = body_of(row);
    int r = query_run(registry->db,
                      query_make(registry->db,
                                 "INSERT INTO deployment (id, script_id, created_ms, versions, "
                                 "body) VALUES (?, ?, ?, ?, ?)",
                                 "tiijj", id, script_id, clock_wall_ms(), versions, body),
                      err);

    json_decref(versions);
    json_decref(body);
    return r;
}

static int forget_oldest(struct registry *registry, int64_t script_id, struct err *err)
{
    return query_run(registry->db,
                     query_make(registry->db,
                                "DELETE FROM deployment WHERE script_id = ?1 AND seq <= (SELECT seq"
                                " FROM deployment WHERE script_id = ?1 ORDER BY seq DESC "
                                "LIMIT 1 OFFSET ?2)",
                                "ii", script_id, (int64_t)DEPLOYMENT_ROWS_MAX),
                     err);
}

int deployment_add(struct registry *registry, int64_t script_id, const json_t *row, json_t **ret,
                   struct err *err)
{
    char id[37];
    int r;

    registry_new_id(id);
    if ((r = registry_change_begin(registry, err)) < 0)
        return r;
    if ((r = script_touch(registry, script_id, err)) == 0 &&
        (r = check(registry, script_id, json_object_get(row, "versions"), err)) == 0 &&
        (r = insert(registry, script_id, id, row, err)) == 0)
        r = forget_oldest(registry, script_id, err);
    if ((r = registry_change_end(registry, r, err)) < 0)
        return r;
    return deployment_current(registry, script_id, ret, err);
}

int deployment_current(struct registry *registry, int64_t script_id, json_t **ret, struct err *err)
{
    int r = query_row(registry->db,
                      query_make(registry->db,
                                 "SELECT " COLUMNS " FROM deployment WHERE script_id = ? "
                                 "ORDER BY seq DESC LIMIT 1",
                                 "i", script_id),
                      ret, err);

    return r == 0 ? err_set(err, ERR_NOT_FOUND, "the worker is not deployed yet") : r < 0 ? r : 0;
}

int deployment_list(struct registry *registry, int64_t script_id, size_t offset, size_t limit,
                    json_t **ret, struct err *err)
{
    return query_rows(registry->db,
                      query_make(registry->db,
                                 "SELECT " COLUMNS " FROM deployment WHERE script_id = ? "
                                 "ORDER BY seq DESC LIMIT ? OFFSET ?",
                                 "iii", script_id, (int64_t)limit, (int64_t)offset),
                      ret, err);
}
