/* The text of a site, and paths looked up in it: what is parsed is found again. */
#include <stdlib.h>

#include "bindings/assets/site_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct site_intent intent;
    struct site_file file;
    struct site *site;
    struct err err;

    if (site_parse(str_dup((str){(const char *)data, size}), size, &site, &err) < 0)
        return 0;
    for (size_t i = 0; i < site_count(site); i++)
        ASSERT(site_find(site, site_at(site, i).path, &file));
    site_path_find(site, str_head((str){(const char *)data, size}, 40), SITE_MISSING_PAGE, &intent);
    site_path_intent_done(&intent);
    site_free(site);
    return 0;
}
