/* Text for a person; see terminal.h. */
#include "cli/terminal.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static bool stdout_colours;
static bool stderr_colours;

static const char *const codes[] = {
    [PLAIN] = "", [BOLD] = "1", [DIM] = "2", [RED] = "31",
    [GREEN] = "32", [YELLOW] = "33", [BLUE] = "34", [CYAN] = "36",
};

void terminal_init(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool wanted = !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);

    stdout_colours = wanted && isatty(STDOUT_FILENO);
    stderr_colours = wanted && isatty(STDERR_FILENO);
    setvbuf(stdout, NULL, _IOLBF, 0);
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

void terminal_print_text(FILE *stream, enum colour colour, const char *text, bool colours,
                         int indent)
{
    begin(stream, colour);
    while (*text) {
        size_t sequence = colours && has_colours(stream) ? colour_sequence_len(text) : 0;
        unsigned char c = (unsigned char)*text;

        if (sequence)
            fwrite(text, 1, sequence, stream);
        else if (c == '\n' && text[1])
            fprintf(stream, "\n%*s", indent, "");
        else if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7f)
            fprintf(stream, "\\x%02x", c);
        else
            fputc(c, stream);
        text += sequence ? sequence : 1;
    }
    end(stream, colour);
}

void terminal_error(const char *text)
{
    terminal_print(stderr, RED, "error:");
    fputc(' ', stderr);
    terminal_print_text(stderr, PLAIN, text, false, 2);
    fputc('\n', stderr);
}
