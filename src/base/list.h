/* A doubly linked, circular list whose links live inside the things it links.
 *
 * Owns: nothing. Thread: the one that uses it. A thing is in at most one list per link.
 * Walk it with LIST_EACH; LIST_EACH_SAFE lets the body remove the current thing. */
#ifndef ATOLL_BASE_LIST_H
#define ATOLL_BASE_LIST_H

#include <stdbool.h>

#include "base/mem.h"

struct list {
    struct list *next;
    struct list *prev;
};

#define LIST_EACH(head, it) \
    for (struct list *it = (head)->next; it != (head); it = it->next)

#define LIST_EACH_SAFE(head, it)                                                       \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head);          \
         it = it##_next, it##_next = it->next)

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

/* Adds `link` at the end. */
static inline void list_push(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

/* Takes `link` out and leaves it linked to itself, so removing twice is harmless. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* Takes the first link out; NULL when the list is empty. */
static inline struct list *list_pop(struct list *head)
{
    struct list *first = head->next;

    if (first == head)
        return NULL;
    list_remove(first);
    return first;
}

/* Moves everything from `from` to the end of `to`. */
static inline void list_move_all(struct list *from, struct list *to)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#endif
