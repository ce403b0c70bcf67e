/* `atoll doctor`: the findings of control/diagnosis.h, and what only a client of a server can find.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/member.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "control/diagnosis.h"
#include "os/listen.h"
#include "remote/profile.h"
#include "remote/remote.h"

enum { PORT_WORKERS = 8787, PORT_API = 8790, OTHERS = S_IRWXG | S_IRWXO, NAME_COLUMNS = 22 };

/* ---- the server one is logged in to ---- */

static void add_credentials(struct diagnosis *d)
{
    char *path = profile_file();
    struct stat info;
    struct err err;
    json_t *file;

    if (stat(path, &info) < 0)
        diagnosis_add(d, DIAGNOSIS_OK, "credentials", NULL, "none are stored");
    else if (info.st_mode & OTHERS)
        diagnosis_add(d, DIAGNOSIS_WARNING, "credentials",
                      "chmod 600 it, and log in again if somebody may have read it",
                      "others may read %s", path);
    else if (profile_load(&file, &err) < 0)
        diagnosis_add(d, DIAGNOSIS_ERROR, "credentials", "remove the file and log in again", "%s",
                      err.text);
    else {
        diagnosis_add(d, DIAGNOSIS_OK, "credentials", NULL, "%s", path);
        json_decref(file);
    }
    free(path);
}

static void add_version(struct diagnosis *d, const struct remote *remote, const json_t *token)
{
    const json_t *server = json_object_get(token, "server");
    const char *version = member_text(server, "version");

    if (!version)
        diagnosis_add(d, DIAGNOSIS_OK, "server", NULL, "%s answers, and is no atoll",
                      remote_url(remote));
    else if (strcmp(version, ATOLL_VERSION) != 0)
        diagnosis_add(d, DIAGNOSIS_WARNING, "server", "use the same version on both sides",
                      "%s is atoll %s, this is %s", remote_url(remote), version, ATOLL_VERSION);
    else
        diagnosis_add(d, DIAGNOSIS_OK, "server", NULL, "%s, atoll %s", remote_url(remote), version);
}

static void on_wait(void *context, uint64_t sent, uint64_t total)
{
    (void)context;
    progress_draw(sent, total);
}

static void add_server(struct diagnosis *d, const struct cli_args *args)
{
    const struct remote_options options = {.profile = cli_value(args, "profile"),
                                           .account = cli_value(args, "account")};
    struct remote *remote;
    struct err err;
    json_t *token;
    int r = remote_open(&options, &remote, &err);

    if (r == ERR_NOT_FOUND && !options.profile) {
        diagnosis_add(d, DIAGNOSIS_OK, "server", NULL, "not logged in to one (atoll login URL)");
        return;
    }
    if (r < 0) {
        diagnosis_add(d, DIAGNOSIS_ERROR, "server", NULL, "%s", err.text);
        return;
    }
    remote_set_hooks(remote, &(struct remote_hooks){.on_wait = on_wait});
    progress_begin("asking the server");
    if (remote_get(remote, remote_path(remote, "/user/tokens/verify"), &token, &err) < 0) {
        diagnosis_add(d, DIAGNOSIS_ERROR, "server",
                      err.code == ERR_DENIED ? "log in again: atoll login URL" : NULL, "%s",
                      err.text);
    } else {
        add_version(d, remote, token);
        json_decref(token);
    }
    progress_end();
    remote_close(remote);
}

/* ---- the ports of `atoll serve` ---- */

static bool is_free(int port)
{
    struct err err;
    int fd, got;

    if (listen_open("127.0.0.1", port, &fd, &got, &err) < 0)
        return false;
    close(fd);
    return true;
}

/* A server of Cloudflare's API refuses a token that is none; other programs answer otherwise. */
static bool is_api(int port)
{
    struct remote *remote;
    struct err err;
    char url[64];
    bool denied;

    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    if (remote_open_with(url, "doctor", NULL, &remote, &err) < 0)
        return false;
    denied = remote_get(remote, remote_path(remote, "/user"), NULL, &err) == ERR_DENIED;
    remote_close(remote);
    return denied;
}

static void add_ports(struct diagnosis *d)
{
    bool workers = is_free(PORT_WORKERS), api = is_free(PORT_API);

    if (workers && api)
        diagnosis_add(d, DIAGNOSIS_OK, "ports", NULL, "%d and %d are free", PORT_WORKERS, PORT_API);
    else if (!api && is_api(PORT_API))
        diagnosis_add(d, DIAGNOSIS_OK, "ports", NULL, "an atoll serves at %d", PORT_API);
    else
        diagnosis_add(d, DIAGNOSIS_WARNING, "ports",
                      "give atoll dev another --port, or atoll serve another --listen and --admin, "
                      "unless it is one of them that listens there",
                      "%s taken",
                      workers ? "8790 is"
                      : api   ? "8787 is"
                              : "8787 and 8790 are");
}

/* ---- on the screen ---- */

static void print_finding(const json_t *finding)
{
    static const struct {
        const char *status, *mark, *plain;
        enum colour colour;
    } marks[] = {
        {"ok", "\u2713", "ok", GREEN},
        {"warning", "!", "!!", YELLOW},
        {"error", "\u2717", "NO", RED},
    };
    const char *status = member_text(finding, "status");
    const char *name = member_text(finding, "name");
    const char *advice = member_text(finding, "advice");
    size_t row = 0;

    while (strcmp(marks[row].status, status) != 0)
        row++;
    fputs("  ", stdout);
    terminal_print(stdout, marks[row].colour, "%s",
                   terminal_is_utf8() ? marks[row].mark : marks[row].plain);
    printf(" %-*s ", NAME_COLUMNS, name);
    terminal_print_text(stdout, PLAIN, member_text(finding, "text"), false, 4);
    putchar('\n');
    if (advice)
        terminal_print(stdout, DIM, "      %s\n", advice);
}

static void print_findings(const json_t *findings)
{
    const char *area = "";
    const json_t *finding;
    size_t i;

    json_array_foreach(findings, i, finding) {
        const char *next = member_text(finding, "area");

        if (strcmp(area, next) != 0)
            terminal_print(stdout, BOLD, "%s%s\n", *area ? "\n" : "", next);
        area = next;
        print_finding(finding);
    }
}

static int run(const struct cli_args *args)
{
    struct diagnosis d = {.findings = json_array()};
    int status = cli_check_operands(args, 0, 0, "");

    if (status == EXIT_DONE) {
        diagnosis_machine(&d);
        diagnosis_installation(&d);
        diagnosis_sandbox(&d);
        diagnosis_project(&d, ".");
        d.area = "server";
        add_credentials(&d);
        add_server(&d, args);
        add_ports(&d);
        if (cli_has(args, "json")) {
            json_dumpf(d.findings, stdout, JSON_INDENT(2));
            putchar('\n');
        } else {
            print_findings(d.findings);
        }
        status = d.broken ? EXIT_FAILED : EXIT_DONE;
    }
    json_decref(d.findings);
    return status;
}

static const struct cli_example examples[] = {
    {"atoll doctor", NULL},
    {"atoll doctor --json | jq '.[] | select(.status != \"ok\")'", "what is wrong only"},
    {0},
};

const struct cli_command cmd_doctor = {
    .name = "doctor",
    .usage = "[OPTIONS]",
    .summary = "look for what could keep atoll from working here",
    .details = "Looks at the machine, the installation, the sandbox, the configuration in this\n"
               "directory and the server that one is logged in to. The exit status is 1 when\n"
               "something is broken; warnings leave it 0.",
    .run = run,
    .examples = examples,
    .group = GROUP_OTHER,
    .shared = CLI_SERVER | CLI_JSON,
};
