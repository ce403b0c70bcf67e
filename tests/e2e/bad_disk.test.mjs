// A disk without room, and files that are damaged: an error that says so for who needs them, and
// everything else goes on, without a restart.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync, closeSync, existsSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readdirSync, realpathSync, rmdirSync, rmSync,
  statSync, writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { afterwards, project, until } from "./atoll.mjs";
import { sqlite } from "./durability.mjs";
import { form, serve, TOKEN } from "./serve.mjs";

const DISK_MIB = 96;
const SOURCE = `export default { async fetch(request, { KV, DB, R2 }) {
  const { verb, key, bytes } = await request.json();
  const value = "x".repeat(bytes ?? 0);
  try {
    if (verb === "kv") await KV.put(key, value);
    if (verb === "kv-get") return new Response(String((await KV.get(key))?.length));
    if (verb === "r2") await R2.put(key, value);
    if (verb === "r2-get") return new Response(String((await (await R2.get(key))?.text())?.length));
    if (verb === "d1") await DB.prepare("INSERT INTO t VALUES (?, ?)").bind(key, value).run();
    if (verb === "d1-get") return new Response(String((await DB.prepare("SELECT length(v) AS n FROM t WHERE k = ?").bind(key).first("n"))));
    return new Response("done");
  } catch (error) { return new Response(error.message, { status: 500 }); }
} };`;

/** Stores of the account and a worker on them, all with something in them. */
async function tenant(server, name) {
  const ok = async (method, path, body) => {
    const answer = await server.api(method, `/accounts/default${path}`, body);
    assert.ok(answer.success, `${path}: ${JSON.stringify(answer)}`);
    return answer.result;
  };
  const kv = (await ok("POST", "/storage/kv/namespaces", { title: name })).id;
  const db = (await ok("POST", "/d1/database", { name })).uuid;
  await ok("POST", "/r2/buckets", { name });
  await ok("POST", `/d1/database/${db}/query`, { sql: "CREATE TABLE t (k, v)" });
  const bindings = [
    { name: "KV", type: "kv_namespace", namespace_id: kv },
    { name: "DB", type: "d1", id: db },
    { name: "R2", type: "r2_bucket", bucket_name: name },
  ];
  await ok("PUT", `/workers/scripts/${name}`, form(SOURCE, { bindings }));
  const act = async (verb, key, bytes) => (await server.ask(name, "/", { method: "POST", body: JSON.stringify({ verb, key, bytes }) })).body;
  for (const verb of ["kv", "d1", "r2"]) assert.equal(await act(verb, "before", 1000), "done");
  assert.equal(await act("r2", "large", 100_000), "done");
  const reads = async () => Promise.all([act("kv-get", "before"), act("d1-get", "before"), act("r2-get", "before"), act("r2-get", "large")]);
  const place = (kind) => {
    const all = join(server.data, "storage/default", kind);
    const id = { kv, d1: db }[kind] ?? readdirSync(all).find((one) => existsSync(join(all, one, "index.db")));
    return join(all, id);
  };
  return { ok, act, reads, place, kv, db };
}

const READS = ["1000", "1000", "1000", "100000"];

/** A disk of its own, below a directory of the test. */
function smallDisk(t) {
  const place = realpathSync(mkdtempSync(join(tmpdir(), "atoll-disk-")));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}m,mode=711`, "none", place]);
  afterwards(t, () => {
    execFileSync("umount", ["-l", place]);
    rmdirSync(place);
  });
  return place;
}

/** Takes what room there is; gives it back when called. */
function fill(place) {
  const name = join(place, "filler"), file = openSync(name, "w"), bytes = Buffer.alloc(1 << 16);
  for (let size = bytes.length; size >= 4096; size /= 2)
    try {
      while (writeSync(file, bytes, 0, size) === size);
    } catch (error) {
      assert.equal(error.code, "ENOSPC");
    }
  closeSync(file);
  return () => rmSync(name);
}

const canMount = process.getuid() === 0 && (() => {
  try {
    execFileSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test("a full disk refuses what grows, and nothing else; with room again it goes on", { skip: !canMount && "root mounts a disk", timeout: 90_000 }, async (t) => {
  const place = smallDisk(t);
  const server = await serve(t, { data: join(place, "data") });
  const { act, reads, kv } = await tenant(server, "full");
  const pids = (await server.status()).processes.map(({ pid }) => pid);
  assert.deepEqual(await reads(), READS);
  const giveBack = fill(place);

  for (const [verb, bytes] of [["kv", 300_000], ["kv", 3_000_000], ["d1", 300_000], ["r2", 30_000], ["r2", 3_000_000]]) {
    let answer = "done";
    // What is small may fit into what a file has already.
    for (let i = 0; i < 400 && answer === "done"; i++) answer = await act(verb, `more${i}`, bytes);
    assert.match(answer, /disk.*full/i, `${verb} of ${bytes}`);
    assert.deepEqual(await reads(), READS, `after ${verb} of ${bytes}`);
  }
  const byApi = await fetch(`${server.base}/accounts/default/storage/kv/namespaces/${kv}/values/api`,
    { method: "PUT", body: "x".repeat(2_000_000), headers: { authorization: `Bearer ${TOKEN}` } });
  assert.match(await byApi.text(), /disk.*full/i);
  const deployed = await server.deploy("large", `export default { fetch: () => new Response("${"y".repeat(500_000)}") };`);
  assert.equal(deployed.success, false, "a deploy says that it cannot be stored");
  const backup = await server.api("POST", "/server/backup", { directory: join(place, "backup") });
  assert.equal(backup.status, 507, JSON.stringify(backup));
  assert.match(backup.errors[0].message, /too small for the backup: it takes \d+ MiB/);
  assert.ok(!readdirSync(place).some((name) => name.startsWith("backup")));
  assert.equal((await fetch(`${server.admin}/healthz`)).status, 200);

  giveBack();
  for (const [verb, bytes] of [["kv", 300_000], ["d1", 300_000], ["r2", 30_000], ["r2", 3_000_000]])
    await until(async () => (await act(verb, "after", bytes)) === "done", `${verb} of ${bytes} to go on`);
  assert.equal((await server.deploy("large", `export default { fetch: () => new Response("y") };`)).success, true);
  assert.equal((await server.ask("large")).body, "y");
  assert.deepEqual(await reads(), READS);
  const now = (await server.status()).processes.map(({ pid }) => pid);
  assert.ok(pids.every((pid) => now.includes(pid)), "no process ended for it");
});

/** Overwrites bytes of a file from `at` on. */
function damage(file, at, bytes = Buffer.alloc(2000, 0xa5)) {
  const fd = openSync(file, "r+");
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

function cut(file, bytes) {
  const fd = openSync(file, "r+");
  ftruncateSync(fd, bytes);
  closeSync(fd);
}

const files = { kv: "data.db", d1: "db.sqlite", r2: "index.db" };

/** What is done to a file of a store, while no process has it open; what is asked then, and what it may say. */
const damages = [
  ["the first page is garbage", (store, file) => damage(join(store, file), 0), /damaged|malformed|not a database/],
  ["all pages but the first are garbage", (store, file) =>
    damage(join(store, file), 4096, Buffer.alloc(statSync(join(store, file)).size - 4096, 0x5a)), /damaged|malformed|not a database/],
  ["the file is cut behind its first page", (store, file) => cut(join(store, file), 4096), /damaged|malformed|not a database|disk image/],
  ["it is a directory", (store, file) => {
    rmSync(join(store, file));
    mkdirSync(join(store, file));
  }, /cannot be opened|unable to open|CANTOPEN/],
];

for (const [what, harm, words] of damages)
  test(`damaged files: ${what}`, { timeout: 60_000 }, async (t) => {
    const own = project(t);
    chmodSync(own, 0o711);
    const data = join(own, "data");
    let server = await serve(t, { data });
    const bad = await tenant(server, "bad"), stores = Object.keys(files).map((kind) => [kind, bad.place(kind)]);
    const goodBefore = await tenant(server, "good");
    assert.deepEqual(await goodBefore.reads(), READS);
    await server.stop();
    for (const [kind, store] of stores) {
      assert.ok(existsSync(join(store, files[kind])), `${kind}: ${readdirSync(store)}`);
      sqlite(join(store, files[kind]), "PRAGMA wal_checkpoint(TRUNCATE)");
      harm(store, files[kind]);
      for (const more of ["-wal", "-shm"]) rmSync(join(store, files[kind] + more), { force: true });
    }
    server = await serve(t, { data });
    const act = async (name, verb, key, bytes) =>
      server.ask(name, "/", { method: "POST", body: JSON.stringify({ verb, key, bytes }) });
    const pids = (await server.status()).processes.map(({ pid }) => pid);
    for (const kind of Object.keys(files))
      for (const verb of [`${kind}-get`, kind]) {
        const { status, body } = await act("bad", verb, "before", 10);
        assert.equal(status, 500, `${verb}: ${body}`);
        assert.match(body, words, verb);
        assert.ok(!body.includes(own), `no path of the server: ${body}`);
      }
    const answers = await Promise.all(["kv-get", "d1-get", "r2-get"].map((verb) => act("good", verb, "before")));
    assert.deepEqual(answers.map(({ body }) => body), READS.slice(0, 3), "other stores go on");
    assert.equal((await act("good", "kv", "more", 1000)).body, "done");
    const now = (await server.status()).processes.map(({ pid }) => pid);
    assert.ok(pids.every((pid) => now.includes(pid)), "no process died of it");
  });

test("a log cut short loses what was not whole, an object's file that is gone is an error of that object", { timeout: 60_000 }, async (t) => {
  const own = project(t);
  chmodSync(own, 0o711);
  const data = join(own, "data");
  let server = await serve(t, { data });
  const { act, place } = await tenant(server, "bad");
  const stores = Object.keys(files).map((kind) => [kind, place(kind)]);
  for (let i = 0; i < 5; i++) for (const kind of Object.keys(files)) assert.equal(await act(kind, `k${i}`, 500), "done");
  await server.stop("SIGKILL");
  for (const [kind, store] of stores) {
    const log = join(store, `${files[kind]}-wal`);
    await until(() => existsSync(log), "the log");
    cut(log, statSync(log).size - 100);
    rmSync(join(store, `${files[kind]}-shm`), { force: true });
  }
  const bodies = join(place("r2"), "bodies");
  for (const name of readdirSync(bodies, { recursive: true })) if (name.includes("/")) rmSync(join(bodies, name));
  server = await serve(t, { data });
  const again = async (verb, key) => (await server.ask("bad", "/", { method: "POST", body: JSON.stringify({ verb, key, bytes: 500 }) })).body;
  for (const kind of Object.keys(files)) {
    assert.equal(await again(`${kind}-get`, "k0"), "500", kind);
    assert.ok(["500", "null", "undefined"].includes(await again(`${kind}-get`, "k4")), kind);
    assert.equal(await again(kind, "new"), "done", kind);
  }
  assert.match(await again("r2-get", "large"), /missing|damaged|gone|cannot be read|replaced or deleted/);
  assert.equal(await again("r2-get", "k1"), "500", "others are read");
});
