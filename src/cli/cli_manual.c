/* The reference; see cli_manual.h. One walk over the tables, two forms to write in. */
#include "cli/cli_manual.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli_facts.h"
#include "cli/cli_help.h"
#include "cli/cli_option.h"
#include "cli/commands.h"

/* How the parts of the reference are written. Texts have no mark-up of their own. */
struct form {
    void (*heading)(const char *text);
    void (*command)(const char *name, const char *usage);
    void (*paragraph)(const char *text);
    void (*pairs_begin)(const char *left, const char *right);
    void (*pair)(const char *left, const char *right);
    void (*pairs_end)(void);
    void (*examples_begin)(void);
    void (*example)(const char *line, const char *what);
    void (*examples_end)(void);
};

/* ---- man(7) ---- */

/* A paragraph that follows a heading has no macro of its own. */
static bool roff_after_heading;

/* `text` with what steers roff made harmless; `line_start`: it begins a line. */
static void roff_text(const char *text, bool line_start)
{
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
        line_start = *text == '\n';
    }
}

static void roff_heading(const char *text)
{
    fputs(".SH ", stdout);
    for (; *text; text++)
        putchar(toupper((unsigned char)*text));
    putchar('\n');
    roff_after_heading = true;
}

static void roff_command(const char *name, const char *usage)
{
    fputs(".SS \"", stdout);
    roff_text("atoll ", false);
    roff_text(name, false);
    printf("%s", *usage ? " " : "");
    roff_text(usage, false);
    puts("\"");
    roff_after_heading = true;
}

static void roff_paragraph(const char *text)
{
    if (!roff_after_heading)
        puts(".PP");
    roff_after_heading = false;
    roff_text(text, true);
    putchar('\n');
}

static void roff_pairs_begin(const char *left, const char *right)
{
    (void)left;
    (void)right;
}

static void roff_pair(const char *left, const char *right)
{
    fputs(".TP\n\\fB", stdout);
    roff_text(left, false);
    fputs("\\fR\n", stdout);
    roff_text(right, true);
    putchar('\n');
}

static void roff_pairs_end(void)
{
}

static void roff_examples_begin(void)
{
    puts(".PP\n.nf\n.RS");
}

static void roff_example(const char *line, const char *what)
{
    roff_text(line, true);
    if (what) {
        fputs("  # ", stdout);
        roff_text(what, false);
    }
    putchar('\n');
}

static void roff_examples_end(void)
{
    puts(".RE\n.fi");
}

static const struct form roff = {
    roff_heading,   roff_command,        roff_paragraph, roff_pairs_begin,  roff_pair,
    roff_pairs_end, roff_examples_begin, roff_example,   roff_examples_end,
};

/* ---- Markdown ---- */

static void markdown_text(const char *text)
{
    for (; *text; text++) {
        if (strchr("<>*_|`\\", *text))
            putchar('\\');
        putchar(*text);
    }
}

static void markdown_heading(const char *text)
{
    printf("\n## %c%s\n", toupper((unsigned char)*text), text + 1);
}

static void markdown_command(const char *name, const char *usage)
{
    printf("\n### atoll %s\n\n    atoll %s%s%s\n", name, name, *usage ? " " : "", usage);
}

static void markdown_paragraph(const char *text)
{
    putchar('\n');
    markdown_text(text);
    putchar('\n');
}

static void markdown_pairs_begin(const char *left, const char *right)
{
    printf("\n| %s | %s |\n|---|---|\n", left, right);
}

static void markdown_pair(const char *left, const char *right)
{
    fputs("| `", stdout);
    for (; *left; left++)
        printf("%s%c", *left == '|' ? "\\" : "", *left);
    fputs("` | ", stdout);
    markdown_text(right);
    puts(" |");
}

static void markdown_pairs_end(void)
{
}

static void markdown_examples_begin(void)
{
    puts("\n```sh");
}

static void markdown_example(const char *line, const char *what)
{
    printf("%s%s%s\n", line, what ? "  # " : "", what ? what : "");
}

static void markdown_examples_end(void)
{
    puts("```");
}

static const struct form markdown = {
    markdown_heading,       markdown_command, markdown_paragraph,
    markdown_pairs_begin,   markdown_pair,    markdown_pairs_end,
    markdown_examples_begin, markdown_example, markdown_examples_end,
};

/* ---- the walk ---- */

static bool is_own(const struct cli_command *command, const struct cli_option *option)
{
    for (const struct cli_option *own = command->options; own && own->name; own++)
        if (own == option)
            return true;
    return false;
}

static const char *left_of(const struct cli_option *option)
{
    const char *text = cli_help_option(option);

    return text + strspn(text, " ");
}

static void write_pairs(const struct form *form, const char *left, const char *right,
                        const struct cli_fact *facts)
{
    form->pairs_begin(left, right);
    for (const struct cli_fact *fact = facts; fact->name; fact++)
        form->pair(fact->name, fact->text);
    form->pairs_end();
}

/* The command's own options in full, those that many have by their names. */
static void write_options(const struct form *form, const struct cli_command *command)
{
    char text[512] = "Also: ";
    const struct cli_option *option;
    size_t len = strlen(text);
    bool begun = false;

    for (size_t i = 0; (option = cli_option_at(command, i)); i++) {
        if (is_own(command, option)) {
            if (!begun)
                form->pairs_begin("option", "");
            begun = true;
            form->pair(left_of(option), option->help);
        } else if (cli_option_at(command, i + 1)) {
            len += (size_t)snprintf(text + len, sizeof text - len, "--%s, ", option->name);
        }
    }
    if (begun)
        form->pairs_end();
    if (len > strlen("Also: ")) {
        snprintf(text + len - 2, sizeof text - len + 2, ".");
        form->paragraph(text);
    }
}

static void write_examples(const struct form *form, const struct cli_example *examples)
{
    form->examples_begin();
    for (const struct cli_example *example = examples; example->line; example++)
        form->example(example->line, example->what);
    form->examples_end();
}

/* "write the types" as a sentence: "Write the types." */
static void write_sentence(const struct form *form, const char *summary)
{
    char text[256];

    snprintf(text, sizeof text, "%c%s.", toupper((unsigned char)*summary), summary + 1);
    form->paragraph(text);
}

static void write_command(const struct form *form, const struct cli_command *command)
{
    form->command(command->name, command->usage ? command->usage : "");
    write_sentence(form, command->summary);
    if (command->details)
        form->paragraph(command->details);
    write_options(form, command);
    if (command->examples)
        write_examples(form, command->examples);
}

static void write_groups(const struct form *form)
{
    for (enum cli_group group = GROUP_PROJECT; group <= GROUP_OTHER; group++) {
        form->heading(cli_help_group(group));
        for (size_t i = 0; commands_all[i]; i++)
            if (commands_all[i]->summary && commands_all[i]->group == group)
                write_command(form, commands_all[i]);
    }
}

/* What several commands take, said once. */
static void write_shared(const struct form *form)
{
    static const struct cli_command all = {
        .name = "", .shared = CLI_SERVER | CLI_WORKER | CLI_JSON | CLI_YES};
    const struct cli_option *option;

    form->heading("options of many commands");
    form->paragraph("Options stand anywhere behind the command: --env staging, --env=staging,\n"
                    "-e staging. Behind -- nothing is an option.");
    form->pairs_begin("option", "");
    for (size_t i = 0; (option = cli_option_at(&all, i)); i++)
        form->pair(left_of(option), option->help);
    form->pairs_end();
}

static void write_all(const struct form *form)
{
    write_groups(form);
    write_shared(form);
    form->heading("exit status");
    write_pairs(form, "status", "", cli_facts_exits);
    form->heading("environment");
    write_pairs(form, "variable", "", cli_facts_environment);
    form->heading("files");
    write_pairs(form, "file", "", cli_facts_files);
}

void cli_manual_print_page(void)
{
    printf(".TH ATOLL 1 \"\" \"atoll %s\" \"atoll\"\n", ATOLL_VERSION);
    puts(".SH NAME\natoll \\- run Cloudflare Workers on your own machines\n"
         ".SH SYNOPSIS\n\\fBatoll\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
         ".SH DESCRIPTION\nMakes, runs, deploys and watches workers; and is the server that they "
         "run on.\n\\fBatoll help\\fR \\fICOMMAND\\fR prints what follows about one command.");
    write_all(&roff);
}

void cli_manual_print_markdown(void)
{
    puts(
        "# The command line\n\n"
        "Every command, as `atoll help COMMAND` prints it. This page is made of the same tables as "
        "the help and\nthe manual page `atoll(1)`: `make` and then `build/atoll manual --markdown "
        "> "
        "docs/cli.md` writes it again,\nand a test fails when that was forgotten.\n\n"
        "Results go to standard output, all else to standard error. Colours and progress are for "
        "terminals only.\n`--json` prints one JSON value, the API's result. What cannot be undone "
        "asks at a terminal; elsewhere it\ntakes `--yes`.");
    write_all(&markdown);
}
