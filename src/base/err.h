/* One table of what can go wrong in the world: code, HTTP status, JavaScript class, text.
 *
 * A function that can fail returns 0 or a negative code; where the text matters to a person it
 * also fills a `struct err *`, always its last argument (never NULL).
 * Owns: nothing. Thread: any. Limits: ERR_TEXT_MAX bytes of text, longer ones are cut. */
#ifndef ATOLL_BASE_ERR_H
#define ATOLL_BASE_ERR_H

#include "base/mem.h"
#include "base/str.h"

/*    code            value HTTP  JS class       text */
#define ERR_MAP(X)                                                                              \
    X(ERR_LIMIT,       -1,  413, "RangeError", "a limit was exceeded")                          \
    X(ERR_NOT_FOUND,   -2,  404, "Error",      "not found")                                     \
    X(ERR_INVALID,     -3,  400, "TypeError",  "the input is not valid")                        \
    X(ERR_CLOSED,      -4,  409, "TypeError",  "it is closed")                                  \
    X(ERR_IO,          -5,  500, "Error",      "an input/output operation failed")              \
    X(ERR_TIMEOUT,     -6,  504, "Error",      "it took too long")                              \
    X(ERR_NETWORK,     -7,  502, "TypeError",  "the network request failed")                    \
    X(ERR_SCRIPT,      -8,  500, "Error",      "the worker threw an exception")                 \
    X(ERR_CPU_LIMIT,   -9,  503, "Error",      "the worker exceeded its CPU time limit")        \
    X(ERR_MEM_LIMIT,  -10,  503, "Error",      "the worker exceeded its memory limit")          \
    X(ERR_UNSUPPORTED,-11,  501, "Error",      "this is not supported")                         \
    X(ERR_EXISTS,     -12,  409, "Error",      "it exists already")                             \
    X(ERR_SUBREQUESTS,-13,  429, "Error",      "Too many subrequests.")                         \
    X(ERR_DENIED,     -14,  403, "Error",      "this is not allowed")

#define ERR_ENUM(name, value, http, js, text) name = value,
enum err_code { ERR_MAP(ERR_ENUM) };
#undef ERR_ENUM

enum { ERR_TEXT_MAX = 4096 };

struct err {
    int code;                 /* 0 while nothing went wrong */
    char text[ERR_TEXT_MAX];  /* for a person: what, where, what to do; NUL-terminated */
};

/* Fills `err` from a printf format and returns `code`: `return err_set(err, ERR_IO, "..", ..);` */
int err_set(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with ERR_IO and "<what>: <what errno says>": `what` is a path, mostly. */
int err_set_io(struct err *err, const char *what);

/* The row of the table: general text, HTTP status, JavaScript class. ASSERTs a known code. */
const char *err_text(int code);
int err_http_status(int code);
const char *err_js_class(int code);

#endif
