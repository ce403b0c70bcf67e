// KV namespaces as runtimes keep them: several processes on one store, kills, bad disks, the calls of
// the REST API. What the class does: tests/web/kv.js; the API itself: storage_api.test.mjs.
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dev, project } from "./atoll.mjs";
import { runtime, script, until, version } from "./link.mjs";
import { serve } from "./serve.mjs";

const STORE = "default/kv/one";

/** Answers /get/KEY, /put/KEY/VALUE, /delete/KEY, /list and /many/N: N gets of a key. */
const WORKER = script(`{
  async fetch(request, { KV, BAD }) {
    const [, verb, key, value] = new URL(request.url).pathname.split("/");
    try {
      if (verb === "get") return new Response(await KV.get(key));
      if (verb === "put") return new Response(await KV.put(key, value));
      if (verb === "delete") return new Response(await KV.delete(key));
      if (verb === "list") return Response.json((await KV.list()).keys.map(({ name }) => name));
      if (verb === "bad") return new Response(await BAD.get(key));
      if (verb === "large") return new Response(await KV.put(key, new Uint8Array(Number(value))));
      if (verb === "length") return new Response((await KV.get(key, "arrayBuffer"))?.byteLength);
      if (verb === "puts") {
        const all = await Promise.allSettled(Array.from({ length: Number(key) }, (_, i) => KV.put(\`p\${i}\`, "v")));
        return Response.json(all.map(({ reason }) => reason?.message ?? ""));
      }
      if (verb === "many") {
        for (let i = 0; i < key; i++) await KV.get("k");
        return new Response("done");
      }
    } catch (error) {
      return new Response(\`\${error.name}: \${error.message}\`, { status: 500 });
    }
  },
}`);

/** A runtime on this storage directory with the worker above at every host. */
async function start(t, storage, more = {}) {
  const link = await runtime(t, ["--storage", storage, ...(more.args ?? [])]);
  const bindings = [
    { name: "KV", type: "kv_namespace", store: STORE },
    { name: "BAD", type: "kv_namespace", store: "default/kv/bad" },
  ];
  link.worker("w", [version("1", WORKER, { bindings })], more.worker);
  link.hosts("*", { "*": "w" });
  let calls = 0;
  /** A call of the REST API: {result, out}, or {code, error}. */
  link.call = async (call, args = {}, blob = "", store = STORE) => {
    const id = `call ${++calls}`;
    link.send({ type: "store", id, kind: "kv_namespace", store, call, args }, blob);
    const answer = await link.next("stored", { id });
    if (!answer.ok) return { code: answer.code, error: answer.error };
    const bytes = answer.blob ?? Buffer.alloc(0);
    const json = bytes.subarray(0, answer.result).toString();
    return { result: json ? JSON.parse(json) : undefined, out: bytes.subarray(answer.result).toString() };
  };
  return link;
}

test("what one process wrote, every process reads at once", async (t) => {
  const storage = project(t);
  const [a, b] = await Promise.all([start(t, storage), start(t, storage)]);
  assert.equal(await b.text("x", "/get/k"), "");
  for (let i = 0; i < 200; i++) {
    const [writer, reader] = i % 2 ? [a, b] : [b, a];
    await writer.get("x", `/put/k/${i}`);
    assert.equal(await reader.text("x", "/get/k"), `${i}`); // cold, and hot below
    assert.equal(await reader.text("x", "/get/k"), `${i}`);
    assert.equal(await writer.text("x", "/get/k"), `${i}`);
  }
  await a.get("x", "/delete/k");
  assert.equal(await b.text("x", "/get/k"), "");
  await Promise.all(Array.from({ length: 200 }, (_, i) => (i % 2 ? a : b).get("x", `/put/p${i}/v`)));
  assert.equal(JSON.parse(await a.text("x", "/list")).length, 200);
});

test("the cache does not outlive what is removed", async (t) => {
  const storage = project(t);
  const [a, b] = await Promise.all([start(t, storage), start(t, storage)]);
  await a.get("x", "/put/k/v");
  for (const link of [a, b]) for (let i = 0; i < 2; i++) assert.equal(await link.text("x", "/get/k"), "v");
  assert.ok(existsSync(join(storage, STORE, "data.db")));
  assert.deepEqual(await a.call("remove"), { result: undefined, out: "" });
  assert.ok(!existsSync(join(storage, STORE)));
  for (const link of [a, b]) assert.equal(await link.text("x", "/get/k"), "");
  await b.get("x", "/put/k/again");
  assert.equal(await a.text("x", "/get/k"), "again");
});

test("kill -9 while all write: nothing acknowledged is lost, nothing is torn", async (t) => {
  const storage = project(t);
  const written = new Map(); // key -> the last value that was acknowledged
  const until_ms = Date.now() + 5000;
  let kills = 0, acknowledged = 0, running = true;
  const links = await Promise.all(Array.from({ length: 3 }, () => start(t, storage)));

  /** One writer of one key, of growing numbers, through whichever process there is. */
  async function write(key) {
    for (let n = 1; running; n++) {
      const link = links[(key.length + n) % links.length];
      const answer = await link?.get("x", `/put/${key}/${n}`).catch(() => undefined);
      if (answer === undefined) await new Promise(setImmediate);
      if (answer?.status !== 200) continue;
      written.set(key, n);
      acknowledged++;
    }
  }
  const writers = Array.from({ length: 24 }, (_, i) => write("key".padEnd(4 + i, "y")));
  while (Date.now() < until_ms) {
    const at = kills++ % links.length;
    const before = acknowledged;
    await until(() => acknowledged > before + 20 + (kills % 7));
    links[at].child.kill("SIGKILL");
    await links[at].stop();
    links[at] = await start(t, storage);
  }
  running = false;
  await Promise.all(writers);
  const fresh = await start(t, storage);
  for (const link of [fresh, ...links])
    for (const [key, n] of written) {
      const found = Number(await link.text("x", `/get/${key}`));
      assert.ok(found >= n && found <= n + 1, `${key}: ${n} was acknowledged, ${found} is there`);
    }
  assert.ok(kills > 5 && written.size === 24, `${kills} kills`);
});

test("a process that was killed while it wrote leaves no stale value with others", async (t) => {
  const storage = project(t);
  const b = await start(t, storage);
  const until_ms = Date.now() + 2000;
  let n = 0;
  while (Date.now() < until_ms) {
    const a = await start(t, storage);
    await a.get("x", `/put/k/${n}`);
    assert.equal(await b.text("x", "/get/k"), `${n}`);
    const last = a.get("x", `/put/k/${n + 1}`).catch(() => undefined);
    const seen = new Set();
    for (let i = 0; i < 3; i++) seen.add(await b.text("x", "/get/k"));
    a.child.kill("SIGKILL");
    const answered = await last;
    await a.stop();
    const now = Number(await b.text("x", "/get/k"));
    assert.ok(now === n + 1 || (now === n && !answered), `${now} after ${n}`);
    assert.ok(!seen.has(`${n + 1}`) || now === n + 1, "it never goes back");
    n += 2;
  }
});

test("a damaged namespace is an error of that namespace", async (t) => {
  const storage = project(t);
  mkdirSync(join(storage, "default/kv/bad"), { recursive: true });
  writeFileSync(join(storage, "default/kv/bad/data.db"), "no database at all, and not a short text either".repeat(100));
  const link = await start(t, storage);
  const { status, text } = await link.get("x", "/bad/k");
  assert.equal(status, 500);
  assert.equal(text, "Error: KV GET failed: 500 the namespace's file is damaged");
  await link.get("x", "/put/k/v");
  assert.equal(await link.text("x", "/get/k"), "v");
  assert.match((await link.call("get", { key: "k" }, "", "default/kv/bad")).error, /damaged/);
});

test("a place that cannot be written is an error, and not the end", async (t) => {
  const storage = project(t);
  writeFileSync(join(storage, "default"), "a file, where a directory should be");
  const link = await start(t, storage);
  const { text } = await link.get("x", "/put/k/v");
  assert.match(text, /^Error: KV PUT failed: 500 the namespace cannot be opened/);
  assert.ok(!text.includes(storage), text);
  rmSync(join(storage, "default"));
  assert.equal((await link.get("x", "/put/k/v")).status, 200);
  assert.equal(await link.text("x", "/get/k"), "v");
});

test("without a storage directory a binding says why it does nothing", async (t) => {
  const link = await runtime(t);
  link.worker("w", [version("1", WORKER, { bindings: [{ name: "KV", type: "kv_namespace", store: STORE }] })]);
  link.hosts("*", { "*": "w" });
  assert.match(await link.text("x", "/get/k"), /binding "KV" cannot be used: this atoll has no place/);
  link.worker("w", [version("2", WORKER, { bindings: [{ name: "KV", type: "unheard_of" }] })], { load: true });
  assert.match((await link.next("refused")).error, /The binding KV cannot be made: this atoll has no bindings of type unheard_of/);
});

for (const store of ["../x", "a/../../b", "/etc", "a//b", "a/.hidden", "", "a/b/"])
  test(`a store outside of the directory is none: ${JSON.stringify(store)}`, async (t) => {
    const storage = project(t);
    const link = await runtime(t, ["--storage", storage]);
    link.worker("w", [version("1", WORKER, { bindings: [{ name: "KV", type: "kv_namespace", store }] })]);
    link.hosts("*", { "*": "w" });
    assert.match(await link.text("x", "/put/k/v"), /cannot be used/);
  });

test("each operation counts as a subrequest", async (t) => {
  const link = await start(t, project(t), { worker: { limits: { subrequests: 10 } } });
  assert.equal(await link.text("x", "/many/10"), "done");
  const { status, text } = await link.get("x", "/many/11");
  assert.equal(status, 500);
  assert.equal(text, "Error: Too many subrequests.");
  const puts = JSON.parse(await link.text("x", "/puts/12"));
  assert.deepEqual(puts, [...Array(10).fill(""), ...Array(2).fill("Too many subrequests.")]);
  assert.equal(JSON.parse(await link.text("x", "/list")).length, 10);
});

test("in the sandbox, with a large value", { skip: process.getuid() !== 0 }, async (t) => {
  const storage = project(t);
  const link = await start(t, storage, { args: ["--sandbox", ""] });
  assert.equal((await link.get("x", `/large/k/${25 << 20}`)).status, 200);
  assert.equal(await link.text("x", "/length/k"), `${25 << 20}`);
});

test("calls of the REST API", async (t) => {
  const storage = project(t);
  const link = await start(t, storage);
  const { call } = link;
  assert.deepEqual((await call("usage")).result, { bytes: 0 });
  assert.ok(!existsSync(join(storage, "default")));
  assert.deepEqual(await call("copy", { to: "backup/kv/one" }), { result: undefined, out: "" });
  assert.ok(!existsSync(join(storage, "backup")));
  assert.deepEqual(await call("remove"), { result: undefined, out: "" });

  assert.equal((await call("get", { key: "a" })).code, -2);
  await call("put", { key: "a", metadata: { m: [1] }, expiration_ttl: 1000 }, Buffer.from([0, 1, 200]).toString("latin1"));
  const got = await call("get", { key: "a" });
  assert.deepEqual(got.result.metadata, { m: [1] });
  assert.ok(Math.abs(got.result.expiration - Date.now() / 1000 - 1000) < 5);
  await call("put", { key: "a" }, "plain");
  assert.deepEqual(await call("get", { key: "a" }), { result: { metadata: null, expiration: null }, out: "plain" });
  assert.deepEqual(await call("metadata", { key: "a" }), { result: { metadata: null, expiration: null }, out: "" });
  assert.equal(await link.text("x", "/get/a"), "plain");
  await call("delete", { key: "a" });
  await call("delete", { key: "a" });
  assert.equal(await link.text("x", "/get/a"), "");

  for (const [words, args, blob, error] of [
    ["put", { key: "" }, "", /cannot be empty/],
    ["put", { key: "." }, "", /not allowed/],
    ["put", {}, "", /must be a string/],
    ["put", { key: "k".repeat(513) }, "", /length of 513 exceeds key length limit of 512/],
    ["put", { key: "k", expiration_ttl: 59 }, "", /at least 60/],
    ["put", { key: "k", expiration: 1000 }, "", /at least 60 seconds in the future/],
    ["put", { key: "k", expiration: "soon" }, "", /integer greater than 0/],
    ["put", { key: "k", metadata: "x".repeat(1023) }, "", /Metadata length of 1025 exceeds limit of 1024/],
    ["put", { key: "k" }, "x".repeat((25 << 20) + 1), /Value length of 26214401 exceeds limit of 26214400/],
    ["list", { limit: 0 }, "", /limit/],
    ["list", { limit: 1001 }, "", /limit/],
    ["list", { cursor: "?" }, "", /invalid cursor/],
    ["list", { prefix: "p".repeat(513) }, "", /prefix/],
    ["copy", {}, "", /no place/],
    ["copy", { to: "../x" }, "", /no place/],
    ["nonsense", {}, "", /no call nonsense/],
    ["bulk_put", {}, "{", /must be a JSON array/],
    ["bulk_put", {}, "{}", /must be a JSON array/],
    ["bulk_put", {}, '[{"key":"a","value":"1"},{"key":"","value":"1"}]', /cannot be empty/],
    ["bulk_put", {}, '[{"key":"a","value":"1"},{"key":"b"}]', /value must be a string/],
    ["bulk_put", {}, '[{"key":"a","value":"%","base64":true}]', /base64/],
    ["bulk_put", {}, JSON.stringify(Array(10001).fill({ key: "a", value: "" })), /at most 10000/],
    ["bulk_delete", {}, "[5]", /must be a string/],
    ["bulk_get", {}, "[]", /JSON object/],
    ["bulk_get", {}, '{"keys":[]}', /1 to 100/],
    ["bulk_get", {}, JSON.stringify({ keys: Array(101).fill("a") }), /maximum of 100/],
  ])
    assert.match((await call(words, args, blob)).error ?? "it worked", error, `${words} ${JSON.stringify(args).slice(0, 50)} ${blob.slice(0, 50)}`);

  assert.deepEqual((await call("list")).result, { keys: [], list_complete: true, cursor: "" });
  const items = Array.from({ length: 1500 }, (_, i) => ({ key: `k${String(i).padStart(4, "0")}`, value: `${i}` }));
  items[0] = { key: "k0000", value: "AAH/", base64: true, metadata: "first", expiration_ttl: 100 };
  const done = { successful_key_count: 1500, unsuccessful_keys: [] };
  assert.deepEqual((await call("bulk_put", {}, JSON.stringify(items))).result, done);
  const page = (await call("list", { prefix: "k" })).result;
  assert.equal(page.keys.length, 1000);
  assert.equal(page.keys[0].metadata, "first");
  assert.equal(page.list_complete, false);
  const rest = (await call("list", { prefix: "k", cursor: page.cursor })).result;
  assert.deepEqual([rest.keys.length, rest.keys[0], rest.list_complete, rest.cursor], [500, { name: "k1000" }, true, ""]);
  assert.equal(await link.text("x", "/get/k1499"), "1499");
  assert.equal(await link.text("x", "/length/k0000"), "3");

  const many = async (body) => (await call("bulk_get", {}, JSON.stringify(body))).result.values;
  assert.deepEqual(await many({ keys: ["k0001", "none", "k0002"] }), { k0001: "1", none: null, k0002: "2" });
  assert.deepEqual(await many({ keys: ["k0001"], type: "json" }), { k0001: 1 });
  const [first] = Object.values(await many({ keys: ["k0001"], withMetadata: true }));
  assert.deepEqual(first, { value: "1", metadata: null, expiration: null });

  const names = items.map(({ key }, i) => (i % 2 ? key : { name: key }));
  assert.deepEqual((await call("bulk_delete", {}, JSON.stringify(names))).result, done);
  assert.deepEqual((await call("list")).result.keys, []);
  await call("put", { key: "kept" }, "copied");
  assert.ok((await call("usage")).result.bytes > 0);
  assert.equal((await call("copy", { to: "backup/kv/one" })).error, undefined);
  assert.equal((await call("get", { key: "kept" }, "", "backup/kv/one")).out, "copied");
});

const MODULE = `export default {
  async fetch(request, { KV }) {
    const [, verb, key, value] = new URL(request.url).pathname.split("/");
    return new Response(verb === "put" ? await KV.put(key, value) : await KV.get(key));
  },
};`;

test("atoll dev keeps what a project stored, over restarts", async (t) => {
  const directory_ = project(t, {
    "wrangler.toml": 'name = "kept"\nmain = "index.js"\n[[kv_namespaces]]\nbinding = "KV"\nid = "some-id"\n',
    "index.js": MODULE,
  });
  const first = await dev(t, [], { cwd: directory_ });
  await first.text("/put/k/kept");
  assert.equal(await first.text("/get/k"), "kept");
  await first.stop();
  const second = await dev(t, [], { cwd: directory_ });
  assert.equal(await second.text("/get/k"), "kept");
});

test("a server that is killed whole, again and again, has what it acknowledged", async (t) => {
  const own = project(t);
  chmodSync(own, 0o711);
  const data = join(own, "data");
  const written = new Map();
  let server = await serve(t, { data });
  const { id } = (await server.api("POST", "/accounts/default/storage/kv/namespaces", { title: "kills" })).result;
  const bindings = [{ name: "KV", type: "kv_namespace", namespace_id: id }];
  assert.equal((await server.deploy("w", MODULE, { metadata: { bindings } })).success, true);
  for (let round = 1; round <= 4; round++) {
    let running = true;
    const writers = Array.from({ length: 16 }, async (_, i) => {
      for (let n = round * 1e6; running; n++) {
        const answer = await server.ask("w", `/put/k${i}/${n}`).catch(() => undefined);
        if (answer?.status !== 200) return;
        written.set(`k${i}`, n);
      }
    });
    await until(() => [...written.values()].filter((n) => n > round * 1e6 + 5).length === 16, "writes");
    const pids = (await server.status()).processes.map(({ pid }) => pid);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    await server.stop("SIGKILL");
    running = false;
    await Promise.all(writers);
    server = await serve(t, { data });
    for (const [key, n] of written) {
      const found = Number((await server.ask("w", `/get/${key}`)).body);
      assert.ok(found === n || found === n + 1, `round ${round}, ${key}: ${n} was acknowledged, ${found} is there`);
    }
  }
});

/** Lengths and pieces of typed arrays are what the worker says: parts without an end, all empty. */
test("a worker that forges the parts of a value hurts its own key alone", async (t) => {
  const storage = project(t);
  const link = await start(t, storage);
  const forger = script(`{
    async fetch(request, { KV }) {
      const { subarray } = Uint8Array.prototype;
      const bytes = Object.getPrototypeOf(Uint8Array.prototype);
      const { get: length } = Object.getOwnPropertyDescriptor(bytes, "length");
      let chunks = 0, looks = 0, said = "stored";
      bytes.subarray = function (from, to) {
        return from === 0 && length.call(this) === 262144 ? new Uint8Array(0) : subarray.call(this, from, to);
      };
      Object.defineProperty(bytes, "length", {
        configurable: true,
        get() {
          const n = length.call(this);
          return n === 100000 && looks++ % 9 === 0 ? 0 : n;
        },
      });
      const pull = (to) => (chunks++ < 400 ? to.enqueue(new Uint8Array(100000)) : to.close());
      await KV.put("x", new ReadableStream({ pull })).catch((error) => (said = error.message));
      bytes.subarray = subarray;
      Object.defineProperty(bytes, "length", { configurable: true, get: length });
      const got = await KV.get("x", "arrayBuffer").then(() => "read", (error) => error.message);
      return new Response(said + "; " + got);
    },
  }`);
  link.worker("forger", [version("1", forger, { bindings: [{ name: "KV", type: "kv_namespace", store: STORE }] })]);
  link.hosts("forger", { "*": "forger" });
  assert.match(await link.text("forger"), /more parts than it can have|damaged/);
  assert.equal(link.ended, undefined);
  await link.text("w", "/put/k/v");
  assert.equal(await link.text("w", "/get/k"), "v");
});

test("a time that no clock reaches is never", async (t) => {
  const link = await start(t, project(t));
  const worker = script(`{
    async fetch(request, { KV }) {
      await KV.put("k", "v", { expiration: 1e300 });
      return new Response(await KV.get("k"));
    },
  }`);
  link.worker("far", [version("1", worker, { bindings: [{ name: "KV", type: "kv_namespace", store: STORE }] })]);
  link.hosts("far", { "*": "far" });
  assert.equal(await link.text("far"), "v");
});
