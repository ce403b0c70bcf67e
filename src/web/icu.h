/* The library of Unicode's tables. Owns: nothing. Thread: any. */
#ifndef ATOLL_WEB_ICU_H
#define ATOLL_WEB_ICU_H

/* "72.1". Static memory. */
const char *icu_version(void);

#endif
