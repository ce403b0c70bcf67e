/* A package as a form to send (RFC 7578), and as files to look at. */
#include <stdlib.h>

#include "base/hex.h"
#include "base/member.h"
#include "os/file.h"
#include "os/path.h"
#include "remote/package_private.h"

enum { FORM_EXTRA_MAX = 16 << 20, BOUNDARY_CHARS = 32, PATH_BYTES_MAX = 4096 };

/* A name in a quoted string: what cannot stand there is escaped as browsers do (HTML, multipart
 * form data). */
static int put_name(struct buf *out, const char *name)
{
    int r = 0;

    for (; *name && r == 0; name++)
        r = strchr("\"\r\n", *name) ? buf_printf(out, "%%%02X", (unsigned)*name)
                                    : buf_append_char(out, *name);
    return r;
}

static int put_module(struct buf *out, const char *boundary, const json_t *module, str bytes)
{
    const char *name = member_text(module, "name");
    int r;

    if ((r = buf_printf(out, "\r\n--%s\r\nContent-Disposition: form-data; name=\"", boundary)) <
            0 ||
        (r = put_name(out, name)) < 0 || (r = buf_append(out, STR("\"; filename=\""))) < 0 ||
        (r = put_name(out, name)) < 0 ||
        (r = buf_printf(out, "\"\r\nContent-Type: %s\r\n\r\n", member_text(module, "type"))) < 0)
        return r;
    return buf_append(out, bytes);
}

static int put_all(struct buf *out, const char *boundary, const struct package *package,
                   const char *metadata)
{
    str rest = buf_str(&package->blob);
    const json_t *module;
    size_t i;
    int r = buf_printf(out,
                       "--%s\r\nContent-Disposition: form-data; name=\"metadata\"\r\n"
                       "Content-Type: application/json\r\n\r\n%s",
                       boundary, metadata);

    json_array_foreach(package->modules, i, module) {
        size_t bytes = (size_t)member_int(module, "bytes");
        if (r == 0)
            r = put_module(out, boundary, module, str_head(rest, bytes));
        rest = str_skip(rest, bytes);
    }
    return r < 0 ? r : buf_printf(out, "\r\n--%s--\r\n", boundary);
}

int package_form(const struct package *package, struct buf *out, char **ret_content_type,
                 struct err *err)
{
    char boundary[BOUNDARY_CHARS + 1]; /* so long and random that no module has it */
    char *metadata = json_dumps(package->metadata, JSON_COMPACT);
    int r;

    hex_random(boundary, BOUNDARY_CHARS);
    buf_init(out, package->blob.len + FORM_EXTRA_MAX);
    r = buf_reserve(out, package->blob.len + PATH_BYTES_MAX);
    if (r == 0)
        r = put_all(out, boundary, package, metadata);
    free(metadata);
    if (r < 0 || asprintf(ret_content_type, "multipart/form-data; boundary=%s", boundary) < 0)
        return err_set(err, ERR_LIMIT, "the configuration is too large to be sent");
    return 0;
}

static int write_module(const char *directory, const char *name, str bytes, struct err *err)
{
    char *path = path_join(str_from(directory), str_from(name));
    int r = file_write_deep(path, bytes, err);

    free(path);
    return r;
}

int package_form_write(const struct package *package, const char *directory, struct err *err)
{
    str rest = buf_str(&package->blob);
    const json_t *module;
    size_t i;
    int r = file_make_directories(directory, err);

    json_array_foreach(package->modules, i, module) {
        size_t bytes = (size_t)member_int(module, "bytes");
        const char *name = member_text(module, "name");

        if (r == 0 && str_starts(str_from(name), STR("../")))
            r = err_set(err, ERR_INVALID, "%s: outside of base_dir", name);
        if (r == 0)
            r = write_module(directory, name, str_head(rest, bytes), err);
        rest = str_skip(rest, bytes);
    }
    return r;
}
