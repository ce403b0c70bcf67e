/* base/map: what is in is found, what was taken out is not, through growing and colliding. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"

struct thing {
    struct map_node node;
    char text[16];
};

Test(map, finds_what_is_in)
{
    enum { THINGS = 5000 };
    struct thing *things = mem_zeroed(THINGS * sizeof *things);
    struct map map = {0};

    cr_assert_null(map_find(&map, STR("nothing")));
    for (int i = 0; i < THINGS; i++) {
        snprintf(things[i].text, sizeof things[i].text, "%d", i);
        things[i].node.key = str_from(things[i].text);
        map_add(&map, &things[i].node);
    }
    cr_assert_eq(map.count, THINGS);
    for (int i = 0; i < THINGS; i += 2)
        map_remove(&map, &things[i].node);
    cr_assert_eq(map.count, THINGS / 2);
    for (int i = 0; i < THINGS; i++)
        cr_assert_eq(map_find(&map, str_from(things[i].text)), i % 2 ? &things[i].node : NULL);
    cr_assert_null(map_find(&map, STR("5000")));
    map_done(&map);
    cr_assert_null(map_find(&map, STR("1")));
    free(things);
}

Test(map, keys_are_bytes)
{
    static const struct {
        const char *bytes;
        size_t len;
    } keys[] = {{"", 0}, {"\0", 1}, {"\0\0", 2}, {"a\0b", 3}, {"a\0c", 3}, {"12345678", 8},
                {"123456789", 9}};
    struct map_node nodes[COUNT_OF(keys)] = {0};
    struct map map = {0};

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        nodes[i].key = (str){keys[i].bytes, keys[i].len};
        map_add(&map, &nodes[i]);
    }
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        cr_assert_eq(map_find(&map, (str){keys[i].bytes, keys[i].len}), &nodes[i]);
    map_done(&map);
}
