// `atoll runtime` by itself: what it does with the frames of its supervisor, which the tests are.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { frame, runtime, says, script, until, version } from "./link.mjs";

const IDLE_MS = 300;

/** Answers `want` from a table: host -> {path: key}, key -> function that gives versions. */
function serve(link, hosts, workers = {}) {
  link.onFrame = ({ type, host, worker }) => {
    if (type !== "want") return;
    if (host !== undefined) link.hosts(host, hosts[host] ?? {});
    else link.worker(worker, workers[worker]());
  };
}

test("rules: the first pattern that matches names the worker", async (t) => {
  const link = await runtime(t);
  const names = ["exact", "api", "deep", "rest"];
  for (const name of names) link.worker(name, [version("1", says(name))]);
  link.hosts("a.test", { "/api/deep/*": "deep", "/api/*": "api", "/exact": "exact", "*": "rest" });
  link.hosts("b.test", { "/only": "exact" });
  const table = [
    ["a.test", "/", "rest"],
    ["a.test", "/exact", "exact"],
    ["a.test", "/exact/", "rest"],
    ["a.test", "/exact?query", "rest"],
    ["a.test", "/api", "rest"],
    ["a.test", "/api/", "api"],
    ["a.test", "/api/x?y=*", "api"],
    ["a.test", "/api/deep/er", "deep"],
    ["A.TEST:8080", "/api/deep/", "deep"],
    ["b.test", "/only", "exact"],
  ];
  for (const [host, path, name] of table) assert.equal(await link.text(host, path), name, host + path);
  const nobody = await link.get("b.test", "/other");
  assert.equal(nobody.status, 404);
  assert.match(nobody.text, /No worker answers at b\.test/);
});

test("a host nobody told about is asked for once, and remembered", async (t) => {
  const link = await runtime(t);
  const answers = Promise.all([link.text("x.test", "/1"), link.text("x.test", "/2"), link.text("x.test", "/3")]);
  assert.equal((await link.next("want", { host: "x.test" })).path.length, 2);
  link.worker("x", [version("1", says("x"))]);
  link.hosts("x.test", { "*": "x" });
  assert.deepEqual(await answers, ["x", "x", "x"]);
  assert.equal(await link.text("x.test"), "x");
  assert.equal(link.count("want"), 0);

  const lost = link.get("unknown.test", "/", { accept: "text/html" });
  await link.next("want", { host: "unknown.test" });
  link.hosts("unknown.test", {});
  const page = await lost;
  assert.equal(page.status, 404);
  assert.match(page.text, /^<!doctype html>.*No worker answers at unknown\.test.*wrangler deploy/s);
  assert.equal((await link.get("unknown.test")).status, 404);
  assert.equal(link.count("want"), 0);

  link.send({ type: "forget", host: "unknown.test" });
  const found = link.text("unknown.test");
  await link.next("want", { host: "unknown.test" });
  link.hosts("unknown.test", { "*": "x" });
  assert.equal(await found, "x");
  link.send({ type: "forget" });
  const again = link.text("x.test");
  await link.next("want", { host: "x.test" });
  link.hosts("x.test", { "*": "x" });
  assert.equal(await again, "x");
});

test("host * is for every host without a table", async (t) => {
  const link = await runtime(t);
  const early = link.text("early.test");
  await link.next("want", { host: "early.test" });
  link.worker("all", [version("1", says("all"))]);
  link.worker("one", [version("1", says("one"))]);
  link.hosts("*", { "*": "all" });
  link.hosts("one.test", { "*": "one" });
  assert.equal(await early, "all");
  assert.equal(await link.text("other.test"), "all");
  assert.equal(await link.text("one.test"), "one");
  assert.equal(link.count("want"), 0);
});

test("a flood of made-up hosts neither fills the table nor asks without end", async (t) => {
  const link = await runtime(t);
  let asked = 0;
  serve(link, { "real.test": { "*": "real" } }, { real: () => [version("1", says("real"))] });
  const answerWant = link.onFrame;
  link.onFrame = (got) => {
    asked += got.type === "want" && got.host !== undefined;
    answerWant(got);
  };
  assert.equal(await link.text("real.test"), "real");
  const seen = new Map();
  const began = Date.now();
  const HOSTS = 6000;
  for (let i = 0; i < HOSTS; i += 50) {
    const batch = Array.from({ length: 50 }, (_, j) => link.get(`made-up-${i + j}.test`));
    for (const { status, headers } of await Promise.all(batch)) {
      seen.set(status, (seen.get(status) ?? 0) + 1);
      if (status === 503) assert.equal(headers["retry-after"], "1");
    }
  }
  const seconds = Math.ceil((Date.now() - began) / 1000) + 1;
  assert.equal((seen.get(404) ?? 0) + (seen.get(503) ?? 0), HOSTS);
  assert.ok(asked <= 1000 * seconds + 1, `${asked} asked in ${seconds} s`);
  assert.equal(await link.text("real.test"), "real");
});

test("a worker that is told without load is loaded by its first request", async (t) => {
  const link = await runtime(t);
  link.hosts("*", { "*": "w" });
  link.worker("w", [version("1", says("one"))]);
  assert.deepEqual(await link.next("live"), { type: "live", worker: "w", versions: ["1"], ms: 0, kept: true });
  link.worker("w", [version("2", says("two"))]);
  assert.equal((await link.next("live")).kept, true);
  assert.equal(await link.text("w.test"), "two");
  const live = await link.next("live");
  assert.deepEqual([live.versions, live.kept], [["2"], false]);
  assert.ok(live.ms > 0);
});

test("a new deployment takes over when it is loaded; what stays is not loaded again", async (t) => {
  const link = await runtime(t);
  const counting = (id) =>
    version(id, script(`{ fetch: () => new Response("${id}:" + ++count) }`, "let count = 0;"));
  link.hosts("*", { "*": "w" });
  link.worker("w", [counting("a")], { load: true });
  await link.next("live");
  assert.equal(await link.text("w.test"), "a:1");
  link.worker("w", [
    { ...counting("a"), object: { ...counting("a").object, percent: 100 } },
    { ...counting("b"), object: { ...counting("b").object, percent: 0 } },
  ]);
  assert.deepEqual((await link.next("live")).versions, ["a", "b"]);
  assert.equal(await link.text("w.test"), "a:2");
  assert.equal(await link.text("w.test", "/", { "cloudflare-workers-version-overrides": 'w="b"' }), "b:1");
  link.worker("w", [counting("b")]);
  assert.deepEqual((await link.next("live")).versions, ["b"]);
  assert.equal(await link.text("w.test"), "b:2");
});

test("what runs when it is replaced is finished by the old version", async (t) => {
  const link = await runtime(t);
  const slow = script(`{ async fetch(request) {
      if (!request.url.endsWith("/slow")) return new Response("" + slow);
      slow++;
      return new Response(await new Promise((resolve) => setTimeout(resolve, 300, "old"))); } }`, "let slow = 0;");
  link.hosts("*", { "*": "w" });
  link.worker("w", [version("1", slow)], { load: true });
  await link.next("live");
  const first = link.text("w.test", "/slow");
  await until(async () => (await link.text("w.test")) === "1", "the slow one to begin");
  link.worker("w", [version("2", says("new"))]);
  await link.next("live");
  assert.equal(await link.text("w.test"), "new");
  link.worker("w", []);
  assert.equal((await link.get("w.test")).status, 404);
  assert.equal(await first, "old");
});

const two = (percent, first = "a", second = "b") => [
  version(first, says(first), { percent }),
  version(second, says(second), { percent: 100 - percent }),
];

test("percentages: by chance without a key, always alike with one", async (t) => {
  const link = await runtime(t);
  const KEYS = 400;
  link.hosts("*", { "*": "acc/w" });
  link.worker("acc/w", two(25), { load: true });
  await link.next("live");
  const count = async (headers) => {
    const texts = await Promise.all(Array.from({ length: KEYS }, (_, i) => link.text("w.test", "/", headers(i))));
    return [texts.filter((text) => text === "a").length, texts];
  };
  // 400 draws of 1/4: 100 on average, 8.7 deviation; 40 away is less likely than one in 100,000.
  const [chance] = await count(() => ({}));
  assert.ok(chance > 60 && chance < 140, `${chance} of ${KEYS} by chance`);
  const byKey = (i) => ({ "Cloudflare-Workers-Version-Key": `user-${i}` });
  const [sticky, first] = await count(byKey);
  assert.ok(sticky > 60 && sticky < 140, `${sticky} of ${KEYS} by key`);
  assert.deepEqual((await count(byKey))[1], first);

  const other = await runtime(t);
  other.hosts("*", { "*": "acc/w" });
  other.worker("acc/w", two(60), { load: true });
  await other.next("live");
  for (let i = 0; i < KEYS; i++)
    if (first[i] === "a") assert.equal(await other.text("w.test", "/", byKey(i)), "a", `key ${i} moved back`);
});

test("overrides: a version's id decides, for the script it names", async (t) => {
  const link = await runtime(t);
  link.hosts("*", { "*": "acc/my-worker" });
  link.worker("acc/my-worker", two(100, "aaaa", "bbbb"), { load: true });
  await link.next("live");
  const table = [
    ['my-worker="bbbb"', "bbbb"],
    ['other="aaaa", my-worker="bbbb"', "bbbb"],
    [' my-worker = "bbbb" ', "bbbb"],
    ['my-worker="cccc"', "aaaa"],
    ['other="bbbb"', "aaaa"],
    ["my-worker=bbbb", "aaaa"],
    ['my-worker="', "aaaa"],
    [",,=,\"", "aaaa"],
  ];
  for (const [value, want] of table)
    assert.equal(await link.text("w.test", "/", { "Cloudflare-Workers-Version-Overrides": value }), want, value);
});

test("a version that throws is refused and the one before goes on", async (t) => {
  const link = await runtime(t);
  link.hosts("*", { "*": "w" });
  link.worker("w", [version("1", says("one"))], { load: true });
  await link.next("live");
  link.worker("w", [version("2", `(async () => { throw new Error("not today"); })`)]);
  const refused = await link.next("refused");
  assert.deepEqual([refused.worker, refused.version], ["w", "2"]);
  assert.match(refused.error, /Error: not today/);
  assert.equal(await link.text("w.test"), "one");
  link.worker("w", two(50, "3", "4").with(1, version("4", "(async () => { null.x; })", { percent: 50 })));
  assert.equal((await link.next("refused")).version, "4");
  assert.equal(await link.text("w.test"), "one");
  link.worker("w", [version("5", says("five"))]);
  await link.next("live");
  assert.equal(await link.text("w.test"), "five");

  link.hosts("bad.test", { "*": "bad" });
  link.worker("bad", [version("1", "(async () => { throw new Error('at once'); })")]);
  assert.equal((await link.get("bad.test")).status, 500);
  link.worker("bad", [version("2", says("better"))]);
  assert.equal(await link.text("bad.test"), "better");
});

test("failed: an error page until there is a version", async (t) => {
  const link = await runtime(t, ["--dev"]);
  link.hosts("*", { "*": "w" });
  link.send({ type: "failed", worker: "w", title: "It does not build", detail: "line 7" });
  const page = await link.get("w.test");
  assert.equal(page.status, 500);
  assert.match(page.text, /It does not build\n\nline 7/);
  link.worker("w", [version("1", says("good"))]);
  assert.equal(await link.text("w.test"), "good");
});

test("a deleted worker answers 404 from then on", async (t) => {
  const link = await runtime(t);
  link.hosts("*", { "*": "w" });
  link.worker("w", [version("1", says("one"))]);
  assert.equal(await link.text("w.test"), "one");
  link.worker("w", []);
  const page = await link.get("w.test");
  assert.equal(page.status, 404);
  assert.match(page.text, /No worker answers at w\.test/);
  link.worker("w", [version("2", says("again"))]);
  assert.equal(await link.text("w.test"), "again");
});

test("an idle worker is evicted, and wanted again by the next request", async (t) => {
  const link = await runtime(t, ["--idle-ms", String(IDLE_MS)]);
  link.hosts("*", { "*": "w" });
  link.hosts("keep.test", { "*": "keep" });
  link.hosts("busy.test", { "*": "busy" });
  link.worker("keep", [version("1", script(`{ fetch: () => new Response("" + ++count) }`, "let count = 0;"))], { keep: true });
  link.worker("busy", [version("1", script(`{ async fetch(request, env, ctx) {
      ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, ${4 * IDLE_MS})));
      return new Response("busy " + ++count);
    } }`, "let count = 0;"))]);
  link.worker("w", [version("1", says("one"))]);
  assert.equal(await link.text("w.test"), "one");
  assert.equal(await link.text("keep.test"), "1");
  assert.equal(await link.text("busy.test"), "busy 1");
  await link.next("evicted", { worker: "w" });
  assert.equal(await link.text("busy.test"), "busy 2"); // its waitUntil() still ran
  const again = link.text("w.test");
  await link.next("want", { worker: "w" });
  link.worker("w", [version("1", says("one again"))]);
  assert.equal(await again, "one again");
  await link.next("evicted", { worker: "busy" });
  await link.next("evicted", { worker: "w" });
  assert.equal(await link.text("keep.test"), "2");
});

test("a worker nobody asked for is let go of too", async (t) => {
  const link = await runtime(t, ["--idle-ms", String(IDLE_MS)]);
  link.worker("told", [version("1", says("told"))]);
  link.send({ type: "failed", worker: "failed", title: "no" });
  link.worker("deleted", []);
  link.worker("loaded", [version("1", says("loaded"))], { load: true });
  for (const worker of ["told", "failed", "deleted", "loaded"]) await link.next("evicted", { worker });
});

const residentMiB = (link) => Number(readFileSync(`/proc/${link.child.pid}/status`, "utf8").match(/VmRSS:\s+(\d+) kB/)[1]) / 1024;

test("beyond its memory budget a process lets go of what was used longest ago", async (t) => {
  const WORKERS = 60;
  const link = await runtime(t, ["--memory-mib", "90"]);
  const key = (i) => `w${i}`;
  serve(link,
    Object.fromEntries(Array.from({ length: WORKERS }, (_, i) => [`${key(i)}.test`, { "*": key(i) }])),
    Object.fromEntries(Array.from({ length: WORKERS }, (_, i) => [key(i), () => [version("1", says(key(i)))]])));
  link.hosts("keep.test", { "*": "keep" });
  link.worker("keep", [version("1", says("keep"))], { keep: true, load: true });
  for (let i = 0; i < WORKERS; i++) {
    assert.equal(await link.text(`${key(i)}.test`), key(i));
    assert.equal(await link.text("keep.test"), "keep");
  }
  await link.next("evicted", { worker: key(0) });
  assert.equal(link.count("evicted", { worker: "keep" }), 0);
  assert.equal(link.count("evicted", { worker: key(WORKERS - 1) }), 0);
  // A sanitizer's memory is not given back.
  if (!process.env.ATOLL_FLAVOUR) await until(() => residentMiB(link) < 110, "the process to shrink");
});

test("check: loads a version nobody uses, and tells what it exports", async (t) => {
  const link = await runtime(t);
  const check = async (source, more = {}) => {
    const { object, blob } = version("v", source, more);
    link.send({ type: "check", id: 7, version: object, limits: more.limits }, blob);
    const { type, id, ms, ...rest } = await link.next("checked");
    assert.equal(id, 7);
    return rest;
  };
  assert.deepEqual(await check(says("x")), { ok: true, handlers: ["fetch"], classes: [] });
  assert.deepEqual(
    await check(`(async (main) => main({ default: { fetch() {}, scheduled() {}, queue() {} }, Room: class Room {}, helper() {} }))`),
    { ok: true, handlers: ["fetch", "scheduled", "queue"], classes: ["Room"] });
  assert.deepEqual(
    await check(`(async () => { addEventListener("fetch", (event) => event.respondWith(new Response("x"))); })`),
    { ok: true, handlers: ["fetch"], classes: [] });
  const threw = await check(`(async () => {\n  throw new TypeError("bad start");\n})`);
  assert.equal(threw.ok, false);
  assert.match(threw.error, /^TypeError: bad start\n.*worker\.js:2/);
  assert.match((await check("(async () => {")).error, /SyntaxError/);
  assert.match((await check("(async (main) => main({ default: {} }))")).error, /no fetch handler/);
  assert.match((await check("(async () => { for (;;); })", { limits: { startup_cpu_ms: 100 } })).error, /more than 100 ms of CPU time/);
  assert.match((await check("(async () => { await new Promise(() => {}); })")).error, /never finishes/);
  link.send({ type: "check", id: 8, version: { id: "v", parts: [] } });
  assert.equal((await link.next("checked", { id: 8 })).ok, false);
});

test("more requests at once than the worker may have are answered 429", async (t) => {
  const link = await runtime(t);
  const gate = script(`{ async fetch(request) {
      if (request.url.endsWith("/open")) {
        opened = true;
        for (const resolve of waiting.splice(0)) resolve();
        return new Response("opened");
      }
      beat ??= setInterval(() => {}, 1000); // or nothing could settle what is waited for
      if (!opened) await new Promise((resolve) => waiting.push(resolve));
      return new Response("waited"); } }`, "const waiting = []; let beat, opened = false;");
  link.hosts("*", { "*": "w" });
  link.worker("w", [version("1", gate)], { load: true, limits: { concurrency: 3 } });
  await link.next("live");
  const answers = [];
  for (let i = 0; i < 5; i++) link.get("w.test").then((answer) => answers.push(answer));
  await until(() => answers.length === 2, "the two that are too many");
  for (const { status, headers } of answers) assert.deepEqual([status, headers["retry-after"]], [429, "1"]);
  assert.equal((await link.get("w.test", "/open")).status, 429);
  link.worker("w", [version("1", gate)], { limits: { concurrency: 4 } }); // the same version, more of it
  await link.next("live");
  assert.equal((await link.get("w.test", "/open")).status, 200);
  await until(() => answers.length === 5, "the others");
  assert.deepEqual(answers.map(({ status }) => status), [429, 429, 200, 200, 200]);
});

test("a limit ends an isolate: the next request asks for the worker again", async (t) => {
  const link = await runtime(t);
  const source = script(`{ fetch: (request) => { if (request.url.endsWith("/loop")) for (;;); return new Response("" + ++count); } }`, "let count = 0;");
  link.hosts("*", { "*": "w" });
  link.worker("w", [version("1", source)], { limits: { cpu_ms: 50 } });
  assert.equal(await link.text("w.test"), "1");
  assert.equal((await link.get("w.test", "/loop")).status, 503);
  const again = link.text("w.test");
  await link.next("want", { worker: "w" });
  link.worker("w", [version("1", source)], { limits: { cpu_ms: 50 } });
  assert.equal(await again, "1");
});

test("malformed frames are logged and harm nothing", async (t) => {
  const link = await runtime(t);
  link.hosts("*", { "*": "w" });
  link.worker("w", [version("1", says("one"))], { load: true });
  await link.next("live");
  const bad = [
    {}, { type: 7 }, { type: "nonsense" }, { type: "worker" }, { type: "worker", worker: 7 }, { type: "worker", worker: "" },
    { type: "worker", worker: "w", versions: 7 }, { type: "worker", worker: "x", load: true, versions: [7] },
    { type: "worker", worker: "x", load: true, versions: [{ id: "1" }] },
    { type: "worker", worker: "x", load: true, versions: [{ id: "1", config: {}, parts: [{ bytes: -1 }] }] },
    { type: "worker", worker: "x", load: true, versions: [{ id: "1", config: {}, parts: [{ name: "a", kind: "script", bytes: 1e15 }] }] },
    { type: "worker", worker: "x", load: true, versions: [{ id: "1", config: 1, parts: [{ name: "a", kind: "script", bytes: 0 }] }] },
    { type: "worker", worker: "x", load: true, limits: { cpu_ms: "a", memory_mb: -1, concurrency: 1e18 }, versions: [{}, {}, {}] },
    { type: "hosts" }, { type: "hosts", host: "" }, { type: "hosts", host: "h".repeat(5000), rules: [] },
    { type: "hosts", host: "h", rules: 7 }, { type: "hosts", host: "h", rules: [7, {}, { path: 1, worker: 1 }] },
    { type: "forget", host: 7 }, { type: "forget", host: "unknown" }, { type: "failed" }, { type: "failed", worker: "y" },
    { type: "trace" }, { type: "trace", worker: "z", on: 7 }, { type: "check" }, { type: "check", id: null, version: 7 },
    { type: "check", id: { a: 1 }, version: { id: "1", config: [], parts: [{ name: 1, kind: 2, bytes: 0 }] } },
    { type: "event" }, { type: "connection" }, { type: "role" },
  ];
  for (const object of bad) link.send(object, "blob");
  link.send({ type: "role", accept: true });
  link.hosts("*", { "*": "w2" });
  link.worker("w2", [version("1", says("still here"))]);
  assert.equal(await link.text("w.test"), "still here");
  assert.ok(link.count("log", { worker: "", level: "error" }) >= 5);
  assert.equal(link.ended, undefined);
});

test("a link that brings rubbish is the end of the process, an orderly one", async (t) => {
  const link = await runtime(t);
  link.write(Buffer.from("\xff\xff\xff\xffrubbish", "latin1"));
  assert.deepEqual(await until(() => link.ended, "the end"), { status: 0, signal: null });
});
