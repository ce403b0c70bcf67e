// The command line itself: help, mistakes, completion, the manual, colours, `doctor`, `open`.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { afterwards, binary, project, root, run, until } from "./atoll.mjs";
import { client, environment } from "./client.mjs";
import { serve } from "./serve.mjs";
import { inTerminal, KEY } from "./terminal.mjs";

const ESCAPE = /\x1b/;
const server = await serve({ after });
const { atoll, done, json } = client(() => server.base);

/** Words that could follow: {word: description}. */
function complete(...words) {
  const { stdout, status } = spawnSync(binary, ["complete", "--", ...words], { encoding: "utf8" });
  assert.equal(status, 0);
  return Object.fromEntries(stdout.split("\n").filter(Boolean).map((line) => line.split("\t")));
}

/** The names of all commands for people, as arrays of words. */
function allCommands() {
  const names = [];
  for (const first of Object.keys(complete("")).filter((word) => word !== "help")) {
    const below = (words) => {
      const more = Object.keys(complete("help", ...words, ""));
      if (more.length === 0 && words.length > 1) names.push(words);
      for (const word of more) below([...words, word]);
    };
    below([first]);
    if (!spawnSync(binary, [first, "--help"], { encoding: "utf8" }).stdout.includes(`atoll ${first} COMMAND`)) names.push([first]);
  }
  return names;
}
const commands = allCommands();

// ---- help ----

test("general help names every first word, and is what atoll alone prints", async () => {
  const [help, alone, word] = await Promise.all([run(["--help"]), run([]), run(["help"])]);
  assert.equal(help.status, 0);
  assert.equal(alone.stdout, help.stdout);
  assert.equal(word.stdout, help.stdout);
  for (const [first] of commands) assert.match(help.stdout, new RegExp(`^  ${first}\\b`, "m"));
  assert.doesNotMatch(help.stdout, /^  (runtime|complete|manual)\b/m, "those are not for people");
});

test("every command has help with a usage line, a summary, its options and an example", async () => {
  assert.ok(commands.length >= 8, "there are commands");
  for (const words of commands) {
    const name = words.join(" ");
    const [help, word, letter] = await Promise.all([run([...words, "--help"]), run(["help", ...words]), run([...words, "-h"])]);
    assert.equal(help.status, 0, name);
    assert.equal(word.stdout, help.stdout, name);
    assert.equal(letter.stdout, help.stdout, name);
    assert.ok(help.stdout.startsWith(`usage: atoll ${name}`), name);
    assert.match(help.stdout, /^options\n(?:.*\n)*? *-h, --help /m, name);
    assert.match(help.stdout, new RegExp(`^examples\\n(?:  .*\\n)*?  .*atoll ${name}`, "m"), `${name} has an example`);
    for (const line of help.stdout.split("\n")) assert.ok(line.length <= 110, `${name}: ${line}`);
  }
});

test("a family alone lists its commands", async () => {
  const alone = await run(["versions"]);
  assert.equal(alone.status, 2);
  assert.equal(alone.stdout, "");
  assert.match(alone.stderr, /usage: atoll versions COMMAND[^]*versions list +\w/);
  const help = await run(["versions", "--help"]);
  assert.deepEqual([help.status, help.stdout], [0, alone.stderr]);
  assert.equal((await run(["help", "versions"])).stdout, help.stdout);
});

// ---- mistakes ----

const mistakes = [
  [["dpeloy"], /no command "dpeloy"; did you mean "deploy"\?\n {2}see: atoll --help/],
  [["vresions"], /did you mean "versions"/],
  [["upload"], /did you mean "versions upload"/],
  [["publish"], /did you mean "deploy"/],
  [["ls"], /did you mean "list"/],
  [["versions", "lsit"], /no command "versions lsit"; did you mean "versions list"\?\n {2}see: atoll versions --help/],
  [["secret", "rm"], /did you mean "secret delete"/],
  [["secret", "--json"], /no command "secret --json"/],
  [["frobnicate"], /there is no command "frobnicate"\n/],
  [["help", "frobnicate"], /there is no command "frobnicate"\n/],
  [["help", "versions", "frobnicate"], /there is no command "versions frobnicate"\n/],
  [["versions list"], /there is no command "versions list"/],
  [[""], /there is no command ""/],
  [["--json"], /no option --json before a command/],
  [["list", "--jsno"], /no option --jsno; did you mean --json\?\n {2}see: atoll list --help/],
  [["dev", "-env"], /no option -env; did you mean --env/],
  [["dev", "-x"], /no option -x\n/],
  [["completion", "-y"], /no option -y\n/],
  [["dev", "--port"], /--port needs a value: --port PORT/],
  [["dev", "-e"], /--env needs a value: --env NAME/],
  [["list", "--json=yes"], /--json takes no value/],
  [["completion"], /the shell's name is missing: atoll completion bash\|zsh\|fish/],
  [["completion", "bash", "zsh"], /"zsh" is one word too many/],
  [["completion", "tcsh"], /bash, zsh and fish, not "tcsh"/],
  [["doctor", "who"], /doctor takes no "who"/],
  [["dev", ...Array(300).fill("x")], /too many words/],
];

test("what is wrong with a command line ends with 2 and says what was probably meant", async () => {
  for (const [args, words] of mistakes) {
    const { status, stdout, stderr } = await run(args);
    assert.equal(status, 2, args.join(" "));
    assert.equal(stdout, "", args.join(" "));
    assert.match(stderr, words);
    assert.match(stderr, /^error: /);
  }
});

test("control characters of a command line do not reach the terminal", async () => {
  assert.doesNotMatch((await run(["\x1b[31mred\u009b"])).stderr, /[\x1b\u009b]/);
});

test("options stand where people put them", async (t) => {
  const cwd = project(t, {
    "wrangler.json": JSON.stringify({ name: "letters", main: "index.js", env: { staging: { vars: { ONLY_STAGING: "1" } } } }),
    "index.js": "export default {};",
  });
  for (const given of [["--env", "staging"], ["--env=staging"], ["-e", "staging"], ["-estaging"], ["-e=staging"]]) {
    const { status, stderr } = await run(["types", ...given, "--output", "out.d.ts"], { cwd });
    assert.equal(status, 0, stderr);
    assert.match(readFileSync(join(cwd, "out.d.ts"), "utf8"), /ONLY_STAGING/, given.join(" "));
  }
  assert.match((await run(["types", "--", "--env"], { cwd })).stderr, /--env/, "an operand behind --");
});

test("the version, in three spellings", async () => {
  for (const word of ["--version", "-v", "-V"]) assert.match((await run([word])).stdout, /^atoll \d+\.\d+\.\d+\n$/);
});

// ---- colours ----

test("there are colours at a terminal, unless nobody wants them, and never in a pipe", async (t) => {
  const pipe = await run(["help"], { env: { ...process.env, NO_COLOR: "", TERM: "xterm-256color" } });
  assert.doesNotMatch(pipe.stdout, ESCAPE);
  for (const [env, colours] of [[{}, true], [{ NO_COLOR: "1" }, false], [{ TERM: "dumb" }, false]]) {
    const terminal = await inTerminal(t, ["help"], { env });
    assert.equal(await terminal.status(), 0);
    assert.equal(ESCAPE.test(terminal.output), colours, JSON.stringify(env));
    assert.equal(terminal.text(), pipe.stdout);
  }
  const mistake = await inTerminal(t, ["dpeloy"]);
  assert.equal(await mistake.status(), 2);
  assert.match(mistake.output, /\x1b\[31merror:\x1b\[0m/);
});

// ---- completion ----

test("what could follow", () => {
  assert.ok("deploy" in complete(""));
  assert.deepEqual(Object.keys(complete("vers")), ["versions"]);
  assert.deepEqual(Object.keys(complete("versions", "u")), ["upload"]);
  assert.deepEqual(Object.keys(complete("help", "versions", "u")), ["upload"]);
  assert.deepEqual(Object.keys(complete("completion", "")), ["bash", "zsh", "fish"]);
  assert.deepEqual(Object.keys(complete("completion", "bash", "--")), ["--help"]);
  assert.deepEqual(complete("dev", "--persist-to", ""), { ":directories": undefined });
  assert.deepEqual(complete("dev", "--persist-to=x"), { ":directories": undefined });
  assert.deepEqual(complete("dev", "--quiet", ""), { ":files": undefined });
  assert.deepEqual(complete("dev", "--", "--po"), { ":files": undefined });
  assert.deepEqual(complete("dev", "--po"), { "--port": "where to listen (8787); 0 for any free one" });
  assert.deepEqual(Object.keys(complete("list", "--js")), ["--json"], "shared options, too");
  assert.deepEqual(complete("dev", "-e", "x"), {}, "nobody knows");
  assert.deepEqual(complete("nonsense", ""), {});
  assert.deepEqual(complete("runtime", "x", "y"), complete("runtime", "x", "y"), "what is hidden does not fail");
});

const shells = {
  bash: { args: ["--norc", "--noprofile", "-i"], setUp: "source <(atoll completion bash)" },
  zsh: { args: ["-f", "-i"], setUp: "autoload -Uz compinit && compinit -u -D; source <(atoll completion zsh)" },
  fish: { args: ["--no-config", "-i"], setUp: "atoll completion fish | source" },
};

for (const [name, shell] of Object.entries(shells)) {
  test(`${name} completes commands, options, values and files`, async (t) => {
    const home = project(t, { "bin/atoll": `#!/bin/sh\nexec '${binary}' "$@"\n`, "only-directory/only-file.js": "" });
    chmodSync(join(home, "bin/atoll"), 0o755);
    mkdirSync(join(home, "atoll"));
    writeFileSync(
      join(home, "atoll/credentials.json"),
      JSON.stringify({ current: "near:1", profiles: { "near:1": { url: "http://127.0.0.1:1", account: "a", token: "t" } } }),
      { mode: 0o600 },
    );
    const terminal = await inTerminal(t, shell.args, {
      program: name,
      cwd: home,
      env: { HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, XDG_CACHE_HOME: home, PS1: "> ", PATH: `${home}/bin:${process.env.PATH}` },
    });
    const says = (line, wanted) => {
      terminal.type(line, KEY.enter);
      return terminal.shows(wanted);
    };
    await says("printf '%s-%s\\n' is ready", "is-ready");
    await says(`${shell.setUp}; printf '%s-%s\\n' all set`, "all-set");
    for (const [typed, wanted] of [
      ["atoll comple\tba\t", "completion|bash"],
      ["atoll vers\tup\t", "versions|upload"],
      ["atoll dev --pers\tonly-d\t", "dev|--persist-to|only-directory/"],
      ["atoll dev --persist-to=only-d\t", "dev|--persist-to=only-directory/"],
      ["atoll dev only-directory/on\t", "dev|only-directory/only-file.js"],
      ["atoll list --profile ne\t", "list|--profile|near:1"],
      ["atoll list --profile=ne\t", "list|--profile=near:1"],
    ]) {
      const before = terminal.text().length;
      terminal.type(typed);
      const end = wanted.split("|").pop().slice(-4);
      await until(() => terminal.text().slice(before).includes(end), `${wanted}; it shows:\n${terminal.text().slice(before)}`);
      // What TAB made of the line is printed instead of run, word by word. zsh takes a slash away again.
      terminal.type("\x01", "printf '|%s' ", "\x05", KEY.enter);
      await until(
        () => `${terminal.text().slice(before)}|`.includes(`|atoll|${wanted.replace(/\/$/, "")}`),
        `${wanted} in\n${terminal.text().slice(before)}`,
      );
    }
    terminal.type("exit", KEY.enter);
    await terminal.status();
  });
}

// ---- the manual ----

test("the manual page is sound and tells of every command, option and exit status", async () => {
  const { stdout } = await run(["manual"]);
  const lint = spawnSync("mandoc", ["-T", "lint", "-W", "warning"], { input: stdout, encoding: "utf8" });
  assert.deepEqual(lint.stdout.split("\n").filter((line) => line && !line.includes("missing date")), []);
  const shown = spawnSync("mandoc", ["-T", "ascii", "-O", "width=200"], { input: stdout, encoding: "utf8" }).stdout;
  const page = shown.replace(/.\x08/g, "");
  for (const words of commands) assert.ok(page.includes(`atoll ${words.join(" ")}`), words.join(" "));
  for (const section of ["EXIT STATUS", "ENVIRONMENT", "FILES"]) assert.match(page, new RegExp(`^${section}$`, "m"));
  assert.match(page, /^ +130 +Interrupted/m);
  assert.match(page, /^ +-e, --env NAME$/m);
  assert.doesNotMatch(page, /atoll (runtime|complete|manual)\b/);
});

test("docs/cli.md is what atoll manual --markdown prints", async () => {
  const { stdout } = await run(["manual", "--markdown"]);
  const page = readFileSync(join(root, "docs/cli.md"), "utf8");
  assert.equal(page, stdout, "write it again: build/atoll manual --markdown > docs/cli.md");
});

// ---- doctor ----

const finding = (findings, name) => findings.find((one) => one.name === name);

test("doctor finds a machine that works", async (t) => {
  const findings = await json(t, ["doctor"]);
  for (const name of ["kernel", "JavaScriptCore", "libraries", "esbuild", "seccomp", "Landlock", "credentials", "server", "ports"])
    assert.ok(finding(findings, name), name);
  assert.match(finding(findings, "JavaScriptCore").text, /compiles \(JIT\)/);
  assert.match(finding(findings, "server").text, new RegExp(`${server.base}, atoll \\d`));
  assert.match(finding(findings, "libraries").text, /libuv.*SQLite.*ICU.*libcurl.*OpenSSL/);
  assert.deepEqual(findings.filter((one) => one.status === "error"), []);
  for (const one of findings) assert.ok(one.status === "ok" || one.advice, `${one.name} says what to do`);
  const shown = await done(t, ["doctor"]);
  assert.match(shown.stdout, /^machine\n(?:.*\n)*installation\n(?:.*\n)*sandbox\n(?:.*\n)*server\n/m);
});

test("doctor says what is broken, and what to do about it", async (t) => {
  const cwd = project(t, { "wrangler.json": '{"name": "no main", ' });
  const env = { ATOLL_ESBUILD: "/nowhere/esbuild", JSC_useJIT: "0", CLOUDFLARE_API_BASE_URL: "http://127.0.0.1:1/client/v4" };
  const { status, stdout } = await atoll(t, ["doctor", "--json"], { cwd, env });
  const findings = JSON.parse(stdout);
  assert.equal(status, 1);
  for (const [name, level, words] of [
    ["esbuild", "error", /nowhere.esbuild does not run/],
    ["JavaScriptCore", "warning", /interprets only/],
    ["configuration", "error", /wrangler\.json/],
    ["server", "error", /127\.0\.0\.1:1/],
  ]) {
    assert.equal(finding(findings, name).status, level, name);
    assert.match(finding(findings, name).text, words);
  }
  assert.match(finding(findings, "esbuild").advice, /ATOLL_ESBUILD/);
});

test("doctor sees a token that is refused, and credentials that others may read", async (t) => {
  const cwd = project(t, { "atoll/credentials.json": '{"profiles": {}}' });
  chmodSync(join(cwd, "atoll/credentials.json"), 0o644);
  const { status, stdout } = await atoll(t, ["doctor", "--json"], { cwd, env: { CLOUDFLARE_API_TOKEN: "wrong" } });
  assert.equal(status, 1);
  assert.match(finding(JSON.parse(stdout), "server").advice, /atoll login/);
  assert.match(finding(JSON.parse(stdout), "credentials").text, /others may read/);
});

// ---- streams ----

test("a stream that is closed is not taken for the next socket", async (t) => {
  const env = environment(server.base, project(t));
  for (const closed of [">&-", "<&-", "2>&-", "<&- >&- 2>&-"]) {
    const { status, stderr } = spawnSync("sh", ["-c", `'${binary}' list ${closed}`], { env, encoding: "utf8" });
    assert.equal(status, 0, `${closed}: ${stderr}`);
  }
});

test("what cannot be printed is a failure, but for a reader that has enough", async (t) => {
  const env = environment(server.base, project(t));
  const full = spawnSync("sh", ["-c", `'${binary}' list --json > /dev/full`], { env, encoding: "utf8" });
  assert.equal(full.status, 1);
  assert.match(full.stderr, /standard output cannot be written/);
  const gone = spawnSync("bash", ["-c", `'${binary}' list --json | true; echo "\${PIPESTATUS[0]}"`], { env, encoding: "utf8" });
  assert.deepEqual([gone.stdout, gone.stderr], ["0\n", ""]);
});

// ---- what happens at a terminal only ----

test("a wait shows what it is about, in one line that goes again", async (t) => {
  const waiting = [];
  const slow = createServer((request, response) => waiting.push(response)).listen(0, "127.0.0.1");
  await once(slow, "listening");
  afterwards(t, () => slow.close());
  const env = environment(`http://127.0.0.1:${slow.address().port}/client/v4`, project(t));
  const terminal = await inTerminal(t, ["open", "slow", "--print"], { env: { ...env, NO_COLOR: "" } });
  await terminal.shows(/[\u2800-\u28ff] asking for its address/);
  const drawn = terminal.output.length;
  await until(() => terminal.output.length > drawn, "the next frame");
  const urls = ["http://slow.test/"];
  waiting[0].end(JSON.stringify({ success: true, errors: [], messages: [], result: { name: "slow", urls } }));
  assert.equal(await terminal.status(), 0);
  assert.match(terminal.output, /\r\x1b\[Khttp:\/\/slow\.test\/\r\n$/, "the line is empty before the result");
});

test("a secret is not shown while it is typed, and Ctrl-C leaves the terminal as it was", async (t) => {
  const cwd = project(t, { "wrangler.json": '{"name": "hush", "main": "index.js"}', "index.js": "export default {};" });
  assert.ok((await server.deploy("hush", "export default { fetch: (_, env) => new Response(env.TOKEN) };")).success);
  const env = environment(server.base, cwd);
  const terminal = await inTerminal(t, ["secret", "put", "TOKEN"], { cwd, env });
  await terminal.shows(/TOKEN/);
  terminal.type("what nobody sees", KEY.enter);
  assert.equal(await terminal.status(), 0, terminal.text());
  assert.doesNotMatch(terminal.output, /nobody sees/);
  assert.equal((await server.ask("hush")).body, "what nobody sees");

  const shell = `'${binary}' secret put TOKEN; echo "status $?"; stty -a`;
  const stopped = await inTerminal(t, ["-c", `trap : INT; ${shell}`], { program: "/bin/sh", cwd, env });
  await stopped.shows(/TOKEN/);
  stopped.type("half a sec", KEY.interrupt);
  await stopped.shows(/status 130[^]* echo /);
});

// ---- open ----

test("open prints a worker's address and hands it to the browser", async (t) => {
  assert.ok((await server.deploy("opened", "export default { fetch: () => new Response('hello') };")).success);
  const cwd = project(t, { "browser": '#!/bin/sh\nprintf %s "$2" >"$1.part" && mv "$1.part" "$1"\n' });
  chmodSync(join(cwd, "browser"), 0o755);
  const seen = join(cwd, "seen");
  const { stdout, stderr } = await done(t, ["open", "opened"], { cwd, env: { BROWSER: `${cwd}/browser ${seen}` } });
  const url = stdout.trim();
  assert.match(url, /^http:\/\/opened\.localhost:\d+$/);
  assert.equal(stderr, "");
  await until(() => existsSync(seen), "the browser");
  assert.equal(readFileSync(seen, "utf8"), url);
  assert.equal((await server.ask("opened")).body, "hello");
  assert.equal((await done(t, ["open", "--name", "opened", "--print"])).stdout, `${url}\n`);
  assert.equal((await json(t, ["open", "opened"])).name, "opened");
});

test("open without a browser, for a worker that is not there, without a worker", async (t) => {
  const none = await done(t, ["open", "opened"], { env: { BROWSER: "", DISPLAY: "", WAYLAND_DISPLAY: "" } });
  assert.match(none.stderr, /no browser could be started/);
  const absent = await atoll(t, ["open", "opend"]);
  assert.deepEqual([absent.status, absent.stdout], [4, ""]);
  assert.match(absent.stderr, /opened/, "the name that was meant");
  assert.notEqual((await atoll(t, ["open"])).status, 0);
  assert.equal((await atoll(t, ["open", "opened"], { env: { CLOUDFLARE_API_TOKEN: "wrong" } })).status, 3);
  assert.equal((await atoll(t, ["open", "opened"], { env: { CLOUDFLARE_API_BASE_URL: "http://127.0.0.1:1/client/v4" } })).status, 5);
});
