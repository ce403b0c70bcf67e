/* web/wasm_scan: modules by hand, the sections that matter in each of their forms. */
#include <criterion/criterion.h>

#include "base/mem.h"

#include "web/wasm_scan.h"

#define MAGIC "\0asm\1\0\0\0"
#define MODULE(sections) ((str){MAGIC sections, sizeof(MAGIC sections) - 1})

Test(wasm_scan, harmless)
{
    static const str modules[] = {
        MODULE(""),
        MODULE("\5\3\1\0\1"),                         /* a memory */
        MODULE("\5\4\1\1\1\2"),                       /* with a maximum */
        MODULE("\0\5\1xyz!\5\3\1\0\1"),               /* a custom section before it */
        MODULE("\2\x08\1\1m\1n\2\0\1"),               /* an imported one */
        MODULE("\2\x07\1\1m\1n\0\0"),                 /* a function */
        MODULE("\2\x11\2\1m\1n\1\x70\1\1\2\1m\1n\3\x7f\1"), /* a table, a global */
        MODULE("\2\x0a\1\1m\1n\1\x63\x70\0\1"),       /* a table of typed references */
    };

    for (size_t i = 0; i < COUNT_OF(modules); i++)
        cr_expect(wasm_scan_is_harmless(modules[i]), "%zu", i);
}

Test(wasm_scan, shared_or_unreadable)
{
    static const str modules[] = {
        STR_NONE,
        MODULE("\5\4\1\3\1\1"),                       /* a shared memory */
        MODULE("\5\4\1\2\1\1"),                       /* without a maximum, which is invalid */
        MODULE("\5\7\2\0\1\3\1\1\0"),                 /* the second of two */
        MODULE("\5\6\1\x83\x80\0\1\1"),               /* its flags written longer than they need */
        MODULE("\2\x09\1\1m\1n\2\3\1\1"),             /* an imported one */
        MODULE("\2\x0d\2\1m\1n\0\0\1m\1n\2\3"),       /* cut short */
        MODULE("\2\x08\1\1m\1n\x09\0\1"),             /* an import of an unknown kind */
        MODULE("\5\x7f\1"),                           /* longer than the module */
    };

    for (size_t i = 0; i < COUNT_OF(modules); i++)
        cr_expect_not(wasm_scan_is_harmless(modules[i]), "%zu", i);
}
