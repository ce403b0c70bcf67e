/* The tables of the web platform: what an isolate of atoll is made of.
 *
 * Owns: nothing; the tables are static. */
#ifndef ATOLL_WEB_WEB_H
#define ATOLL_WEB_WEB_H

#include "engine/isolate.h"
#include "engine/op.h"

/* The ops of this room, one table a file. */
extern const struct op op_clock_table[];
extern const struct op op_console_table[];
extern const struct op op_crypto_table[];
extern const struct op op_encoding_table[];
extern const struct op op_fetch_table[];
extern const struct op op_timer_table[];
extern const struct op op_url_table[];

/* js/<name>.js, minified; generated from the files at build time. Ends with name == NULL. */
extern const struct builtin web_builtins[];

#endif
