/* base/list: order, removal while walking, moving between lists. */
#include <criterion/criterion.h>

#include "base/list.h"
#include "base/str.h"

struct item {
    char letter;
    struct list link;
};

/* The letters in order, forwards, after a check that backwards is the reverse. */
static const char *letters(const struct list *head)
{
    static char text[16];
    size_t len = 0, back = 0;

    for (const struct list *it = head->next; it != head; it = it->next)
        text[len++] = CONTAINER_OF(it, struct item, link)->letter;
    text[len] = '\0';
    for (const struct list *it = head->prev; it != head; it = it->prev)
        cr_assert_eq(text[len - ++back], CONTAINER_OF(it, struct item, link)->letter);
    cr_assert_eq(back, len);
    return text;
}

static void push_all(struct list *head, struct item items[], const char *text)
{
    list_init(head);
    for (size_t i = 0; text[i]; i++) {
        items[i].letter = text[i];
        list_push(head, &items[i].link);
    }
}

Test(list, keeps_order)
{
    struct list head;
    struct item items[4];

    push_all(&head, items, "");
    cr_expect(list_empty(&head));
    push_all(&head, items, "abc");
    cr_expect_not(list_empty(&head));
    cr_expect_str_eq(letters(&head), "abc");
}

Test(list, removes_anywhere_and_twice)
{
    static const char *const want[] = {"bcd", "acd", "abd", "abc"};

    for (size_t i = 0; i < COUNT_OF(want); i++) {
        struct list head;
        struct item items[4];

        push_all(&head, items, "abcd");
        list_remove(&items[i].link);
        list_remove(&items[i].link);
        cr_expect_str_eq(letters(&head), want[i]);
        cr_expect(list_empty(&items[i].link));
    }
}

Test(list, pops_from_the_front)
{
    struct list head;
    struct item items[2];

    push_all(&head, items, "ab");
    cr_expect_eq(list_pop(&head), &items[0].link);
    cr_expect(list_empty(&items[0].link));
    cr_expect_eq(list_pop(&head), &items[1].link);
    cr_expect_null(list_pop(&head));
    cr_expect(list_empty(&head));
}

Test(list, moves_all)
{
    static const struct {
        const char *from, *to, *want;
    } cases[] = {{"", "", ""}, {"", "xy", "xy"}, {"ab", "", "ab"}, {"ab", "xy", "xyab"}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct list from, to;
        struct item items[2], others[2];

        push_all(&from, items, cases[i].from);
        push_all(&to, others, cases[i].to);
        list_move_all(&from, &to);
        cr_expect_str_eq(letters(&to), cases[i].want, "case %zu", i);
        cr_expect(list_empty(&from), "case %zu", i);
        cr_expect_str_eq(letters(&from), "", "case %zu", i);
    }
}

Test(list, may_lose_the_current_link_while_walked)
{
    struct list head, other;
    struct item items[4];
    size_t count = 0;

    push_all(&head, items, "abcd");
    list_init(&other);
    LIST_EACH(&head, it)
        count++;
    cr_expect_eq(count, 4);
    LIST_EACH_SAFE(&head, it) {
        if (CONTAINER_OF(it, struct item, link)->letter % 2)
            continue;
        list_remove(it);
        list_push(&other, it);
    }
    cr_expect_str_eq(letters(&head), "ac");
    cr_expect_str_eq(letters(&other), "bd");
}
