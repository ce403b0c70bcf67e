/* Whole files, read and written at once.
 *
 * Owns: nothing. Thread: any; every call blocks. Limits: a maximum of bytes per read, 16 levels of
 * directories. Errors carry the path and the system's reason. */
#ifndef ATOLL_OS_FILE_H
#define ATOLL_OS_FILE_H

#include <sys/types.h>

#include "base/buf.h"

/* Appends the contents of `path` to `out`.
 * Returns 0, ERR_NOT_FOUND, ERR_LIMIT (larger than `out` takes) or ERR_IO. */
NODISCARD int file_read(const char *path, struct buf *out, struct err *err);

/* Writes `bytes` to a new file; a file that exists is replaced. Returns 0 or ERR_IO. */
NODISCARD int file_write(const char *path, str bytes, struct err *err);

/* The same, with the directories above it. */
NODISCARD int file_write_deep(const char *path, str bytes, struct err *err);

/* As file_write(), beside its place, flushed and renamed, with these rights: who reads finds what
 * was there before or all of it, also when the disk is full. A symbolic link stays one. */
NODISCARD int file_replace(const char *path, str bytes, mode_t mode, struct err *err);

/* Makes the directory and those above it. Returns 0, also when it was there, or ERR_IO. */
NODISCARD int file_make_directories(const char *path, struct err *err);

/* Syncs a directory, so that the names in it survive a power cut. Returns 0 or ERR_IO. */
NODISCARD int file_sync_directory(const char *path, struct err *err);

/* Syncs the directory of `path` and those above it, `levels` in all, so that the names on the way
 * to it survive a power cut; ends where one may not be read. Returns 0 or ERR_IO. */
NODISCARD int file_sync_names(const char *path, unsigned levels, struct err *err);

/* Makes a private directory under $TMPDIR (else /tmp), readable by this user only.
 * Returns 0 and its path, returned owned; or ERR_IO. */
NODISCARD int file_make_temporary(char **ret_path, struct err *err);

/* Removes a file, or a directory with everything in it; links are not followed. Says nothing. */
void file_remove_tree(const char *path);

/* Makes a directory and everything in it this user's, links themselves and not what they lead to;
 * nothing is looked at when the directory itself is his already. Returns 0 or ERR_IO. */
NODISCARD int file_give_tree(const char *directory, uid_t user, gid_t group, struct err *err);

/* Calls `each` for every file below `directory` with its path relative to that, until it returns
 * non-zero. Returns what `each` returned last, or ERR_IO. */
NODISCARD int file_walk(const char *directory,
                        int (*each)(void *context, const char *relative, struct err *err),
                        void *context, struct err *err);

#endif
