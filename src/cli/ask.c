/* Questions to a person; see ask.h.
 *
 * While a secret is typed the terminal does not echo. A signal that ends the program meanwhile
 * leaves the terminal as it was: the handler restores it and lets the signal do its work. */
#include "cli/ask.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/terminal.h"

static struct termios terminal_before;

bool ask_is_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* Reads up to the end of a line, or of the input with `all`, byte by byte: what follows stays for
 * others. Returns 0, ERR_LIMIT, ERR_IO, or ERR_CLOSED when nothing came. */
static int read_input(struct buf *out, bool all)
{
    bool any = false;
    char bytes[4096];
    ssize_t count;
    int r;

    for (;;) {
        count = read(STDIN_FILENO, bytes, all ? sizeof bytes : 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        any = true;
        if (!all && bytes[0] == '\n')
            return 0;
        if ((r = buf_append(out, (str){bytes, (size_t)count})) < 0)
            return r;
    }
    return count < 0 ? ERR_IO : any ? 0 : ERR_CLOSED;
}

static void print_question(const char *question)
{
    progress_end();
    terminal_print_text(stderr, BOLD, question, false, 0);
    fputc(' ', stderr);
}

int ask_line(const char *question, struct buf *out)
{
    if (!ask_is_possible())
        return ERR_CLOSED;
    print_question(question);
    return read_input(out, false);
}

bool ask_yes(const char *question)
{
    struct buf text, answer;
    bool yes;

    buf_init(&text, ASK_BYTES_MAX);
    buf_init(&answer, ASK_BYTES_MAX);
    yes = buf_printf(&text, "%s [y/N]", question) == 0 && buf_append_char(&text, '\0') == 0 &&
          ask_line(text.ptr, &answer) == 0 && buf_append_char(&answer, '\0') == 0 &&
          (strcasecmp(answer.ptr, "y") == 0 || strcasecmp(answer.ptr, "yes") == 0);
    buf_done(&answer);
    buf_done(&text);
    return yes;
}

/* ---- secrets ---- */

static void on_end(int number)
{
    tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal_before);
    raise(number);
}

/* Asks for a line that is not shown. What is typed early is kept. */
static int read_unseen(const char *prompt, struct buf *out)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action = {.sa_handler = on_end, .sa_flags = (int)SA_RESETHAND};
    struct sigaction before[COUNT_OF(signals)];
    struct termios unseen;
    int r;

    if (tcgetattr(STDIN_FILENO, &terminal_before) < 0)
        return ERR_IO;
    unseen = terminal_before;
    unseen.c_lflag &= ~(tcflag_t)ECHO;
    unseen.c_lflag |= ECHONL;
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        sigaction(signals[i], &action, &before[i]);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &unseen);
    print_question(prompt);
    r = read_input(out, false);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal_before);
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        sigaction(signals[i], &before[i], NULL);
    return r;
}

int ask_secret(const char *prompt, struct buf *out, struct err *err)
{
    int r;

    if (ask_is_possible()) {
        r = read_unseen(prompt, out);
    } else {
        r = read_input(out, true);
        if (r == 0 && out->len && out->ptr[out->len - 1] == '\n')
            out->len--;
        if (r == 0 && out->len && out->ptr[out->len - 1] == '\r')
            out->len--;
    }
    if (r == ERR_LIMIT)
        return err_set(err, r, "the value is longer than %d bytes", (int)out->max);
    if (r == ERR_IO)
        return err_set(err, r, "standard input cannot be read: %s", strerror(errno));
    return r < 0 ? err_set(err, r, "nothing was given on standard input") : 0;
}
