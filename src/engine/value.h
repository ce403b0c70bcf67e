/* Values between C and JavaScript: strings, bytes, errors.
 *
 * Every function here must run inside a turn, on the loop's thread. A JSValueRef lives on the
 * stack until the next return to the loop; keep one longer only with JSValueProtect and its
 * JSValueUnprotect in the same file.
 * Owns: nothing. Limits: none of its own; callers bound what they convert. */
#ifndef ATOLL_ENGINE_VALUE_H
#define ATOLL_ENGINE_VALUE_H

#include <JavaScriptCore/JavaScript.h>

#include "base/buf.h"
#include "base/str.h"

/* Takes the engine's lock for several calls inside one op; it nests. */
void value_lock(JSContextRef ctx);
void value_unlock(JSContextRef ctx);

/* A JS string from UTF-8; malformed sequences become U+FFFD (WHATWG "UTF-8 decode"). */
JSValueRef value_string(JSContextRef ctx, str utf8);

/* A JS string whose code units are the bytes (isomorphic decode, WHATWG Infra). */
JSValueRef value_latin1(JSContextRef ctx, str bytes);

/* A new Uint8Array with a copy of the bytes. */
JSValueRef value_bytes(JSContextRef ctx, const void *bytes, size_t len);

/* A new Uint8Array over `bytes`, which came from malloc and are taken. */
JSValueRef value_bytes_take(JSContextRef ctx, void *bytes, size_t len);

/* Tells the collector of memory outside of its heap that goes when some object does. */
void value_add_weight(JSContextRef ctx, size_t bytes);

/* Views the bytes of an ArrayBuffer, typed array or DataView.
 * Returns false when `value` is none of them. Valid only until the next engine call. */
bool value_view(JSContextRef ctx, JSValueRef value, const void **ret_bytes, size_t *ret_len);

/* ToString(value) as UTF-8 appended to `out`; lone surrogates become U+FFFD.
 * Returns 0, ERR_LIMIT (out is full), or ERR_SCRIPT when ToString threw (*exception is set). */
NODISCARD int value_to_buf(JSContextRef ctx, JSValueRef value, struct buf *out,
                           JSValueRef *exception);

/* ToString(value) as NUL-terminated UTF-8, returned owned; NULL when ToString threw. */
char *value_to_utf8(JSContextRef ctx, JSValueRef value, size_t *ret_len, JSValueRef *exception);

/* A string that was put together from `count` pieces, taken apart: the UTF-8 of each is appended
 * to `out`, and `lengths`, in UTF-16 units before, are in bytes after. A surrogate whose other half
 * is in another piece is a lone one. Returns as value_to_buf(); ERR_INVALID: they are more than the
 * string. */
NODISCARD int value_to_pieces(JSContextRef ctx, JSValueRef value, struct buf *out,
                              uint32_t lengths[], size_t count, JSValueRef *exception);

/* ToNumber(value), or `fallback` when that throws or is NaN. */
double value_to_number(JSContextRef ctx, JSValueRef value, double fallback);

/* object[name]; undefined when it is missing or its getter throws. */
JSValueRef value_get(JSContextRef ctx, JSObjectRef object, const char *name);
void value_set(JSContextRef ctx, JSObjectRef object, const char *name, JSValueRef value);

/* Values for an array of any length. They go in at once, at the end: setting one index after the
 * other could call what a worker has put into Array.prototype. */
struct value_list {
    JSContextRef ctx;
    JSValueRef *values;
    size_t count, room;
};

void value_list_init(struct value_list *list, JSContextRef ctx);
void value_list_add(struct value_list *list, JSValueRef value);

/* The array; undefined when *exception was set. The list is empty then. */
JSValueRef value_list_array(struct value_list *list, JSValueRef *exception);

/* A JS error of the class that the table gives `code` ("RangeError", ...), with `text` as message
 * (NULL: the table's text) and a `code` property holding the number. */
JSValueRef value_error(JSContextRef ctx, int code, const char *text);

/* Sets *exception to value_error() and returns undefined: `return value_throw(...)` in an op. */
JSValueRef value_throw(JSContextRef ctx, int code, const char *text, JSValueRef *exception);

#endif
