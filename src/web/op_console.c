/* console's way out: op_console(level, text). */
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

const struct op op_console_table[] = {{"op_console", op_console}, {0}};
