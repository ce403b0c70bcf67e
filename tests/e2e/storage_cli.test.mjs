// `atoll kv` and `atoll d1`: on a server, and on what `atoll dev` keeps, while it runs and while it
// does not.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { dev, project } from "./atoll.mjs";
import { client } from "./client.mjs";
import { serve } from "./serve.mjs";

const server = await serve({ after });
const { atoll, done, json } = client(() => server.base);

const CONFIG = {
  name: "shop",
  main: "index.js",
  compatibility_date: "2026-04-01",
  kv_namespaces: [{ binding: "KV", id: "kv-of-shop" }],
  d1_databases: [{ binding: "DB", database_name: "shop", database_id: "d1-of-shop" }],
};
const SOURCE = `export default { async fetch(request, env) {
  return Response.json([await env.KV.get("greeting"), await env.DB.prepare("SELECT count(*) n FROM goods").first("n")]);
} };`;
const files = (config = CONFIG) => ({
  "index.js": SOURCE,
  "wrangler.jsonc": JSON.stringify(config),
  "migrations/0001_goods.sql": "CREATE TABLE goods(name TEXT);\nINSERT INTO goods VALUES('it''s');",
  "migrations/0002_more.sql": "INSERT INTO goods VALUES('pen');",
});

describe("atoll kv and d1", () => {
  test("namespaces: made with an id of one's own, listed, renamed, deleted", async (t) => {
    assert.match((await done(t, ["kv", "namespace", "create", "one", "--id", "my-id"])).stdout, /"binding": "KV", "id": "my-id"/);
    assert.deepEqual(await json(t, ["kv", "namespace", "list"]), [{ id: "my-id", title: "one", supports_url_encoding: true }]);
    await done(t, ["kv", "namespace", "rename", "one", "other"]);
    assert.match((await done(t, ["kv", "namespace", "list"])).stdout, /other +my-id/);
    const refused = await atoll(t, ["kv", "namespace", "delete", "other"]);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /--yes/);
    await done(t, ["kv", "namespace", "delete", "other", "--yes"]);
    assert.deepEqual(await json(t, ["kv", "namespace", "list"]), []);
    assert.equal((await atoll(t, ["kv", "namespace", "rename", "other", "x"])).status, 4);
  });

  for (const where of ["--remote", "--local"])
    test(`keys and many keys, ${where}`, async (t) => {
      const cwd = project(t, files());
      if (where === "--remote") await done(t, ["kv", "namespace", "create", "of shop", "--id", "kv-of-shop"]);
      const run = (args, options) => done(t, ["kv", ...args, "--binding", "KV", where], { cwd, ...options });
      await run(["key", "put", "greeting", "hello", "--metadata", '{"a":1}', "--ttl", "3600"]);
      assert.equal((await run(["key", "get", "greeting"])).stdout, "hello");
      writeFileSync(join(cwd, "bytes"), Buffer.from([0, 200, 10]));
      await run(["key", "put", "a/b ä", "--path", "bytes"]);
      const [first, second] = JSON.parse((await run(["key", "list", "--json"])).stdout);
      assert.deepEqual([first.name, second.name, second.metadata], ["a/b ä", "greeting", { a: 1 }]);
      await run(["key", "delete", "a/b ä"]);
      const many = Array.from({ length: 1200 }, (_, i) => ({ key: `k${i}`, value: `v${i}` }));
      assert.match((await run(["bulk", "put", "-"], { input: JSON.stringify(many) })).stdout, /1,?200 keys/);
      assert.equal(JSON.parse((await run(["key", "list", "--json", "--prefix", "k"])).stdout).length, 1200);
      assert.deepEqual(JSON.parse((await run(["bulk", "get", "-"], { input: '["k7","none"]' })).stdout), { k7: "v7", none: null });
      await run(["bulk", "delete", "-", "--yes"], { input: JSON.stringify(many.map(({ key }) => key)) });
      assert.deepEqual(JSON.parse((await run(["key", "list", "--json"])).stdout).map(({ name }) => name), ["greeting"]);
      const none = await atoll(t, ["kv", "key", "get", "none", "--binding", "KV", where], { cwd });
      assert.deepEqual([none.status, none.stdout], [4, ""]);
      assert.equal((await atoll(t, ["kv", "key", "get", "x", where], { cwd })).status, 2);
    });

  for (const where of ["--remote", "--local"])
    test(`a database, ${where}`, async (t) => {
      const cwd = project(t, files());
      if (where === "--remote") await done(t, ["d1", "create", "shop", "--id", "d1-of-shop"]);
      const run = (args, options) => done(t, ["d1", ...args, where], { cwd, ...options });
      const due = async () => JSON.parse((await run(["migrations", "list", "DB", "--json"])).stdout);
      assert.deepEqual(await due(), ["0001_goods.sql", "0002_more.sql"]);
      assert.match((await run(["migrations", "apply", "DB"])).stdout, /applied 0001_goods.sql\napplied 0002_more.sql/);
      assert.deepEqual(await due(), []);
      await run(["execute", "DB", "--file", "-"], { input: "INSERT INTO goods VALUES('ink'); INSERT INTO goods VALUES(NULL);" });
      const shown = await run(["execute", "DB", "--command", "SELECT name, length(name) n FROM goods ORDER BY rowid"]);
      assert.match(shown.stdout, /name +n\nit's +4\npen +3\nink +3\nNULL +NULL/);
      const [{ results }] = JSON.parse((await run(["execute", "DB", "--json", "--command", "SELECT count(*) n FROM goods"])).stdout);
      assert.deepEqual(results, [{ n: 4 }]);
      const wrong = await atoll(t, ["d1", "execute", "DB", "--command", "SELECT * FROM none", where], { cwd });
      assert.equal(wrong.status, 1);
      assert.match(wrong.stderr, /no such table: none/);
      assert.match((await run(["info", "DB"])).stdout, /tables +2/);
      await run(["export", "DB", "--output", "out.sql", "--table", "goods"]);
      assert.match(readFileSync(join(cwd, "out.sql"), "utf8"), /CREATE TABLE goods[\s\S]*it''s/);
      writeFileSync(join(cwd, "migrations/0003_bad.sql"), "INSERT INTO goods VALUES('lost'); SELECT * FROM none;");
      assert.equal((await atoll(t, ["d1", "migrations", "apply", "DB", where], { cwd })).status, 1);
      assert.deepEqual(await due(), ["0003_bad.sql"]);
      const made = await done(t, ["d1", "migrations", "create", "DB", "add a price"], { cwd });
      assert.match(made.stdout, /migrations\/0004_add_a_price\.sql/);
      await run(["delete", "DB", "--yes"]);
    });

  test("--local is what atoll dev answers with, while it runs", async (t) => {
    const cwd = project(t, files());
    await done(t, ["d1", "migrations", "apply", "DB", "--local"], { cwd });
    const running = await dev(t, [cwd]);
    const ask = async () => (await fetch(`http://127.0.0.1:${running.port}/`)).json();
    assert.deepEqual(await ask(), [null, 2]);
    await done(t, ["kv", "key", "put", "greeting", "hello", "--binding", "KV", "--local"], { cwd });
    await done(t, ["d1", "execute", "DB", "--local", "--command", "INSERT INTO goods VALUES('new')"], { cwd });
    assert.deepEqual(await ask(), ["hello", 3]);
  });

  test("words that are wrong get an answer that helps", async (t) => {
    const group = await atoll(t, ["kv", "key"]);
    assert.equal(group.status, 2);
    assert.match(group.stderr, /kv key put/);
    assert.doesNotMatch(group.stderr, /kv namespace/);
    assert.match((await atoll(t, ["kv", "key", "lst"])).stderr, /did you mean "kv key list"/);
    assert.match((await done(t, ["kv", "key", "put", "--help"])).stdout, /--metadata/);
    assert.match((await done(t, ["d1", "migrations", "--help"])).stdout, /d1 migrations apply/);
  });
});
