/* registry: what was acknowledged is there, whole, however often the process is killed.
 *
 * A child deploys and tells of each deployment that returned; it is killed at a
 * random moment, and what it told of is looked for. */
#include "registry_harness.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

TestSuite(durable, .init = harness_make, .fini = harness_clean, .timeout = 120);

enum { ROUNDS = 64, WAIT_US_MAX = 30000, DEPLOYMENTS_MAX = 80, PARTS = 3 };

/* What the child says after each deployment. */
struct told {
    int64_t script;
    char version[37];
    char deployment[37];
};

/* Contents that are different each time, of some hundred bytes. */
static void make_contents(struct buf *out, size_t lens[PARTS], unsigned *seed)
{
    buf_clear(out);
    for (int i = 0; i < PARTS; i++) {
        size_t before = out->len;

        for (int j = rand_r(seed) % 100; j >= 0; j--)
            if (buf_printf(out, "%d ", rand_r(seed)) < 0)
                _exit(1);
        lens[i] = out->len - before;
    }
}

static json_t *make_row(const size_t lens[PARTS])
{
    json_t *parts = json_array();

    for (int i = 0; i < PARTS; i++)
        json_array_append_new(parts, json_pack("{s:s, s:s, s:I}", "name", "part", "kind", "text",
                                               "bytes", (json_int_t)lens[i]));
    return json_pack("{s:o, s:[]}", "parts", parts, "modules");
}

/* A version and its deployment in one transaction. */
static int deploy(struct registry *registry, const char *name, unsigned *seed, struct buf *text,
                  struct told *ret)
{
    json_t *script = NULL, *version = NULL, *deployment = NULL, *row, *secrets, *wanted;
    struct script_version_contents contents = {STR_NONE, STR_NONE};
    struct script_version_draft draft;
    size_t lens[PARTS];
    int r;

    make_contents(text, lens, seed);
    contents.parts = buf_str(text);
    row = make_row(lens);
    secrets = json_pack("{s:s}", "KEY", "sesame");
    draft = (struct script_version_draft){row, secrets, &contents};
    if (registry_begin(registry, &err) < 0)
        return -1;
    if ((r = script_ensure(registry, "default", name, &script, &err)) == 0)
        ret->script = number_of(script, "id");
    if (r == 0 && (r = script_version_add(registry, ret->script, &draft, &version, &err)) == 0) {
        snprintf(ret->version, sizeof ret->version, "%s", text_of(version, "id"));
        wanted = json_pack("{s:[{s:s, s:i}]}", "versions", "version_id", ret->version, "percentage",
                           100);
        r = deployment_add(registry, ret->script, wanted, &deployment, &err);
        json_decref(wanted);
    }
    if (registry_end(registry, r, &err) < 0)
        return -1;
    snprintf(ret->deployment, sizeof ret->deployment, "%s", text_of(deployment, "id"));
    json_decref(row);
    json_decref(secrets);
    json_decref(script);
    json_decref(version);
    json_decref(deployment);
    return 0;
}

_Noreturn static void deploy_for_ever(int round, int to)
{
    struct registry *registry;
    unsigned seed = (unsigned)round + 1;
    struct told told;
    struct buf text;
    char name[32];

    snprintf(name, sizeof name, "worker-%d", round / 4);
    buf_init(&text, 1 << 20);
    if (registry_open(harness_directory, &registry, &err) < 0)
        _exit(2);
    for (int i = 0; i < DEPLOYMENTS_MAX; i++)
        if (deploy(registry, name, &seed, &text, &told) < 0 ||
            write(to, &told, sizeof told) != sizeof told)
            _exit(3);
    for (;;)
        pause();
}

/* ---- looking ---- */

static void expect_version(int64_t script, const char *id)
{
    json_t *version, *secrets;
    struct buf out;

    OK(script_version_get(harness, script, id, &version, &err));
    cr_expect_eq(json_array_size(json_object_get(version, "parts")), PARTS);
    buf_init(&out, 1 << 20);
    OK(script_version_contents(harness, json_object_get(version, "parts"), &out, &err));
    buf_done(&out);
    OK(script_version_secrets(harness, id, &secrets, &err));
    EXPECT_JSON(secrets, "{'KEY': 'sesame'}");
    json_decref(secrets);
    json_decref(version);
}

static bool has_deployment(const json_t *rows, const struct told *told)
{
    const json_t *row, *version;
    size_t i;

    json_array_foreach(rows, i, row)
        if (strcmp(text_of(row, "id"), told->deployment) == 0) {
            version = json_array_get(json_object_get(row, "versions"), 0);
            return strcmp(text_of(version, "version_id"), told->version) == 0;
        }
    return false;
}

/* What was told of is there, and all that is there is whole. */
static size_t expect_all(int from)
{
    struct told told, last = {0};
    json_t *rows, *row;
    size_t count = 0, i;

    while (read(from, &told, sizeof told) == sizeof told) {
        OK(deployment_list(harness, told.script, 0, DEPLOYMENT_ROWS_MAX, &rows, &err));
        cr_assert(has_deployment(rows, &told), "deployment %s is lost", told.deployment);
        json_decref(rows);
        last = told;
        count++;
    }
    if (!count)
        return 0;
    OK(deployment_list(harness, last.script, 0, DEPLOYMENT_ROWS_MAX, &rows, &err));
    json_array_foreach(rows, i, row)
        expect_version(last.script,
                       text_of(json_array_get(json_object_get(row, "versions"), 0), "version_id"));
    json_decref(rows);
    OK(script_version_list(harness, last.script, 0, SCRIPT_VERSIONS_MAX, &rows, &err));
    json_array_foreach(rows, i, row)
        expect_version(last.script, text_of(row, "id"));
    json_decref(rows);
    return count;
}

/* In one of two rounds after the first deployment, else perhaps before that. */
static void run_round(int round, int fds[2], unsigned *seed)
{
    struct timespec wait = {0, 1000L * (rand_r(seed) % WAIT_US_MAX)};
    struct pollfd told = {.fd = fds[0], .events = POLLIN};
    pid_t child = fork();
    int status;

    if (child == 0)
        deploy_for_ever(round, fds[1]);
    cr_assert_gt(child, 0);
    close(fds[1]);
    if (round % 2)
        cr_assert_eq(poll(&told, 1, 30000), 1);
    nanosleep(&wait, NULL);
    kill(child, SIGKILL);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status), "the child ended with %d", WEXITSTATUS(status));
}

Test(durable, survives_being_killed)
{
    unsigned seed = (unsigned)time(NULL);
    size_t count = 0;
    int fds[2];

    registry_close(harness);
    harness = NULL;
    for (int round = 0; round < ROUNDS; round++) {
        cr_assert_eq(pipe(fds), 0);
        run_round(round, fds, &seed);
        harness_open();
        count += expect_all(fds[0]);
        registry_close(harness);
        harness = NULL;
        close(fds[0]);
    }
    cr_expect_geq(count, ROUNDS / 2);
}
