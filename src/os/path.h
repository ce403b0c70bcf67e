/* File paths as text, and the places that belong to this installation.
 *
 * Owns: nothing; strings come back returned owned, free() them. Thread: any.
 * Limits: PATH_MAX bytes wherever the kernel is asked. */
#ifndef ATOLL_OS_PATH_H
#define ATOLL_OS_PATH_H

#include <stdbool.h>

#include "base/str.h"

/* `directory`/`name`, or `name` alone when that is absolute. Returned owned. */
char *path_join(str directory, str name);

/* All of `path` before its last slash: "." when there is none, "/" for the root. Returned owned. */
char *path_directory(str path);

/* What follows the last slash. Borrowed from `path`. */
str path_file_name(str path);

/* The file name without its last extension; ".env" has none. Borrowed from `path`. */
str path_stem(str path);

/* `path` from the root, seen from the working directory, with ".", ".." and "//" resolved as text
 * (links are not followed). Returned owned; NULL when the working directory is gone. */
char *path_absolute(str path);

/* `path` as seen from `directory`, both absolute: "../" steps where needed. Returned owned. */
char *path_relative(str path, str directory);

bool path_is_directory(const char *path);
bool path_is_file(const char *path);

/* Looks for `name` beside the running binary: in each directory of ../<place>/ and ../../<place>/,
 * for the places a build tree and an installation use. `places` ends with NULL.
 * Returned owned; NULL when it is in none of them. */
char *path_beside_binary(const char *const *places, const char *name);

#endif
