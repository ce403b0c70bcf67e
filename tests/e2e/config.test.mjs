// Configuration files as people write them, and what is said about those that are wrong.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { dev, project, run, write } from "./atoll.mjs";

const showEnv = "export default { fetch: (request, env) => Response.json(env) };\n";
const env = async (server) => (await server.fetch()).json();

test("wrangler.toml, wrangler.jsonc and wrangler.json give the same", async (t) => {
  const written = {
    "wrangler.toml": `name = "w"
main = "src/index.js"
compatibility_date = "2026-01-31"
[vars]
TEXT = "é"
LIST = [1, 2.5, true]
[vars.TABLE]
a = { b = "c" }
`,
    "wrangler.jsonc": `{
  // a comment, with "quotes" and a /* start
  "name": "w", /* and
  another */ "main": "src/index.js",
  "compatibility_date": "2026-01-31",
  "vars": { "TEXT": "é", "LIST": [1, 2.5, true,], "TABLE": { "a": { "b": "c" } }, },
}
`,
    "wrangler.json": JSON.stringify({
      name: "w",
      main: "src/index.js",
      compatibility_date: "2026-01-31",
      vars: { TEXT: "é", LIST: [1, 2.5, true], TABLE: { a: { b: "c" } } },
    }),
  };
  for (const [name, text] of Object.entries(written)) {
    const server = await dev(t, project(t, { [name]: text, "src/index.js": showEnv }));
    assert.deepEqual(await env(server), { TEXT: "é", LIST: [1, 2.5, true], TABLE: { a: { b: "c" } } }, name);
    await server.stop();
  }
});

test("an environment inherits what wrangler lets it inherit", async (t) => {
  const dir = project(t, {
    "wrangler.toml": `name = "w"
main = "index.js"
vars = { A = "top", B = "top" }
[env.staging]
vars = { A = "staging" }
[env.bare]
`,
    "index.js": showEnv,
  });
  const staging = await dev(t, dir, { args: ["--env", "staging"] });
  assert.deepEqual(await env(staging), { A: "staging" });
  const bare = await dev(t, dir, { args: ["--env=bare"] });
  assert.deepEqual(await env(bare), {});
  await bare.shows('"vars" stands at the top but not in "env.bare"');
  const { status, stderr } = await run(["dev", dir, "--port", "0", "--env", "stagin"]);
  assert.equal(status, 1);
  assert.match(stderr, /no environment "stagin"; there are: staging, bare/);
});

test(".dev.vars wins over vars, --var over both", async (t) => {
  const dir = project(t, {
    "wrangler.json": '{"name":"w","main":"index.js","vars":{"A":"file","B":"file","C":"file"}}',
    "index.js": showEnv,
    ".dev.vars": `# secrets
export B="two
lines"
C = plain value # and a comment
D='single # quoted'
`,
  });
  const server = await dev(t, dir, { args: ["--var", "C=command", "--var", "E=a=b"] });
  assert.deepEqual(await env(server), {
    A: "file",
    B: "two\nlines",
    C: "command",
    D: "single # quoted",
    E: "a=b",
  });
});

test("a script alone needs no configuration", async (t) => {
  const dir = project(t, { "thing.ts": "export default { fetch: (): Response => new Response('thing') };\n" });
  const server = await dev(t, join(dir, "thing.ts"));
  assert.equal(await server.text(), "thing");
});

test("the working directory is the default", async (t) => {
  const dir = project(t, { "wrangler.toml": 'name = "w"\nmain = "i.js"\n', "i.js": showEnv });
  const server = await dev(t, [], { cwd: dir });
  assert.deepEqual(await env(server), {});
});

test("an unknown key is a warning that names the likely one", async (t) => {
  const dir = project(t, {
    "wrangler.toml": 'name = "w"\nmain = "i.js"\nworkers_dev = true\ncompatibility_dat = "2026-01-31"\n',
    "i.js": showEnv,
  });
  const server = await dev(t, dir);
  await server.shows('wrangler.toml:4:1: unknown key "compatibility_dat" is ignored; did you mean "compatibility_date"?');
  assert.doesNotMatch(server.stderr, /workers_dev/);
});

const rateLimit = (limit, period) =>
  `name = "RL"\nnamespace_id = "1"\nsimple = { limit = ${limit}, period = ${period} }\n`;

const wrong = [
  ["toml syntax", "wrangler.toml", 'name = "w"\nmain = \n', /wrangler\.toml:2:\d+: /],
  ["json syntax", "wrangler.jsonc", '{\n  "name": "w"\n  "main": 1\n}', /wrangler\.jsonc:3:\d+: /],
  ["json that is no object", "wrangler.json", "[]", /wrangler\.json:1:1: .*one object/],
  ["an empty file", "wrangler.json", "", /wrangler\.json:1:/],
  ["no main", "wrangler.toml", 'name = "w"\n', /wrangler\.toml: "main" is missing/],
  ["main of a wrong type", "wrangler.toml", 'name = "w"\nmain = 7\n', /wrangler\.toml:2:1: "main" must be a string, but it is a number/],
  ["main that is not there", "wrangler.toml", 'main = "no.js"\nname = "w"\n', /wrangler\.toml:1:1: "main" must name a file that exists, but "no\.js" does not/],
  ["vars of a wrong type", "wrangler.toml", 'name = "w"\nmain = "i.js"\nvars = "x"\n', /wrangler\.toml:3:1: "vars" must be a table of names and values, but it is a string/],
  ["vars of a wrong type", "wrangler.jsonc", '{"name": "w", "main": "i.js",\n "vars": [1]}', /wrangler\.jsonc:2:10: "vars" must be an object of names and values, but it is a list/],
  ["a rate limit of 0", "wrangler.toml", `name = "w"\nmain = "i.js"\n[[ratelimits]]\n${rateLimit(0, 60)}`,
    /wrangler\.toml:3:1: "ratelimits": The rate limit "RL" needs "simple": \{"limit": 1 to 1000000, "period": 10 or 60\}/],
  ["a rate limit's period", "wrangler.toml", `name = "w"\nmain = "i.js"\n[[unsafe.bindings]]\ntype = "ratelimit"\n${rateLimit(5, 30)}`,
    /wrangler\.toml:3:1: "unsafe\.bindings": The rate limit "RL" needs "simple"/],
  ["flags of a wrong type", "wrangler.toml", 'name = "w"\nmain = "i.js"\ncompatibility_flags = ["a", 1]\n', /wrangler\.toml:3:1: "compatibility_flags" must be a list of strings, but item 2 is a number/],
  ["a date that is none", "wrangler.toml", 'name = "w"\nmain = "i.js"\ncompatibility_date = "31.1.2026"\n', /wrangler\.toml:3:1: .*a date such as/],
  ["a name that is none", "wrangler.toml", 'name = "Not A Name"\nmain = "i.js"\n', /wrangler\.toml:1:1: "Not A Name" cannot be a worker's name/],
  ["a limit out of range", "wrangler.toml", 'name = "w"\nmain = "i.js"\n[limits]\ncpu_ms = 0\n', /wrangler\.toml:4:1: "limits\.cpu_ms" must lie between 1 and 300000/],
  ["a schedule that is none", "wrangler.toml", 'name = "w"\nmain = "i.js"\n[triggers]\ncrons = ["* * *"]\n', /wrangler\.toml:4:1: "triggers\.crons": "\* \* \*" is no schedule/],
  ["schedules of a wrong type", "wrangler.jsonc", '{"name": "w", "main": "i.js",\n "triggers": {"crons": "* * * * *"}}', /wrangler\.jsonc:2:\d+: "triggers\.crons" must be a list of strings, but it is a string/],
  ["a define that is no string", "wrangler.toml", 'name = "w"\nmain = "i.js"\n[define]\nX = 1\n', /wrangler\.toml:4:1: "define\.X" must be a string/],
];

for (const [what, name, text, expected] of wrong) {
  test(`wrong: ${what} (${name})`, async (t) => {
    const dir = project(t, { [name]: text, "i.js": showEnv });
    const { status, stdout, stderr } = await run(["dev", "--port", "0"], { cwd: dir });
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(stderr, expected);
  });
}

test("nothing to run is said with what to do", async (t) => {
  const dir = project(t);
  const { status, stderr } = await run(["dev", "--port", "0"], { cwd: dir });
  assert.equal(status, 1);
  assert.match(stderr, /no wrangler\.jsonc.*in this directory/);
  assert.match(stderr, /atoll init/);
  const missing = await run(["dev", "nowhere", "--port", "0"], { cwd: dir });
  assert.match(missing.stderr, /nowhere: there is no such file or directory/);
  write(dir, "notes.md", "");
  const text = await run(["dev", "notes.md", "--port", "0"], { cwd: dir });
  assert.match(text.stderr, /notes\.md: neither a script/);
});

test("the command line says what is wrong with it", async () => {
  const cases = [
    [["dve"], /no command "dve"; did you mean "dev"\?/],
    [["dev", "--prot", "1"], /no option --prot; did you mean --port\?/],
    [["dev", "--port"], /--port needs a value/],
    [["dev", "--port", "http"], /--port takes a number from 0 to 65535/],
    [["dev", "--port", "65536"], /--port takes a number/],
    [["dev", "--quiet=yes"], /--quiet takes no value/],
    [["dev", "--var", "novalue"], /--var takes NAME=VALUE/],
    [["dev", "-p", "1"], /no option -p/],
    [["--no-such"], /no option --no-such/],
  ];
  for (const [args, expected] of cases) {
    const { status, stdout, stderr } = await run(args);
    assert.equal(status, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, expected);
    assert.match(stderr, /see: atoll .*--help/);
  }
});

test("help and version", async () => {
  for (const args of [["--help"], ["help"], []]) {
    const { status, stdout } = await run(args);
    assert.equal(status, 0);
    assert.match(stdout, /init .*\n.*dev /);
    assert.doesNotMatch(stdout, /runtime/);
  }
  for (const args of [["help", "dev"], ["dev", "--help"], ["dev", "x", "-h"]]) {
    const { status, stdout } = await run(args);
    assert.equal(status, 0);
    assert.match(stdout, /usage: atoll dev/);
    assert.match(stdout, /--port PORT/);
  }
  assert.match((await run(["--version"])).stdout, /^atoll \d+\.\d+\.\d+\n$/);
});
