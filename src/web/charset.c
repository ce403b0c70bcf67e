/* Legacy encodings; see charset.h.
 *
 * ICU knows them all but for small differences to the standard's index, which `patches` lists:
 * vendor characters that the standard leaves out, and characters that came later. ISO-8859-16,
 * which ICU lacks, is written as its differences to ISO-8859-1. */
#include "web/charset.h"

#include <stdlib.h>
#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>

#include "base/err.h"
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

/* How a multi-byte encoding differs from ICU's of that name. */
enum {
    KEEPS_ASCII = 1 << 0, /* an ASCII byte that cannot follow a lead byte stands for itself */
    IS_GB = 1 << 1,       /* see gb_moved; 0x80 is the euro sign */
    IS_SJIS = 1 << 2,     /* see unrotate_sjis(); 0x80 is U+0080 */
};

static const struct {
    str name;
    const char *icu;
    int quirks;
} multis[] = {
    {STR("gbk"), "gb18030", IS_GB},
    {STR("gb18030"), "gb18030", IS_GB},
    {STR("big5"), "big5-hkscs", KEEPS_ASCII},
    {STR("euc-jp"), "euc-jp", KEEPS_ASCII},
    {STR("iso-2022-jp"), "iso-2022-jp", 0},
    {STR("shift_jis"), "ibm-943_P15A-2003", KEEPS_ASCII | IS_SJIS},
    {STR("euc-kr"), "windows-949-2000", KEEPS_ASCII},
};

/* GB18030-2022 moved these out of the private use area, where ICU may still put them. */
static const struct {
    uint16_t old, now;
} gb_moved[] = {
    {0xE5E5, 0x3000}, {0xE78D, 0xFE10}, {0xE78E, 0xFE12}, {0xE78F, 0xFE11}, {0xE790, 0xFE13},
    {0xE791, 0xFE14}, {0xE792, 0xFE15}, {0xE793, 0xFE16}, {0xE794, 0xFE17}, {0xE795, 0xFE18},
    {0xE796, 0xFE19}, {0xE81E, 0x9FB4}, {0xE826, 0x9FB5}, {0xE82B, 0x9FB6}, {0xE82C, 0x9FB7},
    {0xE832, 0x9FB8}, {0xE843, 0x9FB9}, {0xE854, 0x9FBA}, {0xE864, 0x9FBB},
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

struct charset {
    UConverter *converter;
    int quirks;
    bool is_fatal;
};

/* The byte 0x80 alone, which ICU refuses. */
static UChar unit_of_80(const struct charset *charset)
{
    if (charset->quirks & IS_GB)
        return 0x20AC;
    return charset->quirks & IS_SJIS ? 0x80 : CHARSET_REPLACEMENT;
}

static void on_malformed(const void *context, UConverterToUnicodeArgs *args, const char *bytes,
                         int32_t len, UConverterCallbackReason reason, UErrorCode *status)
{
    const struct charset *charset = context;
    UChar units[2] = {CHARSET_REPLACEMENT, 0};
    int32_t count = 1;

    if (reason > UCNV_IRREGULAR)
        return;
    if (len == 1 && bytes[0] == '\x80')
        units[0] = unit_of_80(charset);
    if (charset->is_fatal && units[0] == CHARSET_REPLACEMENT)
        return;
    if (charset->quirks & KEEPS_ASCII && len == 2 && !(bytes[1] & 0x80))
        units[count++] = (UChar)bytes[1];
    *status = U_ZERO_ERROR;
    ucnv_cbToUWriteUChars(args, units, count, 0, status);
}

struct charset *charset_new(str name, bool is_fatal)
{
    UErrorCode status = U_ZERO_ERROR;
    struct charset *charset;
    size_t i = 0;

    while (i < COUNT_OF(multis) && !str_equal(multis[i].name, name))
        i++;
    if (i == COUNT_OF(multis))
        return NULL;
    charset = mem_new(struct charset);
    charset->converter = ucnv_open(multis[i].icu, &status);
    ASSERT(charset->converter);
    charset->quirks = multis[i].quirks;
    charset->is_fatal = is_fatal;
    ucnv_setToUCallBack(charset->converter, on_malformed, charset, NULL, NULL, &status);
    return charset;
}

void charset_free(struct charset *charset)
{
    if (!charset)
        return;
    ucnv_close(charset->converter);
    free(charset);
}

static void move_gb(uint16_t *units, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (units[i] < gb_moved[0].old || units[i] > gb_moved[COUNT_OF(gb_moved) - 1].old)
            continue;
        for (size_t k = 0; k < COUNT_OF(gb_moved); k++)
            if (units[i] == gb_moved[k].old)
                units[i] = gb_moved[k].now;
    }
}

/* ICU's table rotates three control characters, as IBM's machines did. */
static void unrotate_sjis(uint16_t *units, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (units[i] == 0x1A || units[i] == 0x1C || units[i] == 0x7F)
            units[i] = units[i] == 0x1A ? 0x7F : units[i] == 0x1C ? 0x1A : 0x1C;
}

int64_t charset_decode(struct charset *charset, str bytes, bool is_last, uint16_t *out)
{
    UErrorCode status = U_ZERO_ERROR;
    const char *from = bytes.ptr ? bytes.ptr : "";
    UChar *to = (UChar *)out;
    int64_t len;

    ucnv_toUnicode(charset->converter, &to, to + bytes.len + CHARSET_SPARE_UNITS, &from,
                   from + bytes.len, NULL, is_last, &status);
    if (is_last || U_FAILURE(status))
        ucnv_reset(charset->converter);
    if (U_FAILURE(status))
        return ERR_INVALID;
    len = to - (UChar *)out;
    if (charset->quirks & IS_GB)
        move_gb(out, (size_t)len);
    if (charset->quirks & IS_SJIS)
        unrotate_sjis(out, (size_t)len);
    return len;
}
