/* Usage times prices: what an account owes for a span of time.
 *
 * Prices: {currency, million_requests, million_cpu_ms, gb_s, million_class_a, million_class_b}:
 * numbers per million requests, per million milliseconds of CPU, per GB (1024 MiB) of memory held
 * for a second by something that runs, per million operations on buckets. A price that is missing
 * is 0. Nothing used, nothing owed. Requests for a bucket ("r2:<name>") are charged as operations,
 * not as requests.
 *
 * Amounts are reckoned in millionths of the currency, each item rounded once, and sums are sums of
 * what is shown. They are texts with six decimals, "due" with two, halves up.
 * Owns: nothing. Thread: any. Limits: an amount is at most 9 * 10^12 of the currency. */
#ifndef ATOLL_API_INVOICE_H
#define ATOLL_API_INVOICE_H

#include <jansson.h>

/* `usage` is an array of counter rows (registry/usage.h) with `script`, borrowed. Returned owned:
 *
 *   {"currency", "prices": {...}, "workers": [{"script", "items": [{"what", "quantity", "unit",
 *    "price", "amount"}, ...], "amount"}], "items": [..., the sums by kind], "total", "due"} */
json_t *invoice_make(const json_t *usage, const json_t *prices);

#endif
