// caches.default on disk: it outlives the process, is shared by processes, keeps to its limit, and a
// damaged one is begun anew. What the classes do is in tests/web/cache.js.
import assert from "node:assert/strict";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dev, project, root, run, until } from "./atoll.mjs";

const worker = join(root, "tests/e2e/workers/cache");
const MIB = 1 << 20;

/** A copy of the worker, so that its .atoll is its own. */
function workerIn(t, name) {
  const path = project(t);
  cpSync(worker, path, { recursive: true });
  if (name) writeFileSync(join(path, "wrangler.toml"), readFileSync(join(path, "wrangler.toml"), "utf8").replace('"cache"', `"${name}"`));
  return path;
}

const put = (server, path, init = {}) => server.text(path, { method: "PUT", ...init });

function filesOf(path) {
  return readdirSync(path, { recursive: true }).filter((name) => statSync(join(path, name)).isFile());
}
const bodiesOf = (path) => (existsSync(join(path, ".atoll/cache/bodies")) ? filesOf(join(path, ".atoll/cache/bodies")) : []);

/** The process that serves, whose parent is `atoll dev`. */
const runtimeOf = (server) =>
  Number(readFileSync(`/proc/${server.child.pid}/task/${server.child.pid}/children`, "utf8").trim().split(" ")[0]);

test("what is put is there after a restart, in .atoll beside the worker", async (t) => {
  const path = workerIn(t);
  const first = await dev(t, path);
  assert.equal(await first.text("/a"), "miss");
  assert.equal(await put(first, "/a", { body: "hello" }), "stored");
  assert.equal(await put(first, "/large?size=300000&fill=x"), "stored");
  await first.stop();
  assert.equal(bodiesOf(path).length, 1);
  const second = await dev(t, path);
  const found = await second.fetch("/a");
  assert.equal(found.headers.get("cf-cache-status"), "HIT");
  assert.match(found.headers.get("age"), /^\d+$/);
  assert.equal(await found.text(), "hello");
  assert.equal(await second.text("/large?summary"), "x 300000");
  assert.equal(await second.text("/a", { method: "DELETE" }), "true");
  assert.equal(await second.text("/a"), "miss");
});

test("a stored body is streamed to a client, whole and in part, and validated", async (t) => {
  const server = await dev(t, workerIn(t));
  await put(server, "/a?size=5000000&fill=y", { headers: { etag: '"v1"' } });
  const whole = await server.fetch("/a");
  assert.equal(whole.headers.get("content-length"), "5000000");
  assert.equal((await whole.arrayBuffer()).byteLength, 5000000);
  const part = await server.fetch("/a", { headers: { range: "bytes=4999990-" } });
  assert.deepEqual([part.status, part.headers.get("content-range"), await part.text()], [206, "bytes 4999990-4999999/5000000", "y".repeat(10)]);
  const wrong = await server.fetch("/a", { headers: { range: "bytes=5000000-" } });
  assert.deepEqual([wrong.status, wrong.headers.get("content-range")], [416, "bytes */5000000"]);
  const same = await server.fetch("/a", { headers: { "if-none-match": '"v1"' } });
  assert.deepEqual([same.status, await same.text()], [304, ""]);
});

test("two processes share one directory", async (t) => {
  const path = workerIn(t), place = project(t);
  const [one, two] = await Promise.all([1, 2].map(() => dev(t, path, { args: ["--persist-to", place] })));
  await Promise.all([one, two].map((server, s) => Promise.all(Array.from({ length: 20 }, (_, i) => put(server, `/${s}/${i}?size=${1000 + i * 5000}&fill=${s}`)))));
  for (const server of [one, two])
    for (const s of [0, 1])
      for (let i = 0; i < 20; i++) assert.equal(await server.text(`/${s}/${i}?summary`), `${s} ${1000 + i * 5000}`);
  assert.equal(await two.text("/0/1", { method: "DELETE" }), "true");
  assert.equal(await one.text("/0/1"), "miss");
  assert.ok(existsSync(join(place, "cache/index.db")));
  assert.ok(!existsSync(join(path, ".atoll")));
});

test("workers do not see each other's responses", async (t) => {
  const place = project(t);
  const one = await dev(t, workerIn(t), { args: ["--persist-to", place] });
  const other = await dev(t, workerIn(t, "other"), { args: ["--persist-to", place] });
  await put(one, "/a", { body: "mine" });
  assert.equal(await other.text("/a"), "miss");
  assert.equal(await other.text("/a", { method: "DELETE" }), "false");
  assert.equal(await one.text("/a"), "mine");
});

test("a process killed while it writes leaves nothing behind that is seen or kept", async (t) => {
  const path = workerIn(t);
  const server = await dev(t, path);
  await put(server, "/kept?size=200000&fill=k");
  let body;
  const half = server.fetch("/half", {
    method: "PUT",
    duplex: "half",
    body: new ReadableStream({ start: (c) => { body = c; c.enqueue(new Uint8Array(200000)); } }),
  }).catch(() => "gone");
  await until(() => bodiesOf(path).length === 2, "the half-written body");
  process.kill(runtimeOf(server), "SIGKILL");
  await half;
  try {
    body.close();
  } catch {}
  await server.shows("was ended by signal 9");
  assert.equal(await until(() => server.text("/kept?summary").catch(() => undefined), "the next process"), "k 200000");
  assert.equal(await server.text("/half"), "miss");
  await until(() => bodiesOf(path).length === 1, "the sweep");
});

test("the least recently used go when the limit is reached", async (t) => {
  const path = workerIn(t);
  const server = await dev(t, path, { args: ["--cache-mib", "1"] });
  for (let i = 0; i < 20; i++) {
    await put(server, `/${i}?size=100000&fill=f`);
    assert.equal(await server.text("/0?summary"), "f 100000");
  }
  assert.equal(await server.text("/5"), "miss");
  assert.equal(await server.text("/19?summary"), "f 100000");
  assert.ok(bodiesOf(path).length <= 10);
  assert.match(await put(server, `/big?size=${MIB}&fill=f`), /RangeError: .*too large for the cache/);
  await until(() => bodiesOf(path).length <= 10, "the removal of what was not stored");
});

for (const [what, spoil] of [
  ["is garbage", (file) => writeFileSync(file, "garbage ".repeat(5000))],
  ["is empty", (file) => writeFileSync(file, "")],
  ["has garbage behind its header", (file) => writeFileSync(file, readFileSync(file).fill(35, 100))],
  ["is gone", (file) => rmSync(file)],
])
  test(`the worker goes on when the index ${what}`, async (t) => {
    const path = workerIn(t);
    const first = await dev(t, path);
    await put(first, "/a", { body: "hello" });
    await put(first, "/b?size=100000&fill=b");
    await first.stop();
    for (const name of ["index.db-wal", "index.db-shm"]) rmSync(join(path, ".atoll/cache", name), { force: true });
    spoil(join(path, ".atoll/cache/index.db"));
    const second = await dev(t, path);
    assert.equal(await second.text("/b"), "miss");
    assert.equal(await put(second, "/a", { body: "again" }), "stored");
    assert.equal(await second.text("/a"), "again");
  });

test("a running process follows when its cache is removed", async (t) => {
  const path = workerIn(t);
  const server = await dev(t, path);
  await put(server, "/a", { body: "hello" });
  rmSync(join(path, ".atoll"), { recursive: true });
  assert.equal(await server.text("/a"), "miss");
  await put(server, "/a", { body: "again" });
  assert.equal(await server.text("/a"), "again");
});

test("where nothing can be written, match misses and put says why", async (t) => {
  const place = project(t, { cache: "a file" });
  const server = await dev(t, workerIn(t), { args: ["--persist-to", place] });
  assert.equal(await server.text("/a"), "miss");
  assert.match(await put(server, "/a", { body: "hello" }), /^Error: .*cache/);
});

test("a wrong size is a usage error", async () => {
  for (const size of ["0", "x", "-1", "9999999999"]) {
    const { status, stderr } = await run(["dev", "--cache-mib", size]);
    assert.equal(status, 2);
    assert.match(stderr, /--cache-mib takes a number from 1 to/);
  }
});
