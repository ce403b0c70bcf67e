/* One configuration file; see config_file.h. */
#include "control/config_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/jsonc.h"
#include "control/locate.h"
#include "control/toml.h"
#include "os/file.h"
#include "os/path.h"

char *config_file_shown(const char *path)
{
    char *here = path_absolute(STR("."));
    char *shown = here ? path_relative(str_from(path), str_from(here)) : str_dup(str_from(path));

    free(here);
    if (!str_starts(str_from(shown), STR("../../")))
        return shown;
    free(shown);
    return str_dup(str_from(path));
}

int config_file_open(const char *path, struct config_file **ret_file, struct err *err)
{
    struct config_file *file = mem_new(struct config_file);
    int r;

    file->path = str_dup(str_from(path));
    file->shown = config_file_shown(path);
    file->toml = str_ends(str_from(path), STR(".toml"));
    buf_init(&file->text, CONFIG_FILE_BYTES_MAX);
    if ((r = file_read(path, &file->text, err)) < 0)
        goto fail;
    file->top = file->toml ? toml_parse(buf_str(&file->text), file->shown, err)
                           : jsonc_parse(buf_str(&file->text), file->shown, err);
    if (!file->top) {
        r = err->code;
        goto fail;
    }
    *ret_file = file;
    return 0;
fail:
    config_file_free(file);
    return r;
}

void config_file_free(struct config_file *file)
{
    if (!file)
        return;
    json_decref(file->top);
    buf_done(&file->text);
    free(file->shown);
    free(file->path);
    free(file);
}

int config_file_complain(const struct config_file *file, const char *const *keys, struct err *err,
                         const char *format, ...)
{
    str text = buf_str(&file->text);
    struct place place = file->toml ? locate_toml(text, keys) : locate_jsonc(text, keys);
    char what[ERR_TEXT_MAX / 2];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (place.line)
        return err_set(err, ERR_INVALID, "%s:%d:%d: %s", file->shown, place.line, place.column,
                       what);
    return err_set(err, ERR_INVALID, "%s: %s", file->shown, what);
}

const char *config_file_kind(const struct config_file *file, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return file->toml ? "a table" : "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_NULL:
        return "null";
    default:
        return "true or false";
    }
}
