/* What help does not say about one command: exit statuses, environment variables, files. The manual
 * page and docs/cli.md are made from these tables and the commands' rows.
 *
 * Owns: nothing; they are constants. Thread: any. */
#ifndef ATOLL_CLI_CLI_FACTS_H
#define ATOLL_CLI_CLI_FACTS_H

struct cli_fact {
    const char *name;
    const char *text;
};

/* Each ends with a name of NULL. */
extern const struct cli_fact cli_facts_exits[];
extern const struct cli_fact cli_facts_environment[];
extern const struct cli_fact cli_facts_files[];

#endif
