// Rate limits as bindings: what several processes, workers and accounts count together, and what not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dev, project, until } from "./atoll.mjs";
import { serve } from "./serve.mjs";

const SOURCE = `export default { async fetch(request, env) {
  const { searchParams: query } = new URL(request.url);
  try {
    return Response.json(await env.RL.limit({ key: query.get("key") ?? "", delta: Number(query.get("delta") ?? 1) }));
  } catch (error) {
    return Response.json({ error: error.message });
  }
} };`;

const limit = (count, period = 60, space = "1001") =>
  ({ bindings: [{ name: "RL", type: "ratelimit", namespace_id: space, simple: { limit: count, period } }] });

/** What `count(key)` gives when it ran within one window; it is run again, with another key, when not. */
async function inOneWindow(count) {
  for (let i = 0; ; i++) {
    const began = Math.floor(Date.now() / 60000), result = await count(`key-${i}`);
    if (began === Math.floor(Date.now() / 60000)) return result;
  }
}

const allowed = async (server, worker, path) => JSON.parse((await server.ask(worker, path)).body).success;

test("all processes and workers of a namespace count together", { timeout: 90000 }, async (t) => {
  const server = await serve(t, { args: ["--runtimes", "3"] });
  for (const name of ["one", "two"]) assert.equal((await server.deploy(name, SOURCE, { metadata: limit(40) })).status, 200);
  assert.equal((await server.deploy("other", SOURCE, { metadata: limit(40, 60, "1002") })).status, 200);
  // Each request is a connection of its own: the processes share them.
  const counts = await inOneWindow(async (key) => {
    const asked = await Promise.all(Array.from({ length: 120 }, (_, i) => allowed(server, i % 2 ? "one" : "two", `/?key=${key}`)));
    return [asked.filter(Boolean).length, await allowed(server, "one", `/?key=not-${key}`), await allowed(server, "other", `/?key=${key}`)];
  });
  assert.deepEqual(counts, [40, true, true]);
});

test("delta counts more at once, and what is wrong is said as on Cloudflare", async (t) => {
  const server = await serve(t);
  const source = `export default { async fetch(request, env) {
    const calls = [[], [null], [{ key: 1 }], [{ key: "a", limit: 5 }], [{ key: "a", delta: 0 }], [{ key: "big", delta: 7 }],
      [{ key: "big" }]];
    return Response.json(await Promise.all(calls.map((args) => env.RL.limit(...args).then(
      (outcome) => outcome, (error) => error.name + ": " + error.message))));
  } };`;
  assert.equal((await server.deploy("wrong", source, { metadata: limit(5) })).status, 200);
  assert.deepEqual(JSON.parse((await server.ask("wrong", "/")).body), [
    "TypeError: invalid rate limit options", "TypeError: invalid rate limit options", "TypeError: invalid key: 1",
    "TypeError: bad rate limit options: [limit]", "TypeError: delta must be a positive integer: 0",
    { success: true }, { success: false },
  ]);
});

test("a binding that makes no sense is refused when it is uploaded", async (t) => {
  const server = await serve(t);
  for (const [metadata, words] of [
    [limit(0), /"limit": 1 to 1000000, "period": 10 or 60/],
    [limit(5, 30), /"period": 10 or 60/],
    [limit(5, 60, ""), /needs "namespace_id"/],
    [limit(5, 60, "../x"), /needs "namespace_id"/],
    [{ bindings: [{ name: "RL", type: "ratelimit", namespace_id: "1" }] }, /"simple"/],
  ]) {
    const answer = await server.deploy("wrong", SOURCE, { metadata });
    assert.equal(answer.status, 400);
    assert.match(answer.errors[0].message, words);
  }
});

test("counts outlive the process that counted", { timeout: 90000 }, async (t) => {
  const server = await serve(t, { args: ["--runtimes", "1"] });
  await server.deploy("w", SOURCE, { metadata: limit(3) });
  const counts = await inOneWindow(async (key) => {
    const outcomes = [await allowed(server, "w", `/?key=${key}`), await allowed(server, "w", `/?key=${key}`)];
    for (const { pid } of (await server.status()).processes) process.kill(pid, "SIGKILL");
    await until(async () => {
      const answer = await server.ask("w", `/?key=${key}`).catch(() => undefined);
      if (answer?.status === 200) outcomes.push(JSON.parse(answer.body).success);
      return outcomes.length === 4;
    }, "two more answers");
    return outcomes;
  });
  assert.deepEqual(counts, [true, true, true, false]);
});

test("atoll dev counts too", async (t) => {
  const directory = project(t, {
    "index.js": SOURCE,
    "wrangler.json": JSON.stringify({
      name: "w", main: "index.js", compatibility_date: "2025-01-01",
      ratelimits: [{ name: "RL", namespace_id: "7", simple: { limit: 2, period: 60 } }],
    }),
  });
  const server = await dev(t, [directory]);
  const outcomes = await inOneWindow(async (key) => {
    const all = [];
    for (let i = 0; i < 3; i++) all.push((await (await server.fetch(`/?key=${key}`)).json()).success);
    return all;
  });
  assert.deepEqual(outcomes, [true, true, false]);
});
