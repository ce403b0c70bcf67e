/* A bundle's log for the uploader; see upload_log.h.
 *
 * A message is a line "file:line:column: error: text", or "error: text"; its drawing and its notes
 * are the indented lines that follow. */
#include "control/upload_log.h"

#include "control/bundle_script.h"

struct message {
    str file;      /* without the suffix; empty when there is no place */
    str place;     /* "3:5" */
    str text;
    bool foreign;  /* about a file that is no module */
};

static void put(struct buf *out, str s)
{
    if (buf_append(out, str_head(s, out->max - out->len)) < 0)
        return;
}

/* Splits "file:line:column" from its end. */
static void read_place(str where, struct message *ret)
{
    size_t split = where.len;

    for (int colons = 0; split; split--)
        if (where.ptr[split - 1] == ':' && ++colons == 2)
            break;
    if (!split)
        return;
    ret->file = bundle_script_source(str_head(where, split - 1));
    ret->place = str_skip(where, split);
    ret->foreign = str_starts(ret->file, STR("/")) || str_starts(ret->file, STR("../"));
}

/* Reads a line that has `mark` ("error: ") in front or behind a place. */
static bool read_message(str line, str mark, struct message *ret)
{
    size_t at = str_find_text(line, mark);

    if (at == line.len || line.ptr[0] == ' ')
        return false;
    *ret = (struct message){.text = str_skip(line, at + mark.len)};
    if (at < 2)
        return at == 0;
    if (!str_ends(str_head(line, at), STR(": ")))
        return false;
    read_place(str_head(line, at - 2), ret);
    return true;
}

/* Puts the text without the suffixes of files: "lib/x.js.atoll.mjs" is "lib/x.js". */
static void put_text(struct buf *out, str text)
{
    static const str suffix = STR(BUNDLE_SCRIPT_SUFFIX ".");

    while (text.len) {
        size_t at = str_find_text(text, suffix);

        put(out, str_head(text, at));
        text = str_skip(text, at);
        if (!text.len)
            return;
        text = str_skip(text, suffix.len);
        while (text.len && text.ptr[0] >= 'a' && text.ptr[0] <= 'z')
            text = str_skip(text, 1);
    }
}

/* The end of a file is where the line begins that was added to it (upload_files.c). */
static void put_place(struct buf *out, const struct message *message)
{
    bool at_end = str_starts(message->text, STR("Unexpected end of file"));

    put(out, message->file);
    put(out, STR(":"));
    put(out, at_end ? str_head(message->place, str_find(message->place, ':')) : message->place);
    if (at_end)
        put(out, STR(":1"));
}

static void put_error(struct buf *out, const struct message *message)
{
    static const str unresolved = STR("Could not resolve ");

    if (message->foreign || str_starts(message->text, STR("No loader is configured"))) {
        put(out, STR("Uncaught Error: No such module: it is not among the uploaded ones."));
    } else if (str_starts(message->text, unresolved)) {
        put(out, STR("Uncaught Error: No such module "));
        put_text(out, str_skip(message->text, unresolved.len));
        put(out, STR("."));
    } else {
        put(out, STR("Uncaught SyntaxError: "));
        put_text(out, message->text);
    }
    if (message->file.len && !message->foreign) {
        put(out, STR("\n  at "));
        put_place(out, message);
    }
    put(out, STR("\n"));
}

size_t upload_log_errors(str log, struct buf *out)
{
    struct message message;
    size_t count = 0;

    while (log.len) {
        size_t end = str_find(log, '\n');

        if (read_message(str_head(log, end), STR("error: "), &message)) {
            put_error(out, &message);
            count++;
        }
        log = str_skip(log, end + 1);
    }
    return count;
}

void upload_log_warnings(str log, struct buf *out)
{
    struct message message;

    while (log.len) {
        size_t end = str_find(log, '\n');

        if (read_message(str_head(log, end), STR("warning: "), &message) && !message.foreign) {
            put_text(out, message.text);
            if (message.file.len) {
                put(out, STR(" ("));
                put_place(out, &message);
                put(out, STR(")"));
            }
            put(out, STR("\n"));
        }
        log = str_skip(log, end + 1);
    }
}
