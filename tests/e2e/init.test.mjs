// atoll init: each template runs as it is.
import assert from "node:assert/strict";
import { on } from "node:events";
import { chmodSync, existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import WebSocket from "ws";
import { dev, project, root, run, typeErrors, write } from "./atoll.mjs";

const init = (cwd, ...args) => run(["init", ...args], { cwd });

const templates = {
  hello: async (server) => assert.equal(await server.text("/x"), "Hello from /x\n"),
  "hello-ts": async (server) => assert.deepEqual(await (await server.fetch("/x")).json(), { message: "Hello from /x" }),
  hono: async (server) => assert.deepEqual(await (await server.fetch("/hello/Ada")).json(), { message: "Hello Ada" }),
  api: async (server) => {
    const send = (path, method, body) => server.fetch(path, { method, body: JSON.stringify(body) });
    assert.equal(await server.text("/notes"), "[]", "the database is there at once");
    const made = await send("/notes", "POST", { text: "milk" });
    assert.deepEqual([made.status, made.headers.get("location")], [201, "/notes/1"]);
    assert.equal((await (await send("/notes/1", "PATCH", { done: true })).json()).done, true);
    const listed = await (await server.fetch("/notes?done=true")).json();
    assert.deepEqual(listed.map(({ id, text }) => [id, text]), [[1, "milk"]]);
    assert.equal((await send("/notes", "POST", { text: 1 })).status, 400);
    assert.deepEqual([(await send("/notes/1", "DELETE")).status, (await server.fetch("/notes/1")).status], [204, 404]);
  },
  site: async (server) => {
    const page = await server.fetch("/");
    assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(await page.text(), /<title>my-worker<\/title>/);
    for (const [, path] of (await server.text("/")).matchAll(/href="(\/[^"]+)"/g))
      assert.equal((await server.fetch(path)).status, 200, path);
    const missing = await server.fetch("/nothing");
    assert.deepEqual([missing.status, /Not found/.test(await missing.text())], [404, true]);
    assert.equal((await server.fetch("/", { method: "POST" })).status, 405);
  },
  cron: async (server) => {
    assert.match(await server.text(), /never/);
    const run = await server.fetch("/cdn-cgi/handler/scheduled?cron=*/5+*+*+*+*");
    assert.equal(run.status, 200);
    await server.shows("*/5 * * * * at 20");
    assert.match(await server.text(), /last ran: 20/);
  },
  websocket: async (server) => {
    assert.match(await server.text(), /<title>my-worker<\/title>/);
    assert.equal((await server.fetch("/ws")).status, 426);
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws`);
    const messages = on(socket, "message");
    socket.once("open", () => socket.send("hi"));
    const next = async () => String((await messages.next()).value[0]);
    assert.deepEqual([await next(), await next()], ["hello", "you said: hi"]);
    socket.close();
  },
};

for (const [template, check] of Object.entries(templates)) {
  test(`template ${template}`, async (t) => {
    const cwd = project(t);
    const made = await init(cwd, "my-worker", "--template", template, "--no-install");
    assert.equal(made.status, 0, made.stderr);
    assert.match(made.stdout, /cd my-worker\n/);
    assert.match(made.stdout, /atoll dev/);
    const dir = join(cwd, "my-worker");
    const config = readFileSync(join(dir, "wrangler.toml"), "utf8");
    assert.match(config, /^name = "my-worker"$/m);
    assert.match(config, /^compatibility_date = "\d{4}-\d\d-\d\d"$/m);
    assert.ok(existsSync(join(dir, ".gitignore")));
    if (existsSync(join(dir, "package.json"))) {
      assert.equal(JSON.parse(readFileSync(join(dir, "package.json"))).name, "my-worker");
      assert.match(made.stdout, /npm install/);
      symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
      assert.equal(typeErrors(dir), "");
    }
    await check(await dev(t, dir));
  });
}

test("npm runs in the new project, and its absence is said", async (t) => {
  const cwd = project(t, { "bin/npm": '#!/bin/sh\necho "npm $* in $(basename "$PWD")"\n' });
  chmodSync(join(cwd, "bin/npm"), 0o755);
  const path = (dirs) => ({ cwd, env: { ...process.env, PATH: dirs } });
  const with_npm = await run(["init", "one", "--template", "hono"], path(`${cwd}/bin:${process.env.PATH}`));
  assert.equal(with_npm.status, 0);
  assert.match(with_npm.stdout, /npm install .* in one/);
  assert.doesNotMatch(with_npm.stdout, /^ {2}npm install$/m);
  const without = await run(["init", "two", "--template", "hono"], path("/nonexistent"));
  assert.equal(without.status, 0);
  assert.match(without.stderr, /npm was not found/);
  assert.match(without.stdout, /^ {2}npm install$/m);
});

test("an empty directory is filled, a full one is not", async (t) => {
  const cwd = project(t);
  write(cwd, "full/keep.txt", "mine");
  const full = await init(cwd, "full");
  assert.equal(full.status, 1);
  assert.match(full.stderr, /full exists already and is not empty/);
  assert.equal(readFileSync(join(cwd, "full/keep.txt"), "utf8"), "mine");
  write(cwd, "file", "a file");
  assert.equal((await init(cwd, "file")).status, 1);
  assert.equal((await init(cwd, "deep/er/name")).status, 0);
  assert.match(readFileSync(join(cwd, "deep/er/name/wrangler.toml"), "utf8"), /name = "name"/);
});

test("--list names every template", async (t) => {
  const { status, stdout } = await init(project(t), "--list");
  assert.equal(status, 0);
  const listed = stdout.trim().split("\n").slice(1).map((line) => line.split(" ")[0]);
  assert.deepEqual(listed.sort(), readdirSync(join(root, "templates")).filter((name) => name !== "README.md"));
  assert.deepEqual(listed.sort(), Object.keys(templates).sort());
});

test("bad names and templates are refused and nothing is made", async (t) => {
  const cwd = project(t);
  for (const [args, expected] of [
    [["Bad"], /"Bad" cannot be a worker's name/],
    [["-x"], /no option -x/],
    [["a b"], /cannot be a worker's name/],
    [["x".repeat(64)], /at most 63/],
    [[], /one name/],
    [["a", "b"], /one name/],
    [["ok", "--template", "helo"], /no template "helo"; did you mean hello\? \(atoll init --list\)/],
    [["ok", "--list"], /--list takes no name/],
  ]) {
    const { status, stderr } = await init(cwd, ...args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, expected);
  }
  assert.ok(!existsSync(join(cwd, "ok")));
});
