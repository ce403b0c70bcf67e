/* The version of ICU; see icu.h. */
#include "web/icu.h"

#include <unicode/uversion.h>

const char *icu_version(void)
{
    static char text[U_MAX_VERSION_STRING_LENGTH];
    UVersionInfo version;

    u_getVersion(version);
    u_versionToString(version, text);
    return text;
}
