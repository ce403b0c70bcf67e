/* What the files for R2 share.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_API_API_R2_H
#define ATOLL_API_API_R2_H

#include "api/stored.h"

enum { API_R2_CODE_BAD = 10029, API_R2_CODE_CLASS = 10062 };

extern const struct stored_kind api_r2_kind;

/* "Standard" and "InfrequentAccess" are kept and mean the same here. */
bool api_r2_is_class(str name);

/* The handler of a PUT, and the one for more bytes than a frame to a runtime has. */
void api_r2_object_put(struct call *call);
void api_r2_object_put_large(struct call *call);

/* The bucket's row is gone, and with it where it was published: runtimes hear of it. */
void api_r2_domain_gone(struct call *call, const char *bucket);

#endif
