// atoll init: each template runs as it is.
import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dev, project, root, run, typeErrors, write } from "./atoll.mjs";

const init = (cwd, ...args) => run(["init", ...args], { cwd });

const templates = {
  hello: async (server) => assert.equal(await server.text("/x"), "Hello from /x\n"),
  "hello-ts": async (server) => assert.deepEqual(await (await server.fetch("/x")).json(), { message: "Hello from /x" }),
  hono: async (server) => assert.deepEqual(await (await server.fetch("/hello/Ada")).json(), { message: "Hello Ada" }),
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

test("bad names and templates are refused and nothing is made", async (t) => {
  const cwd = project(t);
  for (const [args, expected] of [
    [["Bad"], /"Bad" cannot be a worker's name/],
    [["-x"], /no option -x/],
    [["a b"], /cannot be a worker's name/],
    [["x".repeat(64)], /at most 63/],
    [[], /one name/],
    [["a", "b"], /one name/],
    [["ok", "--template", "helo"], /no template "helo", did you mean hello\?; there are: hello, hello-ts, hono/],
  ]) {
    const { status, stderr } = await init(cwd, ...args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, expected);
  }
  assert.ok(!existsSync(join(cwd, "ok")));
});
