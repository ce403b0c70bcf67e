/* The end of a call of the REST API; see storage_call.h. */
#include "bindings/storage_call.h"

void storage_call_end(struct storage_call *call)
{
    call->on_end(call);
}
