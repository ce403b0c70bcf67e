/* A JavaScript object that stands for something native, freed when the object is collected.
 *
 * JSC runs finalizers on any thread: ours only puts the handle on a graveyard, under a mutex. The
 * loop calls `free` there once a turn (handle_bury()).
 *
 * Owns: the link between the two. Thread: the loop's, but for the finalizer. */
#ifndef ATOLL_ENGINE_HANDLE_H
#define ATOLL_ENGINE_HANDLE_H

#include <JavaScriptCore/JavaScript.h>

#include "base/list.h"

/* Embed it in the native thing. */
struct handle {
    struct list grave;
    const char *kind;                       /* which struct this is: compared by pointer */
    void (*free)(struct handle *handle);    /* on the loop's thread, exactly once */
};

/* An object that keeps `handle` (taken) until it is collected or its isolate goes. */
JSObjectRef handle_object(JSContextRef ctx, struct handle *handle);

/* The handle of `value` when it is one of this `kind`, else NULL. */
struct handle *handle_of(JSContextRef ctx, JSValueRef value, const char *kind);

/* The same; when it is not one, sets *exception too. Built-ins are the only callers of ops, but
 * what they wait for may be the tenant's, who can replace it or leave it out. */
struct handle *handle_need(JSContextRef ctx, JSValueRef value, const char *kind,
                           JSValueRef *exception);

/* Frees what finalizers put on the graveyard; once per loop turn, outside of isolate turns. */
void handle_bury(void);

#endif
