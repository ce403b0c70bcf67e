/* Objects with a native side; see handle.h.
 *
 * (1) The graveyard is the one thing here that two threads touch; its mutex guards it.
 * (2) A handle is freed exactly once, by handle_bury() on the loop's thread. */
#include "engine/handle.h"

#include <pthread.h>

#include "engine/value.h"

static pthread_mutex_t graveyard_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct list graveyard = {&graveyard, &graveyard};

static void on_finalize(JSObjectRef object)
{
    struct handle *handle = JSObjectGetPrivate(object);

    if (!handle)
        return;
    pthread_mutex_lock(&graveyard_mutex);
    list_push(&graveyard, &handle->grave);
    pthread_mutex_unlock(&graveyard_mutex);
}

static JSClassRef handle_class(void)
{
    static JSClassRef class;

    if (!class) {
        JSClassDefinition definition = kJSClassDefinitionEmpty;
        definition.className = "Handle";
        definition.attributes = kJSClassAttributeNoAutomaticPrototype;
        definition.finalize = on_finalize;
        class = JSClassCreate(&definition);
    }
    return class;
}

JSObjectRef handle_object(JSContextRef ctx, struct handle *handle)
{
    list_init(&handle->grave);
    return JSObjectMake(ctx, handle_class(), handle);
}

struct handle *handle_of(JSContextRef ctx, JSValueRef value, const char *kind)
{
    struct handle *handle;

    if (!JSValueIsObjectOfClass(ctx, value, handle_class()))
        return NULL;
    handle = JSObjectGetPrivate((JSObjectRef)value);
    return handle && handle->kind == kind ? handle : NULL;
}

struct handle *handle_need(JSContextRef ctx, JSValueRef value, const char *kind,
                           JSValueRef *exception)
{
    struct handle *handle = handle_of(ctx, value, kind);

    if (!handle)
        value_throw(ctx, ERR_INVALID, "what this is built on was replaced", exception);
    return handle;
}

void handle_bury(void)
{
    struct list dead, *link;

    list_init(&dead);
    pthread_mutex_lock(&graveyard_mutex);
    list_move_all(&graveyard, &dead);
    pthread_mutex_unlock(&graveyard_mutex);
    while ((link = list_pop(&dead))) {
        struct handle *handle = CONTAINER_OF(link, struct handle, grave);
        handle->free(handle);
    }
}
