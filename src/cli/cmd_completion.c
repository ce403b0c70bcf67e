/* `atoll completion`: what makes a shell complete atoll's command lines, and `atoll complete`,
 * which it then asks at each TAB: that takes some milliseconds, and is never older than the binary.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cli_complete.h"

/* bash splits words at "=" and ":" too; they are put together again, and what stands before the
 * last piece (`before`) is taken from the candidates. */
static const char bash[] =
    "# Completion of atoll for bash: source <(atoll completion bash)\n"
    "_atoll() {\n"
    "  local words=() joins='' before='' piece line candidate i\n"
    "  for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "    piece=${COMP_WORDS[i]}\n"
    "    if [[ ${#words[@]} -gt 0 && ( -n $joins || $piece == [=:]* ) ]]; then\n"
    "      before=${words[-1]}\n"
    "      words[-1]+=$piece\n"
    "    else\n"
    "      before=''\n"
    "      words+=(\"$piece\")\n"
    "    fi\n"
    "    if [[ $piece == [=:]* ]]; then joins=1 before=${words[-1]}; else joins=''; fi\n"
    "  done\n"
    "  COMPREPLY=()\n"
    "  while IFS= read -r line; do\n"
    "    case $line in\n"
    "      :*)\n"
    "        compopt -o filenames\n"
    "        piece=${words[-1]#\"$before\"}\n"
    "        [[ $line == :files ]] && i=-f || i=-d\n"
    "        mapfile -t COMPREPLY < <(compgen $i -- \"$piece\") ;;\n"
    "      *) candidate=${line%%$'\\t'*}; COMPREPLY+=(\"${candidate#\"$before\"}\") ;;\n"
    "    esac\n"
    "  done < <(\"$1\" complete -- \"${words[@]}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _atoll atoll\n";

static const char zsh[] =
    "#compdef atoll\n"
    "# Completion of atoll for zsh: source <(atoll completion zsh), or a file _atoll in $fpath\n"
    "_atoll() {\n"
    "  local line candidate answer\n"
    "  local -a candidates\n"
    "  answer=$(\"${words[1]}\" complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
    "  for line in \"${(@f)answer}\"; do\n"
    "    case $line in\n"
    "      '') ;;\n"
    "      :*)\n"
    "        [[ ${words[CURRENT]} == --*=* ]] && compset -P 1 '*='\n"
    "        if [[ $line == :files ]]; then _files; else _files -/; fi\n"
    "        return ;;\n"
    "      *)\n"
    "        candidate=${${line%%$'\\t'*}//:/\\\\:}\n"
    "        [[ $line == *$'\\t'* ]] && candidate+=:${line#*$'\\t'}\n"
    "        candidates+=(\"$candidate\") ;;\n"
    "    esac\n"
    "  done\n"
    "  _describe -V atoll candidates\n"
    "}\n"
    "if [[ ${funcstack[1]} == _atoll ]]; then _atoll \"$@\"; else compdef _atoll atoll; fi\n";

static const char fish[] =
    "# Completion of atoll for fish: atoll completion fish | source\n"
    "function __atoll_complete\n"
    "    set -l words (commandline --tokenize --cut-at-cursor --current-process)\n"
    "    set -l last (commandline --current-token --cut-at-cursor)\n"
    "    for line in ($words[1] complete -- $words[2..-1] \"$last\" 2>/dev/null)\n"
    "        switch $line\n"
    "            case :files\n"
    "                __fish_complete_path \"$last\"\n"
    "            case :directories\n"
    "                __fish_complete_directories \"$last\"\n"
    "            case '*'\n"
    "                printf '%s\\n' $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete --command atoll --no-files --keep-order --arguments '(__atoll_complete)'\n";

static const struct {
    const char *name, *script;
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

static int run_completion(const struct cli_args *args)
{
    int status = cli_check_operands(args, 1, 1, "the shell's name");

    if (status != EXIT_DONE)
        return status;
    for (size_t i = 0; i < COUNT_OF(shells); i++) {
        if (strcmp(shells[i].name, cli_operands(args)[0]) == 0) {
            fputs(shells[i].script, stdout);
            return EXIT_DONE;
        }
    }
    return cli_usage_error(args, "the shells are bash, zsh and fish, not \"%.100s\"",
                           cli_operands(args)[0]);
}

static int run_complete(const struct cli_args *args)
{
    cli_complete_print((char *const *)cli_operands(args), cli_operand_count(args));
    return EXIT_DONE;
}

static const struct cli_example examples[] = {
    {"source <(atoll completion bash)", "in ~/.bashrc"},
    {"source <(atoll completion zsh)", "in ~/.zshrc, after compinit"},
    {"atoll completion fish > ~/.config/fish/completions/atoll.fish", NULL},
    {0},
};

const struct cli_command cmd_completion = {
    .name = "completion",
    .usage = "bash|zsh|fish",
    .summary = "print what makes a shell complete atoll's commands",
    .details = "Commands, options, and the values that are known are completed with TAB.",
    .run = run_completion,
    .examples = examples,
    .group = GROUP_OTHER,
};

const struct cli_command cmd_completion_complete = {
    .name = "complete",
    .usage = "-- [WORD...]",
    .details = "Asked by the shells.",
    .run = run_complete,
    .group = GROUP_OTHER,
};
