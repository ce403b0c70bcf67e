// The real wrangler, unmodified, against the real server: each command is checked by what the worker
// answers afterwards.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { afterwards, project, root, sleep, until, write } from "./atoll.mjs";
import { serve, TOKEN } from "./serve.mjs";

const WRANGLER = join(root, "node_modules/wrangler/bin/wrangler.js");
const COMMAND_MS = 60_000;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const SCRIPTS = "/accounts/default/workers/scripts";
const server = await serve({ after });

/** A project of wrangler: its configuration, with a name and a main module if it names none. */
function worker(t, name, files, config = {}) {
  const main = Object.keys(files)[0];
  const all = { name, main, compatibility_date: "2026-04-01", ...config };
  return project(t, { ...files, "wrangler.jsonc": JSON.stringify(all) });
}

function environment(directory, env) {
  const { PATH } = process.env;
  return {
    PATH,
    HOME: directory,
    XDG_CONFIG_HOME: join(directory, ".config"),
    CI: "1",
    NO_COLOR: "1",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true",
    CLOUDFLARE_API_BASE_URL: server.base,
    CLOUDFLARE_API_TOKEN: TOKEN,
    CLOUDFLARE_ACCOUNT_ID: "default",
    ...env,
  };
}

function start(directory, args, { env = {}, input = "" } = {}) {
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: directory,
    env: environment(directory, env),
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  // wrangler starts a process of its own: a signal goes to both, as from a terminal.
  const kill = (signal) => running.status === undefined && process.kill(-child.pid, signal);
  const running = { child, kill, out: "", stdout: "", status: undefined };
  child.stdout.setEncoding("utf8").on("data", (text) => ((running.out += text), (running.stdout += text)));
  child.stderr.setEncoding("utf8").on("data", (text) => (running.out += text));
  child.stdin.end(input);
  running.closed = new Promise((resolve) => child.on("close", (status) => resolve((running.status = status ?? -1))));
  return running;
}

/** Runs wrangler to its end and gives what it wrote to standard output. */
async function wrangler(directory, args, options = {}) {
  const running = start(directory, args, options);
  const late = setTimeout(() => running.kill("SIGKILL"), COMMAND_MS);
  const status = await running.closed;
  clearTimeout(late);
  assert.equal(status, options.status ?? 0, `wrangler ${args.join(" ")}\n${running.out}`);
  return options.all ? running.out : running.stdout;
}

const body = async (name, path, init) => (await server.ask(name, path, init)).body;
const json = async (name, path, init) => JSON.parse(await body(name, path, init));
const versionIn = (text) => text.match(/Version ID: +(\S+)/)[1];

// A command of wrangler is mostly waiting for Node to start: a few tests go on at once.
describe("wrangler", { concurrency: 3 }, () => {
  test("whoami says whose token it is", async (t) => {
    const directory = worker(t, "who", { "index.js": "" });
    assert.match(await wrangler(directory, ["whoami"]), /logged in with an (User )?API Token, associated with the email admin[\s\S]*default/);
    const wrong = await wrangler(directory, ["whoami"], { env: { CLOUDFLARE_API_TOKEN: "wrong" }, status: 1, all: true });
    assert.match(wrong, /Invalid API Token|Unable to retrieve|authenticat/i);
  });

  test("deploy, and deploy again: the new code answers at once, versions are listed, a rollback goes back", async (t) => {
    const source = (text) => `export default { fetch: () => new Response(${JSON.stringify(text)}) };`;
    const directory = worker(t, "plain", { "index.js": source("one") });
    const first = await wrangler(directory, ["deploy"]);
    assert.equal(await body("plain"), "one");
    write(directory, "index.js", source("two"));
    await wrangler(directory, ["deploy", "--message", "the second"]);
    assert.equal(await body("plain"), "two");

    const status = await wrangler(directory, ["deployments", "status"]);
    assert.match(status, /\(100%\) [0-9a-f-]{36}/);
    assert.doesNotMatch(status, new RegExp(versionIn(first)));
    const listed = JSON.parse(await wrangler(directory, ["deployments", "list", "--json"]));
    assert.equal(listed.length, 2);

    await wrangler(directory, ["rollback", versionIn(first), "--message", "back", "--yes"]);
    assert.equal(await body("plain"), "one");
  });

  test("TypeScript with modules, JSON, text and vars", async (t) => {
    const directory = worker(
      t,
      "typed",
      {
        "src/index.ts": `
          import { hello } from "./hello";
          import page from "./page.txt";
          interface Env { WHO: string; OPTIONS: { loud: boolean }; COUNT: number }
          export default {
            async fetch(request: Request, env: Env): Promise<Response> {
              return Response.json([hello(env.WHO, env.OPTIONS.loud), page.trim(), env.COUNT + 1]);
            },
          } satisfies ExportedHandler<Env>;`,
        "src/hello.ts": "export const hello = (who: string, loud: boolean): string => `hello ${who}${loud ? '!' : ''}`;",
        "src/page.txt": "a page\n",
      },
      { vars: { WHO: "ann", OPTIONS: { loud: true }, COUNT: 41 } },
    );
    await wrangler(directory, ["deploy"]);
    assert.deepEqual(await json("typed"), ["hello ann!", "a page", 42]);
  });

  test("Hono", async (t) => {
    const directory = worker(t, "hono", {
      "index.ts": `
        import { Hono } from "hono";
        const app = new Hono();
        app.get("/hello/:name", (c) => c.text("hello " + c.req.param("name")));
        app.post("/echo", async (c) => c.json(await c.req.json(), 201));
        export default app;`,
    });
    mkdirSync(join(directory, "node_modules"));
    symlinkSync(join(root, "node_modules/hono"), join(directory, "node_modules/hono"));
    await wrangler(directory, ["deploy"]);
    assert.equal(await body("hono", "/hello/ann"), "hello ann");
    const echoed = await server.ask("hono", "/echo", { method: "POST", body: '{"a":1}', headers: { "content-type": "application/json" } });
    assert.deepEqual([echoed.status, echoed.body], [201, '{"a":1}']);
  });

  test("secrets: put, list, bulk, delete; they outlive a deploy and are never told", async (t) => {
    const directory = worker(t, "secretive", { "index.js": "export default { fetch: (request, env) => Response.json(env) };" }, { vars: { V: "plain" } });
    await wrangler(directory, ["deploy"]);
    await wrangler(directory, ["secret", "put", "KEY"], { input: "s3cr3t" });
    assert.deepEqual(await json("secretive"), { V: "plain", KEY: "s3cr3t" });
    await wrangler(directory, ["secret", "bulk"], { input: JSON.stringify({ A: "1", B: "2" }) });
    assert.deepEqual(await json("secretive"), { V: "plain", KEY: "s3cr3t", A: "1", B: "2" });
    await wrangler(directory, ["secret", "delete", "A"]);
    const listed = await wrangler(directory, ["secret", "list"]);
    assert.deepEqual(JSON.parse(listed).map((secret) => secret.name).sort(), ["B", "KEY"]);

    await wrangler(directory, ["deploy", "--var", "V:other"]);
    assert.deepEqual(await json("secretive"), { V: "other", KEY: "s3cr3t", B: "2" });
    for (const path of ["/secrets", "/settings", "/versions", "/deployments"]) {
      const answer = await server.api("GET", `${SCRIPTS}/secretive${path}`);
      assert.equal(answer.success, true);
      assert.doesNotMatch(JSON.stringify(answer), /s3cr3t/);
    }
  });

  test("cron triggers, routes and a custom domain", async (t) => {
    const directory = worker(
      t,
      "routed",
      {
        "index.js": `
          let runs = 0;
          export default {
            fetch: (request) => new Response(new URL(request.url).pathname),
            scheduled(controller) { console.log("ran for " + controller.cron); },
          };`,
      },
      {
        triggers: { crons: ["*/5 * * * *", "0 0 1 1 *"] },
        routes: ["example.test/api/*", { pattern: "*.wild.test/*", zone_name: "wild.test" }, { pattern: "shop.test", custom_domain: true }],
        workers_dev: false,
      },
    );
    await wrangler(directory, ["deploy"]);
    assert.equal(await body("example.test", "/api/x"), "/api/x");
    assert.equal((await server.ask("example.test", "/other")).status, 404);
    assert.equal(await body("a.wild.test", "/y"), "/y");
    assert.equal(await body("shop.test", "/"), "/");
    assert.equal((await server.ask("routed", "/")).status, 404, "workers_dev is off");
    const { result } = await server.api("GET", `${SCRIPTS}/routed/schedules`);
    assert.deepEqual(result.schedules.map((schedule) => schedule.cron).sort(), ["*/5 * * * *", "0 0 1 1 *"]);
    const ran = await server.api("POST", `${SCRIPTS}/routed/scheduled?cron=0+0+1+1+*`);
    assert.equal(ran.result.outcome, "ok");

    await wrangler(directory, ["deploy", "--route", "example.test/new/*", "--schedule", "1 2 3 4 *"]);
    assert.equal(await body("example.test", "/new/x"), "/new/x");
    assert.equal((await server.ask("example.test", "/api/x")).status, 404, "routes are replaced");
    const bad = await wrangler(directory, ["deploy", "--schedule", "61 * * * *"], { status: 1, all: true });
    assert.match(bad, /61 \* \* \* \*.*minute/s);
  });

  test("versions: upload, list, view, and a gradual rollout of 10 and 90 %", async (t) => {
    const source = (n) => `export default { fetch: () => new Response("${n}") };`;
    const directory = worker(t, "gradual", { "index.js": source(1) });
    const old = versionIn(await wrangler(directory, ["deploy"]));
    write(directory, "index.js", source(2));
    const uploaded = await wrangler(directory, ["versions", "upload", "--tag", "v2", "--message", "the next"]);
    const fresh = uploaded.match(UUID)[0];
    assert.equal(await body("gradual"), "1", "an uploaded version is not live");

    const listed = JSON.parse(await wrangler(directory, ["versions", "list", "--json"]));
    assert.deepEqual(listed.map((version) => version.id).sort(), [old, fresh].sort());
    const viewed = await wrangler(directory, ["versions", "view", fresh]);
    assert.match(viewed, /the next/);
    assert.match(viewed, /v2/);

    await wrangler(directory, ["versions", "deploy", `${fresh}@10`, `${old}@90`, "--yes", "--message", "slowly"]);
    const counts = { 1: 0, 2: 0 };
    for (let i = 0; i < 400; i++) counts[await body("gradual")]++;
    assert.ok(counts[2] > 10 && counts[2] < 90, JSON.stringify(counts));
    const keys = { headers: { "cloudflare-workers-version-key": "ann" } };
    const sticky = new Set();
    for (let i = 0; i < 20; i++) sticky.add(await body("gradual", "/", keys));
    assert.equal(sticky.size, 1, "one key, one version");
    assert.match(await wrangler(directory, ["deployments", "status"]), /\(10%\)[\s\S]*\(90%\)|\(90%\)[\s\S]*\(10%\)/);

    await wrangler(directory, ["versions", "deploy", `${fresh}@100`, "--yes"]);
    assert.equal(await body("gradual"), "2");
  });

  test("tail shows requests as they come, as text and as JSON", async (t) => {
    const directory = worker(t, "tailed", {
      "index.js": `
        export default {
          fetch(request) {
            console.log("saw", { path: new URL(request.url).pathname });
            if (request.url.endsWith("/throw")) throw new Error("on purpose");
            return new Response("ok");
          },
        };`,
    });
    await wrangler(directory, ["deploy"]);
    const pretty = start(directory, ["tail", "--format", "pretty"]);
    const asJson = start(directory, ["tail", "--format", "json", "--status", "error"]);
    afterwards(t, () => Promise.all([pretty, asJson].map((tail) => (tail.kill("SIGKILL"), tail.closed))));
    const readers = async () => (await server.api("GET", `${SCRIPTS}/tailed/tails`)).result.length;
    await until(async () => pretty.out.includes("waiting for logs") && (await readers()) === 2, "two tails");

    // A tail that was made is read a moment later: requests go on until both have been seen.
    await until(async () => {
      await body("tailed", "/throw");
      await body("tailed", "/fine");
      await sleep(100);
      return /\/fine - Ok/.test(pretty.out) && asJson.out.includes("on purpose");
    }, "events in the tails");
    assert.match(pretty.out, /GET http:\/\/tailed\.localhost(:\d+)?\/fine - Ok @/);
    assert.match(pretty.out, /\(log\) saw/);
    assert.match(pretty.out, /on purpose/);
    assert.doesNotMatch(asJson.out, /\/fine/, "a filter is kept to");
    const [event] = asJson.stdout.split(/^(?=\{)/m).map((text) => JSON.parse(text));
    assert.equal(event.outcome, "exception");
    assert.equal(event.event.request.method, "GET");
    assert.equal(event.exceptions[0].message, "on purpose");
    assert.deepEqual(event.logs[0].message, ["saw", { path: "/throw" }]);

    pretty.kill("SIGINT");
    await pretty.closed;
    await until(async () => (await readers()) === 1, "the end of the tail");
  });

  test("a worker that throws at its start is refused with its line, and the one before goes on", async (t) => {
    const directory = worker(t, "broken", { "index.js": "export default { fetch: () => new Response('good') };" });
    await wrangler(directory, ["deploy"]);
    write(directory, "index.js", "const a = 1;\n\nthrow new Error('at the start');\nexport default {};");
    const said = await wrangler(directory, ["deploy"], { status: 1, all: true });
    assert.match(said, /at the start/);
    assert.match(said, /10021/);
    assert.match(said, /index\.js:3/);
    assert.equal(await body("broken"), "good");
  });

  test("delete", async (t) => {
    const directory = worker(t, "short", { "index.js": "export default { fetch: () => new Response('here') };" });
    await wrangler(directory, ["deploy"]);
    assert.equal(await body("short"), "here");
    await wrangler(directory, ["delete"]);
    assert.equal((await server.ask("short")).status, 404);
    assert.match(await wrangler(directory, ["secret", "list"], { status: 1, all: true }), /not found|10007/);
  });

  test("a token for one account and reading does no more", async (t) => {
    const { result } = await server.api("POST", "/accounts/default/tokens", { name: "reader", scopes: ["worker:read"] });
    const directory = worker(t, "forbidden", { "index.js": "export default { fetch: () => new Response('no') };" });
    const said = await wrangler(directory, ["deploy"], { env: { CLOUDFLARE_API_TOKEN: result.value }, status: 1, all: true });
    assert.match(said, /worker:write/);
    assert.equal((await server.ask("forbidden")).status, 404);
  });
});
