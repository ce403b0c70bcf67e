/* engine/handle: collected objects end on the graveyard, and only the loop buries them. */
#include "engine_harness.h"

#include <stdlib.h>

enum { THINGS = 200 };

static const char thing_kind[] = "thing", other_kind[] = "other";
static int buried;

struct thing {
    struct handle handle;
    bool freed;
};

static struct thing things[THINGS];

static void on_free(struct handle *handle)
{
    struct thing *thing = CONTAINER_OF(handle, struct thing, handle);

    cr_assert_not(thing->freed, "freed twice");
    thing->freed = true;
    buried++;
}

static void make_things(JSContextRef ctx, JSValueRef ignored, void *context)
{
    JSObjectRef kept = (JSObjectRef)value_get(ctx, JSContextGetGlobalObject(ctx), "kept");

    (void)ignored, (void)context;
    for (int i = 0; i < THINGS; i++) {
        things[i].handle = (struct handle){.kind = thing_kind, .free = on_free};
        JSObjectSetPropertyAtIndex(ctx, kept, (unsigned)i, handle_object(ctx, &things[i].handle),
                                   NULL);
    }
}

static void collect(JSContextRef ctx, JSValueRef ignored, void *context)
{
    (void)ignored, (void)context;
    JSSynchronousGarbageCollectForDebugging(ctx);
}

Test(handle, frees_what_was_collected_and_only_when_buried)
{
    struct isolate *iso = harness_isolate();

    harness_run(iso, "globalThis.kept = []", make_things, NULL);
    harness_run(iso, "0", collect, NULL);
    handle_bury();
    cr_expect_eq(buried, 0, "all are referenced");
    harness_run(iso, "kept = undefined; (function deep(n) { return n && deep(n - 1) })(100)", NULL,
                NULL);
    harness_run(iso, "0", collect, NULL);
    cr_expect_eq(buried, 0, "the graveyard waits for the loop");
    handle_bury();
    cr_expect_gt(buried, THINGS - 10, "%d", buried);
    isolate_free(iso);
    handle_bury();
    cr_expect_eq(buried, THINGS);
    handle_bury();
    cr_expect_eq(buried, THINGS);
}

Test(handle, goes_with_its_isolate)
{
    struct isolate *iso = harness_isolate();

    harness_run(iso, "globalThis.kept = []", make_things, NULL);
    isolate_free(iso);
    handle_bury();
    cr_expect_eq(buried, THINGS);
}

static void judge(JSContextRef ctx, JSValueRef value, void *context)
{
    JSValueRef real = JSObjectGetPropertyAtIndex(ctx, (JSObjectRef)value, 0, NULL);

    (void)context;
    cr_expect_eq(handle_of(ctx, real, thing_kind), &things[0].handle);
    cr_expect_null(handle_of(ctx, real, other_kind));
    for (unsigned i = 1; i <= 6; i++)
        cr_expect_null(handle_of(ctx, JSObjectGetPropertyAtIndex(ctx, (JSObjectRef)value, i, NULL),
                                 thing_kind),
                       "%u", i);
}

Test(handle, is_told_from_everything_else)
{
    struct isolate *iso = harness_isolate();

    harness_run(iso, "globalThis.kept = []", make_things, NULL);
    harness_run(iso,
                "[kept[0], {}, null, 1, 'text', Object.create(kept[0]), new Proxy(kept[0], {})]",
                judge, NULL);
    isolate_free(iso);
    handle_bury();
}
