/* What the files for KV share.
 *
 * Owns: nothing. Thread: the loop's. */
#ifndef ATOLL_API_API_KV_H
#define ATOLL_API_API_KV_H

#include "api/stored.h"

extern const struct stored_kind api_kv_kind;

#endif
