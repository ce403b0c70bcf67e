/* A source map, revision 3 (ECMA-426): which place in the author's files one in the bundle is from.
 *
 * Not read: index maps ("sections"), sourceRoot, ignore lists.
 * Owns: the parsed map. Thread: any, one at a time for parse and free; finding is read-only.
 * Limits: SOURCEMAP_BYTES_MAX of JSON with SOURCEMAP_VALUES_MAX values, SOURCEMAP_SOURCES_MAX
 * files. */
#ifndef ATOLL_RUNTIME_SOURCEMAP_H
#define ATOLL_RUNTIME_SOURCEMAP_H

#include "base/buf.h"

struct sourcemap;

enum {
    SOURCEMAP_BYTES_MAX = 32 << 20,
    SOURCEMAP_SOURCES_MAX = 65536,
    SOURCEMAP_VALUES_MAX = 1 << 18,  /* in the whole JSON */
};

/* Views live as long as the map. */
struct sourcemap_position {
    str source;       /* "src/index.ts": without "../" and "./" in front */
    unsigned line;    /* 1-based */
    unsigned column;  /* 1-based, UTF-16 code units */
    str name;         /* the identifier there before minification; empty when not told */
    str text;         /* that line of the source; empty when the map has no sourcesContent */
};

/* Parses `json` (borrowed) and checks all its mappings; the map keeps about as many bytes as the
 * JSON has. Returns 0 with *ret owned, ERR_LIMIT, ERR_UNSUPPORTED (an index map), or ERR_INVALID:
 * not such JSON, an index without its source or name, columns that go back within a line. */
NODISCARD int sourcemap_parse(str json, struct sourcemap **ret);

/* NULL is fine. */
void sourcemap_free(struct sourcemap *map);

/* Finds the last mapping of `line` at or before `column` (1-based, as in JSC's stacks).
 * Returns false, with *ret untouched, when there is none or it names no source.
 * Cost: logarithmic, and a scan of the source's text for its line. */
bool sourcemap_find(const struct sourcemap *map, unsigned line, unsigned column,
                    struct sourcemap_position *ret);

/* Appends to `out` the frames of a JSC `error.stack` in V8's form, "    at fn (src/a.ts:3:9)", one
 * a line, without a last line end; nothing when no frame is left.
 *
 * `script_url` is the bundle's name as JSC prints it (not empty). `map` may be NULL: then places
 * are the bundle's.
 * Left out: frames of built-ins ("atoll:..."), the second of the two that JSC has for an async
 * function (needs sourcesContent), and those of a bundler's helpers ("__..."
 * without a mapping). Lines that are no JSC frame, such as a stack in V8's form, stay as they are.
 * Returns 0, or ERR_LIMIT with the frames that fitted in `out`. */
NODISCARD int sourcemap_map_stack(const struct sourcemap *map, str script_url, str stack,
                                  struct buf *out);

#endif
