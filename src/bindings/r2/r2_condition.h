/* What must hold of an object for it to be read or replaced: R2Conditional.
 *
 * From JSON: {etagMatches?: [etag or "*", ...], etagDoesNotMatch?: [...], uploadedBefore?: ms,
 * uploadedAfter?: ms, secondsGranularity?: bool}; etags without quotes.
 * Owns: nothing. Thread: any. */
#ifndef ATOLL_BINDINGS_R2_CONDITION_H
#define ATOLL_BINDINGS_R2_CONDITION_H

#include <jansson.h>

#include "base/str.h"

/* True when it holds of the object with this etag and time (milliseconds since 1970); an empty
 * etag: there is no object. `condition` may be NULL. As in RFC 9110 13.2.2: a time does not count
 * where an etag decides. */
bool r2_condition_holds(const json_t *condition, str etag, int64_t uploaded);

#endif
