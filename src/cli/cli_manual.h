/* The whole reference, made from the tables: every command for people with its options and
 * examples, exit statuses, environment, files.
 *
 * Owns: nothing. Thread: one. */
#ifndef ATOLL_CLI_CLI_MANUAL_H
#define ATOLL_CLI_CLI_MANUAL_H

/* Prints to standard output: a manual page for man(1), or docs/cli.md. */
void cli_manual_print_page(void);
void cli_manual_print_markdown(void);

#endif
