// `atoll pull` and `atoll dev --pull`: what a deployed worker stores, copied for `atoll dev`.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { dev, project } from "./atoll.mjs";
import { client, environment } from "./client.mjs";
import { serve, TOKEN } from "./serve.mjs";

const server = await serve({ after });
const { atoll, done } = client(() => server.base);

/** A worker that puts what it is told to, and tells what it has. */
const SOURCE = `
const hex = async (bytes) => [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((b) => b.toString(16).padStart(2, "0")).join("");
export default { async fetch(request, { KV, DB, FILES }) {
  const { pathname } = new URL(request.url);
  if (pathname === "/fill") {
    await KV.put("bytes", new Uint8Array([0, 255, 10]), { metadata: { m: [1, "ä"] }, expirationTtl: 86400 });
    await KV.put("a/b ü", "text");
    await KV.put("soon", "gone", { expirationTtl: 60 });
    await DB.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB)");
    await DB.prepare("INSERT INTO t(a, b) VALUES(?, ?)").bind("it's\\n;", new Uint8Array([0, 1, 255])).run();
    await DB.exec("CREATE INDEX i ON t(a)");
    await FILES.put("small ä/x", "small", { httpMetadata: { contentType: "a/b", cacheControl: "no-store" }, customMetadata: { k: "v" } });
    return new Response("filled");
  }
  if (pathname === "/mark") return KV.put("mine", "here").then(() => new Response("marked"));
  const bytes = await KV.getWithMetadata("bytes", "arrayBuffer");
  const small = await FILES.get("small ä/x"), large = await FILES.get("large");
  return Response.json({
    keys: (await KV.list()).keys.map(({ name, expiration }) => [name, expiration > 0]),
    bytes: bytes.value && [...new Uint8Array(bytes.value)], metadata: bytes.metadata,
    rows: (await DB.prepare("SELECT * FROM t").all().catch(() => ({ results: [] }))).results,
    small: small && [await small.text(), small.httpMetadata, small.customMetadata],
    large: large && await hex(await large.arrayBuffer()),
  });
} };`;
const BINDINGS = {
  kv_namespaces: [{ binding: "KV" }],
  d1_databases: [{ binding: "DB", database_name: "pulled" }],
  r2_buckets: [{ binding: "FILES", bucket_name: "pulled" }],
};
const files = (name, bindings = BINDINGS) => ({
  "index.js": SOURCE,
  "wrangler.jsonc": JSON.stringify({ name, main: "index.js", compatibility_date: "2026-04-01", ...bindings }),
});
const large = Buffer.alloc(20 << 20, "0123456789a");
const WANTED = {
  keys: [["a/b ü", false], ["bytes", true]],
  bytes: [0, 255, 10],
  metadata: { m: [1, "ä"] },
  rows: [{ id: 1, a: "it's\n;", b: [0, 1, 255] }],
  small: ["small", { contentType: "a/b", cacheControl: "no-store" }, { k: "v" }],
  large: createHash("sha256").update(large).digest("hex"),
};

describe("atoll pull", () => {
  test("what is deployed is here afterwards, in place of what was; a question comes first", async (t) => {
    const cwd = project(t, files("pulls"));
    await done(t, ["deploy"], { cwd });
    assert.equal((await server.ask("pulls", "/fill")).body, "filled");
    const put = await fetch(`${server.base}/accounts/default/r2/buckets/pulled/objects/large`, { method: "PUT", body: large, headers: { authorization: `Bearer ${TOKEN}` } });
    assert.equal(put.status, 200);

    const first = await done(t, ["pull"], { cwd });
    assert.match(first.stderr, /pulled KV: 2 keys, [\s\S]*pulled DB: [\s\S]*pulled FILES: 2 objects, 21 MB/);
    const local = await dev(t, [cwd]);
    assert.deepEqual(JSON.parse(await local.text("/")), WANTED);

    // While it runs: what it wrote stays until somebody says so, and it sees what is pulled then.
    await local.text("/mark");
    const refused = await atoll(t, ["pull"], { cwd });
    assert.deepEqual([refused.status, /--yes/.test(refused.stderr)], [2, true]);
    assert.equal(JSON.parse(await local.text("/")).keys.length, 3);
    assert.match((await done(t, ["pull", "DB", "--yes"], { cwd })).stderr, /^pulled DB: .*\n$/);
    assert.equal(JSON.parse(await local.text("/")).keys.length, 3);
    await done(t, ["pull", "--yes"], { cwd });
    assert.deepEqual(JSON.parse(await local.text("/")), WANTED);
  });

  test("atoll dev --pull starts with it", async (t) => {
    const directory = project(t, files("starts", { kv_namespaces: [{ binding: "KV" }] }));
    await done(t, ["deploy"], { cwd: directory });
    const { result } = await server.api("GET", "/accounts/default/workers/scripts/starts/settings");
    const id = result.bindings.find(({ name }) => name === "KV").namespace_id;
    await server.api("PUT", `/accounts/default/storage/kv/namespaces/${id}/bulk`,
      Array.from({ length: 1200 }, (_, i) => ({ key: `k${i}`, value: `v${i}` })));
    writeFileSync(join(directory, "index.js"), `export default { fetch: async (_, { KV }) =>
      Response.json([(await KV.list()).keys.length, (await KV.list({ prefix: "k11" })).keys.length, await KV.get("k1199")]) };`);
    const local = await dev(t, ["--pull", directory], { env: environment(server.base, directory) });
    assert.equal(await local.text("/"), JSON.stringify([1000, 111, "v1199"]));
  });

  test("nothing is emptied when the server has no such worker or bucket, or a name is wrong", async (t) => {
    const cwd = project(t, files("never-deployed"));
    await done(t, ["kv", "key", "put", "k", "mine", "--binding", "KV", "--local"], { cwd });
    const none = await atoll(t, ["pull", "--yes"], { cwd });
    assert.deepEqual([none.status, /deploy/.test(none.stderr)], [4, true]);
    const wrong = await atoll(t, ["pull", "NONE", "--yes"], { cwd });
    assert.deepEqual([wrong.status, /no such binding/.test(wrong.stderr)], [2, true]);
    assert.equal((await done(t, ["kv", "key", "get", "k", "--binding", "KV", "--local"], { cwd })).stdout, "mine");
    const absent = project(t, files("absent", { r2_buckets: [{ binding: "FILES", bucket_name: "nowhere" }] }));
    await done(t, ["r2", "object", "put", "FILES/k", "--local", "--file", "-"], { cwd: absent, input: "mine" });
    assert.equal((await atoll(t, ["pull", "--yes"], { cwd: absent })).status, 4);
    assert.equal((await done(t, ["r2", "object", "get", "FILES/k", "--local"], { cwd: absent })).stdout, "mine");
  });
});

describe("atoll r2 object with what is larger than a call", { concurrency: 2 }, () => {
  for (const where of ["--local", "--remote"])
    test(where, async (t) => {
      const cwd = project(t, files("large"));
      if (where === "--remote") await done(t, ["r2", "bucket", "create", "large"]);
      const bytes = Buffer.alloc((70 << 20) + 5, "0123456789abc");
      writeFileSync(join(cwd, "in"), bytes);
      await done(t, ["r2", "object", "put", "large/a", "--file", "in", where], { cwd });
      assert.match((await done(t, ["r2", "object", "get", "large/a", "--file", "out", where], { cwd })).stdout, /got 73.4 MB of a/);
      assert.ok(readFileSync(join(cwd, "out")).equals(bytes));
      await done(t, ["r2", "object", "put", "large/b", "--file", "-", where], { cwd, input: bytes.subarray(0, 9 << 20) });
      await done(t, ["r2", "object", "get", "large/b", "--file", "out", where], { cwd });
      assert.ok(readFileSync(join(cwd, "out")).equals(bytes.subarray(0, 9 << 20)));
      const absent = await atoll(t, ["r2", "object", "get", "large/none", "--file", "out", where], { cwd });
      assert.equal(absent.status, 4);
      assert.ok(readFileSync(join(cwd, "out")).equals(bytes.subarray(0, 9 << 20)));
      const directory = await atoll(t, ["r2", "object", "put", "large/c", "--file", ".", where], { cwd });
      assert.deepEqual([directory.status, /is no file/.test(directory.stderr)], [1, true]);
    });
});
