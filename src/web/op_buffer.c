/* What JavaScript can find out about buffers only by having a getter throw. */
#include "engine/op.h"
#include "web/web.h"

/* (value) -> whether it is an ArrayBuffer or a SharedArrayBuffer, whatever its prototype is. */
OP(op_buffer_is)
{
    bool is = JSValueGetTypedArrayType(ctx, OP_ARG(0), NULL) == kJSTypedArrayTypeArrayBuffer;

    return JSValueMakeBoolean(ctx, is);
}

const struct op op_buffer_table[] = {{"op_buffer_is", op_buffer_is}, {0}};
