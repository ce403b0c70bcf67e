// What requests and events cost, may use and tell: frames of a real `atoll runtime`.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { runtime, script, until, version } from "./link.mjs";
import { afterwards } from "./atoll.mjs";

/** Starts a runtime with one worker, "acme/w" at the host "w". */
async function one(t, module, { limits, trace, before = "", vars = {}, flags = [], args = [] } = {}) {
  const link = await runtime(t, args);
  const made = version("v1", script(module, before), { vars });
  made.object.config.compatibility_flags = flags;
  link.worker("acme/w", [made], { limits, trace });
  link.hosts("w", { "*": "acme/w" });
  link.path = (path, headers) => link.get("w", path, headers);
  return link;
}

/** Adds up the frames `usage` until `done(sum)`. */
async function usage(link, done) {
  const sum = { outcomes: {} };
  const process = { latency: 0, cold: 0, unrouted: 0 };
  const add = (to, from) => {
    for (const key in from) if (typeof from[key] === "number") to[key] = (to[key] ?? 0) + from[key];
  };
  const total = (histogram) => histogram?.counts.reduce((a, b) => a + b, 0) ?? 0;
  while (!done(sum, process)) {
    const frame = await link.next("usage");
    const row = frame.workers["acme/w"] ?? {};
    add(sum, row);
    add(sum.outcomes, row.outcomes);
    process.latency += total(frame.process.latency);
    process.cold += total(frame.process.cold);
    process.unrouted += frame.process.unrouted ?? 0;
  }
  return { ...sum, process };
}

/** A request by hand, for bodies and clients that leave. */
function post(port, path, body, headers = "") {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(`POST ${path} HTTP/1.1\r\nhost: w\r\nconnection: close\r\n${headers}\r\n`);
      socket.write(body);
    });
    socket.setEncoding("utf8").on("data", (chunk) => (text += chunk));
    socket.on("error", () => {}).on("close", () => resolve(text));
  });
}

test("usage adds up to what clients did", async (t) => {
  const origin = createServer((_, answer) => answer.end("there")).listen(0, "127.0.0.1");
  await new Promise((resolve) => origin.once("listening", resolve));
  afterwards(t, () => origin.close());
  const link = await one(
    t,
    `{ async fetch(request, env, ctx) {
         const { pathname } = new URL(request.url);
         if (pathname === "/throw") throw new Error("no");
         if (pathname === "/fetch") return new Response(await (await fetch(env.origin)).text());
         if (pathname === "/after") ctx.waitUntil(fetch(env.origin).then((r) => r.text()));
         if (pathname === "/echo") return new Response((await request.text()).toUpperCase());
         return new Response("12345");
       } }`,
    { vars: { origin: `http://127.0.0.1:${origin.address().port}` }, args: ["--outbound", "all"] },
  );
  for (let i = 0; i < 20; i++) assert.equal((await link.path("/")).text, "12345");
  for (let i = 0; i < 3; i++) assert.equal((await link.path("/throw")).headers["atoll-error"], "exception");
  for (let i = 0; i < 2; i++) assert.equal((await link.path("/fetch")).text, "there");
  await link.path("/after");
  assert.match(await post(link.port, "/echo", "abcdefg", "content-length: 7\r\n"), /ABCDEFG$/);
  link.hosts("nobody", {});
  await link.get("nobody");
  const sum = await usage(link, (row) => row.requests >= 27 && row.subrequests >= 3);
  assert.equal(sum.requests, 27);
  assert.equal(sum.errors, 3);
  assert.deepEqual(sum.outcomes, { ok: 24, exception: 3 });
  assert.equal(sum.subrequests, 3);
  assert.equal(sum.bytes_in, 7);
  assert.equal(sum.cold_starts, 1);
  assert.ok(sum.cpu_us > 0 && sum.wall_us > 0 && sum.memory_mb_ms >= 0);
  assert.deepEqual(sum.process, { latency: 28, cold: 1, unrouted: 1 });
  await link.stop();
  for (const frame of link.frames.filter(({ type }) => type === "usage"))
    assert.equal(frame.workers["acme/w"]?.requests, undefined, "counted twice");
});

test("what was not told yet is told before the process ends", async (t) => {
  const link = await one(t, `{ fetch: () => new Response("x") }`);
  await link.path("/");
  link.send({ type: "stop" });
  await until(() => link.ended);
  assert.equal((await usage(link, (row) => row.requests)).requests, 1);
});

test("clients that leave are canceled or disconnected requests", async (t) => {
  const link = await one(
    t,
    `{ fetch(request) {
         if (request.url.endsWith("/never")) return scheduler.wait(60_000).then(() => new Response(""));
         return new Response(new ReadableStream({ async pull(c) { c.enqueue(new Uint8Array(100)); await scheduler.wait(20); } }));
       } }`,
  );
  for (const path of ["/never", "/stream"]) {
    const socket = connect(link.port, "127.0.0.1");
    socket.write(`GET ${path} HTTP/1.1\r\nhost: w\r\n\r\n`);
    if (path === "/stream") await new Promise((resolve) => socket.once("data", resolve));
    else await link.next("live", { kept: false });
    socket.resetAndDestroy();
  }
  const sum = await usage(link, (row) => row.requests === 2);
  assert.deepEqual(sum.outcomes, { canceled: 1, responseStreamDisconnected: 1 });
  assert.equal(sum.errors, undefined);
});

test("limits: subrequests, time, sizes", async (t) => {
  const link = await one(
    t,
    `{ async fetch(request) {
         const { pathname } = new URL(request.url);
         if (pathname === "/fetch") {
           const errors = [];
           for (let i = 0; i < 4; i++) await fetch("http://127.0.0.1:1/").catch((error) => errors.push(error.name + ": " + error.message));
           return Response.json(errors);
         }
         if (pathname === "/slow") await scheduler.wait(60_000);
         if (pathname === "/long") return new Response("x".repeat(5000));
         if (pathname === "/stream") return new Response(new Blob(["y".repeat(800), "z".repeat(800)]).stream());
         if (pathname === "/body") return new Response(String((await request.arrayBuffer()).byteLength));
         return new Response("ok");
       } }`,
    { limits: { subrequests: 2, wall_ms: 300, request_bytes: 100, response_bytes: 1000 } },
  );
  const errors = JSON.parse((await link.path("/fetch")).text);
  assert.deepEqual(errors.map((text) => text.includes("Too many subrequests.")), [false, false, true, true]);
  assert.equal(errors[2], "Error: Too many subrequests.");
  assert.match((await link.path("/fetch")).text, /ECONNREFUSED|refused/, "each request has its own");

  const slow = await link.path("/slow");
  assert.equal(slow.status, 503);
  assert.equal(slow.headers["atoll-error"], "exceededWallTime");

  const long = await link.path("/long");
  assert.equal(long.status, 500);
  assert.equal(long.headers["atoll-error"], "responseTooLarge");
  const cut = await post(link.port, "/stream", "");
  assert.match(cut, / 200 /);
  assert.doesNotMatch(cut, /z/);

  assert.match(await post(link.port, "/body", "x".repeat(100), "content-length: 100\r\n"), /200 OK.*100$/s);
  assert.match(await post(link.port, "/body", "x".repeat(101), "content-length: 101\r\n"), /413 .*requestTooLarge/s);
  const chunk = `40\r\n${"x".repeat(64)}\r\n`;
  assert.match(await post(link.port, "/body", `${chunk}${chunk}0\r\n\r\n`, "transfer-encoding: chunked\r\n"), / 413 /);

  const sum = await usage(link, (row) => row.requests === 8);
  assert.deepEqual(sum.outcomes, { ok: 3, exceededWallTime: 1, responseTooLarge: 2, requestTooLarge: 2 });
  assert.equal(sum.errors, 5);
});

test("the request that used too much CPU time is to blame, not those beside it", async (t) => {
  const link = await one(
    t,
    `{ async fetch(request) {
         if (request.url.endsWith("/spin")) for (;;);
         await scheduler.wait(60_000);
         return new Response("");
       } }`,
    { limits: { cpu_ms: 100 } },
  );
  const beside = link.path("/beside");
  await link.next("live", { kept: false });
  const spin = await link.path("/spin");
  assert.equal(spin.headers["atoll-error"], "exceededCpu");
  assert.equal((await beside).headers["atoll-error"], "internalError");
  const tail = await link.next("tail");
  assert.ok(["exceededCpu", "internalError"].includes(tail.event.outcome));
});

test("a tail event tells of a request, and hides what may be secret", async (t) => {
  const link = await one(
    t,
    `{ async fetch(request, env, ctx) {
         console.log("a line", { n: 1, deep: [true, null] }, 1n, undefined, NaN, new Map([["k", 1]]));
         console.warn("%s stays", "as it is");
         console.error(new TypeError("shown"));
         if (request.url.includes("/throw")) throw new RangeError("no such row");
         return new Response("ok", { status: 201 });
       } }`,
  );
  const path = "/p/0123456789abcdef0123456789abcdef/aB1aB1aB1aB1aB1aB1aB1?short=12";
  await link.path(path, { authorization: "Bearer x", cookie: "a=b", "x-api-key": "k", "x-plain": "\u00e9t\u00e9", accept: "*/*" });
  const { worker, event } = await link.next("tail");
  assert.equal(worker, "acme/w");
  assert.equal(event.outcome, "ok");
  assert.equal(event.scriptName, "w");
  assert.deepEqual(event.scriptVersion, { id: "v1" });
  assert.equal(event.truncated, false);
  assert.ok(Math.abs(event.eventTimestamp - Date.now()) < 60_000);
  const { request, response } = event.event;
  assert.equal(request.url, "http://w/p/REDACTED/REDACTED?short=12");
  assert.equal(request.method, "GET");
  assert.equal(request.headers.authorization, "REDACTED");
  assert.equal(request.headers.cookie, "REDACTED");
  assert.equal(request.headers["x-api-key"], "REDACTED");
  assert.equal(request.headers["x-plain"], "\u00e9t\u00e9");
  assert.equal(request.headers.accept, "*/*");
  assert.deepEqual(response, { status: 201 });
  assert.deepEqual(event.logs[0].message, ["a line", { n: 1, deep: [true, null] }, "1n", "undefined", "NaN", "Map(1) { 'k' => 1 }"]);
  assert.deepEqual(event.logs[1].message, ["%s stays", "as it is"]);
  assert.match(event.logs[2].message[0], /^TypeError: shown\n {4}at /);
  assert.deepEqual(event.logs.map(({ level }) => level), ["log", "warn", "error"]);

  await link.path("/throw");
  const { event: thrown } = await link.next("tail");
  assert.equal(thrown.outcome, "exception");
  assert.equal(thrown.exceptions.length, 1);
  assert.equal(thrown.exceptions[0].name, "RangeError");
  assert.equal(thrown.exceptions[0].message, "no such row");
  assert.match(thrown.exceptions[0].stack, /^RangeError: no such row\n {4}at fetch/);
});

test("requests without lines are told of when somebody watches", async (t) => {
  const link = await one(t, `{ fetch: () => new Response("x") }`);
  await link.path("/before");
  link.send({ type: "trace", worker: "acme/w", on: true });
  await link.sync();
  await link.path("/during");
  link.send({ type: "trace", worker: "acme/w", on: false });
  await link.sync();
  await link.path("/after");
  await link.stop();
  const urls = link.frames.filter(({ type }) => type === "tail").map(({ event }) => event.event.request.url);
  assert.deepEqual(urls, ["http://w/during"]);
});

test("lines beyond log_bytes are left out, and a flood stays bounded", async (t) => {
  const link = await one(
    t,
    `{ fetch(request) {
         if (request.url.endsWith("/odd")) {
           let deep = 0; for (let i = 0; i < 5000; i++) deep = [deep];
           console.log("nul \\0, half \\ud800"); console.log({ "\\0": 1 }); console.log(deep); console.log({ toJSON() { throw 1; } });
         } else for (let i = 0; i < 20_000; i++) console.log("line", i, "\\u0001".repeat(50));
         return new Response("ok");
       } }`,
    { limits: { log_bytes: 2000 } },
  );
  assert.equal((await link.path("/")).text, "ok");
  const { event } = await link.next("tail");
  assert.ok(event.logs.length > 2 && event.logs.length < 30);
  assert.match(event.logs.at(-1).message[0], /lines beyond 2000 bytes are left out \(limits\.log_bytes\)/);
  assert.equal((await link.path("/odd")).text, "ok");
  const { event: odd } = await link.next("tail");
  assert.ok(odd.logs.length >= 2, JSON.stringify(odd));
});

test("a worker that floods its log is cut off, and may log again a while later", async (t) => {
  const link = await one(
    t,
    `{ fetch() { for (let i = 0; i < 4000; i++) console.log("x".repeat(500)); return new Response("ok"); } }`,
    { limits: { log_bytes: 1 << 24 } },
  );
  await link.path("/");
  const { event } = await link.next("tail");
  assert.match(event.logs.at(-1).message[0], /lines beyond 262144 bytes a second are left out/);
  const lines = () => link.frames.filter(({ type }) => type === "tail").flatMap(({ event }) => event.logs);
  const before = lines().length;
  await until(async () => {
    await link.path("/");
    await link.sync();
    return lines().length > before;
  }, "lines are told again");
});

test("lines that belong to no request are told on their own", async (t) => {
  const link = await one(t, `{ fetch: () => new Response("x") }`, { before: `console.log("at the start");` });
  await link.path("/");
  const { event } = await link.next("tail");
  assert.equal(event.event, null);
  assert.deepEqual(event.logs[0].message, ["at the start"]);
});

// ---- scheduled events ----

const run = async (link, more = {}) => {
  link.send({ type: "event", worker: "acme/w", id: "e1", event: "scheduled", cron: "*/5 * * * MON", time_ms: 1_700_000_000_000, ...more });
  return link.next("event_done");
};

test("scheduled(): the controller, env, waitUntil, its usage and its event", async (t) => {
  const link = await one(
    t,
    `{ async scheduled(controller, env, ctx) {
         controller.noRetry();
         console.log(controller.cron, controller.scheduledTime, controller.type, env.name, typeof ctx.waitUntil);
         ctx.waitUntil(scheduler.wait(10).then(() => { ctx.waitUntil(scheduler.wait(10).then(() => console.log("later"))); }));
       } }`,
    { vars: { name: "here" } },
  );
  assert.deepEqual(await run(link), { type: "event_done", id: "e1", outcome: "ok" });
  const { event } = await link.next("tail");
  assert.deepEqual(event.event, { cron: "*/5 * * * MON", scheduledTime: 1_700_000_000_000 });
  assert.deepEqual(event.logs.map(({ message }) => message), [
    ["*/5 * * * MON", 1_700_000_000_000, "scheduled", "here", "function"], ["later"],
  ]);
  assert.ok(event.wallTime >= 15);
  const sum = await usage(link, (row) => row.requests === 1);
  assert.deepEqual(sum.outcomes, { ok: 1 });
  assert.equal(sum.process.latency, 0);
  const page = await link.path("/");
  assert.equal(page.status, 500, "it has no fetch handler");
});

test("scheduled(): what goes wrong is told", async (t) => {
  const table = [
    [`{ scheduled() { throw new TypeError("at night"); } }`, "exception", /^TypeError: at night/],
    [`{ async scheduled(c, e, ctx) { ctx.waitUntil(Promise.reject(new Error("late"))); } }`, "exception", /waitUntil/],
    [`{ scheduled: () => new Promise(() => {}) }`, "exception", /hung/],
    [`{ fetch: () => new Response("") }`, "exception", /no scheduled handler/],
    [`{ scheduled() { for (;;); } }`, "exceededCpu", /CPU time limit/, { cpu_ms: 50 }],
    [`{ scheduled: () => scheduler.wait(60_000) }`, "exceededWallTime", /time limit/, { wall_ms: 100 }],
    [`(() => { throw new Error("start"); })()`, "internalError", /start|load/],
  ];
  for (const [module, outcome, error, limits] of table) {
    const link = await one(t, module, { limits });
    const done = await run(link);
    assert.equal(done.outcome, outcome, module);
    assert.match(done.error, error, module);
    await link.stop();
  }
});

test("scheduled(): service-worker syntax, and a worker that has to be asked for", async (t) => {
  const link = await runtime(t);
  const source = `(async (main) => { addEventListener("scheduled", (event) => {
    console.log(event.cron, event.scheduledTime, event.type);
    event.waitUntil(scheduler.wait(5));
  }); main({}); })`;
  link.onFrame = ({ type, worker }) => {
    if (type === "want" && worker === "acme/w") link.worker(worker, [version("1", source)]);
  };
  assert.equal((await run(link)).outcome, "ok");
  assert.deepEqual((await link.next("tail")).event.logs[0].message, ["*/5 * * * MON", 1_700_000_000_000, "scheduled"]);
  link.onFrame = ({ type, worker }) => {
    if (type === "want") link.worker(worker, []);
  };
  link.send({ type: "event", worker: "acme/gone", id: 2, event: "scheduled", cron: "", time_ms: 0 });
  assert.equal((await link.next("event_done", { id: 2 })).outcome, "scriptNotFound");
});

// ---- what is taken away ----

const CLOCKS = `{ async fetch() {
  const spin = (ms) => { for (let i = 0, x = 0; i < ms * 200_000; i++) x += i; };
  const read = () => [Date.now(), new Date().getTime(), performance.now(), Date(), new Intl.DateTimeFormat("en", { fractionalSecondDigits: 3 }).format()];
  const first = read(); spin(30); const second = read();
  await scheduler.wait(50);
  const third = read();
  return Response.json({ still: first.every((value, i) => value === second[i]), moved: third[0] - first[0], late: third[2] - first[2],
    wall: Math.abs(first[0] - Number(new Date(first[0]))), constructor: new Date().constructor === Date, sub: new (class extends Date {})() instanceof Date,
    name: Date.name, length: Date.length, utc: Date.UTC(2020, 1), parsed: new Date("2020-02-01T00:00:00Z").getTime(), now: first[0] });
} }`;

test("clocks stand still while code runs, unless the worker asks for real ones", async (t) => {
  for (const [flags, args, still] of [[[], [], true], [["precise_timers"], [], false], [[], ["--dev"], false]]) {
    const link = await one(t, CLOCKS, { flags, args });
    const got = JSON.parse((await link.path("/")).text);
    assert.equal(got.still, still, JSON.stringify({ flags, args, got }));
    assert.ok(got.moved >= 45 && got.late >= 45, JSON.stringify(got));
    assert.ok(Math.abs(got.now - Date.now()) < 10_000);
    assert.deepEqual([got.constructor, got.sub, got.name, got.length], [true, true, "Date", 7]);
    assert.deepEqual([got.utc, got.parsed], [1580515200000, 1580515200000]);
    await link.stop();
  }
});

const TAKEN = `{ async fetch() {
  const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
  const tries = {
    eval: () => (0, eval)("1"), Function: () => new Function("1"), call: () => Function("1"),
    generator: () => (function* () {}).constructor("1"), async: () => (async () => {}).constructor("1"),
    wait: () => Atomics.wait(new Int32Array(4), 0, 0, 10), waitAsync: () => Atomics.waitAsync(new Int32Array(4), 0, 0, 10),
    shared: () => new SharedArrayBuffer(8), memory: () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }),
    module: () => new WebAssembly.Module(bytes), other: () => new (Object.getPrototypeOf(new WebAssembly.Memory({ initial: 0 })).constructor)({ initial: 1, maximum: 1, shared: true }),
    compile: () => WebAssembly.compile(bytes), instantiate: () => WebAssembly.instantiate(bytes),
    streaming: () => WebAssembly.compileStreaming(new Response(bytes)), both: () => WebAssembly.instantiateStreaming(new Response(bytes)),
    timer: () => new Promise((resolve) => { globalThis.ran = () => resolve("ran"); setTimeout("ran()", 0); setTimeout(() => resolve(Promise.reject(new Error("not run"))), 20); }),
  };
  const got = {};
  for (const name in tries) got[name] = await (async () => tries[name]())().then(() => "worked", (error) => error.name);
  return Response.json(got);
} }`;

test("no code is made of strings or bytes, no memory is shared, nobody can block", async (t) => {
  for (const args of [[], ["--dev"]]) {
    const link = await one(t, TAKEN, { args });
    const got = JSON.parse((await link.path("/")).text);
    for (const name in got) assert.notEqual(got[name], "worked", name);
    for (const name of ["module", "compile", "instantiate", "streaming", "both"]) assert.equal(got[name], "CompileError", name);
    await link.stop();
  }
});

test("allow_eval_during_startup: eval works while the script starts, and no longer", async (t) => {
  const link = await one(
    t,
    `{ fetch() { try { return new Response(String(eval("made"))); } catch (error) { return new Response(made() + " " + error.name); } } }`,
    { flags: ["allow_eval_during_startup"], before: `const made = new Function("return 'at start'");` },
  );
  assert.equal((await link.path("/")).text, "at start EvalError");
});

test("a module with shared memory is not loaded", async (t) => {
  const link = await runtime(t);
  const module = Buffer.from([0, 97, 115, 109, 1, 0, 0, 0, 5, 4, 1, 3, 1, 1]);
  const plain = Buffer.from([0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 0, 1]);
  const source = `(async (main, require, moduleOf) => { const m = moduleOf("a.wasm");
    main({ default: { fetch: () => new Response(String(m instanceof WebAssembly.Module) + (new WebAssembly.Instance(m) instanceof WebAssembly.Instance)) } }); })`;
  for (const [key, bytes] of [["bad", module], ["good", plain]]) {
    const parts = [
      { name: "worker.js", kind: "script", bytes: source.length }, { name: "a.wasm", kind: "wasm", bytes: bytes.length },
    ];
    const object = { id: "1", percent: 100, config: { vars: {} }, parts };
    link.worker(key, [{ object, blob: "" }], {});
    link.send({ type: "check", id: key, version: object }, Buffer.concat([Buffer.from(source), bytes]));
  }
  assert.match((await link.next("checked", { id: "bad" })).error, /shared memory/);
  assert.equal((await link.next("checked", { id: "good" })).ok, true);
});
