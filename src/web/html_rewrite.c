/* Rewriting; see html_rewrite.h.
 *
 *     in:   |---- emitted ----|-- to be copied --|- unit -|---- not looked at yet ----|
 *
 * Untouched bytes are copied in runs, when a unit was changed or the chunk is used up.
 *
 * (1) `unit` is HTML_EVENT_MORE between two units. At an event it is that event, and the next
 *     html_rewrite_next() writes what handlers left in `edit`.
 * (2) While `removing` is not 0, copying drops instead. It counts the open nodes whose data says
 *     removes_content.
 * (3) active[rule] counts the open elements that match; text_count and comment_count are how many
 *     rules and documents would be called. */
#include "web/html_rewrite.h"

#include <stdlib.h>

#include "web/html_name.h"

enum { IN_BYTES_MAX = HTML_TOKEN_BYTES_MAX + 2 * HTML_REWRITE_CHUNK_BYTES_MAX };

void html_rewrite_init(struct html_rewrite *rw, struct html_selectors *selectors,
                       const unsigned char *documents, int document_count, bool is_utf8)
{
    size_t rules = (size_t)selectors->rule_count, count = (size_t)document_count;

    *rw = (struct html_rewrite){.is_ascii = !is_utf8, .document_count = document_count};
    html_lexer_init(&rw->lexer);
    rw->lexer.keeps_characters = is_utf8;
    html_open_init(&rw->open, selectors);
    html_content_init(&rw->out);
    html_edit_init(&rw->edit);
    buf_init(&rw->in, IN_BYTES_MAX);
    rw->active = mem_zeroed((rules + 1) * sizeof *rw->active);
    rw->handlers = mem_alloc((rules + count + 1) * sizeof *rw->handlers);
    rw->documents = mem_zeroed(count + 1);
    for (size_t i = 0; i < count; i++) {
        rw->documents[i] = documents[i];
        rw->text_count += (documents[i] & HTML_WANT_TEXT) != 0;
        rw->comment_count += (documents[i] & HTML_WANT_COMMENTS) != 0;
    }
}

void html_rewrite_done(struct html_rewrite *rw)
{
    for (uint32_t i = 1; i <= rw->open.depth; i++)
        html_edit_end_free(rw->open.nodes[i].data);
    html_lexer_done(&rw->lexer);
    html_open_done(&rw->open);
    html_content_done(&rw->out);
    html_edit_done(&rw->edit);
    buf_done(&rw->in);
    free(rw->active);
    free(rw->handlers);
    free(rw->documents);
}

bool html_rewrite_is_hungry(const struct html_rewrite *rw)
{
    return rw->unit == HTML_EVENT_MORE && !rw->is_held && !rw->is_last;
}

int html_rewrite_feed(struct html_rewrite *rw, str chunk, bool is_last)
{
    ASSERT(html_rewrite_is_hungry(rw));
    buf_consume(&rw->in, rw->lexer.start);
    rw->emitted = 0;
    if (chunk.len > HTML_REWRITE_CHUNK_BYTES_MAX || (chunk.len && buf_append(&rw->in, chunk) < 0))
        return ERR_LIMIT;
    if (!rw->out.bytes.cap) /* what comes out is about as long */
        (void)!buf_reserve(&rw->out.bytes, chunk.len);
    rw->is_last = is_last;
    html_lexer_input(&rw->lexer, buf_str(&rw->in), is_last);
    return 0;
}

static int too_much(struct html_rewrite *rw, const char *why)
{
    rw->why = why;
    return ERR_LIMIT;
}

static int content_too_much(struct html_rewrite *rw)
{
    return too_much(rw, "the content that was inserted is too large");
}

/* Copies the input up to `to`; see (2). */
static int emit_to(struct html_rewrite *rw, size_t to)
{
    size_t from = rw->emitted;

    ASSERT(to >= from);
    rw->emitted = to;
    if (rw->removing || to == from)
        return 0;
    if (buf_append(&rw->out.bytes, (str){rw->in.ptr + from, to - from}) < 0)
        return content_too_much(rw);
    return 0;
}

/* ---- who is called ---- */

static void call_documents(struct html_rewrite *rw, unsigned want)
{
    for (int i = 0; i < rw->document_count; i++)
        if (rw->documents[i] & want)
            rw->handlers[rw->handler_count++] = ~i;
}

static void call_active(struct html_rewrite *rw, unsigned want)
{
    const struct html_selectors *set = rw->open.selectors;

    rw->handler_count = 0;
    call_documents(rw, want);
    for (int i = 0; i < set->rule_count; i++)
        if (rw->active[i] && set->wants[i] & want)
            rw->handlers[rw->handler_count++] = i;
}

/* The node's rules begin (1) or cease (-1) to be active. */
static void activate(struct html_rewrite *rw, int by)
{
    struct html_open *open = &rw->open;
    uint32_t end = html_open_top(open)->rule_end;

    for (uint32_t i = open->nodes[open->depth - 1].rule_end; i < end; i++) {
        int rule = open->rules[i];
        unsigned wants = open->selectors->wants[rule];
        uint32_t was = rw->active[rule];
        rw->active[rule] += (uint32_t)by;
        if (was && rw->active[rule])
            continue;
        rw->text_count += wants & HTML_WANT_TEXT ? (uint32_t)by : 0;
        rw->comment_count += wants & HTML_WANT_COMMENTS ? (uint32_t)by : 0;
    }
}

static int begin_unit(struct html_rewrite *rw, enum html_event event)
{
    html_edit_clear(&rw->edit);
    rw->unit = event;
    return event;
}

/* ---- elements that close ---- */

static size_t end_bytes(const struct html_edit_end *end)
{
    return end ? end->before.bytes.cap + end->after.bytes.cap + end->name.cap : 0;
}

/* Closes the innermost element, whose end is at `at` of the input. Returns what was to be done
 * there, owned, or NULL. */
static struct html_edit_end *close_node(struct html_rewrite *rw, size_t at)
{
    struct html_edit_end *end = html_open_top(&rw->open)->data;

    if (end && end->removes_content) {
        (void)!emit_to(rw, at); /* only drops */
        rw->removing--;
    }
    rw->kept_bytes -= end_bytes(end);
    activate(rw, -1);
    html_open_pop(&rw->open);
    return end;
}

/* Without its end tag. */
static void close_early(struct html_rewrite *rw)
{
    html_edit_end_free(close_node(rw, rw->lexer.token.start));
}

/* Writes an end tag with what was to be done at it. */
static int write_end_tag(struct html_rewrite *rw)
{
    struct html_edit_end *end = rw->edit.end;
    const struct html_token *token = &rw->lexer.token;
    struct buf *out = &rw->out.bytes;

    if (emit_to(rw, token->start) < 0)
        return ERR_LIMIT;
    if (rw->removing)
        return emit_to(rw, token->end);
    if (html_content_move(&end->before, &rw->out) < 0)
        return content_too_much(rw);
    if (!end->is_removed && end->name.len) {
        if (buf_append(out, STR("</")) < 0 || buf_append(out, buf_str(&end->name)) < 0 ||
            buf_append_char(out, '>') < 0)
            return content_too_much(rw);
    } else if (!end->is_removed && emit_to(rw, token->end) < 0) {
        return ERR_LIMIT;
    }
    rw->emitted = token->end;
    return html_content_move(&end->after, &rw->out) < 0 ? content_too_much(rw) : 0;
}

/* In SVG and MathML two end tags end foreign content (13.2.6.5). */
static bool leaves_foreign(struct html_rewrite *rw, str name)
{
    return html_open_is_foreign(&rw->open) &&
           (str_equal_nocase(name, STR("p")) || str_equal_nocase(name, STR("br")));
}

static int on_end_tag(struct html_rewrite *rw)
{
    str name = html_lexer_text(&rw->lexer);
    uint32_t index;
    struct html_edit_end *end;

    while (leaves_foreign(rw, name))
        close_early(rw);
    index = html_open_find(&rw->open, html_name_key(name), name);
    if (!index)
        return 0;
    while (rw->open.depth > index)
        close_early(rw);
    end = close_node(rw, rw->lexer.token.start);
    if (!end)
        return 0;
    begin_unit(rw, HTML_EVENT_END_TAG);
    rw->edit.end = end;
    rw->end_depth = index;
    return end->has_handlers ? HTML_EVENT_END_TAG : 0;
}

/* ---- elements that open ---- */

static void set_text_mode(struct html_rewrite *rw)
{
    if (rw->namespace != HTML_NAMESPACE_HTML)
        return;
    if (rw->flags & HTML_NAME_RAW)
        html_lexer_set_mode(&rw->lexer, HTML_TEXT_RAW, rw->element.name);
    else if (rw->flags & HTML_NAME_SCRIPT)
        html_lexer_set_mode(&rw->lexer, HTML_TEXT_SCRIPT, STR_NONE);
    else if (rw->flags & HTML_NAME_PLAINTEXT)
        html_lexer_set_mode(&rw->lexer, HTML_TEXT_PLAINTEXT, STR_NONE);
}

static int open_node(struct html_rewrite *rw)
{
    if (!rw->has_content)
        return 0;
    if (html_open_push(&rw->open, &rw->element, rw->namespace, rw->flags) < 0)
        return too_much(rw, "more elements are open at the same time than is allowed");
    activate(rw, 1);
    set_text_mode(rw);
    return 0;
}

static void call_element(struct html_rewrite *rw, const int *rules, int count)
{
    rw->handler_count = 0;
    for (int i = 0; i < count; i++)
        if (rw->open.selectors->wants[rules[i]] & HTML_WANT_ELEMENT)
            rw->handlers[rw->handler_count++] = rules[i];
}

static int on_start_tag(struct html_rewrite *rw)
{
    const struct html_lexer *lx = &rw->lexer;
    struct html_element *element = &rw->element;
    const int *rules;
    bool leaves;
    int count;

    *element = (struct html_element){.name = html_lexer_text(lx),
                                     .tag = lx->in + lx->token.start,
                                     .attrs = lx->attrs,
                                     .attr_count = lx->token.attr_count};
    element->key = html_name_key(element->name);
    rw->flags = html_name_flags(element->key, element->name);
    rw->namespace = html_open_namespace(&rw->open, element, rw->flags, &leaves);
    while (leaves && html_open_is_foreign(&rw->open))
        close_early(rw);
    rw->has_content = rw->namespace == HTML_NAMESPACE_HTML ? !(rw->flags & HTML_NAME_VOID)
                                                           : !lx->token.self_closing;
    count = html_open_match(&rw->open, element, &rules);
    if (count < 0)
        return too_much(rw, rw->open.why);
    call_element(rw, rules, count);
    return rw->handler_count ? begin_unit(rw, HTML_EVENT_ELEMENT) : open_node(rw);
}

/* Writes a start tag after its handlers, and opens the element. */
static int write_start_tag(struct html_rewrite *rw)
{
    struct html_edit *edit = &rw->edit;
    const struct html_token *token = &rw->lexer.token;
    bool is_changed = edit->has_name || edit->has_attrs;

    if (emit_to(rw, token->start) < 0)
        return ERR_LIMIT;
    if (rw->removing)
        return emit_to(rw, token->end);
    if (html_content_move(&edit->before, &rw->out) < 0 ||
        html_content_move(&edit->replacement, &rw->out) < 0)
        return content_too_much(rw);
    if (!edit->is_removed && is_changed) {
        unsigned flags = rw->is_ascii ? HTML_CONTENT_ASCII : 0;
        if (html_edit_write_tag(edit, &rw->lexer, flags, &rw->out) < 0)
            return content_too_much(rw);
    } else if (!edit->is_removed && emit_to(rw, token->end) < 0) {
        return ERR_LIMIT;
    }
    rw->emitted = token->end;
    return html_content_move(&edit->after, &rw->out) < 0 ? content_too_much(rw) : 0;
}

static int finish_element(struct html_rewrite *rw)
{
    struct html_edit_end *end = rw->edit.end;

    if (write_start_tag(rw) < 0 || open_node(rw) < 0)
        return ERR_LIMIT;
    if (end) {
        rw->edit.end = NULL;
        html_open_top(&rw->open)->data = end;
        rw->kept_bytes += end_bytes(end);
        rw->removing += end->removes_content;
    }
    return 0;
}

/* ---- text, comments, the rest ---- */

static bool is_node(int kind)
{
    return kind == HTML_TOKEN_START_TAG || kind == HTML_TOKEN_END_TAG ||
           kind == HTML_TOKEN_COMMENT || kind == HTML_TOKEN_DOCTYPE || kind == HTML_TOKEN_END;
}

static int on_text(struct html_rewrite *rw, bool is_end)
{
    call_active(rw, HTML_WANT_TEXT);
    rw->is_text_open = !is_end;
    rw->is_text_end = is_end;
    return begin_unit(rw, HTML_EVENT_TEXT);
}

/* Writes a text, comment or the end of either the document or a text. */
static int write_unit(struct html_rewrite *rw)
{
    struct html_edit *edit = &rw->edit;
    const struct html_token *token = &rw->lexer.token;
    bool is_place = rw->is_text_end || rw->unit == HTML_EVENT_END;
    size_t end = is_place ? token->start : token->end;

    if (emit_to(rw, token->start) < 0)
        return ERR_LIMIT;
    if (rw->removing && rw->unit != HTML_EVENT_END)
        return emit_to(rw, end);
    if (html_content_move(&edit->before, &rw->out) < 0 ||
        html_content_move(&edit->replacement, &rw->out) < 0)
        return content_too_much(rw);
    if (edit->has_name && !edit->is_removed) {
        if (buf_append(&rw->out.bytes, STR("<!--")) < 0 ||
            html_content_add(&rw->out, buf_str(&edit->name),
                             HTML_CONTENT_MARKUP | (rw->is_ascii ? HTML_CONTENT_ASCII : 0)) < 0 ||
            buf_append(&rw->out.bytes, STR("-->")) < 0)
            return content_too_much(rw);
    } else if (!edit->is_removed && emit_to(rw, end) < 0) {
        return ERR_LIMIT;
    }
    rw->emitted = end;
    return html_content_move(&edit->after, &rw->out) < 0 ? content_too_much(rw) : 0;
}

/* Writes the unit and is done with it. */
static int finish_unit(struct html_rewrite *rw)
{
    enum html_event unit = rw->unit;
    int r;

    if (unit == HTML_EVENT_ELEMENT)
        r = finish_element(rw);
    else if (unit == HTML_EVENT_END_TAG)
        r = write_end_tag(rw);
    else
        r = write_unit(rw);
    rw->is_text_end = false;
    rw->unit = HTML_EVENT_MORE;
    return r;
}

/* The lexer's token. Returns an event, or 0 when nobody is called. */
static int on_token(struct html_rewrite *rw, int kind)
{
    if (rw->is_text_open && is_node(kind)) {
        rw->is_held = true;
        return on_text(rw, true);
    }
    switch (kind) {
    case HTML_TOKEN_TEXT:
        return rw->text_count ? on_text(rw, false) : 0;
    case HTML_TOKEN_START_TAG:
        return on_start_tag(rw);
    case HTML_TOKEN_END_TAG:
        return on_end_tag(rw);
    case HTML_TOKEN_COMMENT:
        if (!rw->comment_count)
            return 0;
        call_active(rw, HTML_WANT_COMMENTS);
        return begin_unit(rw, HTML_EVENT_COMMENT);
    case HTML_TOKEN_DOCTYPE:
        rw->handler_count = 0;
        call_documents(rw, HTML_WANT_DOCTYPE);
        return rw->handler_count ? begin_unit(rw, HTML_EVENT_DOCTYPE) : 0;
    default:
        return 0;
    }
}

/* The input is used up. */
static int on_used_up(struct html_rewrite *rw, int kind)
{
    if (emit_to(rw, rw->lexer.start) < 0)
        return ERR_LIMIT;
    if (kind == HTML_TOKEN_MORE)
        return HTML_EVENT_MORE;
    if (rw->has_ended)
        return HTML_EVENT_DONE;
    rw->has_ended = true;
    rw->handler_count = 0;
    call_documents(rw, HTML_WANT_END);
    return rw->handler_count ? begin_unit(rw, HTML_EVENT_END) : HTML_EVENT_DONE;
}

static bool is_full(struct html_rewrite *rw)
{
    bool has_worked = rw->open.work > HTML_REWRITE_WORK_MAX;

    if (has_worked)
        rw->open.work = 0;
    return has_worked || rw->out.bytes.len >= HTML_REWRITE_FULL_BYTES || rw->out.mark_count;
}

int html_rewrite_next(struct html_rewrite *rw)
{
    for (;;) {
        int kind, event;

        if (rw->unit != HTML_EVENT_MORE && finish_unit(rw) < 0)
            return ERR_LIMIT;
        if (is_full(rw))
            return HTML_EVENT_FULL;
        rw->lexer.allows_cdata = html_open_top(&rw->open)->namespace != HTML_NAMESPACE_HTML;
        kind = rw->is_held ? (int)rw->lexer.token.kind : html_lexer_next(&rw->lexer);
        rw->is_held = false;
        if (kind < 0)
            return too_much(rw, "a tag, comment or doctype is longer than 1 MiB or has more than "
                                "4096 attributes");
        event = on_token(rw, kind);
        if (event)
            return event;
        if (rw->unit == HTML_EVENT_MORE && (kind == HTML_TOKEN_MORE || kind == HTML_TOKEN_END))
            return on_used_up(rw, kind);
    }
}

int html_rewrite_flush(struct html_rewrite *rw)
{
    return rw->unit == HTML_EVENT_MORE ? 0 : emit_to(rw, rw->lexer.token.start);
}

size_t html_rewrite_bytes(const struct html_rewrite *rw)
{
    const struct html_edit *edit = &rw->edit;
    const struct html_open *open = &rw->open;

    return rw->in.cap + rw->out.bytes.cap + rw->kept_bytes + end_bytes(edit->end) +
           edit->before.bytes.cap + edit->after.bytes.cap + edit->replacement.bytes.cap +
           edit->name.cap + edit->texts.cap + open->names.cap +
           open->cap * (sizeof *open->nodes + 2 * open->words * sizeof *open->bits) +
           open->rule_cap * sizeof *open->rules;
}

/* ---- the unit ---- */

str html_rewrite_text(const struct html_rewrite *rw)
{
    const struct html_token *token = &rw->lexer.token;

    if (rw->unit == HTML_EVENT_END_TAG)
        return rw->edit.end->name.len ? buf_str(&rw->edit.end->name) : html_lexer_text(&rw->lexer);
    if (rw->edit.has_name)
        return buf_str(&rw->edit.name);
    if (rw->unit != HTML_EVENT_TEXT)
        return html_lexer_text(&rw->lexer);
    if (rw->is_text_end)
        return STR_NONE;
    return (str){rw->in.ptr + token->start, token->end - token->start};
}

static int replace_bytes(struct buf *buf, str text)
{
    buf_clear(buf);
    return buf_append(buf, text);
}

int html_rewrite_set_text(struct html_rewrite *rw, str text)
{
    if (rw->unit == HTML_EVENT_END_TAG)
        return replace_bytes(&rw->edit.end->name, text);
    rw->edit.has_name = true;
    if (rw->unit == HTML_EVENT_ELEMENT && rw->has_content &&
        replace_bytes(&html_edit_end_of(&rw->edit)->name, text) < 0)
        return ERR_LIMIT;
    return replace_bytes(&rw->edit.name, text);
}

bool html_rewrite_is_removed(const struct html_rewrite *rw)
{
    if (rw->unit == HTML_EVENT_END_TAG)
        return rw->edit.end->is_removed || rw->removing;
    return rw->edit.is_removed || rw->removing;
}

static void remove_content(struct html_rewrite *rw)
{
    struct html_edit_end *end = html_edit_end_of(&rw->edit);

    end->removes_content = true;
    html_content_clear(&rw->edit.after);
    html_content_clear(&end->before);
}

void html_rewrite_remove(struct html_rewrite *rw, bool keeps_content)
{
    if (rw->unit == HTML_EVENT_END_TAG) {
        rw->edit.end->is_removed = true;
        return;
    }
    rw->edit.is_removed = true;
    if (rw->unit != HTML_EVENT_ELEMENT || !rw->has_content)
        return;
    html_edit_end_of(&rw->edit)->is_removed = true;
    if (!keeps_content)
        remove_content(rw);
}

/* Where content of a place goes, and how; NULL: nowhere. */
static struct html_content *target(struct html_rewrite *rw, enum html_place place,
                                   unsigned *ret_flags)
{
    struct html_edit *edit = &rw->edit;
    bool is_element = rw->unit == HTML_EVENT_ELEMENT;

    *ret_flags = rw->is_ascii ? HTML_CONTENT_ASCII : 0;
    if (is_element && !rw->has_content && place >= HTML_PLACE_PREPEND && place <= HTML_PLACE_INNER)
        return NULL;
    if (place == HTML_PLACE_REPLACE) {
        html_rewrite_remove(rw, false);
        html_content_clear(&edit->replacement);
        return &edit->replacement;
    }
    if (place == HTML_PLACE_INNER)
        remove_content(rw);
    if (place == HTML_PLACE_APPEND)
        return &html_edit_end_of(edit)->before;
    if (place == HTML_PLACE_BEFORE)
        return rw->unit == HTML_EVENT_END_TAG ? &edit->end->before : &edit->before;
    *ret_flags |= HTML_CONTENT_FRONT;
    if (rw->unit == HTML_EVENT_END_TAG)
        return &edit->end->after;
    if (place == HTML_PLACE_AFTER && is_element && rw->has_content)
        return &html_edit_end_of(edit)->after;
    return &edit->after;
}

int html_rewrite_insert(struct html_rewrite *rw, enum html_place place, str utf8, bool is_markup)
{
    unsigned flags;
    struct html_content *content = target(rw, place, &flags);

    return content ? html_content_add(content, utf8, flags | (is_markup ? HTML_CONTENT_MARKUP : 0))
                   : 0;
}

int html_rewrite_insert_stream(struct html_rewrite *rw, enum html_place place, int32_t stream)
{
    unsigned flags;
    struct html_content *content = target(rw, place, &flags);

    return content ? html_content_add_stream(content, stream, flags) : 0;
}

uint32_t html_rewrite_listen(struct html_rewrite *rw)
{
    if (!rw->has_content)
        return 0;
    html_edit_end_of(&rw->edit)->has_handlers = true;
    return rw->open.depth + 1;
}
