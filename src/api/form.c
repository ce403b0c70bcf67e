/* Uploaded forms; see form.h. What a module may be called and which types there are is said where
 * they are built (control/upload_files.h). */
#include "api/form.h"

#include <stdlib.h>

#include "api/api.h"
#include "api/multipart.h"
#include "base/member.h"

#define BARE_NAME "worker.js"

static const char *bare_name(const char *name)
{
    while (name[0] == '.' && name[1] == '/')
        name += 2;
    return name;
}

const json_t *form_module(const json_t *modules, const char *name)
{
    const json_t *it;
    size_t i;

    json_array_foreach(modules, i, it) {
        if (strcmp(bare_name(member_text(it, "name")), bare_name(name)) == 0)
            return it;
    }
    return NULL;
}

/* "Text/Plain; charset=utf-8" as "text/plain"; returned owned. */
static json_t *media_type(str type)
{
    str bare = str_trim(str_head(type, str_find(type, ';')));
    char *copy = str_dup(bare.len ? bare : STR("text/plain"));
    json_t *json;

    for (char *c = copy; *c; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 'a' - 'A');
    }
    json = json_string(copy);
    free(copy);
    return json ? json : json_string("application/octet-stream");
}

static int add_module(struct form *form, str name, str type, str bytes, struct err *err)
{
    json_t *text = json_stringn(name.ptr, name.len);

    if (!text || !name.len) {
        json_decref(text);
        return err_set(err, ERR_INVALID, "A module has no name.");
    }
    if (form_module(form->modules, json_string_value(text))) {
        err_set(err, ERR_INVALID, "There are two modules \"%s\".", json_string_value(text));
        json_decref(text);
        return err->code;
    }
    json_array_append_new(form->modules,
                          json_pack("{s:o, s:o, s:I}", "name", text, "type", media_type(type),
                                    "bytes", (json_int_t)bytes.len));
    return buf_append(&form->blob, bytes);
}

static int read_metadata(struct form *form, str bytes, const char *part, struct err *err)
{
    json_error_t error;

    if (form->metadata)
        return err_set(err, ERR_INVALID, "The form has two parts \"%s\".", part);
    if (bytes.len > FORM_METADATA_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "The part \"%s\" has more than %d bytes.", part,
                       FORM_METADATA_BYTES_MAX);
    form->metadata = json_loadb(bytes.ptr, bytes.len, 0, &error);
    if (!form->metadata)
        return err_set(err, ERR_INVALID, "The part \"%s\" is not JSON: line %d, column %d: %s",
                       part, error.line, error.column, error.text);
    if (!json_is_object(form->metadata))
        return err_set(err, ERR_INVALID, "The part \"%s\" must be a JSON object.", part);
    return 0;
}

static int read_parts(struct form *form, const struct multipart *parts, const char *metadata_part,
                      struct err *err)
{
    int result = 0;

    for (size_t i = 0; i < parts->count && result == 0; i++) {
        const struct multipart_part *part = &parts->parts[i];
        if (str_equal(part->name, str_from(metadata_part)))
            result = read_metadata(form, part->bytes, metadata_part, err);
        else
            result = add_module(form, part->name, part->type, part->bytes, err);
    }
    if (result == 0 && !form->metadata)
        return err_set(err, ERR_INVALID, "The form needs a part \"%s\" with JSON.", metadata_part);
    return result;
}

static bool is_javascript(str type)
{
    return str_equal(type, STR("application/javascript")) ||
           str_equal(type, STR("text/javascript")) ||
           str_equal(type, STR("application/javascript+module")) ||
           str_equal(type, STR("text/javascript+module"));
}

static int read_bare(struct form *form, str content_type, str body, struct err *err)
{
    json_t *type = media_type(content_type);
    str text = {json_string_value(type), json_string_length(type)};
    const char *key = str_ends(text, STR("+module")) ? "main_module" : "body_part";
    int result;

    if (is_javascript(text)) {
        form->metadata = json_pack("{s:s}", key, BARE_NAME);
        result = add_module(form, STR(BARE_NAME), text, body, err);
    } else {
        result = err_set(err, ERR_INVALID,
                         "Content-Type must be multipart/form-data, application/javascript or "
                         "application/javascript+module.");
    }
    json_decref(type);
    return result;
}

int form_read(str content_type, str body, const char *metadata_part, struct form *ret,
              struct err *err)
{
    struct multipart parts = {0};
    int result;

    *ret = (struct form){.modules = json_array()};
    buf_init(&ret->blob, API_BODY_BYTES_MAX);
    if (multipart_is(content_type)) {
        result = multipart_parse(content_type, body, &parts, err);
        if (result == 0)
            result = read_parts(ret, &parts, metadata_part, err);
        multipart_done(&parts);
    } else {
        result = read_bare(ret, content_type, body, err);
    }
    if (result < 0)
        form_done(ret);
    return result;
}

void form_done(struct form *form)
{
    json_decref(form->metadata);
    json_decref(form->modules);
    buf_done(&form->blob);
    form->metadata = form->modules = NULL;
}
