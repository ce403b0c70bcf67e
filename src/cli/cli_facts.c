/* Exit statuses, environment variables, files; see cli_facts.h. */
#include "cli/cli_facts.h"

const struct cli_fact cli_facts_exits[] = {
    {"0", "It is done."},
    {"1", "It did not work; standard error says why and what to do."},
    {"2", "The command line is wrong: an unknown command or option, a missing value."},
    {"3", "Not logged in, or the server refuses the token."},
    {"4", "What was named is not there: a worker, a version, a secret."},
    {"5", "The server does not answer."},
    {"130", "Interrupted with Ctrl-C before it was done."},
    {0},
};

const struct cli_fact cli_facts_environment[] = {
    {"ATOLL_PROFILE", "The profile to use, as --profile says it."},
    {"CLOUDFLARE_API_BASE_URL",
     "The server's API, such as http://127.0.0.1:8790/client/v4. With the two below it wins over "
     "the current profile; a .env file of the project may hold all three, as for wrangler."},
    {"CLOUDFLARE_API_TOKEN", "The token for that server."},
    {"CLOUDFLARE_API_KEY, CLOUDFLARE_EMAIL", "A key and its owner, instead of a token."},
    {"CLOUDFLARE_ACCOUNT_ID", "The account there."},
    {"ATOLL_ADMIN_TOKEN",
     "The admin token that the first start of atoll serve stores, instead of a random one that it "
     "shows."},
    {"ATOLL_ESBUILD", "The esbuild to bundle with, instead of the one beside the binary."},
    {"ATOLL_CA_FILE", "Certificates to trust, instead of the system's: a file in PEM format."},
    {"NO_COLOR", "No colours when it is set and not empty; also with TERM=dumb, and in pipes."},
    {"BROWSER", "The program that opens addresses, before xdg-open and open."},
    {"XDG_CONFIG_HOME", "The directory of credentials is in this one (~/.config)."},
    {"JSC_useJIT", "With 0 JavaScript is interpreted only, several times slower."},
    {"TMPDIR", "Where temporary directories are made (/tmp)."},
    {0},
};

const struct cli_fact cli_facts_files[] = {
    {"wrangler.jsonc, wrangler.json, wrangler.toml",
     "A worker's configuration, the one that wrangler reads."},
    {".dev.vars", "Secrets for atoll dev; .dev.vars.NAME for an environment."},
    {".env", "Server, token and account of this project, as the environment variables above."},
    {".atoll", "What atoll dev keeps for a project: its cache."},
    {"~/.config/atoll/credentials.json",
     "The servers somebody is logged in to. Nobody else may read it: mode 0600."},
    {0},
};
