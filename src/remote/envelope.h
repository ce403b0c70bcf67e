/* What the API wraps its answers in: {success, result, errors, messages, result_info}.
 *
 * `success` decides, not the status. Errors may come with a chain of causes, as {error, code}, or
 * as something that is no JSON at all, from whatever stands between here and the server.
 * Owns: nothing. Thread: any. Limits: none of its own. */
#ifndef ATOLL_REMOTE_ENVELOPE_H
#define ATOLL_REMOTE_ENVELOPE_H

#include <jansson.h>

#include "base/err.h"

struct envelope {
    json_t *result;  /* owned; JSON null when there is none */
    json_t *info;    /* result_info, owned; NULL when there is none */
    int code;        /* of the first error; 0 when it has none */
};

struct envelope_answer {
    const char *url;   /* that was asked, for messages */
    int status;
    str headers;       /* lines "name: value\n" */
    str body;
};

/* Returns 0 with the result, or a code as remote_call() says, with the API's words in err->text;
 * `ret` has the error's code then. envelope_done() is for both. */
NODISCARD int envelope_read(const struct envelope_answer *answer, struct envelope *ret,
                            struct err *err);

void envelope_done(struct envelope *envelope);

/* The value of the first header of a name in small letters; STR_NONE when it is not there. */
str envelope_header(str headers, str name);

#endif
