/* Waits for a login in the browser; see signin.h.
 *
 * Four things end the wait: the browser's answer (remote/callback), an address typed or pasted at
 * the terminal, a signal, the time. Each only sets a field; signin_run() looks at them between
 * turns of the loop. */
#include "cli/signin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/browser.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "remote/callback.h"

enum { HANDLES = 5 };

struct signin {
    uv_loop_t *loop;
    struct callback *callback;
    uv_timer_t frame, limit;
    uv_signal_t interrupt, end;
    uv_poll_t typed;
    bool has_typed;
    bool interrupted;
    bool late;
    int open_handles;
};

static void on_frame(uv_timer_t *timer)
{
    (void)timer;
    progress_draw(0, 0);
}

static void on_limit(uv_timer_t *timer)
{
    struct signin *signin = timer->data;

    signin->late = true;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct signin *signin = handle->data;

    (void)number;
    signin->interrupted = true;
}

static void on_typed(uv_poll_t *poll, int status, int events)
{
    struct signin *signin = poll->data;
    char line[LOGIN_CALLBACK_BYTES_MAX];
    ssize_t length = status < 0 ? -1 : read(STDIN_FILENO, line, sizeof line);
    str text = str_trim((str){line, length > 0 ? (size_t)length : 0});
    struct err err;

    (void)events;
    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    if (length <= 0)
        uv_poll_stop(poll);
    else if (text.len && callback_offer(signin->callback, text, &err) < 0) {
        progress_end();
        terminal_warning(err.text);
        progress_begin("waiting for the browser");
    }
}

static void watch(struct signin *signin)
{
    uv_timer_init(signin->loop, &signin->frame);
    uv_timer_init(signin->loop, &signin->limit);
    uv_signal_init(signin->loop, &signin->interrupt);
    uv_signal_init(signin->loop, &signin->end);
    signin->limit.data = signin->interrupt.data = signin->end.data = signin->typed.data = signin;
    uv_timer_start(&signin->frame, on_frame, PROGRESS_FRAME_MS, PROGRESS_FRAME_MS);
    uv_timer_start(&signin->limit, on_limit, SIGNIN_WAIT_MS, 0);
    uv_signal_start(&signin->interrupt, on_signal, SIGINT);
    uv_signal_start(&signin->end, on_signal, SIGTERM);
    signin->has_typed = ask_is_possible() &&
                        uv_poll_init(signin->loop, &signin->typed, STDIN_FILENO) == 0;
    if (signin->has_typed)
        uv_poll_start(&signin->typed, UV_READABLE, on_typed);
}

static void on_closed(uv_handle_t *handle)
{
    int *open_handles = handle->data;

    --*open_handles;
}

static void unwatch(struct signin *signin)
{
    uv_handle_t *handles[HANDLES] = {
        (uv_handle_t *)&signin->frame, (uv_handle_t *)&signin->limit,
        (uv_handle_t *)&signin->interrupt, (uv_handle_t *)&signin->end,
        (uv_handle_t *)&signin->typed,
    };

    signin->open_handles = signin->has_typed ? HANDLES : HANDLES - 1;
    for (int i = 0; i < signin->open_handles; i++) {
        handles[i]->data = &signin->open_handles;
        uv_close(handles[i], on_closed);
    }
    while (signin->open_handles)
        uv_run(signin->loop, UV_RUN_ONCE);
}

static void show_page(const char *page, const char *url, bool opens)
{
    bool opened = opens && browser_open(page);

    fprintf(stderr, opened ? "Your browser shows a page to log in. If it does not, open:\n\n"
                           : "Open this page in a browser to log in:\n\n");
    terminal_print(stderr, BLUE, "%s", page);
    fputs("\n\n", stderr);
    if (ask_is_possible())
        fprintf(stderr, "When the browser is on another machine and cannot come back, paste the "
                        "address it ended at.\n");
    else if (!opened)
        fprintf(stderr, "Without a browser: atoll login %s --token -\n", url);
}

/* 0 with the code (borrowed), or a negative one; 1 after a signal. */
static int wait_for_code(struct signin *signin, const char **ret_code, struct err *err)
{
    int r;

    progress_begin("waiting for the browser");
    watch(signin);
    while ((r = callback_result(signin->callback, ret_code, err)) == 1 && !signin->interrupted &&
           !signin->late)
        uv_run(signin->loop, UV_RUN_ONCE);
    unwatch(signin);
    progress_end();
    if (r == 1 && signin->late)
        r = err_set(err, ERR_TIMEOUT, "nobody logged in within %d minutes: try again",
                    SIGNIN_WAIT_MS / 60000);
    return r;
}

static int run(struct roundtrip *roundtrip, const struct login_server *server,
               struct signin *signin, const char *url, bool opens, json_t *profile)
{
    const struct login_attempt *attempt = callback_attempt(signin->callback);
    char *page = login_page(server, attempt);
    const char *code;
    struct err err;
    int r;

    show_page(page, url, opens);
    free(page);
    r = wait_for_code(signin, &code, &err);
    if (r == 0)
        r = login_redeem(roundtrip, server, attempt, code, profile, &err);
    callback_close(signin->callback, r == 1 ? "The login was interrupted." : r ? err.text : NULL);
    if (r < 0)
        terminal_error(err.text);
    return r == 1 ? EXIT_INTERRUPTED : r ? session_exit(r) : EXIT_DONE;
}

int signin_run(const char *url, bool opens, json_t *profile)
{
    struct roundtrip *roundtrip = roundtrip_new();
    struct signin signin = {.loop = roundtrip_loop(roundtrip)};
    struct login_server server = {0};
    struct err err;
    int status;

    if (login_discover(roundtrip, url, &server, &err) < 0 ||
        callback_open(signin.loop, &signin.callback, &err) < 0) {
        terminal_error(err.text);
        status = session_exit(err.code);
    } else {
        status = run(roundtrip, &server, &signin, url, opens, profile);
    }
    login_server_done(&server);
    roundtrip_free(roundtrip);
    return status;
}
