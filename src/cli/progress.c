/* One line that is drawn again; see progress.h.
 *
 * Nothing is drawn before PROGRESS_DELAY_MS and then each PROGRESS_FRAME_MS at most, so that
 * progress_draw() costs a look at the clock. */
#include "cli/progress.h"

#include <stdio.h>

#include "base/mem.h"
#include "cli/terminal.h"
#include "os/clock.h"

enum { TEXT_MAX = 160, BAR_COLUMNS = 24, LINE_REST = BAR_COLUMNS + 32 };

static const char *const round_frames[] = {"\u280b", "\u2819", "\u2839", "\u2838", "\u283c",
                                           "\u2834", "\u2826", "\u2827", "\u2807", "\u280f"};
static const char *const plain_frames[] = {"|", "/", "-", "\\"};

static struct {
    char text[TEXT_MAX];
    bool begun;
    bool drawn;           /* there is something to clear */
    uint64_t begun_ms;
    uint64_t drawn_ms;
    size_t frame;
} line;

void progress_begin(const char *text)
{
    if (!terminal_redraws(stderr))
        return;
    if (!line.begun)
        line.begun_ms = clock_monotonic_ms();
    line.begun = true;
    line.drawn_ms = 0;
    snprintf(line.text, sizeof line.text, "%s", text);
}

static void print_spinner(void)
{
    bool utf8 = terminal_is_utf8();
    size_t count = utf8 ? COUNT_OF(round_frames) : COUNT_OF(plain_frames);
    size_t width = terminal_width(stderr), room = width > LINE_REST ? width - LINE_REST : width / 2;

    terminal_print(stderr, CYAN, "%s", (utf8 ? round_frames : plain_frames)[line.frame++ % count]);
    fprintf(stderr, " %.*s", (int)terminal_fitting(line.text, room), line.text);
}

static void print_bar(uint64_t done, uint64_t total)
{
    static const struct {
        const char *name;
        double bytes;
    } units[] = {{"MiB", 1 << 20}, {"KiB", 1 << 10}, {"bytes", 1}};
    size_t unit = total >= 1 << 20 ? 0 : total >= 1 << 10 ? 1 : 2;
    bool utf8 = terminal_is_utf8();
    int filled = (int)((double)done / (double)total * BAR_COLUMNS);

    fputc(' ', stderr);
    for (int i = 0; i < BAR_COLUMNS; i++)
        terminal_print(stderr, i < filled ? GREEN : DIM, "%s",
                       utf8 ? (i < filled ? "\u2588" : "\u2591") : (i < filled ? "#" : "."));
    terminal_print(stderr, DIM, unit == 0 ? " %.1f of %.1f %s" : " %.0f of %.0f %s",
                   (double)done / units[unit].bytes, (double)total / units[unit].bytes,
                   units[unit].name);
}

void progress_draw(uint64_t done, uint64_t total)
{
    uint64_t now;

    if (!line.begun)
        return;
    now = clock_monotonic_ms();
    if (now < line.begun_ms + PROGRESS_DELAY_MS || now < line.drawn_ms + PROGRESS_FRAME_MS)
        return;
    line.drawn_ms = now;
    line.drawn = true;
    terminal_clear_line(stderr);
    print_spinner();
    if (total)
        print_bar(done < total ? done : total, total);
    fflush(stderr);
}

bool progress_is_begun(void)
{
    return line.begun;
}

void progress_end(void)
{
    if (line.drawn)
        terminal_clear_line(stderr);
    line.begun = line.drawn = false;
}
