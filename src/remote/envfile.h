/* A project's .env and .gitignore, changed where it is asked for and left alone elsewhere.
 *
 * Lines of other names, comments, order and line ends stay as they are; what control/dotenv.h reads
 * as one value over several lines is one.
 * Owns: nothing. Thread: any. Limits: ENVFILE_BYTES_MAX. */
#ifndef ATOLL_REMOTE_ENVFILE_H
#define ATOLL_REMOTE_ENVFILE_H

#include "base/buf.h"

enum { ENVFILE_BYTES_MAX = 256 << 10 };

struct envfile_line {
    const char *name;    /* NULL: the end of the list */
    const char *value;   /* visible ASCII */
};

/* Appends `text` with each line of the list in the place of the first of its name, else at the end.
 * ERR_LIMIT, or ERR_INVALID for a value that no quotes can hold. */
NODISCARD int envfile_set(str text, const struct envfile_line *lines, struct buf *out,
                          struct err *err);

/* Appends `text` without the lines of these names. Returns 0 or ERR_LIMIT. */
NODISCARD int envfile_remove(str text, const struct envfile_line *lines, struct buf *out,
                             struct err *err);

/* True when the last rule of a .gitignore that speaks of `name` in its own directory ignores it;
 * `ignored` is what the files above it say. */
bool envfile_is_ignored(str gitignore, const char *name, bool ignored);

#endif
