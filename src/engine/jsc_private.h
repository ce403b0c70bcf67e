/* What libjavascriptcoregtk exports but no installed header declares.
 *
 * Found with `nm -D`; behaviour was learned by running it and is told in docs/internals/engine.md.
 * Only files of engine/ include this. */
#ifndef ATOLL_ENGINE_JSC_PRIVATE_H
#define ATOLL_ENGINE_JSC_PRIVATE_H

#include <JavaScriptCore/JavaScript.h>
#include <stdbool.h>
#include <stddef.h>

/* Takes and drops the engine's recursive lock; dropping the outermost one drains microtasks. */
extern void JSLock(JSContextRef ctx);
extern void JSUnlock(JSContextRef ctx);

/* Calls `callback` once after `seconds` of CPU time in one VM entry; true ends the script. */
typedef bool (*JSShouldTerminateCallback)(JSContextRef ctx, void *context);
extern void JSContextGroupSetExecutionTimeLimit(JSContextGroupRef group, double seconds,
                                                JSShouldTerminateCallback callback, void *context);

/* Calls `function` with (promise, reason) when microtasks are drained and nobody handles it. */
extern void JSGlobalContextSetUnhandledRejectionCallback(JSGlobalContextRef ctx,
                                                         JSObjectRef function,
                                                         JSValueRef *exception);
extern void JSGlobalContextSetEvalEnabled(JSGlobalContextRef ctx, bool enabled,
                                          JSStringRef message);

/* A full collection now, on this thread. */
extern void JSSynchronousGarbageCollectForDebugging(JSContextRef ctx);
extern JSObjectRef JSGetMemoryUsageStatistics(JSContextRef ctx);
extern void JSReportExtraMemoryCost(JSContextRef ctx, size_t bytes);

/* JSC::VM::drainMicrotasks(); a JSContextGroupRef is the VM. Weak: absent in some future version,
 * then the drain at JSUnlock is the fallback. */
extern void jsc_drain_microtasks(JSContextGroupRef vm) __asm__("_ZN3JSC2VM15drainMicrotasksEv")
    __attribute__((weak));

/* WTF::initializeMainThread(). The C API does not call it, but a full collection under memory
 * pressure asks for the main run loop and crashes when there is none. Weak, as above. */
extern void jsc_initialize_main_thread(void) __asm__("_ZN3WTF20initializeMainThreadEv")
    __attribute__((weak));

/* WTF::String(std::span<const unsigned char>) and OpaqueJSString::tryCreate(WTF::String &&): one
 * copy into a string of one byte a character. JSStringCreateWithUTF8CString() takes ten times as
 * long. What C++ returns in memory is larger here than there, so that C does the same. Weak, as
 * above. */
struct jsc_string {
    void *impl;
};

struct jsc_string_ref {
    JSStringRef string;
    void *unused[3];
};

extern void jsc_string_init(struct jsc_string *string, const char *bytes, size_t len)
    __asm__("_ZN3WTF6StringC1ESt4spanIKhLm18446744073709551615EE") __attribute__((weak));
extern struct jsc_string_ref jsc_string_take(struct jsc_string *string)
    __asm__("_ZN14OpaqueJSString9tryCreateEON3WTF6StringE") __attribute__((weak));

#endif
