// The analytics engine: points written by several processes, kept over a stop, asked for by SQL.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dev, project, run, until } from "./atoll.mjs";
import { serve, TOKEN } from "./serve.mjs";

const SOURCE = `export default { async fetch(request, env) {
  const { pathname, searchParams } = new URL(request.url);
  const count = Number(searchParams.get("count") ?? 1);
  try {
    if (pathname === "/many") {
      for (let i = 0; i < count; i++)
        env.AE.writeDataPoint({ blobs: ["city " + i % 3, "it's"], doubles: [i, i / 2], indexes: ["ix"] });
    } else if (pathname === "/with") env.AE.writeDataPoint(await request.json());
    else env.AE.writeDataPoint();
    return new Response("written");
  } catch (error) {
    return new Response(error.name + ": " + error.message, { status: 500 });
  }
} };`;

const binding = (dataset) => ({ bindings: [{ name: "AE", type: "analytics_engine", ...(dataset && { dataset }) }] });

/** The answer to a query: {status, type, text, json}. */
async function query(server, sql, { account = "default", token = TOKEN, get = false } = {}) {
  const url = `${server.base}/accounts/${account}/analytics_engine/sql`;
  const answer = await fetch(get ? `${url}?query=${encodeURIComponent(sql)}` : url, {
    method: get ? "GET" : "POST", body: get ? undefined : sql, headers: { authorization: `Bearer ${token}` },
  });
  const text = await answer.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch {}
  return { status: answer.status, type: answer.headers.get("content-type"), text, json };
}

const data = async (server, sql) => {
  const answer = await query(server, sql);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.data;
};

/** Waits until the dataset has so many points. */
const arrived = (server, dataset, count) =>
  until(async () => {
    const { json } = await query(server, `SELECT count() AS n FROM ${dataset}`);
    return json?.data?.[0]?.n === String(count);
  }, `${count} points in ${dataset}`);

test("points of all processes can be queried, and are there after a stop", { timeout: 90000 }, async (t) => {
  const server = await serve(t, { args: ["--runtimes", "2"] });
  assert.equal((await server.deploy("w", SOURCE, { metadata: binding("weather") })).status, 200);
  assert.deepEqual(await data(server, "SHOW TABLES"), []);
  assert.equal((await query(server, "SELECT 1 FROM weather")).status, 400);
  await Promise.all(Array.from({ length: 30 }, () => server.ask("w", "/many?count=10")));
  await arrived(server, "weather", 300);
  assert.deepEqual(await data(server, "SHOW TABLES"), [{ dataset: "weather" }]);
  const answer = await query(server, "SELECT blob1 AS city, SUM(_sample_interval * double2) AS rain, count(DISTINCT double1) n FROM weather");
  assert.equal(answer.status, 400);
  const { json } = await query(server, `SELECT blob1 AS city, SUM(_sample_interval * double2) AS rain, max(timestamp) AS last,
    quantileWeighted(0.5)(double1, _sample_interval) AS middle
    FROM weather WHERE timestamp > NOW() - INTERVAL '1' DAY AND blob2 = 'it''s' GROUP BY city ORDER BY city LIMIT 2`);
  assert.deepEqual(json.meta, [{ name: "city", type: "String" }, { name: "rain", type: "Float64" },
    { name: "last", type: "DateTime" }, { name: "middle", type: "Float64" }]);
  assert.deepEqual(json.data.map(({ city, rain, middle }) => [city, rain, middle]), [["city 0", 270, 3], ["city 1", 180, 4]]);
  assert.match(json.data[0].last, /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d$/);
  assert.deepEqual([json.rows, json.rows_before_limit_at_least], [2, 3]);

  // What was written in the last moment is stored before a process ends.
  await server.ask("w", "/many?count=100");
  await server.stop();
  const again = await serve(t, { data: server.data });
  assert.deepEqual(await data(again, "SELECT count() AS n FROM weather"), [{ n: "400" }]);
});

test("formats, GET, and what is somebody else's", async (t) => {
  const server = await serve(t);
  await server.deploy("w", SOURCE, { metadata: binding() });
  await server.ask("w", "/with", { method: "POST", body: JSON.stringify({ blobs: ["a\tb", null], doubles: [1.5, null], indexes: ["é"] }) });
  await arrived(server, "AE", 1);
  const remote = await run(["analytics", "query", "SELECT index1, double1 FROM AE"], { env: { ...process.env, CLOUDFLARE_API_BASE_URL: server.base, CLOUDFLARE_API_TOKEN: TOKEN } });
  assert.equal(remote.status, 0, remote.stderr);
  assert.match(remote.stdout, /index1 +double1\né +1.5\n/);
  const columns = "SELECT index1, blob1, blob2, double1, double2, blob20, dataset FROM AE FORMAT";
  assert.deepEqual((await query(server, `${columns} JSON`, { get: true })).json.data,
    [{ index1: "é", blob1: "a\tb", blob2: "", double1: 1.5, double2: 0, blob20: "", dataset: "AE" }]);
  const lines = await query(server, `${columns} JSONEachRow`);
  assert.deepEqual([lines.type, lines.json.double1], ["application/x-ndjson", 1.5]);
  assert.equal((await query(server, `${columns} TabSeparated;`)).text, "é\ta\\tb\t\t1.5\t0\t\tAE\n");
  const { result } = await server.api("POST", "/accounts", { name: "other" });
  assert.deepEqual((await query(server, "SHOW TABLES", { account: result.id })).json.data, []);
  assert.equal((await query(server, "SELECT * FROM AE", { account: result.id })).status, 400);
  assert.equal((await query(server, "SHOW TABLES", { token: "wrong" })).status, 401);
});

test("a point that is too large, and a request that writes too many", async (t) => {
  const server = await serve(t);
  await server.deploy("w", SOURCE, { metadata: binding("d") });
  const write = async (point) => (await server.ask("w", "/with", { method: "POST", body: JSON.stringify(point) })).body;
  assert.equal(await write({ indexes: ["a", "b"] }), "TypeError: writeDataPoint(): Maximum of 1 indexes supported.");
  assert.equal(await write({ blobs: Array(21).fill("") }), "TypeError: writeDataPoint(): Maximum of 20 blobs supported.");
  assert.equal(await write({ doubles: Array(21).fill(0) }), "TypeError: writeDataPoint(): Maximum of 20 doubles supported.");
  assert.match(await write({ indexes: ["x".repeat(97)] }), /Size of indexes exceeds 96 bytes \(97\)/);
  assert.match(await write({ blobs: ["x".repeat(16384), "é"] }), /Cumulative size of blobs exceeds 16384 bytes \(16386\)/);
  assert.match(await write({ blobs: [1] }), /A blob must be a string or an ArrayBuffer/);
  assert.equal(await write({ blobs: ["x".repeat(16384)], indexes: ["x".repeat(96)] }), "written");
  assert.equal((await server.ask("w", "/many?count=250")).body, "written");
  assert.match((await server.ask("w", "/many?count=251")).body, /a request can write 250 data points at most/);
  await arrived(server, "d", 501);
});

test("an error says which word is not known; nothing but the account's points can be read", async (t) => {
  const server = await serve(t);
  await server.deploy("w", SOURCE, { metadata: binding("d") });
  await server.ask("w", "/");
  await arrived(server, "d", 1);
  for (const [sql, words] of [
    ["SELECT frobnicate(blob1) FROM d", /there is no function frobnicate here, at "frobnicate" in line 1/],
    ["SELECT blob21 FROM d", /there is no column blob21/],
    ["SELECT Blob1 FROM d", /there is no column Blob1, but there is blob1/],
    ["SELECT 1 FROM point", /there is no dataset point/],
    ["SELECT 1 FROM sqlite_master", /there is no dataset sqlite_master/],
    ["SELECT load_extension('x')", /there is no function load_extension/],
    ["SELECT an_top(1, 2, 3)", /there is no function an_top/],
    ["DELETE FROM d", /a query is SELECT/],
    ["PRAGMA user_version", /a query is SELECT/],
    ["ATTACH 'x' AS y", /a query is SELECT/],
    ["SELECT 1; SELECT 2", /this is not possible here, at "SELECT" in line 1/],
    ["SELECT * FROM d JOIN d", /JOIN is not possible/],
    ["SELECT * FROM d UNION ALL SELECT * FROM d", /this is not possible here, at "UNION"/],
    ["SELECT 'a", /a quote \('\) is not closed/],
    ["SELECT", /expected a value, at the end of the query/],
    ["", /a query is SELECT/],
    ["SELECT count() FROM d WHERE count() > 1", /an aggregate in WHERE/],
    [`SELECT ${"(".repeat(100)}1${")".repeat(100)}`, /nested too deeply/],
  ]) {
    const answer = await query(server, sql);
    assert.equal(answer.status, 400, sql);
    assert.match(answer.json.errors[0].message, words);
  }
});

test("atoll dev keeps points in .atoll, and the command line asks for them", { timeout: 60000 }, async (t) => {
  const directory = project(t, {
    "index.js": SOURCE,
    "wrangler.json": JSON.stringify({
      name: "w", main: "index.js", compatibility_date: "2025-01-01", analytics_engine_datasets: [{ binding: "AE", dataset: "d" }],
    }),
  });
  const server = await dev(t, [directory]);
  assert.equal(await server.text("/many?count=3"), "written");
  await server.stop();
  const asked = await run(["analytics", "query", "SELECT blob1, double1 FROM d ORDER BY double1", "--local"], { cwd: directory });
  assert.equal(asked.status, 0, asked.stderr);
  assert.match(asked.stdout, /blob1 +double1\ncity 0 +0\ncity 1 +1\ncity 2 +2\n/);
  const json = await run(["analytics", "query", "SHOW TABLES", "--local", "--json"], { cwd: directory });
  assert.deepEqual(JSON.parse(json.stdout).data, [{ dataset: "d" }]);
});

test("backups have the points", { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  await server.deploy("w", SOURCE, { metadata: binding("d") });
  await server.ask("w", "/many?count=5");
  await arrived(server, "d", 5);
  const { result } = await server.api("GET", "/accounts/default/storage/usage");
  assert.ok(result.stores.find(({ kind }) => kind === "analytics").bytes > 0);
  const { success, errors } = await server.api("POST", "/server/backup", { directory: `${server.own}/backup` });
  assert.equal(success, true, JSON.stringify(errors));
  const other = await serve(t, { data: `${server.own}/backup` });
  assert.deepEqual(await data(other, "SELECT count() AS n FROM d"), [{ n: "5" }]);
});
