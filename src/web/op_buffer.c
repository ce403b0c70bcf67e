/* What JavaScript can find out about buffers only by having a getter throw, and whether it may make
 * code of one. */
#include "engine/isolate.h"
#include "engine/op.h"
#include "web/web.h"

/* (value) -> whether it is an ArrayBuffer or a SharedArrayBuffer, whatever its prototype is. */
OP(op_buffer_is)
{
    bool is = JSValueGetTypedArrayType(ctx, OP_ARG(0), NULL) == kJSTypedArrayTypeArrayBuffer;

    return JSValueMakeBoolean(ctx, is);
}

/* () -> whether scripts may compile WebAssembly from bytes. */
OP(op_buffer_makes_wasm)
{
    return JSValueMakeBoolean(ctx, isolate_wasm_from_bytes());
}

const struct op op_buffer_table[] = {
    {"op_buffer_is", op_buffer_is},
    {"op_buffer_makes_wasm", op_buffer_makes_wasm},
    {0},
};
