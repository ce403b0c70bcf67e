// What is done with buckets by the S3 API, and where they are published, in the account's usage: operations by class, bytes,
// the bill.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { until } from "./atoll.mjs";
import { client as commands } from "./client.mjs";
import { send, serveS3 } from "./s3.mjs";
import { ask, serve } from "./serve.mjs";

const PRICES = '[prices]\ncurrency = "EUR"\nmillion_requests = 1000000\nmillion_class_a = 2000000\nmillion_class_b = 500000\n';
const server = await serveS3({ after }, { config: PRICES });
const keys = await server.keys();
const call = (method, path, more = {}) => server.call(more.keys ?? keys, { method, path, ...more });
const { done, json } = commands(() => server.base);
const MIB = 1 << 20;

async function usage(name, of = server) {
  const { result } = await of.api("GET", "/accounts/default/workers/usage?step=total");
  return result.rows.find((row) => row.script === `r2:${name}`);
}

/** The row of a bucket once it has so many requests. */
const counted = (name, requests) =>
  until(async () => {
    const row = await usage(name);
    assert.ok(!row || row.requests <= requests, JSON.stringify(row));
    return row?.requests === requests && row;
  }, `${requests} requests of ${name}`);

test("operations are counted by class, with bytes, for the bucket and the account", async () => {
  await call("PUT", "/counted");
  const body = Buffer.alloc(MIB, "a");
  const steps = [
    // method, path, more, status, class A, class B, bytes out of the object
    ["PUT", "/counted/k", { body }, 200, 1, 0, 0],
    ["GET", "/counted/k", {}, 200, 0, 1, MIB],
    ["GET", "/counted/k", { headers: { range: "bytes=0-99" } }, 206, 0, 1, 100],
    ["HEAD", "/counted/k", {}, 200, 0, 1, 0],
    ["HEAD", "/counted", {}, 200, 0, 1, 0],
    ["GET", "/counted/none", {}, 404, 0, 1],
    ["GET", "/counted", { query: { "list-type": "2" } }, 200, 1, 0],
    ["GET", "/counted", { query: { cors: "" } }, 404, 0, 1],
    ["PUT", "/counted/copy", { headers: { "x-amz-copy-source": "/counted/k" } }, 200, 1, 0],
    ["POST", "/counted/parts", { query: { uploads: "" } }, 200, 1, 0],
    ["DELETE", "/counted/copy", {}, 204, 0, 0],
    ["POST", "/counted", { query: { delete: "" }, body: "<Delete><Object><Key>copy</Key></Object></Delete>" }, 200, 0, 0],
  ];
  let bytes = 0;
  for (const [method, path, more, status] of steps) {
    const answer = await call(method, path, more);
    assert.equal(answer.status, status, `${method} ${path} ${answer.body.slice(0, 200)}`);
    bytes += answer.bytes.length;
  }
  await call("GET", "/");
  const row = await counted("counted", steps.length), sum = (i) => steps.reduce((all, step) => all + step[i], 0);
  assert.deepEqual([row.class_a, row.class_b, row.errors, row.cpu_us], [sum(4), sum(5), 0, 0]);
  assert.equal(row.bytes_out, bytes);
  assert.equal(row.bytes_in, MIB + steps.at(-1)[2].body.length);
  assert.deepEqual(row.outcomes, { ok: steps.length });
  assert.deepEqual([(await counted("*", 2)).class_a], [2], "made, listed");

  const metrics = await (await fetch(`${server.admin}/metrics`)).text();
  assert.match(metrics, new RegExp(`^atoll_r2_class_a_total\\{worker="default/r2:counted"\\} ${sum(4)}$`, "m"));
  assert.match(metrics, new RegExp(`^atoll_r2_class_b_total\\{worker="default/r2:counted"\\} ${sum(5)}$`, "m"));
});

test("who may not, and what is not there, is counted for nobody", async () => {
  await call("PUT", "/quiet");
  await call("PUT", "/quiet/k", { body: "x" });
  const reads = await server.keys({ scopes: ["storage:read"] });
  assert.equal((await call("PUT", "/quiet/k", { keys: reads, body: "y" })).status, 403);
  assert.equal((await call("PUT", "/quiet/k", { keys: { ...keys, secret: "0".repeat(64) } })).status, 403);
  assert.equal((await send(server.s3, { path: "/quiet/k" })).status, 403);
  assert.equal((await call("GET", "/not-there/k")).status, 404);
  assert.equal((await call("PUT", "/quiet", { query: { policy: "" } })).status, 501);
  await call("GET", "/quiet/k");
  const row = await counted("quiet", 2);
  assert.deepEqual([row.class_a, row.class_b], [1, 1]);
  assert.equal(await usage("not-there"), undefined);
});

test("a published bucket: what the cache answers is no operation", async () => {
  await call("PUT", "/shown");
  await call("PUT", "/shown/a.txt", { body: "0123456789" });
  await counted("shown", 1);
  const domain = { domain: "shown.example.com", enabled: true };
  assert.equal((await server.api("POST", "/accounts/default/r2/buckets/shown/domains/custom", domain)).status, 200);
  const { result } = await server.api("PUT", "/accounts/default/r2/buckets/shown/domains/managed", { enabled: true });
  const get = (host, path) => ask(server.port, host, path);
  let reads = 0;
  for (let i = 0; i < 5; i++) {
    const { headers, body } = await get(domain.domain, "/a.txt");
    assert.equal(body, "0123456789");
    reads += headers["cf-cache-status"] !== "HIT";
  }
  assert.ok(reads < 5, "some were kept");
  for (let i = 0; i < 3; i++) assert.equal((await get(result.domain, "/a.txt")).status, 200);
  assert.equal((await get(domain.domain, "/none")).status, 404);
  const row = await counted("shown", 1 + 5 + 3 + 1);
  assert.deepEqual([row.class_a, row.class_b], [1, reads + 3 + 1], "what has no cache is read each time, and so is what is missing");
  assert.ok(row.bytes_out >= 80);
});

test("the bill has operations, and no requests of buckets; atoll usage shows both", async (t) => {
  await call("PUT", "/billed");
  for (const key of ["a", "b", "c"]) await call("PUT", `/billed/${key}`, { body: "x" });
  await call("GET", "/billed/a");
  await counted("billed", 4);
  const { result } = await server.api("GET", "/accounts/default/billing/invoice");
  const { items, amount } = result.workers.find((worker) => worker.script === "r2:billed");
  assert.deepEqual(items.map(({ what, quantity }) => [what, quantity]), [["class_a", 3], ["class_b", 1]]);
  assert.equal(amount, "6.500000");
  const shown = (await done(t, ["usage"])).stdout;
  assert.match(shown, /worker +requests +errors +CPU +GB-s +in +out +class A +class B +amount/);
  assert.match(shown, /r2:billed +4 +0 +0 ms +0 +3 B +1 B +3 +1 +6\.500000/);
  assert.match(shown, /class_a +\d+ operations at 2,000,000 EUR a million: /);
  const one = await json(t, ["usage", "--name", "r2:billed"]);
  assert.deepEqual(one.usage.rows.map((row) => [row.script, row.class_a]), [["r2:billed", 3]]);
});

test("what was counted outlives a restart, and a kill of the process", async (t) => {
  const first = await serveS3(t), own = await first.keys();
  await first.call(own, { method: "PUT", path: "/kept" });
  for (let i = 0; i < 5; i++) await first.call(own, { method: "PUT", path: "/kept/k", body: "x" });
  await first.stop();
  const second = await serve(t, { data: first.data, args: ["--s3", "127.0.0.1:0"] });
  assert.equal((await usage("kept", second)).class_a, 5, "told before it ended");
  const ready = await second.line("s3.ready");
  process.kill(ready.pid, "SIGKILL");
  await second.line("s3.died");
  await second.line("s3.ready", (line) => line.pid !== ready.pid);
  assert.equal((await usage("kept", second)).class_a, 5);
});
