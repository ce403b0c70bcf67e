/* console's way out: op_console(level, text), and what it is wanted as: op_console_wanted(). */
#include <stdlib.h>

#include "engine/isolate.h"
#include "engine/value.h"
#include "web/web.h"

OP(op_console)
{
    size_t len;
    char *text = value_to_utf8(ctx, OP_ARG(1), &len, exception);

    if (text)
        isolate_console(isolate_current(), (int)value_to_number(ctx, OP_ARG(0), 1),
                        (str){text, len});
    free(text);
    return JSValueMakeUndefined(ctx);
}

/* () -> enum isolate_console */
OP(op_console_wanted)
{
    return JSValueMakeNumber(ctx, isolate_wants_console(isolate_current()));
}

const struct op op_console_table[] = {
    {"op_console", op_console},
    {"op_console_wanted", op_console_wanted},
    {0},
};
