/* Indexes of the multi-byte encodings; see charset_index.h.
 *
 * ICU has converters for all of them, whose two-byte characters are the standard's but for what is
 * written here, found by comparing each pointer with the standard's index files:
 *
 * (1) ICU gives private-use characters where the standard has nothing; only GB18030's index has
 *     some of its own.
 * (2) Its JIS X 0212 has Roman numerals that the standard leaves out (`numerals`).
 * (3) Its Big5 lacks characters that Unicode got later and the ones of `big5_patches`, which the
 *     standard took from other vendors' tables.
 * (4) GB18030-2022 moved characters out of the private use area (`gb_moved`).
 *
 * So an index is filled by asking ICU once for every pointer, when it is first needed. */
#include "web/charset_index.h"

#include <string.h>
#include <unicode/ucnv.h>

#include "base/mem.h"

enum { SEQUENCE_BYTES_MAX = 3, GB_FOUR_BYTES = 4 };

/* Pointers in a row of two bytes, and in how many rows. */
static const struct {
    const char *icu;
    unsigned row, rows;
} shapes[CHARSET_INDEX_COUNT] = {
    [CHARSET_INDEX_JIS0208] = {"ibm-943_P15A-2003", 188, 60}, /* in Shift_JIS, which has all rows */
    [CHARSET_INDEX_JIS0212] = {"euc-jp", 94, 94},
    [CHARSET_INDEX_BIG5] = {"big5-hkscs", 157, 126},
    [CHARSET_INDEX_EUC_KR] = {"windows-949-2000", 190, 126},
    [CHARSET_INDEX_GB18030] = {"gb18030", 190, 126},
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

/* From `pointer` on, `count` characters from `first` on. */
static const struct {
    uint16_t pointer, first, count;
} big5_patches[] = {
    {1008, 0x9F97, 1}, {1016, 0x9F96, 1}, {1099, 0x31C0, 5}, {1105, 0x31C5, 1}, {1108, 0x31C6, 2},
    {1112, 0x31C8, 1}, {1114, 0x31C9, 4}, {1119, 0x31CD, 2}, {1170, 0x23DA, 2}, {1730, 0x9FA6, 1},
    {1772, 0x9FA7, 1}, {1779, 0x9FA8, 1}, {1812, 0x9FA9, 1}, {1814, 0x9FAA, 1}, {1816, 0x9FAB, 1},
    {1821, 0x9FAC, 1}, {1844, 0x9FAD, 2}, {1847, 0x9FAF, 1}, {1866, 0x9FB2, 1}, {1892, 0x9FB3, 1},
    {2082, 0x7BB8, 1}, {2088, 0x7C06, 1}, {2103, 0x7CCE, 1}, {2114, 0x7DD2, 1}, {2123, 0x7E1D, 1},
    {2148, 0x8005, 1}, {2151, 0x8028, 1}, {2221, 0x83C1, 1}, {2239, 0x84A8, 1}, {2244, 0x840F, 1},
    {2303, 0x89A6, 1}, {2304, 0x89A9, 1}, {2354, 0x8D77, 1}, {2400, 0x90FD, 1}, {2413, 0x92B9, 1},
    {2477, 0x975C, 1}, {2498, 0x97FF, 1}, {2605, 0x9F16, 1}, {2673, 0x8503, 1}, {2746, 0x5159, 1},
    {2747, 0x515B, 1}, {2748, 0x515D, 2}, {2771, 0x936E, 1}, {2780, 0x7479, 1}, {2990, 0x6D67, 1},
    {3087, 0x799B, 1}, {3259, 0x9097, 1}, {3301, 0x975D, 1}, {3436, 0x701E, 1}, {3451, 0x5B28, 1},
    {4136, 0x7201, 1}, {4138, 0x77D7, 1}, {4141, 0x7E87, 1}, {4182, 0x99D6, 1}, {4206, 0x91D4, 1},
    {4220, 0x60DE, 1}, {4230, 0x6FB6, 1}, {4241, 0x8F36, 1}, {4258, 0x4FBB, 1}, {4273, 0x71DF, 1},
    {4279, 0x9104, 1}, {4282, 0x9DF0, 1}, {4294, 0x83CF, 1}, {4329, 0x5C10, 1}, {4330, 0x79E3, 1},
    {4349, 0x5A67, 1}, {4419, 0x8F0B, 1}, {4422, 0x7B51, 1}, {4494, 0x62D0, 1}, {4624, 0x6062, 1},
    {4694, 0x75F9, 1}, {4708, 0x6C4A, 1}, {4742, 0x9B2E, 1}, {4748, 0x9F17, 1}, {4815, 0x50ED, 1},
    {4828, 0x5F0C, 1}, {4902, 0x880F, 1}, {4922, 0x62CE, 1}, {4982, 0x7468, 1}, {4992, 0x7162, 1},
    {4997, 0x7250, 1}, {5432, 0x2400, 32}, {5464, 0x2421, 1}, {10942, 0x5EF4, 1},
    {10946, 0x65E0, 1}, {10948, 0x7676, 1}, {10950, 0x96B6, 1}, {10957, 0x3003, 1},
    {10958, 0x4EDD, 1}, {11204, 0x31CF, 1}, {11210, 0x9FB0, 1}, {11212, 0x9FB1, 1},
    {19028, 0x5029, 1}, {19035, 0x507D, 1}, {19088, 0x5305, 1}, {19096, 0x5344, 1},
    {19112, 0x537F, 1}, {19162, 0x5605, 1}, {19240, 0x5A77, 1}, {19299, 0x5E75, 1},
    {19305, 0x5ED0, 1}, {19326, 0x5F58, 1}, {19355, 0x60A4, 1}, {19398, 0x6490, 1},
    {19439, 0x6674, 1}, {19454, 0x675E, 1}, {19553, 0x6C9C, 1}, {19554, 0x6E1D, 1},
    {19557, 0x6E2F, 1}, {19611, 0x716E, 1}, {19643, 0x732A, 1}, {19672, 0x745C, 1},
    {19697, 0x74E9, 1}, {19748, 0x7809, 1},
};

/* JIS X 0212, rows of IBM's: Roman numerals and a parenthesized ideograph. */
static const struct {
    unsigned first, last;
} numerals = {7708, 7730};

static uint32_t *tables[CHARSET_INDEX_COUNT];

/* The bytes of `pointer`; returns how many. */
static int sequence_of(enum charset_index index, unsigned pointer, unsigned char *bytes)
{
    unsigned row = pointer / shapes[index].row, cell = pointer % shapes[index].row;

    switch (index) {
    case CHARSET_INDEX_JIS0208:
        bytes[0] = (unsigned char)(row + (row < 0x1F ? 0x81 : 0xC1));
        bytes[1] = (unsigned char)(cell + (cell < 0x3F ? 0x40 : 0x41));
        return 2;
    case CHARSET_INDEX_JIS0212:
        bytes[0] = 0x8F;
        bytes[1] = (unsigned char)(row + 0xA1);
        bytes[2] = (unsigned char)(cell + 0xA1);
        return 3;
    case CHARSET_INDEX_BIG5:
        bytes[0] = (unsigned char)(row + 0x81);
        bytes[1] = (unsigned char)(cell + (cell < 0x3F ? 0x40 : 0x62));
        return 2;
    case CHARSET_INDEX_EUC_KR:
        bytes[0] = (unsigned char)(row + 0x81);
        bytes[1] = (unsigned char)(cell + 0x41);
        return 2;
    default:
        bytes[0] = (unsigned char)(row + 0x81);
        bytes[1] = (unsigned char)(cell + (cell < 0x3F ? 0x40 : 0x41));
        return 2;
    }
}

/* The one character that `bytes` are to ICU, or 0. */
static uint32_t ask_icu(UConverter *converter, const unsigned char *bytes, int len)
{
    const char *from = (const char *)bytes;
    UErrorCode status = U_ZERO_ERROR;
    UChar units[4], *to = units;

    ucnv_reset(converter);
    ucnv_toUnicode(converter, &to, units + COUNT_OF(units), &from, from + len, NULL, true, &status);
    if (U_FAILURE(status))
        return 0;
    if (to == units + 1)
        return units[0];
    if (to == units + 2 && U16_IS_LEAD(units[0]))
        return (uint32_t)U16_GET_SUPPLEMENTARY(units[0], units[1]);
    return 0;
}

static UConverter *open_icu(const char *name)
{
    UErrorCode status = U_ZERO_ERROR;
    UConverter *converter = ucnv_open(name, &status);

    ASSERT(converter);
    ucnv_setToUCallBack(converter, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &status);
    return converter;
}

static uint32_t moved(uint32_t point)
{
    for (size_t i = 0; i < COUNT_OF(gb_moved); i++)
        if (point == gb_moved[i].old)
            return gb_moved[i].now;
    return point;
}

static bool is_private(uint32_t point)
{
    return (point >= 0xE000 && point <= 0xF8FF) || point >= 0xF0000;
}

static void patch(enum charset_index index, uint32_t *table)
{
    for (unsigned i = 0; i < shapes[index].row * shapes[index].rows; i++) {
        if (index == CHARSET_INDEX_GB18030)
            table[i] = moved(table[i]);
        else if (is_private(table[i]))
            table[i] = 0;
    }
    if (index == CHARSET_INDEX_JIS0212)
        memset(table + numerals.first, 0, (numerals.last - numerals.first + 1) * sizeof *table);
    for (size_t i = 0; index == CHARSET_INDEX_BIG5 && i < COUNT_OF(big5_patches); i++)
        for (unsigned k = 0; k < big5_patches[i].count; k++)
            table[big5_patches[i].pointer + k] = big5_patches[i].first + k;
}

static void make_table(enum charset_index index)
{
    unsigned count = shapes[index].row * shapes[index].rows;
    uint32_t *table = mem_zeroed(count * sizeof *table);
    UConverter *converter = open_icu(shapes[index].icu);

    for (unsigned i = 0; i < count; i++) {
        unsigned char bytes[SEQUENCE_BYTES_MAX];
        table[i] = ask_icu(converter, bytes, sequence_of(index, i, bytes));
    }
    ucnv_close(converter);
    patch(index, table);
    tables[index] = table;
}

uint32_t charset_index_at(enum charset_index index, unsigned pointer)
{
    if (pointer >= shapes[index].row * shapes[index].rows)
        return 0;
    if (!tables[index])
        make_table(index);
    return tables[index][pointer];
}

uint32_t charset_index_gb_range(unsigned pointer)
{
    static UConverter *converter;
    unsigned char bytes[GB_FOUR_BYTES] = {
        (unsigned char)(pointer / 12600 + 0x81), (unsigned char)(pointer / 1260 % 10 + 0x30),
        (unsigned char)(pointer / 10 % 126 + 0x81), (unsigned char)(pointer % 10 + 0x30)};

    if (pointer >= 189000)
        return pointer > 1237575 ? 0 : 0x10000 + pointer - 189000;
    if (pointer > 39419)
        return 0;
    if (!converter)
        converter = open_icu(shapes[CHARSET_INDEX_GB18030].icu);
    return moved(ask_icu(converter, bytes, GB_FOUR_BYTES));
}
