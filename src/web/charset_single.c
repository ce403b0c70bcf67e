/* Single-byte encodings; see charset_single.h.
 *
 * ICU knows them all but for small differences to the standard's index, which `patches` lists:
 * vendor characters that the standard leaves out, and characters that came later. ISO-8859-16,
 * which ICU lacks, is written as its differences to ISO-8859-1. */
#include "web/charset_single.h"

#include <unicode/ucnv.h>

#include "base/mem.h"

enum { HIGH_HALF = 128 };

static const struct {
    str name;
    const char *icu;
} singles[] = {
    {STR("ibm866"), "ibm-866"},
    {STR("iso-8859-2"), "iso-8859-2"},
    {STR("iso-8859-3"), "iso-8859-3"},
    {STR("iso-8859-4"), "iso-8859-4"},
    {STR("iso-8859-5"), "iso-8859-5"},
    {STR("iso-8859-6"), "iso-8859-6"},
    {STR("iso-8859-7"), "iso-8859-7"},
    {STR("iso-8859-8"), "iso-8859-8"},
    {STR("iso-8859-8-i"), "iso-8859-8"},
    {STR("iso-8859-10"), "iso-8859-10"},
    {STR("iso-8859-13"), "iso-8859-13"},
    {STR("iso-8859-14"), "iso-8859-14"},
    {STR("iso-8859-15"), "iso-8859-15"},
    {STR("iso-8859-16"), "iso-8859-1"},
    {STR("koi8-r"), "koi8-r"},
    {STR("koi8-u"), "koi8-u"},
    {STR("macintosh"), "macintosh"},
    {STR("windows-874"), "windows-874-2000"},
    {STR("windows-1250"), "windows-1250"},
    {STR("windows-1251"), "windows-1251"},
    {STR("windows-1252"), "windows-1252"},
    {STR("windows-1253"), "windows-1253"},
    {STR("windows-1254"), "windows-1254"},
    {STR("windows-1255"), "windows-1255"},
    {STR("windows-1256"), "windows-1256"},
    {STR("windows-1257"), "windows-1257"},
    {STR("windows-1258"), "windows-1258"},
    {STR("x-mac-cyrillic"), "x-mac-ukraine"},
    {STR("x-user-defined"), NULL}, /* U+F780 + byte, no table of ICU's */
};

static const struct {
    str name;
    uint8_t byte;
    uint16_t unit;
} patches[] = {
    {STR("koi8-u"), 0xAE, 0x045E},       {STR("koi8-u"), 0xBE, 0x040E},
    {STR("windows-1253"), 0xAA, 0xFFFD}, {STR("windows-1255"), 0xCA, 0x05BA},
    {STR("iso-8859-16"), 0xA1, 0x0104},  {STR("iso-8859-16"), 0xA2, 0x0105},
    {STR("iso-8859-16"), 0xA3, 0x0141},  {STR("iso-8859-16"), 0xA4, 0x20AC},
    {STR("iso-8859-16"), 0xA5, 0x201E},  {STR("iso-8859-16"), 0xA6, 0x0160},
    {STR("iso-8859-16"), 0xA8, 0x0161},  {STR("iso-8859-16"), 0xAA, 0x0218},
    {STR("iso-8859-16"), 0xAC, 0x0179},  {STR("iso-8859-16"), 0xAE, 0x017A},
    {STR("iso-8859-16"), 0xAF, 0x017B},  {STR("iso-8859-16"), 0xB2, 0x010C},
    {STR("iso-8859-16"), 0xB3, 0x0142},  {STR("iso-8859-16"), 0xB4, 0x017D},
    {STR("iso-8859-16"), 0xB5, 0x201D},  {STR("iso-8859-16"), 0xB8, 0x017E},
    {STR("iso-8859-16"), 0xB9, 0x010D},  {STR("iso-8859-16"), 0xBA, 0x0219},
    {STR("iso-8859-16"), 0xBC, 0x0152},  {STR("iso-8859-16"), 0xBD, 0x0153},
    {STR("iso-8859-16"), 0xBE, 0x0178},  {STR("iso-8859-16"), 0xBF, 0x017C},
    {STR("iso-8859-16"), 0xC3, 0x0102},  {STR("iso-8859-16"), 0xC5, 0x0106},
    {STR("iso-8859-16"), 0xD0, 0x0110},  {STR("iso-8859-16"), 0xD1, 0x0143},
    {STR("iso-8859-16"), 0xD5, 0x0150},  {STR("iso-8859-16"), 0xD7, 0x015A},
    {STR("iso-8859-16"), 0xD8, 0x0170},  {STR("iso-8859-16"), 0xDD, 0x0118},
    {STR("iso-8859-16"), 0xDE, 0x021A},  {STR("iso-8859-16"), 0xE3, 0x0103},
    {STR("iso-8859-16"), 0xE5, 0x0107},  {STR("iso-8859-16"), 0xF0, 0x0111},
    {STR("iso-8859-16"), 0xF1, 0x0144},  {STR("iso-8859-16"), 0xF5, 0x0151},
    {STR("iso-8859-16"), 0xF7, 0x015B},  {STR("iso-8859-16"), 0xF8, 0x0171},
    {STR("iso-8859-16"), 0xFD, 0x0119},  {STR("iso-8859-16"), 0xFE, 0x021B},
};

int charset_single(str name)
{
    for (size_t i = 0; i < COUNT_OF(singles); i++)
        if (str_equal(singles[i].name, name))
            return (int)i;
    return CHARSET_NONE;
}

static uint16_t icu_unit(UConverter *converter, uint8_t byte)
{
    const char source = (char)byte, *from = &source;
    UErrorCode status = U_ZERO_ERROR;
    UChar unit[2], *to = unit;

    ucnv_reset(converter);
    ucnv_toUnicode(converter, &to, unit + COUNT_OF(unit), &from, from + 1, NULL, true, &status);
    /* windows-874 has vendor characters here that the standard does not. */
    if (to != unit + 1 || (unit[0] >= 0xF8C1 && unit[0] <= 0xF8C8))
        return CHARSET_REPLACEMENT;
    return unit[0];
}

static void make_table(int single, uint16_t *table)
{
    UErrorCode status = U_ZERO_ERROR;
    UConverter *converter = NULL;

    if (singles[single].icu) {
        converter = ucnv_open(singles[single].icu, &status);
        ASSERT(converter);
    }
    for (int i = 0; i < HIGH_HALF; i++)
        table[i] = converter ? icu_unit(converter, (uint8_t)(HIGH_HALF + i))
                             : (uint16_t)(0xF780 + i);
    for (size_t i = 0; i < COUNT_OF(patches); i++)
        if (str_equal(patches[i].name, singles[single].name))
            table[patches[i].byte - HIGH_HALF] = patches[i].unit;
    ucnv_close(converter);
}

/* Tables live as long as the process; each is made when it is first needed. */
static const uint16_t *table_of(int single)
{
    static uint16_t tables[COUNT_OF(singles)][HIGH_HALF];

    if (!tables[single][0])
        make_table(single, tables[single]);
    return tables[single];
}

bool charset_single_decode(int single, str bytes, uint16_t *out)
{
    const uint16_t *table = table_of(single);
    bool complete = true;

    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        out[i] = c < HIGH_HALF ? c : table[c - HIGH_HALF];
        complete &= out[i] != CHARSET_REPLACEMENT;
    }
    return complete;
}
