// What an account may store: growth is refused when it is reached, reads, deletes and other accounts go on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "./atoll.mjs";
import { serve, TOKEN } from "./serve.mjs";

const LIMIT = 3 << 20;
const SOURCE = `export default { async fetch(request, { KV, DB, R2 }) {
  const { verb, key, bytes } = await request.json();
  const value = "x".repeat(bytes ?? 0);
  try {
    if (verb === "kv") await KV.put(key, value);
    if (verb === "kv-get") return new Response(String((await KV.get(key))?.length));
    if (verb === "kv-delete") await KV.delete(key);
    if (verb === "r2") await R2.put(key, value);
    if (verb === "r2-get") return new Response(String((await (await R2.get(key))?.text())?.length));
    if (verb === "r2-delete") await R2.delete(key);
    if (verb === "d1") await DB.prepare("INSERT INTO t VALUES (?, ?)").bind(key, value).run();
    if (verb === "d1-get") return new Response(String(await DB.prepare("SELECT count(*) AS n FROM t").first("n")));
    if (verb === "d1-delete") await DB.exec("DELETE FROM t");
    return new Response("done");
  } catch (error) { return new Response(error.message, { status: 500 }); }
} };`;

const FULL = /stores as much as it may \(storage_bytes\)/;

/** An account's stores and a worker on them: do(what) gives what it answered. */
async function tenant(server, account) {
  const base = `/accounts/${account}`;
  const ok = async (method, path, body) => {
    const answer = await server.api(method, base + path, body);
    assert.ok(answer.success, `${path}: ${JSON.stringify(answer)}`);
    return answer.result;
  };
  const kv = (await ok("POST", "/storage/kv/namespaces", { title: "q" })).id;
  const db = (await ok("POST", "/d1/database", { name: "q" })).uuid;
  await ok("POST", "/r2/buckets", { name: "quota" });
  await ok("POST", `/d1/database/${db}/query`, { sql: "CREATE TABLE t (k, v)" });
  const bindings = [
    { name: "KV", type: "kv_namespace", namespace_id: kv },
    { name: "DB", type: "d1", id: db },
    { name: "R2", type: "r2_bucket", bucket_name: "quota" },
  ];
  const name = `quota-${account}`;
  assert.ok((await server.deploy(name, SOURCE, { account, metadata: { bindings } })).success);
  const host = account === "default" ? name : `${name}.${account}.localhost`;
  const act = async (verb, key = "k", bytes = 0) => (await server.ask(host, "/", { method: "POST", body: JSON.stringify({ verb, key, bytes }) })).body;
  return { ok, act, kv };
}

test("an account that stores as much as it may grows no further, and goes on when it has room again", { timeout: 90_000 }, async (t) => {
  const server = await serve(t);
  const { ok, act, kv } = await tenant(server, "default");
  assert.equal((await ok("GET", "/workers/limits")).defaults.storage_bytes, 2 ** 60, "no limit that anybody reaches");
  assert.equal((await ok("GET", "/storage/usage")).limit, null);
  await server.api("POST", "/accounts", { id: "other", name: "other" });
  const other = await tenant(server, "other");

  await ok("PATCH", "/workers/limits", { storage_bytes: LIMIT });
  assert.equal((await ok("GET", "/workers/limits")).overrides.storage_bytes, LIMIT);
  const refused = await server.api("PATCH", "/accounts/default/workers/scripts/quota-default/limits", { storage_bytes: 1 });
  assert.equal(refused.status, 400, "a worker stores nothing of its own");

  for (const verb of ["kv", "r2", "d1"]) assert.equal(await act(verb, "first", 1000), "done");
  assert.equal(await act("r2", "large", LIMIT), "done");
  await until(async () => FULL.test(await act("r2", "small", 10)), "R2 to be full");
  let count = 0; // a key that is written again takes the room that its value had
  await until(async () => FULL.test(await act("kv", `more${count++}`, 100_000)), "KV to be full");
  assert.match(await act("r2", "more", 100_000), FULL);
  await until(async () => FULL.test(await act("d1", "more", 100_000)), "D1 to be full: in free pages there may be room");
  const byApi = await fetch(`${server.base}/accounts/default/storage/kv/namespaces/${kv}/values/api`,
    { method: "PUT", body: "x".repeat(200_000), headers: { authorization: `Bearer ${TOKEN}` } });
  assert.equal(byApi.status, 413);
  assert.match(await byApi.text(), FULL);

  // What is there is read, what is deleted goes, who has no limit writes.
  assert.equal(await act("kv-get", "first"), "1000");
  assert.equal(await act("r2-get", "large"), String(LIMIT));
  assert.ok(Number(await act("d1-get")) >= 1);
  assert.equal(await other.act("kv", "k", 100_000), "done");
  assert.equal(await other.act("r2", "k", 100_000), "done");
  const usage = await ok("GET", "/storage/usage");
  assert.equal(usage.limit, LIMIT);
  assert.ok(usage.kinds.r2 >= LIMIT && usage.kinds.kv > 0 && usage.kinds.d1 > 0, JSON.stringify(usage));
  assert.equal(usage.bytes, Object.values(usage.kinds).reduce((sum, bytes) => sum + bytes));
  for (const verb of ["kv-delete", "r2-delete", "d1-delete"]) assert.equal(await act(verb, "large"), "done");
  for (const verb of ["kv", "r2", "d1"])
    await until(async () => (await act(verb, "again", 50_000)) === "done", `${verb} to have room again`);

  // A runtime that is new knows it, too.
  await ok("PATCH", "/workers/limits", { storage_bytes: 1 });
  await until(async () => FULL.test(await act("r2", "k", 10)), "the limit");
  for (const { pid } of (await server.status()).processes) process.kill(pid, "SIGKILL");
  await until(async () => FULL.test(await act("r2", "k", 10).catch(() => "")), "the limit in new processes");
  await ok("PATCH", "/workers/limits", { storage_bytes: null });
  await until(async () => (await act("r2", "k", 10)) === "done", "no limit");
});
