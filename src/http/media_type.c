/* Content types by extension; see media_type.h. Text is UTF-8 here: that is what is written today.
 * */
#include "http/media_type.h"

#include "base/mem.h"

static const struct {
    const char *extension, *type;
} types[] = {
    {"html",        "text/html; charset=utf-8"},
    {"htm",         "text/html; charset=utf-8"},
    {"css",         "text/css; charset=utf-8"},
    {"js",          "text/javascript; charset=utf-8"},
    {"mjs",         "text/javascript; charset=utf-8"},
    {"json",        "application/json"},
    {"map",         "application/json"},
    {"webmanifest", "application/manifest+json"},
    {"xml",         "application/xml"},
    {"rss",         "application/rss+xml"},
    {"atom",        "application/atom+xml"},
    {"xhtml",       "application/xhtml+xml"},
    {"txt",         "text/plain; charset=utf-8"},
    {"text",        "text/plain; charset=utf-8"},
    {"md",          "text/markdown; charset=utf-8"},
    {"csv",         "text/csv; charset=utf-8"},
    {"ics",         "text/calendar; charset=utf-8"},
    {"svg",         "image/svg+xml"},
    {"png",         "image/png"},
    {"jpg",         "image/jpeg"},
    {"jpeg",        "image/jpeg"},
    {"gif",         "image/gif"},
    {"webp",        "image/webp"},
    {"avif",        "image/avif"},
    {"ico",         "image/vnd.microsoft.icon"},
    {"bmp",         "image/bmp"},
    {"tiff",        "image/tiff"},
    {"woff",        "font/woff"},
    {"woff2",       "font/woff2"},
    {"ttf",         "font/ttf"},
    {"otf",         "font/otf"},
    {"eot",         "application/vnd.ms-fontobject"},
    {"mp3",         "audio/mpeg"},
    {"m4a",         "audio/mp4"},
    {"ogg",         "audio/ogg"},
    {"wav",         "audio/wav"},
    {"flac",        "audio/flac"},
    {"mp4",         "video/mp4"},
    {"webm",        "video/webm"},
    {"mov",         "video/quicktime"},
    {"wasm",        "application/wasm"},
    {"pdf",         "application/pdf"},
    {"zip",         "application/zip"},
    {"gz",          "application/gzip"},
    {"tar",         "application/x-tar"},
    {"bin",         "application/octet-stream"},
};

const char *media_type_of(str path)
{
    size_t dot = path.len;

    while (dot && path.ptr[dot - 1] != '.' && path.ptr[dot - 1] != '/')
        dot--;
    if (!dot || path.ptr[dot - 1] == '/')
        return "";
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (str_equal_nocase(str_skip(path, dot), str_from(types[i].extension)))
            return types[i].type;
    return "";
}

bool media_type_shrinks(str type)
{
    static const char *const those[] = {
        "application/json", "application/javascript", "application/xml", "application/wasm",
        "application/manifest+json", "image/svg+xml", "image/vnd.microsoft.icon", "image/bmp",
        "font/ttf", "font/otf", "application/vnd.ms-fontobject"};
    str bare = str_trim(str_head(type, str_find(type, ';')));

    if (bare.len > 5 && str_equal_nocase(str_head(bare, 5), STR("text/")))
        return true;
    for (size_t i = 0; i < COUNT_OF(those); i++)
        if (str_equal_nocase(bare, str_from(those[i])))
            return true;
    return str_ends(bare, STR("+xml")) || str_ends(bare, STR("+json"));
}
