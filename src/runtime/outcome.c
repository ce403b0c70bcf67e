/* The table of outcomes; see outcome.h. */
#include "runtime/outcome.h"

#include "base/err.h"

const struct outcome_row outcome_rows[OUTCOME_COUNT] = {
#define OUTCOME_ROW(name, word, error, status, title) [name] = {word, error, status, title},
    OUTCOME_MAP(OUTCOME_ROW)
#undef OUTCOME_ROW
};

enum outcome outcome_of_error(int code)
{
    return code == ERR_CPU_LIMIT   ? OUTCOME_CPU
           : code == ERR_MEM_LIMIT ? OUTCOME_MEMORY
                                   : OUTCOME_INTERNAL;
}
