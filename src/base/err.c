/* The table of errors; see err.h. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
    int code;
    int http_status;
    const char *js_class;
    const char *text;
};

static const struct row rows[] = {
#define ERR_ROW(name, value, http, js, text) {value, http, js, text},
    ERR_MAP(ERR_ROW)
#undef ERR_ROW
};

static const struct row *row_of(int code)
{
    ASSERT(code < 0 && (size_t)-code <= COUNT_OF(rows));
    ASSERT(rows[-code - 1].code == code);
    return &rows[-code - 1];
}

int err_set(struct err *err, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    err->code = code;
    return code;
}

int err_set_io(struct err *err, const char *what)
{
    return err_set(err, ERR_IO, "%s: %s", what, strerror(errno));
}

const char *err_text(int code)
{
    return row_of(code)->text;
}

int err_http_status(int code)
{
    return row_of(code)->http_status;
}

const char *err_js_class(int code)
{
    return row_of(code)->js_class;
}
