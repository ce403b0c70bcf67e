// The real wrangler on what tenants store: its kv and d1 commands against the server's data, the
// provisioning of a deploy, and a worker that uses both.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { project } from "./atoll.mjs";
import { serve } from "./serve.mjs";
import { wrangler } from "./wrangler.mjs";

const server = await serve({ after });

function worker(t, name, config = {}, source = "export default { fetch: () => new Response() };", files = {}) {
  const all = { name, main: "index.js", compatibility_date: "2026-04-01", ...config };
  return project(t, { "index.js": source, "wrangler.jsonc": JSON.stringify(all), ...files });
}

const idIn = (text) => text.match(/"?(?:id|database_id)"?(?::| =) "([0-9a-f-]+)"/)[1];
const json = async (name, path) => JSON.parse((await server.ask(name, path)).body);

describe("wrangler", { concurrency: 3 }, () => {
  test("kv namespace create, list, rename, delete; kv key and kv bulk on its values", async (t) => {
    const directory = worker(t, "keys");
    const run = (...args) => wrangler(server, directory, ["kv", ...args]);
    const id = idIn(await run("namespace", "create", "shop"));
    assert.ok(JSON.parse(await run("namespace", "list")).some((it) => it.id === id && it.title === "shop"));
    await run("namespace", "rename", "--namespace-id", id, "--new-name", "store");
    assert.ok(JSON.parse(await run("namespace", "list")).some((it) => it.title === "store"));

    const at = ["--namespace-id", id, "--remote"];
    await run("key", "put", "a/b c", "the value", ...at, "--metadata", '{"m":1}', "--ttl", "3600");
    assert.equal((await run("key", "get", "a/b c", ...at, "--text")).trimEnd(), "the value");
    writeFileSync(join(directory, "bytes"), Buffer.from([0, 255, 10]));
    await run("key", "put", "bytes", "--path", "bytes", ...at);
    const [first] = JSON.parse(await run("key", "list", ...at));
    assert.deepEqual([first.name, first.metadata], ["a/b c", { m: 1 }]);
    await run("key", "delete", "a/b c", ...at);

    const many = Array.from({ length: 30 }, (_, i) => ({ key: `k${i}`, value: `v${i}` }));
    writeFileSync(join(directory, "many.json"), JSON.stringify(many));
    await run("bulk", "put", "many.json", ...at);
    assert.equal(JSON.parse(await run("key", "list", ...at)).length, 31);
    writeFileSync(join(directory, "keys.json"), JSON.stringify(["k1", "none"]));
    assert.match(await run("bulk", "get", "keys.json", ...at), /"k1":\s*(\{\s*"value": )?"v1"/);
    writeFileSync(join(directory, "gone.json"), JSON.stringify(many.slice(1).map(({ key }) => key)));
    await run("bulk", "delete", "gone.json", "--force", ...at);
    assert.deepEqual(JSON.parse(await run("key", "list", ...at)).map(({ name }) => name), ["bytes", "k0"]);
    await wrangler(server, directory, ["kv", "key", "get", "none", ...at], { status: 1 });
    await run("namespace", "rename", "store", "--new-name", "storehouse");
    await run("namespace", "delete", "storehouse", "--skip-confirmation");
    assert.ok(!JSON.parse(await run("namespace", "list")).some((it) => it.id === id));
  });

  test("d1 create, list, info, execute, migrations, export, delete", async (t) => {
    const plain = worker(t, "data");
    const id = idIn(await wrangler(server, plain, ["d1", "create", "shop-db"]));
    const directory = worker(t, "data", { d1_databases: [{ binding: "DB", database_name: "shop-db", database_id: id }] }, undefined, {
      "migrations/0001_first.sql": "CREATE TABLE goods(id INTEGER PRIMARY KEY, name TEXT);",
      "migrations/0002_second.sql": "INSERT INTO goods(name) VALUES('pen');",
      "file.sql": "INSERT INTO goods(name) VALUES('it''s');\nINSERT INTO goods(name) VALUES('ink');",
    });
    const run = (...args) => wrangler(server, directory, ["d1", ...args]);
    assert.match(await run("list"), /shop-db/);
    assert.match(await run("migrations", "list", "shop-db", "--remote"), /0001_first\.sql/);
    await run("migrations", "apply", "shop-db", "--remote");
    assert.match(await run("migrations", "list", "shop-db", "--remote"), /No migrations to apply/);
    await run("execute", "shop-db", "--remote", "--yes", "--file", "file.sql");
    const [{ results }] = JSON.parse(await run("execute", "DB", "--remote", "--json", "--command", "SELECT name FROM goods"));
    assert.deepEqual(results.map(({ name }) => name), ["pen", "it's", "ink"]);
    const wrong = await wrangler(server, directory, ["d1", "execute", "DB", "--remote", "--command", "SELECT * FROM none"], { status: 1, all: true });
    assert.match(wrong, /no such table: none/);
    assert.match(await run("info", "shop-db"), new RegExp(id));
    await run("migrations", "create", "shop-db", "third");
    await run("export", "shop-db", "--remote", "--output", "out.sql");
    assert.match(readFileSync(join(directory, "out.sql"), "utf8"), /CREATE TABLE goods[\s\S]*it''s/);
    await run("export", "shop-db", "--remote", "--output", "data.sql", "--no-schema", "--table", "goods");
    assert.doesNotMatch(readFileSync(join(directory, "data.sql"), "utf8"), /CREATE/);
    await run("export", "shop-db", "--remote", "--output", "schema.sql", "--no-data");
    assert.doesNotMatch(readFileSync(join(directory, "schema.sql"), "utf8"), /INSERT/);
    assert.match(await run("time-travel", "info", "shop-db"), /current bookmark is/);
    const back = await wrangler(server, directory, ["d1", "time-travel", "restore", "shop-db", "--timestamp", new Date().toISOString()], { status: 1, all: true });
    assert.match(back, /There is no Time Travel here/);
    assert.equal(JSON.parse(await run("info", "shop-db", "--json")).num_tables, 2);
    await run("delete", "shop-db", "--skip-confirmation");
    assert.doesNotMatch(await run("list"), /shop-db/);
  });

  test("a deploy makes what its bindings lack, finds it again, and the worker uses it", async (t) => {
    const source = `export default { async fetch(request, env) {
      await env.DB.exec("CREATE TABLE IF NOT EXISTS hits(at INTEGER)");
      await env.DB.prepare("INSERT INTO hits VALUES(?)").bind(1).run();
      const hits = await env.DB.prepare("SELECT count(*) n FROM hits").first("n");
      await env.CACHE.put("hits", String(hits));
      return Response.json([await env.CACHE.get("hits"), hits]);
    } };`;
    const directory = worker(t, "both", { kv_namespaces: [{ binding: "CACHE" }], d1_databases: [{ binding: "DB" }] }, source);
    const out = await wrangler(server, directory, ["deploy"]);
    assert.match(out, /env\.CACHE/);
    assert.deepEqual(await json("both"), ["1", 1]);
    await wrangler(server, directory, ["deploy"]);
    assert.deepEqual(await json("both"), ["2", 2]);
    const { result } = await server.api("GET", "/accounts/default/storage/kv/namespaces");
    assert.equal(result.filter(({ title }) => title.startsWith("both")).length, 1);
  });

  test("a binding with an id that is not there is refused with words that help", async (t) => {
    const directory = worker(t, "lost", { kv_namespaces: [{ binding: "KV", id: "0".repeat(32) }] });
    const out = await wrangler(server, directory, ["deploy"], { status: 1, all: true });
    assert.match(out, /"KV" wants the KV namespace "0{32}", which does not exist/);
  });
});
