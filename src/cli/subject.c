/* The worker that a command is about; see subject.h. */
#include "cli/subject.h"

#include <stdlib.h>

#include "base/member.h"
#include "control/suggest.h"

enum { CODE_NO_WORKER = 10007, NAMES_MAX = 1000, NAMES_SHOWN = 8 };

int subject_open(struct session *session, const struct cli_args *args, const char *name)
{
    int status;

    if (!name)
        return session_open_worker(session, args);
    status = session_open(session, args);
    if (status == EXIT_DONE)
        session->worker = str_dup(str_from(name));
    return status;
}

/* "did you mean ..." of the account's workers, or which there are. */
static void add_names(struct buf *text, const char *wanted, const json_t *workers)
{
    const char *names[NAMES_MAX + 1] = {0}, *near;
    size_t count = 0, i;
    const json_t *worker;

    json_array_foreach(workers, i, worker) {
        const char *name = member_text(worker, "id");
        if (name && count < NAMES_MAX)
            names[count++] = name;
    }
    near = suggest_word(wanted, names);
    if (!count)
        (void)!buf_append(text, STR("; there are none yet: atoll deploy makes one"));
    else if (near)
        (void)!buf_printf(text, "; did you mean \"%s\"?", near);
    else
        for (i = 0; i < count && i < NAMES_SHOWN; i++)
            (void)!buf_printf(text, "%s%s%s", i ? ", " : "; there are: ", names[i],
                              i + 1 == NAMES_SHOWN && count > NAMES_SHOWN ? " ..." : "");
}

int subject_fail(struct session *session, const struct err *err)
{
    struct err said, ignored;
    json_t *workers;
    struct buf text;

    if (!session->worker || remote_code(session->remote) != CODE_NO_WORKER)
        return session_fail(session, err);
    buf_init(&text, ERR_TEXT_MAX - 1);
    (void)!buf_printf(&text, "the account \"%s\" has no worker \"%s\"",
                      remote_account(session->remote), session->worker);
    if (remote_list(session->remote, remote_path(session->remote, "workers/scripts"), NULL,
                    &workers, &ignored) == 0) {
        add_names(&text, session->worker, workers);
        json_decref(workers);
    }
    err_set(&said, ERR_NOT_FOUND, "%.*s", STR_ARGS(buf_str(&text)));
    buf_done(&text);
    return session_fail(session, &said);
}
