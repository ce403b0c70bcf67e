/* Versions tried before they are deployed: the frame `check`.
 *
 * A version is loaded in an isolate of its own, which serves nobody and goes at once; the
 * supervisor is told how its script ended and what it exports (`checked`).
 * Owns: what is being tried. Thread: the loop's. Limits: VERSION_CHECKS_MAX at once. */
#ifndef ATOLL_RUNTIME_VERSION_CHECK_H
#define ATOLL_RUNTIME_VERSION_CHECK_H

#include <jansson.h>

#include "base/str.h"

enum { VERSION_CHECKS_MAX = 64 };

/* The frame; borrowed. */
void version_check_on_frame(json_t *frame, str blob);

#endif
