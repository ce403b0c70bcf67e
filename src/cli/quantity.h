/* Amounts as a person reads them: counts, bytes, durations, shares.
 *
 * Owns: what it returns, static memory of QUANTITY_RESULTS results. Thread: one. */
#ifndef ATOLL_CLI_QUANTITY_H
#define ATOLL_CLI_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

enum { QUANTITY_RESULTS = 16, QUANTITY_TEXT_MAX = 48 };

/* "1,234,567". */
const char *quantity_count(int64_t count);

/* "12 B", "1.5 kB", "230 MB": by thousands, three digits at least. */
const char *quantity_bytes(int64_t bytes);

/* "0.3 ms", "12 ms", "1.5 s", "2 min 5 s", "3 h 20 min", "4 d 2 h". */
const char *quantity_duration(double ms);

/* "0.0042", "12.5", "1,234": a decimal without zeros at its end, four digits that matter. */
const char *quantity_decimal(double value);

/* "100 %", "0.5 %". */
const char *quantity_share(double percentage);

/* "1 version", "3 versions". */
const char *quantity_of(size_t count, const char *noun);

#endif
