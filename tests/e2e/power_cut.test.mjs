// A power cut: all processes end at one moment, and of the disk there is what was synced, nothing else
// (preload/power_cut.c). What was acknowledged has to be there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { project, root, until } from "./atoll.mjs";
import { BEFORE, MODULE, TABLES, clients, inspect, read } from "./durability.mjs";
import { runtime, script, version } from "./link.mjs";
import { ask, serve } from "./serve.mjs";

const ROUNDS = [1, 1, 3, 6]; // writes that each client was told of; the first are about what is new
const PROCESSES = 2;
const skip = process.env.ATOLL_FLAVOUR ? "a sanitizer wants to be loaded first" : false;

/** The library, and the environment that makes a process keep what it syncs below `directory`. */
function cutter(t) {
  const place = project(t), library = join(place, "power_cut.so");
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, join(root, "tests/e2e/preload/power_cut.c"), "-lpthread"]);
  let count = 0;
  return (directory) => {
    const kept = join(place, `kept${++count}`);
    mkdirSync(kept);
    return { LD_PRELOAD: library, CUT_DIRECTORY: directory, CUT_KEPT: kept };
  };
}

/** As the preloaded library makes it. */
function keyOf(path) {
  const { ino, birthtimeNs } = statSync(path, { bigint: true });
  const ns = birthtimeNs % 1_000_000_000n;
  return `${ino}-${birthtimeNs / 1_000_000_000n}${String(ns).padStart(9, "0")}`;
}

/** Makes `to` what the disk had of the directory with this key. */
function rebuild(kept, key, to) {
  const names = join(kept, key);
  mkdirSync(to);
  for (const line of existsSync(names) ? readFileSync(names, "utf8").split("\n").filter(Boolean) : []) {
    const [, kind, inner, name] = /^([df]) (\S+) (.*)$/.exec(line);
    if (kind === "d") rebuild(kept, inner, join(to, name));
    else if (existsSync(join(kept, inner))) copyFileSync(join(kept, inner), join(to, name));
    else writeFileSync(join(to, name), "");
    if (kind === "f") chmodSync(join(to, name), 0o600);
  }
}

/** Runtimes on a storage directory, seen as durability.mjs sees a server. */
async function start(t, storage, env = {}) {
  const before = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  Object.assign(process.env, env);
  const links = await Promise.all(Array.from({ length: PROCESSES }, () => runtime(t, ["--storage", storage])));
  for (const [name, value] of Object.entries(before)) value === undefined ? delete process.env[name] : (process.env[name] = value);
  const bindings = [
    { name: "KV", type: "kv_namespace", store: "default/kv/one" },
    { name: "DB", type: "d1", store: "default/d1/one" },
    { name: "R2", type: "r2_bucket", store: "default/r2/one" },
  ];
  for (const link of links) {
    link.worker("w", [version("1", script(MODULE, BEFORE), { bindings })]);
    link.hosts("*", { "*": "w" });
    await link.sync();
  }
  let turn = 0;
  return {
    ask: (name, path, init) => ask(links[turn++ % PROCESSES].port, name, path, init),
    cut: () => {
      for (const link of links) link.child.kill("SIGKILL");
      return Promise.all(links.map((link) => link.stop()));
    },
  };
}

test("what KV, D1 and R2 acknowledged survives a power cut, from the first write on", { skip, timeout: 60_000 }, async (t) => {
  const environment = cutter(t);
  for (const least of ROUNDS) {
    const place = project(t), storage = join(place, "storage");
    mkdirSync(storage);
    const env = environment(storage);
    const key = keyOf(storage);
    const server = await start(t, storage, env);
    const all = clients().filter(({ name }) => !name.endsWith("-api"));
    await read(server, { statements: TABLES });

    let going = true;
    const writing = all.map(async (client) => {
      while (going) if ((await client.step(server)) !== true) return;
    });
    await until(() => all.every(({ told }) => told >= least), "writes").finally(() => {
      going = false;
      return server.cut();
    });
    await Promise.all(writing);

    rebuild(env.CUT_KEPT, key, join(place, "after"));
    const after = await start(t, join(place, "after"));
    for (const client of all) await client.verify(after);
    await after.cut();
    assert.equal(inspect(join(place, "after")).parts, 0);
  }
});

test("what the API acknowledged survives a power cut, from the first deploy on", { skip, timeout: 60_000 }, async (t) => {
  const environment = cutter(t);
  for (const deploys of [1, 3]) {
    const place = project(t), data = join(place, "data");
    chmodSync(place, 0o711);
    mkdirSync(data);
    const env = environment(data), key = keyOf(data);
    const server = await serve(t, { data, env });
    const secret = { name: "WORD", text: "kept", type: "secret_text" };
    for (let i = 1; i <= deploys; i++) {
      assert.ok((await server.deploy("w", `export default { fetch: (request, env) => new Response("${i} " + env.WORD) };`)).success);
      assert.ok((await server.api("PUT", "/accounts/default/workers/scripts/w/secrets", secret)).success);
    }
    const { result } = await server.api("POST", "/accounts/default/storage/kv/namespaces", { title: "kept" });
    await server.stop("SIGKILL");

    rebuild(env.CUT_KEPT, key, join(place, "after"));
    const after = await serve(t, { data: join(place, "after") });
    assert.equal((await after.ask("w")).body, `${deploys} kept`);
    const { result: namespaces } = await after.api("GET", "/accounts/default/storage/kv/namespaces");
    assert.deepEqual(namespaces.map(({ id }) => id), [result.id]);
    await after.stop();
  }
});
