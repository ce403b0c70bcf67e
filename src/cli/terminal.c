/* Text for a person; see terminal.h. */
#include "cli/terminal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"

enum { HEX_BYTES = sizeof "\\xNN" - 1 };

static bool stdout_colours;
static bool stderr_colours;

static const char *const codes[] = {
    [PLAIN] = "", [BOLD] = "1", [DIM] = "2", [RED] = "31",
    [GREEN] = "32", [YELLOW] = "33", [BLUE] = "34", [CYAN] = "36",
};

/* A stream that was closed before the start would be the next file or socket that is opened, and
 * get what is printed. */
static void keep_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", O_RDWR);
}

void terminal_init(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool wanted = !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);

    keep_streams();
    stdout_colours = wanted && isatty(STDOUT_FILENO);
    stderr_colours = wanted && isatty(STDERR_FILENO);
    setvbuf(stdout, NULL, _IOLBF, 0);
}

bool terminal_done(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP));
}

static bool has_colours(FILE *stream)
{
    return stream == stdout ? stdout_colours : stderr_colours;
}

static void begin(FILE *stream, enum colour colour)
{
    if (colour != PLAIN && has_colours(stream))
        fprintf(stream, "\033[%sm", codes[colour]);
}

static void end(FILE *stream, enum colour colour)
{
    if (colour != PLAIN && has_colours(stream))
        fputs("\033[0m", stream);
}

void terminal_print(FILE *stream, enum colour colour, const char *format, ...)
{
    va_list args;

    begin(stream, colour);
    va_start(args, format);
    vfprintf(stream, format, args);
    va_end(args);
    end(stream, colour);
}

/* Length of a sequence "ESC [ digits, semicolons m" at the start of `text`; 0 when it is none. */
static size_t colour_sequence_len(const char *text)
{
    size_t len = 2;

    if (text[0] != '\033' || text[1] != '[')
        return 0;
    while (isdigit((unsigned char)text[len]) || text[len] == ';')
        len++;
    return text[len] == 'm' ? len + 1 : 0;
}

/* Bytes of the control character at the start of `text`, 0 when there is none: C0 and DEL take one,
 * C1 two in UTF-8. Its code is in `ret_code`. */
static size_t control_len(const char *text, unsigned char *ret_code)
{
    unsigned char c = (unsigned char)text[0], next = (unsigned char)(c ? text[1] : 0);

    *ret_code = c == 0xc2 ? next : c;
    if (c == 0xc2 && next >= 0x80 && next < 0xa0)
        return 2;
    return c < ' ' || c == 0x7f ? 1 : 0;
}

void terminal_print_text(FILE *stream, enum colour colour, const char *text, bool colours,
                         int indent)
{
    begin(stream, colour);
    while (*text) {
        size_t sequence = colours && has_colours(stream) ? colour_sequence_len(text) : 0;
        unsigned char code;
        size_t control = control_len(text, &code);

        if (sequence)
            fwrite(text, 1, sequence, stream);
        else if (code == '\n' && text[1])
            fprintf(stream, "\n%*s", indent, "");
        else if (control && code != '\t' && code != '\n')
            fprintf(stream, "\\x%02x", code);
        else
            fputc(*text, stream);
        text += sequence ? sequence : control ? control : 1;
    }
    end(stream, colour);
}

static void print_after(enum colour colour, const char *word, enum colour text_colour,
                        const char *text)
{
    terminal_print(stderr, colour, "%s", word);
    fputs(*word ? " " : "", stderr);
    terminal_print_text(stderr, text_colour, text, false, 2);
    fputc('\n', stderr);
}

void terminal_error(const char *text)
{
    print_after(RED, "error:", PLAIN, text);
}

void terminal_warning(const char *text)
{
    print_after(YELLOW, "warning:", PLAIN, text);
}

void terminal_note(const char *text)
{
    print_after(PLAIN, "", DIM, text);
}

char *terminal_harmless(const char *text)
{
    char *out = mem_alloc(HEX_BYTES * strlen(text) + 1), *end_of = out;

    while (*text) {
        unsigned char code;
        size_t control = control_len(text, &code);

        if (code == '\t' || code == '\n')
            *end_of++ = ' ';
        else if (control)
            end_of += snprintf(end_of, HEX_BYTES + 1, "\\x%02x", code);
        else
            *end_of++ = *text;
        text += control ? control : 1;
    }
    *end_of = '\0';
    return out;
}

/* ---- the terminal itself ---- */

size_t terminal_width(FILE *stream)
{
    struct winsize size;

    if (ioctl(fileno(stream), TIOCGWINSZ, &size) < 0)
        return 0;
    return size.ws_col ? size.ws_col : 80;
}

bool terminal_redraws(FILE *stream)
{
    const char *term = getenv("TERM");

    return isatty(fileno(stream)) && term && *term && strcmp(term, "dumb") != 0;
}

void terminal_clear_line(FILE *stream)
{
    fputs("\r\033[K", stream);
}

bool terminal_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *value = getenv(names[i]);

        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

/* ---- columns ---- */

/* The code point at the start of `text`, which is not at its end; a byte that begins none is one.
 * Its bytes are in `ret_len`. */
static uint32_t code_point(const char *text, size_t *ret_len)
{
    unsigned char c = (unsigned char)*text;
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    uint32_t code = len == 1 ? c : c & (0xffu >> (len + 1));

    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) {
            *ret_len = i;
            return c;
        }
        code = code << 6 | ((unsigned char)text[i] & 0x3f);
    }
    *ret_len = len;
    return code;
}

/* 0 for what combines with the character before it, 2 for wide ones, else 1: the blocks that are
 * wide in East Asian Width (UAX 11), and emoji. */
static size_t columns_of(uint32_t code)
{
    static const struct {
        uint32_t from, to;
        size_t columns;
    } blocks[] = {
        {0x0300, 0x036f, 0},   {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},   {0x2e80, 0xa4cf, 2},
        {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},
        {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2},
        {0x1f900, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
    };

    for (size_t i = 0; i < COUNT_OF(blocks); i++)
        if (code >= blocks[i].from && code <= blocks[i].to)
            return blocks[i].columns;
    return 1;
}

size_t terminal_columns(const char *text)
{
    size_t columns = 0, len;

    for (; *text; text += len)
        columns += columns_of(code_point(text, &len));
    return columns;
}

size_t terminal_fitting(const char *text, size_t columns)
{
    size_t bytes = 0, len;

    for (; text[bytes]; bytes += len) {
        size_t width = columns_of(code_point(text + bytes, &len));

        if (width > columns)
            break;
        columns -= width;
    }
    return bytes;
}
