// The REST API of what tenants store: namespaces and databases, what is in them, who may, what goes
// with them, and what a backup holds.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { until } from "./atoll.mjs";
import { serve, TOKEN } from "./serve.mjs";

const KV = "/accounts/default/storage/kv/namespaces";
const D1 = "/accounts/default/d1/database";
const server = await serve({ after });

async function raw(path, { method = "GET", body, headers = {}, base = server.base } = {}) {
  const answer = await fetch(base + path, { method, body, headers: { authorization: `Bearer ${TOKEN}`, ...headers } });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

const { ok, fails } = server;

const namespace = async (title, on = server) => (await on.ok("POST", KV, { title })).id;
const database = async (name, on = server) => (await on.ok("POST", D1, { name })).uuid;
const query = async (id, sql, params, on = server) => (await on.ok("POST", `${D1}/${id}/query`, { sql, params }))[0].results;

describe("KV namespaces", () => {
  test("are made, found, listed in pages that end, renamed, deleted", async () => {
    const id = await namespace("first");
    assert.match(id, /^[0-9a-f]{32}$/);
    await namespace("second");
    await fails("POST", KV, { title: "first" }, 400, 10014, /"first" is taken/);
    await fails("POST", KV, { title: "" }, 400, 10001);
    await fails("POST", KV, {}, 400, 10019, /title/);
    const one = await server.api("GET", `${KV}?per_page=1`);
    assert.deepEqual([one.result.length, one.result_info.total_count], [1, 2]);
    assert.deepEqual(await ok("GET", `${KV}?per_page=1000&page=2`), []);
    assert.deepEqual(await ok("PUT", `${KV}/${id}`, { title: "other" }), { id, title: "other", supports_url_encoding: true });
    await fails("PUT", `${KV}/${id}`, { title: "second" }, 409, 10014);
    assert.equal((await ok("GET", `${KV}/${id}`)).title, "other");
    await ok("DELETE", `${KV}/${id}`);
    await fails("GET", `${KV}/${id}`, undefined, 404, 10013, /does not exist/);
    await fails("DELETE", `${KV}/${id}`, undefined, 404, 10013);
  });

  test("keep an id that the caller brings", async () => {
    const id = "0123456789abcdef0123456789abcdef";
    assert.equal((await ok("POST", KV, { title: "moved here", id })).id, id);
    await fails("POST", KV, { title: "again", id }, 400, 10014, /id .* is taken/);
    await fails("POST", KV, { title: "again", id: "../../x" }, 400, 10001);
  });
});

describe("KV values", () => {
  test("go in and out byte by byte, under any key", async () => {
    const path = `${KV}/${await namespace("bytes")}`;
    const bytes = Buffer.from(Array.from({ length: 300 }, (_, i) => i % 256));
    for (const key of ["plain", "a/b/../c?d#e", "käse 🧀", "%2F", "x".repeat(512)]) {
      const value = `${path}/values/${encodeURIComponent(key)}`;
      assert.equal((await raw(value, { method: "PUT", body: bytes })).status, 200, key);
      const got = await fetch(server.base + value, { headers: { authorization: `Bearer ${TOKEN}` } });
      assert.deepEqual(Buffer.from(await got.arrayBuffer()), bytes, key);
    }
    const keys = await ok("GET", `${path}/keys`);
    assert.ok(keys.some(({ name }) => name === "käse 🧀"));
    await fails("GET", `${path}/values/none`, undefined, 404, 10009);
    assert.equal((await raw(`${path}/values/${"x".repeat(513)}`, { method: "PUT", body: "v" })).status, 413);
    assert.equal((await raw(`${path}/values/empty`, { method: "PUT", body: "" })).status, 200);
    assert.equal((await raw(`${path}/values/empty`)).text, "");
    await ok("DELETE", `${path}/values/plain`);
    await fails("GET", `${path}/values/plain`, undefined, 404, 10009);
  });

  test("have metadata and expire", async () => {
    const path = `${KV}/${await namespace("meta")}`;
    const form = new FormData();
    form.set("value", "the value");
    form.set("metadata", JSON.stringify({ a: [1, null] }));
    await ok("PUT", `${path}/values/k?expiration_ttl=3600`, form);
    assert.equal((await raw(`${path}/values/k`)).text, "the value");
    assert.deepEqual(await ok("GET", `${path}/metadata/k`), { a: [1, null] });
    const [key] = await ok("GET", `${path}/keys?prefix=k`);
    assert.deepEqual([key.name, key.metadata], ["k", { a: [1, null] }]);
    assert.ok(Math.abs(key.expiration - Date.now() / 1000 - 3600) < 60);
    assert.equal((await raw(`${path}/values/k?expiration_ttl=5`, { method: "PUT", body: "v" })).status, 400);
    await fails("PUT", `${path}/values/k?expiration_ttl=soon`, "v", 400, 10012, /expiration_ttl/);
    await fails("GET", `${path}/metadata/none`, undefined, 404, 10009);
  });

  test("are listed with a cursor, and written, read and deleted many at once", async () => {
    const path = `${KV}/${await namespace("bulk")}`;
    const names = Array.from({ length: 25 }, (_, i) => `key-${String(i).padStart(2, "0")}`);
    await ok("PUT", `${path}/bulk`, [
      ...names.map((key) => ({ key, value: `value of ${key}` })),
      { key: "bytes", value: Buffer.from([1, 255]).toString("base64"), base64: true, metadata: { m: 1 } },
    ]);
    const found = [];
    for (let cursor = ""; ; ) {
      const answer = await server.api("GET", `${path}/keys?limit=10&prefix=key-${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      found.push(...answer.result.map(({ name }) => name));
      cursor = answer.result_info.cursor;
      if (!cursor) break;
    }
    assert.deepEqual(found, names);
    const { values } = await ok("POST", `${path}/bulk/get`, { keys: ["key-00", "none"] });
    assert.deepEqual(values, { "key-00": "value of key-00", none: null });
    await ok("DELETE", `${path}/bulk`, names.slice(1));
    await ok("POST", `${path}/bulk/delete`, ["bytes"]);
    assert.deepEqual((await ok("GET", `${path}/keys`)).map(({ name }) => name), ["key-00"]);
    await fails("PUT", `${path}/bulk`, { not: "an array" }, 400, 10012);
  });
});

describe("D1", () => {
  test("databases are made, found by id and by name, listed, deleted", async () => {
    const uuid = await database("main");
    assert.match(uuid, /^[0-9a-f-]{36}$/);
    await fails("POST", D1, { name: "main" }, 400, 7502, /taken/);
    await fails("POST", D1, { name: "a b" }, 400, 7400);
    assert.equal((await ok("GET", `${D1}/main?fields=uuid,name`)).uuid, uuid);
    const info = await ok("GET", `${D1}/${uuid}`);
    assert.deepEqual([info.name, info.version, info.num_tables], ["main", "production", 0]);
    await database("other");
    assert.deepEqual((await ok("GET", `${D1}?name=main`)).map(({ name }) => name), ["main"]);
    assert.equal((await ok("GET", `${D1}?per_page=1&page=2`)).length, 1);
    await ok("DELETE", `${D1}/${uuid}`);
    await fails("GET", `${D1}/${uuid}`, undefined, 404, 7404);
    await fails("POST", `${D1}/${uuid}/query`, { sql: "SELECT 1" }, 404, 7404);
  });

  test("statements answer rows and meta; what is wrong is 400; a call is one transaction", async () => {
    const id = await database("statements");
    const path = `${D1}/${id}`;
    const many = await ok("POST", `${path}/query`, {
      sql: "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t(v) VALUES('a'); SELECT * FROM t;",
    });
    assert.equal(many.length, 3);
    assert.deepEqual(many[2].results, [{ id: 1, v: "a" }]);
    assert.deepEqual([many[1].meta.changes, many[1].meta.last_row_id, many[1].success], [1, 1, true]);
    assert.deepEqual(await query(id, "SELECT v FROM t WHERE id = ?", [1]), [{ v: "a" }]);
    const [{ results }] = await ok("POST", `${path}/raw`, { sql: "SELECT id, v FROM t" });
    assert.deepEqual(results, { columns: ["id", "v"], rows: [[1, "a"]] });
    const batch = await ok("POST", `${path}/query`, { batch: [{ sql: "INSERT INTO t(v) VALUES(?)", params: ["b"] }, { sql: "SELECT count(*) n FROM t" }] });
    assert.deepEqual(batch[1].results, [{ n: 2 }]);
    await fails("POST", `${path}/query`, { sql: "INSERT INTO t(v) VALUES('lost'); SELECT * FROM none;" }, 400, 7500, /no such table: none/);
    assert.deepEqual(await query(id, "SELECT count(*) n FROM t"), [{ n: 2 }]);
    await fails("POST", `${path}/query`, { sql: "ATTACH 'x' AS y" }, 400, 7500);
    assert.equal((await ok("GET", path)).num_tables, 1);
  });

  test("SQL files go in and out by paths that need no token", async () => {
    const id = await database("files");
    const sql = "CREATE TABLE f(x);" + "INSERT INTO f VALUES('it''s');".repeat(3);
    await fails("POST", `${D1}/${id}/import`, { action: "init", etag: "no/etag" }, 400, 7400);
    const init = await ok("POST", `${D1}/${id}/import`, { action: "init", etag: "abc123" });
    const put = await fetch(init.upload_url, { method: "PUT", body: sql });
    assert.deepEqual([put.status, put.headers.get("etag")], [200, '"abc123"']);
    const done = await ok("POST", `${D1}/${id}/import`, { action: "ingest", filename: init.filename, etag: "abc123" });
    assert.deepEqual([done.status, done.result.num_queries], ["complete", 4]);
    await fails("POST", `${D1}/${id}/import`, { action: "ingest", filename: init.filename }, 404, 7400);
    assert.deepEqual(await query(id, "SELECT count(*) n FROM f"), [{ n: 3 }]);

    const { result } = await ok("POST", `${D1}/${id}/export`, { output_format: "polling" });
    assert.equal(result.filename, "files.sql");
    const text = await (await fetch(result.signed_url)).text();
    assert.match(text, /CREATE TABLE f/);
    assert.match(text, /it''s/);
    assert.equal((await fetch(`${result.signed_url}x`)).status, 404);
    assert.equal((await fetch(`${server.base}/parcels/none`, { method: "PUT", body: "x".repeat(1 << 20) })).status, 404);
  });
});

describe("who and what", () => {
  test("a token needs the scope storage, and an account has its own", async () => {
    const token = async (...scopes) => (await ok("POST", "/accounts/default/tokens", { name: scopes.join(), scopes })).value;
    const reader = await token("storage:read");
    const worker = await token("worker:write");
    assert.equal((await server.api("GET", KV, undefined, { token: reader })).status, 200);
    assert.equal((await server.api("POST", KV, { title: "x" }, { token: reader })).status, 403);
    assert.equal((await server.api("GET", KV, undefined, { token: worker })).status, 403);
    await ok("POST", "/accounts", { id: "acme", name: "acme" });
    const id = await namespace("of default");
    assert.deepEqual(await ok("GET", "/accounts/acme/storage/kv/namespaces"), []);
    await fails("GET", `/accounts/acme/storage/kv/namespaces/${id}/keys`, undefined, 404, 10013);
    const { result } = await server.api("GET", "/accounts/default/audit_logs");
    assert.ok(JSON.stringify(result).includes("kv.create"));
  });

  test("a worker finds what its bindings name; one that is not there is refused; one that was deleted fails clearly", async () => {
    const kv = await namespace("bound");
    const db = await database("bound");
    const source = `export default { async fetch(request, env) {
      try {
        return Response.json([await env.KV.get("k"), (await env.DB.prepare("SELECT v FROM t").all()).results]);
      } catch (error) { return new Response(error.message, { status: 500 }); }
    } };`;
    const bindings = [
      { name: "KV", type: "kv_namespace", namespace_id: kv },
      { name: "DB", type: "d1", id: db },
    ];
    await ok("PUT", `${KV}/${kv}/values/k`, "from outside");
    await query(db, "CREATE TABLE t(v); INSERT INTO t VALUES(7)");
    const refused = await server.deploy("bound", source, { metadata: { bindings: [{ ...bindings[0], namespace_id: "none" }] } });
    assert.deepEqual([refused.status, refused.errors[0].code], [400, 10021]);
    assert.match(refused.errors[0].message, /"KV" wants the KV namespace "none".*kv namespace create/);
    const deployed = await server.deploy("bound", source, { metadata: { bindings } });
    assert.equal(deployed.success, true, JSON.stringify(deployed));
    assert.deepEqual(JSON.parse((await server.ask("bound")).body), ['"from outside"', [{ v: 7 }]]);
    const { bindings: kept } = await ok("GET", "/accounts/default/workers/scripts/bound/settings");
    assert.deepEqual(kept, bindings);
    await ok("DELETE", `${KV}/${kv}`);
    const gone = await server.ask("bound");
    assert.equal(gone.status, 500);
    assert.match(gone.body, /"?KV"?.*does not exist any more|does not exist any more.*KV/);
  });

  test("what is deleted leaves nothing on the disk", async () => {
    const place = join(server.data, "storage", "default");
    const files = (kind, id) => (existsSync(join(place, kind)) ? readdirSync(join(place, kind)).filter((name) => name.startsWith(id)) : []);
    const kv = await namespace("to go");
    const db = await database("to-go");
    await ok("PUT", `${KV}/${kv}/values/k`, "v");
    await query(db, "CREATE TABLE t(v)");
    assert.ok(files("kv", kv).length && files("d1", db).length);
    const usage = await ok("GET", "/accounts/default/storage/usage");
    assert.ok(usage.stores.find(({ id }) => id === kv).bytes > 0);
    assert.ok(usage.bytes > 0);
    await ok("DELETE", `${KV}/${kv}`);
    await ok("DELETE", `${D1}/${db}`);
    await until(() => !files("kv", kv).length && !files("d1", db).length, "the data to be gone");
    await fails("POST", KV, { title: "to go", id: kv }, 400, 10014, /being removed/);
  });

  test("a runtime that dies of a call is a failure that says so, and the next call is answered", async (t) => {
    const own = await serve(t);
    const id = await database("slow", own);
    const endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) n FROM c";
    const pids = () => readFileSync(`/proc/${own.child.pid}/task/${own.child.pid}/children`, "utf8").trim().split(" ").map(Number);
    const answer = own.api("POST", `${D1}/${id}/query`, { sql: endless });
    const busy = (pid) => {
      const [user, system] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ").slice(11, 13);
      return Number(user) + Number(system);
    };
    const before = new Map(pids().map((pid) => [pid, busy(pid)]));
    const pid = await until(() => pids().find((it) => before.has(it) && busy(it) - before.get(it) > 20), "the query to run");
    process.kill(pid, "SIGKILL");
    const { status, errors } = await answer;
    assert.deepEqual([status, errors[0].code], [503, 10029]);
    assert.match(errors[0].message, /was ended by signal 9.*look before you try again/);
    const again = await own.api("POST", `${D1}/${id}/query`, { sql: "SELECT 1 a" });
    assert.deepEqual([again.status, again.errors[0]?.code], [503, 10029], "what a process died of is not asked at once");
    await until(async () => (await own.api("POST", `${D1}/${id}/query`, { sql: "SELECT 1 a" })).status === 200, "the store to answer");
  });

  test("a backup has all of it, and a server starts from it", async (t) => {
    const kv = await namespace("saved");
    const db = await database("saved");
    await ok("PUT", `${KV}/${kv}/values/k`, "kept");
    await query(db, "CREATE TABLE t(v); INSERT INTO t VALUES('kept')");
    const directory = join(server.own, "backups", "one");
    mkdirSync(join(server.own, "backups"), { mode: 0o711 });
    await ok("POST", "/server/backup", { directory });
    await ok("PUT", `${KV}/${kv}/values/k`, "later");
    assert.ok(!readdirSync(join(server.data, "storage")).some((name) => name.startsWith("copy.")));
    const copy = await serve(t, { data: directory });
    const value = await raw(`${KV}/${kv}/values/k`, { base: copy.base });
    assert.equal(value.text, '"kept"');
    assert.deepEqual(await query(db, "SELECT v FROM t", [], copy), [{ v: "kept" }]);
    await copy.ok("PUT", `${KV}/${kv}/values/k`, "goes on");
  });
});
