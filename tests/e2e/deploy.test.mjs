// `atoll deploy` and `atoll versions upload` against the real server: what a worker answers
// afterwards is what counts.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { afterwards, project, root, run, says, until, write } from "./atoll.mjs";
import { start } from "./client.mjs";
import { serve, TOKEN } from "./serve.mjs";
import { inTerminal } from "./terminal.mjs";

const SCRIPTS = "/accounts/default/workers/scripts";
const server = await serve({ after });
const home = project({ after });

const environment = (env) => ({
  PATH: process.env.PATH,
  ATOLL_ESBUILD: process.env.ATOLL_ESBUILD,
  HOME: home,
  XDG_CONFIG_HOME: home,
  NO_COLOR: "1",
  CLOUDFLARE_API_BASE_URL: server.base,
  CLOUDFLARE_API_TOKEN: TOKEN,
  CLOUDFLARE_ACCOUNT_ID: "default",
  ...env,
});

const clean = (env) => Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));

/** Runs atoll in `cwd` to its end: {status, stdout, stderr}; `status` is checked. */
async function atoll(cwd, args, { status = 0, env = {} } = {}) {
  const ended = await run(args, { cwd, env: clean(environment(env)) });
  assert.equal(ended.status, status, `atoll ${args.join(" ")}: ${ended.signal}\n${ended.stdout}${ended.stderr}`);
  return ended;
}

/** A project: its configuration, with a name and a main module if it names none. */
function worker(t, name, files, config = {}) {
  const all = { name, main: Object.keys(files)[0], compatibility_date: "2026-04-01", ...config };
  return project(t, { ...files, "wrangler.jsonc": JSON.stringify(all) });
}

const body = async (name, path, init) => (await server.ask(name, path, init)).body;
const json = async (name, path, init) => JSON.parse(await body(name, path, init));
const SHOWS_ENV = "export default { fetch: (request, env) => Response.json(env) };";
const versionsOf = async (name) => (await server.api("GET", `${SCRIPTS}/${name}/versions`)).result.items;

test("deploy makes a project live and says where", async (t) => {
  const directory = worker(t, "plain", { "src/index.js": says("one") });
  const first = await atoll(directory, ["deploy"]);
  assert.match(first.stdout, /^Uploaded plain \(\d+ B, gzip \d+ B\) in [\d.]+ m?s\nDeployed version [0-9a-f]{8} in /);
  assert.match(first.stdout, new RegExp(`\n  http://plain\\.localhost:${server.port}\n$`));
  assert.equal(first.stderr, "", "nothing else when nobody watches");
  assert.equal(await body("plain"), "one");

  write(directory, "src/index.js", says("two"));
  await atoll(root, ["deploy", directory]);
  assert.equal(await body("plain"), "two");
  await atoll(directory, ["deploy", "wrangler.jsonc", "--name", "renamed"]);
  assert.equal(await body("renamed"), "two");
  const listed = await versionsOf("plain");
  assert.equal(listed.length, 2);
  assert.deepEqual(Object.keys(listed[0].annotations), ["workers/triggered_by"], "nothing is said of it unless asked");
});

test("TypeScript, JSX, text, data and WebAssembly", async (t) => {
  const directory = worker(t, "kinds", {
    "src/index.tsx": `
      import add from "./add.wasm";
      import again from "./add.wasm?module";
      import page from "./page.html";
      import words from "./words.txt";
      import data from "./data.bin";
      import { hello } from "./hello";
      import settings from "./settings.json";
      const h = (name: string, props: unknown, ...inner: string[]): string => "<" + name + ">" + inner.join("") + "</" + name + ">";
      enum Kind { A = 5 }
      export default {
        async fetch(): Promise<Response> {
          const instance = await WebAssembly.instantiate(add, {});
          return Response.json([
            (instance.exports.add as Function)(2, 3), again instanceof WebAssembly.Module, page.trim(), words.trim(),
            new Uint8Array(data).length, hello("ann"), settings.a, <b>bold</b>, Kind.A,
          ]);
        },
      };`,
    "src/hello.ts": "export const hello = (who: string): string => `hello ${who}`;",
    "src/page.html": "<p>page</p>\n",
    "src/words.txt": "words\n",
    "src/data.bin": "12345",
    "src/settings.json": '{"a":1}',
    "tsconfig.json": '{"compilerOptions":{"jsx":"react","jsxFactory":"h"}}',
  });
  write(directory, "src/add.wasm", readFileSync(join(root, "examples/wasm/src/add.wasm")));
  await atoll(directory, ["deploy"]);
  assert.deepEqual(await json("kinds"), [5, true, "<p>page</p>", "words", 5, "hello ann", 1, "<b>bold</b>", 5]);
});

test("environments, variables of every kind, and those of the command line", async (t) => {
  const config = {
    vars: { TEXT: "top", LIST: [1, { a: null }], COUNT: 3 },
    env: { staging: { vars: { TEXT: "staging" } } },
  };
  const directory = worker(t, "vars", { "index.js": SHOWS_ENV }, config);
  await atoll(directory, ["deploy", "--var", "EXTRA:a:b=c", "--var", "COUNT=4"]);
  assert.deepEqual(await json("vars"), { TEXT: "top", LIST: [1, { a: null }], COUNT: "4", EXTRA: "a:b=c" });
  write(directory, ".dev.vars", "TEXT=of-my-desk\n");
  const { stdout } = await atoll(directory, ["deploy", "-e", "staging"]);
  assert.match(stdout, /Uploaded vars-staging /);
  assert.deepEqual(await json("vars-staging"), { TEXT: "staging" }, "no .dev.vars on a server");

  const wrong = await atoll(directory, ["deploy", "--env", "stagng"], { status: 4 });
  assert.match(wrong.stderr, /no environment "stagng"; there are: staging\s+did you mean "staging"\?/);
});

test("--keep-vars keeps what was set elsewhere", async (t) => {
  const directory = worker(t, "kept", { "index.js": SHOWS_ENV }, { vars: { A: "1" } });
  await atoll(directory, ["deploy", "--var", "B:2"]);
  await atoll(directory, ["deploy", "--keep-vars"]);
  assert.deepEqual(await json("kept"), { A: "1", B: "2" });
  await atoll(directory, ["deploy"]);
  assert.deepEqual(await json("kept"), { A: "1" });
});

test("secrets from a file, kept by later deploys, and asked for when they are required", async (t) => {
  const directory = worker(
    t,
    "secretive",
    { "index.js": SHOWS_ENV, "secrets.json": '{"KEY": "s3cr3t"}', ".env.secrets": "# more\nOTHER='two words'\n", "bad.json": '{"A":1}' },
    { secrets: { required: ["KEY"] } },
  );
  const missing = await atoll(directory, ["deploy"], { status: 1 });
  assert.match(missing.stderr, /KEY.*invalid[\s\S]*"secrets\.required" is not set: give it with --secrets-file/);
  await atoll(directory, ["deploy", "--secrets-file", "secrets.json"]);
  assert.deepEqual(await json("secretive"), { KEY: "s3cr3t" });
  await atoll(directory, ["deploy", "--secrets-file", ".env.secrets"]);
  assert.deepEqual(await json("secretive"), { KEY: "s3cr3t", OTHER: "two words" });
  await atoll(directory, ["deploy"]);
  assert.deepEqual(await json("secretive"), { KEY: "s3cr3t", OTHER: "two words" });

  const shown = await atoll(directory, ["deploy", "--dry-run", "--secrets-file", "secrets.json"]);
  assert.match(shown.stdout, /KEY +secret_text/);
  const shownJson = await atoll(directory, ["deploy", "--dry-run", "--json", "--secrets-file", "secrets.json"]);
  assert.doesNotMatch(shown.stdout + shownJson.stdout, /s3cr3t/);
  const bad = await atoll(directory, ["deploy", "--secrets-file", "bad.json"], { status: 1 });
  assert.match(bad.stderr, /bad\.json: the secret "A" must be a string/);
});

test("cron triggers, routes, custom domains and workers_dev: what is said counts, the rest stays", async (t) => {
  const source = "export default { fetch: (request) => new Response(new URL(request.url).pathname), scheduled() {} };";
  const config = {
    triggers: { crons: ["*/5 * * * *", "0 0 1 1 *"] },
    routes: ["example.test/api/*", { pattern: "*.wild.test/*", zone_name: "wild.test" }, { pattern: "shop.test", custom_domain: true }],
  };
  const directory = worker(t, "routed", { "index.js": source }, config);
  const { stdout } = await atoll(directory, ["deploy"]);
  for (const line of [`http://shop.test:${server.port}`, "example.test/api/*", "*.wild.test/*", 'cron "*/5 * * * *"', 'cron "0 0 1 1 *"'])
    assert.ok(stdout.includes(`\n  ${line}\n`), `${line} in ${stdout}`);
  assert.equal(await body("example.test", "/api/x"), "/api/x");
  assert.equal(await body("a.wild.test", "/y"), "/y");
  assert.equal(await body("shop.test", "/"), "/");
  assert.equal((await server.ask("routed", "/")).status, 404, "routes switch workers_dev off");
  const crons = async () => (await server.api("GET", `${SCRIPTS}/routed/schedules`)).result.schedules.map(({ cron }) => cron).sort();
  assert.deepEqual(await crons(), ["*/5 * * * *", "0 0 1 1 *"]);

  write(directory, "wrangler.jsonc", JSON.stringify({ name: "routed", main: "index.js" }));
  await atoll(directory, ["deploy"]);
  assert.equal((await server.ask("routed", "/")).status, 200, "without routes it is on");
  assert.equal(await body("example.test", "/api/x"), "/api/x", "no word about routes: they stay");
  assert.deepEqual(await crons(), ["*/5 * * * *", "0 0 1 1 *"]);

  write(directory, "wrangler.jsonc", JSON.stringify({ name: "routed", main: "index.js", workers_dev: false, route: "new.test/*", triggers: { crons: [] } }));
  await atoll(directory, ["deploy"]);
  assert.equal(await body("new.test", "/x"), "/x");
  assert.equal((await server.ask("example.test", "/api/x")).status, 404, "routes are replaced");
  assert.equal((await server.ask("routed", "/")).status, 404);
  assert.deepEqual(await crons(), []);
});

test("a worker without any address says so", async (t) => {
  const directory = worker(t, "hidden", { "index.js": says("x") }, { workers_dev: false });
  assert.match((await atoll(directory, ["deploy"])).stdout, /no address: workers_dev is off/);
});

test("what fails after the version is live is told apart", async (t) => {
  await server.api("POST", "/accounts", { id: "other", name: "Other", subdomain: "other" });
  const taken = worker(t, "owner", { "index.js": says("owner") }, { routes: ["mine.test/*"] });
  await atoll(taken, ["deploy", "--account", "other"]);
  const directory = worker(
    t,
    "late",
    { "index.js": says("late") },
    { routes: ["mine.test/*"], workers_dev: true, triggers: { crons: ["1 2 3 4 *"] } },
  );
  const late = await atoll(directory, ["deploy"], { status: 1 });
  assert.match(late.stderr, /the version is live, but routes were not set: .*mine\.test/);
  assert.match(late.stdout, /Deployed version [0-9a-f]{8} /);
  assert.match(late.stdout, /cron "1 2 3 4 \*"/);
  assert.equal(await body("late"), "late");
});

test("a custom domain moves between workers only when somebody says so", async (t) => {
  const routes = [{ pattern: "moving.test", custom_domain: true }];
  await atoll(worker(t, "before", { "index.js": says("before") }, { routes }), ["deploy"]);
  const directory = worker(t, "behind", { "index.js": says("behind") }, { routes });
  const refused = await atoll(directory, ["deploy"], { status: 1 });
  assert.match(refused.stderr, /custom domains were not set: .*moving\.test/s);
  assert.equal(await body("moving.test"), "before");
  const terminal = await inTerminal(t, ["deploy"], { cwd: directory, env: environment({ NO_COLOR: "" }) });
  await terminal.shows(/move it here\? \[y\/N\]/);
  terminal.type("n\r");
  assert.equal(await terminal.status(), 1);
  assert.equal(await body("moving.test"), "before");
  await atoll(directory, ["deploy", "--yes"]);
  assert.equal(await body("moving.test"), "behind");
});

test("no_bundle sends the files as they are, by the rules", async (t) => {
  const directory = worker(
    t,
    "raw",
    {
      "src/index.mjs": `import { part } from "./lib/part.mjs";
        import text from "./note.txt";
        export default { fetch: () => new Response(part + text.trim() + "\\u0021") };`,
      "src/lib/part.mjs": 'export const part = "part and ";',
      "src/note.txt": "note\n",
      "src/unused.js": "not sent",
      "src/node_modules/x/y.mjs": "not sent",
    },
    { no_bundle: true, rules: [{ type: "ESModule", globs: ["**/*.mjs"] }] },
  );
  await atoll(directory, ["deploy", "--outdir", "out"]);
  assert.equal(await body("raw"), "part and note!");
  assert.deepEqual(readdirSync(join(directory, "out")).sort(), ["index.mjs", "lib", "note.txt"]);
  for (const name of ["index.mjs", "lib/part.mjs"])
    assert.equal(readFileSync(join(directory, "out", name), "utf8"), readFileSync(join(directory, "src", name), "utf8"));
  write(directory, "src/index.mjs", "export default {");
  assert.match((await atoll(directory, ["deploy"], { status: 1 })).stderr, /src\/index\.mjs:1:\d+/);
});

test("find_additional_modules sends more than what is imported", async (t) => {
  const directory = worker(
    t,
    "additional",
    { "src/index.js": says("x"), "src/lang/de.mjs": "export default 'de';", "src/lang/en.mjs": "export default 'en';" },
    { find_additional_modules: true, base_dir: "./src", rules: [{ type: "ESModule", globs: ["lang/*.mjs"] }] },
  );
  const { stdout } = await atoll(directory, ["deploy", "--dry-run", "--json"]);
  assert.deepEqual(JSON.parse(stdout).modules.map(({ name }) => name), ["index.js", "lang/de.mjs", "lang/en.mjs", "index.js.map"]);
  await atoll(directory, ["deploy"]);
  assert.equal(await body("additional"), "x");
});

test("service-worker format, with what it imports as bindings", async (t) => {
  const directory = worker(t, "classic", {
    "index.js": `import add from "./add.wasm";
      import text from "./note.txt";
      addEventListener("fetch", (event) => event.respondWith((async () => {
        const { exports } = await WebAssembly.instantiate(add, {});
        return new Response(text.trim() + exports.add(20, 22) + TAG + LEGACY.trim());
      })()));`,
    "note.txt": "answer ",
    "legacy.txt": "!\n",
  }, { vars: { TAG: " ok" }, text_blobs: { LEGACY: "legacy.txt" } });
  write(directory, "add.wasm", readFileSync(join(root, "examples/wasm/src/add.wasm")));
  const { stdout } = await atoll(directory, ["deploy", "--dry-run", "--json"]);
  const { metadata, modules } = JSON.parse(stdout);
  assert.equal(metadata.body_part, "index.js");
  assert.equal(modules[0].type, "application/javascript");
  await atoll(directory, ["deploy"]);
  assert.equal(await body("classic"), "answer42 ok!");
});

test("--gradual shares the requests with the live version", async (t) => {
  const directory = worker(t, "gradual", { "index.js": says("one") }, { observability: { enabled: false } });
  const refused = await atoll(directory, ["deploy", "--gradual", "10"], { status: 4 });
  assert.match(refused.stderr, /"gradual" has no live version[\s\S]*deploy it without --gradual first/);
  await atoll(directory, ["deploy"]);
  const config = { name: "gradual", main: "index.js", observability: { enabled: true } };
  write(directory, "wrangler.jsonc", JSON.stringify(config));
  write(directory, "index.js", says("two"));
  const { stdout } = await atoll(directory, ["deploy", "--gradual", "30", "-m", "carefully"]);
  assert.match(stdout, /Deployed version [0-9a-f]{8} for 30 % of the requests, [0-9a-f]{8} for 70 %/);
  const { result } = await server.api("GET", `${SCRIPTS}/gradual/deployments`);
  assert.deepEqual(result.deployments[0].versions.map(({ percentage }) => percentage).sort(), [30, 70]);
  assert.equal(result.deployments[0].annotations["workers/message"], "carefully");
  const settings = await server.api("GET", `${SCRIPTS}/gradual/script-settings`);
  assert.equal(settings.result.observability.enabled, true);
  const answers = new Set();
  for (let i = 0; i < 60; i++) answers.add(await body("gradual", "/", { headers: { "Cloudflare-Workers-Version-Key": `k${i}` } }));
  assert.deepEqual([...answers].sort(), ["one", "two"]);
  for (const wrong of ["0", "101", "ten"]) await atoll(directory, ["deploy", "--gradual", wrong], { status: 2 });
});

test("versions upload: message and tag, not live", async (t) => {
  const directory = worker(t, "versioned", { "index.js": says("one") });
  const absent = await atoll(directory, ["versions", "upload"], { status: 4 });
  assert.match(absent.stderr, /the first version goes live with: atoll deploy/);
  await atoll(directory, ["deploy", "--message", "the first", "--tag", "v1"]);
  write(directory, "index.js", says("two"));
  const { stdout } = await atoll(directory, ["versions", "upload", "--tag", "v2", "-m", "the second"]);
  assert.match(stdout, /Uploaded versioned .*\nVersion [0-9a-f-]{36} is not live\n/);
  assert.equal(await body("versioned"), "one");
  const listed = await versionsOf("versioned");
  assert.deepEqual(
    listed.map(({ annotations }) => [annotations["workers/message"], annotations["workers/tag"]]),
    [["the second", "v2"], ["the first", "v1"]],
  );
  const parsed = JSON.parse((await atoll(directory, ["versions", "upload", "--json"])).stdout);
  assert.match(parsed.id, /^[0-9a-f-]{36}$/);
});

test("--json has one value and nothing else", async (t) => {
  const directory = worker(t, "machine", { "index.js": says("x") }, { triggers: { crons: ["* * * * *"] } });
  const { stdout } = await atoll(directory, ["deploy", "--json"]);
  const value = JSON.parse(stdout);
  assert.equal(value.name, "machine");
  assert.equal(value.percentage, 100);
  assert.deepEqual(value.urls, [`http://machine.localhost:${server.port}`]);
  assert.deepEqual(value.crons, ["* * * * *"]);
  assert.equal((await versionsOf("machine"))[0].id, value.version_id);
});

test("--dry-run needs no server and sends nothing; --outdir has the modules", async (t) => {
  const directory = worker(t, "dry", { "src/index.ts": "export default { fetch: (): Response => new Response('x') };" }, {
    vars: { A: "text", B: { c: 1 } },
    routes: ["dry.test/*"],
    kv_namespaces: [{ binding: "KV", id: "abc" }],
  });
  const nobody = { CLOUDFLARE_API_BASE_URL: undefined, CLOUDFLARE_API_TOKEN: undefined, CLOUDFLARE_ACCOUNT_ID: undefined };
  const { stdout, stderr } = await atoll(directory, ["deploy", "--dry-run", "--outdir", "dist"], { env: nobody });
  assert.match(stdout, /index\.js +application\/javascript\+module/);
  assert.match(stdout, /A +plain_text +"text"/);
  assert.match(stdout, /B +json +\{"c": ?1\}/);
  assert.match(stdout, /KV +kv_namespace +\{"namespace_id":"abc"\}/);
  assert.match(stdout, /route dry\.test\/\*/);
  assert.match(stderr, /nothing was sent/);
  assert.deepEqual(readdirSync(join(directory, "dist")).sort(), ["index.js", "index.js.map"]);
  assert.equal((await server.api("GET", `${SCRIPTS}/dry/versions`)).status, 404);
  const refused = await atoll(directory, ["deploy"], { env: nobody, status: 3 });
  assert.match(refused.stderr, /atoll login/);
});

test("mistakes are said with file, line and column", async (t) => {
  const syntax = worker(t, "bad", { "src/index.ts": "export default {\n  fetch() { return new Response('x' }\n};" });
  assert.match((await atoll(syntax, ["deploy"], { status: 1 })).stderr, /the worker cannot be bundled\s+src\/index\.ts:2:37: error: /);
  write(syntax, "src/index.ts", 'import "./nowhere";\nexport default {};');
  assert.match((await atoll(syntax, ["deploy"], { status: 1 })).stderr, /src\/index\.ts:1:8: error: .*nowhere/);
  write(syntax, "src/index.ts", "interface A { b: string }\nconst a: A = { b: 'c' };\n\nmissing(a);\nexport default { fetch() {} };");
  const thrown = await atoll(syntax, ["deploy"], { status: 1 });
  assert.match(thrown.stderr, /ReferenceError: Can't find variable: missing\s+at .*src\/index\.ts:4:\d+/);
  assert.match(thrown.stderr, /\[code: 10021\]/);
  assert.equal((await server.api("GET", `${SCRIPTS}/bad/versions`)).status, 404, "nothing was made");

  write(syntax, "wrangler.jsonc", '{\n  "name": "bad",\n  "main": "nope.ts"\n}');
  assert.match((await atoll(syntax, ["deploy"], { status: 1 })).stderr, /wrangler\.jsonc:3:11: "main" must name a file that exists/);
  write(syntax, "wrangler.jsonc", '{"name": "bad",\n "main": "src/index.ts",\n "routes": [{"pattern": "a.b/*", "custom_domain": true}]}');
  assert.match((await atoll(syntax, ["deploy"], { status: 1 })).stderr, /wrangler\.jsonc:3:\d+: "routes": "a\.b\/\*" cannot be a custom domain/);
  write(syntax, "wrangler.jsonc", '{"name": "bad", "main": "src/index.ts", "kv_namespaces": [{"id": "x"}]}');
  assert.match((await atoll(syntax, ["deploy"], { status: 1 })).stderr, /"kv_namespaces": an entry needs "binding"/);
  const empty = project(t);
  assert.match((await atoll(empty, ["deploy"], { status: 4 })).stderr, /no wrangler\.jsonc, wrangler\.json or wrangler\.toml in this directory/);
  const wrong = await atoll(worker(t, "w", { "i.js": says("x") }), ["deploy"], { env: { CLOUDFLARE_API_TOKEN: "wrong" }, status: 3 });
  assert.match(wrong.stderr, /\[code: 10000\]/);
  for (const args of [["--var", "novalue"], ["a", "b"], [".", "--config", "wrangler.jsonc"]])
    await atoll(syntax, ["deploy", ...args], { status: 2 });
  write(syntax, "wrangler.jsonc", '{"name": "bad", "main": "src/index.ts"}');
  await atoll(syntax, ["deploy", "--name", "Not A Name"], { status: 2 });
});

test("a script alone, and one that is too large", async (t) => {
  const directory = project(t, { "thing.js": says("alone") });
  await atoll(directory, ["deploy", "thing.js"]);
  assert.equal(await body("thing"), "alone");
  write(directory, "thing.js", `${says("x")}\nexport const big = ${JSON.stringify("y".repeat(12 << 20))};`);
  assert.match((await atoll(directory, ["deploy", "thing.js"], { status: 1 })).stderr, /script_bytes/);
});

test("the project's own build runs first", async (t) => {
  const directory = worker(t, "built", { "src.txt": "ready" }, {
    main: "dist/index.js",
    build: { command: "echo building; mkdir -p dist && printf 'export default { fetch: () => new Response(\"%s\") };' $(cat src.txt) > dist/index.js" },
  });
  const { stdout, stderr } = await atoll(directory, ["deploy"]);
  assert.match(stderr, /building/);
  assert.doesNotMatch(stdout, /building/);
  assert.equal(await body("built"), "ready");
  const failing = worker(t, "failing", { "x.txt": "" }, { main: "dist/index.js", build: { command: "exit 3" } });
  assert.match((await atoll(failing, ["deploy"], { status: 1 })).stderr, /build\.command "exit 3" failed with status 3/);
  const idle = worker(t, "idle", { "x.txt": "" }, { main: "dist/index.js", build: { command: "true", cwd: ".." } });
  assert.match((await atoll(idle, ["deploy"], { status: 1 })).stderr, /"main" does not exist/);
});

test("who ends a deploy ends its build, too", async (t) => {
  const directory = worker(t, "ended", { "x.js": says("x") }, { build: { command: "sh -c 'echo $$ > pid; exec sleep 60'; true" } });
  const isAlive = (pid) => existsSync(`/proc/${pid}`) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  for (const signal of ["SIGTERM", "SIGINT"]) {
    const command = start(t, server.base, ["deploy"], { cwd: directory });
    const pid = await until(() => existsSync(join(directory, "pid")) && /^\d+$/m.exec(readFileSync(join(directory, "pid"), "utf8"))?.[0], "the build");
    command.child.kill(signal);
    assert.equal((await once(command.child, "exit"))[1], signal);
    await until(() => !isAlive(pid), "the end of what the build started");
    rmSync(join(directory, "pid"));
  }
});

test("an upload that is interrupted says what may have happened", async (t) => {
  const slow = createServer((request, response) => {
    if (request.method === "PUT") return request.on("data", () => command.child.kill("SIGINT"));
    response.writeHead(404).end(JSON.stringify({ success: false, errors: [{ code: 10007, message: "none" }], messages: [], result: null }));
  }).listen(0, "127.0.0.1");
  await once(slow, "listening");
  afterwards(t, () => slow.close());
  const command = start(t, `http://127.0.0.1:${slow.address().port}/client/v4`, ["deploy"], { cwd: worker(t, "stopped", { "x.js": says("x") }) });
  const { signal, stderr } = await command.closed;
  assert.equal(signal, "SIGINT");
  assert.match(stderr, /interrupted: the server may have got all of it; atoll deployments shows what is live\n$/);
});

test("a project as npm create cloudflare makes it deploys unchanged", async (t) => {
  const directory = project(t, {
    "wrangler.jsonc": `/**
 * For more details on how to configure Wrangler, refer to:
 * https://developers.cloudflare.com/workers/wrangler/configuration/
 */
{
  "$schema": "node_modules/wrangler/config-schema.json",
  "name": "made",
  "main": "src/index.ts",
  "account_id": "0123456789abcdef0123456789abcdef",
  "compatibility_date": "2026-04-01",
  "compatibility_flags": ["global_fetch_strictly_public"],
  "observability": { "enabled": true },
  "upload_source_maps": true,
  // "vars": { "MY_VARIABLE": "production_value" }
}
`,
    "src/index.ts": `export default {
  async fetch(request, env, ctx): Promise<Response> {
    return new Response('Hello World!');
  },
} satisfies ExportedHandler<Env>;
`,
    "tsconfig.json": '{"compilerOptions": {"target": "es2024", "types": ["./worker-configuration.d.ts"]}}',
    "package.json": '{"name": "made", "private": true}',
  });
  const { stderr } = await atoll(directory, ["deploy"]);
  assert.match(stderr, /account_id 0123456789abcdef0123456789abcdef is not an account of this server: using "default"/);
  assert.equal(await body("made"), "Hello World!");
  const settings = await server.api("GET", `${SCRIPTS}/made/script-settings`);
  assert.equal(settings.result.observability.enabled, true);
});

test("account_id of this server counts", async (t) => {
  const id = "00000000000000000000000000000abc";
  await server.api("POST", "/accounts", { id, name: "A", subdomain: "hexed" });
  await server.api("POST", "/accounts", { id: "acme", name: "Acme", subdomain: "acme" });
  for (const [account, host] of [[id, "who.hexed.localhost"], ["acme", "who.acme.localhost"]]) {
    const directory = worker(t, "who", { "index.js": says(account) }, { account_id: account });
    const { stdout, stderr } = await atoll(directory, ["deploy"]);
    assert.equal(stderr, "");
    assert.match(stdout, new RegExp(`http://${host}:`));
    assert.equal((await server.ask(host)).body, account);
  }
});

test("the examples deploy as they are", async () => {
  const names = readdirSync(join(root, "examples")).filter((name) => existsSync(join(root, "examples", name, "wrangler.toml")));
  assert.ok(names.length > 8);
  for (const name of names) {
    const { stdout } = await atoll(root, ["deploy", join("examples", name)]);
    assert.match(stdout, /Deployed version/, name);
  }
  assert.equal(await body("hello"), "Hello World!");
});

test("wrangler's deploy and ours of the same project answer the same", async (t) => {
  const files = {
    "src/index.ts": `
      import { Hono } from "hono";
      import text from "./note.txt";
      import add from "./add.wasm";
      const app = new Hono();
      app.get("/all", async (c) => {
        const { exports } = await WebAssembly.instantiate(add, {});
        return c.json({ text, sum: (exports.add as Function)(1, 2), env: c.env, stack: new Error("x").message });
      });
      export default app;`,
    "src/note.txt": "a note\n",
  };
  const directory = worker(t, "both", files, { vars: { A: "1", B: [2] }, minify: true });
  write(directory, "src/add.wasm", readFileSync(join(root, "examples/wasm/src/add.wasm")));
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(join(root, "node_modules/hono"), join(directory, "node_modules/hono"));
  await atoll(directory, ["deploy", "--name", "both-atoll"]);
  const wrangler = spawn(process.execPath, [join(root, "node_modules/wrangler/bin/wrangler.js"), "deploy", "--name", "both-wrangler"], {
    cwd: directory,
    env: { ...environment({}), CI: "1", WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
    stdio: "ignore",
  });
  assert.equal(await new Promise((resolve) => wrangler.on("close", resolve)), 0);
  assert.deepEqual(await json("both-atoll", "/all"), await json("both-wrangler", "/all"));
  assert.equal((await json("both-atoll", "/all")).sum, 3);
});

test("at a terminal progress is seen, and removed", async (t) => {
  const directory = worker(t, "watched", { "index.js": "" });
  write(directory, "index.js", `export const big = ${JSON.stringify("z".repeat(6 << 20))};\n${says("x")}`);
  const slow = createServer((request, answer) => {
    slow.request = request;
    request.on("end", () => answer.end(JSON.stringify({ success: true, result: { id: "watched", deployment_id: "0".repeat(36), urls: [] } })));
    if (request.method !== "PUT") request.resume();
  });
  await new Promise((resolve) => slow.listen(0, "127.0.0.1", resolve));
  afterwards(t, () => slow.close());
  const env = environment({ NO_COLOR: "", CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${slow.address().port}/client/v4` });
  const terminal = await inTerminal(t, ["deploy"], { cwd: directory, env });
  await terminal.shows(/uploading .* of 6\.0 MiB/);
  slow.request.resume();
  assert.equal(await terminal.status(), 0);
  assert.match(terminal.text(), /Uploaded watched \(6\.3 MB, gzip [\d.]+ kB\)/);
  assert.match(terminal.output, /\x1b\[1m|\x1b\[32m/, "in colour");
  assert.match(terminal.output, /\x1b\[(2|0)?KUploaded/, "the line of progress is gone before the result");
});

test("what bindings need is found or made: a project of Cloudflare's deploys with its ids", async (t) => {
  const KV = "0123456789abcdef0123456789abcdef";
  const D1 = "01234567-89ab-4def-8123-456789abcdef";
  const source = `export default {
    async fetch(request, { KNOWN, FRESH, DB }) {
      await KNOWN.put("a", "1");
      await FRESH.put("a", "2");
      await DB.exec("CREATE TABLE IF NOT EXISTS t (x)");
      return Response.json([await KNOWN.get("a"), await FRESH.get("a"), await DB.prepare("SELECT 3 AS x").first("x")]);
    },
  };`;
  const directory = worker(t, "stored", { "index.js": source }, {
    kv_namespaces: [{ binding: "KNOWN", id: KV }, { binding: "FRESH" }],
    d1_databases: [{ binding: "DB", database_name: "books", database_id: D1 }],
  });
  const first = await atoll(directory, ["deploy"]);
  assert.match(first.stderr, /made the KV namespace "stored-known" for the binding KNOWN/);
  assert.match(first.stderr, /made the KV namespace "stored-fresh" for the binding FRESH/);
  assert.match(first.stderr, /made the D1 database "books" for the binding DB/);
  assert.deepEqual(await json("stored"), ["1", "2", 3]);
  const namespaces = (await server.api("GET", "/accounts/default/storage/kv/namespaces")).result;
  assert.equal(namespaces.find(({ title }) => title === "stored-known").id, KV);
  assert.equal((await server.api("GET", "/accounts/default/d1/database/books")).result.uuid, D1);

  assert.equal((await atoll(directory, ["deploy"])).stderr, "", "the second time everything is there");
  assert.deepEqual(await json("stored"), ["1", "2", 3]);
  const again = (await server.api("GET", "/accounts/default/storage/kv/namespaces")).result;
  assert.equal(again.length, namespaces.length);
});
