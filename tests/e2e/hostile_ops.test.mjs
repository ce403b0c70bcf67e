// Every method and accessor of every class and binding a worker has, called by seeded chance: on
// receivers that are none, with arguments that call back, detach, resize, throw; and everything again
// in isolates whose built-ins were replaced. Nothing of it may end the process that others share.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { after, test } from "node:test";
import { afterwards, dev, project, requestHost, root } from "./atoll.mjs";

const SEED = Number(process.env.ATOLL_HOSTILE_SEED ?? 1);
const ROUNDS = Number(process.env.ATOLL_HOSTILE_ROUNDS ?? 12);
const GIVE_UP_MS = 500, PATIENCE_MS = 10_000;

const main = readFileSync(`${root}/tests/e2e/workers/hostile_ops.js`, "utf8");

// What a worker does before it touches anything lazy.
const poisons = {
  none: "",
  then: `const { then } = Promise.prototype; let seen = 0, inside = false;
    Promise.prototype.then = function (a, b) {
      if (!inside && ++seen % 3 === 0 && typeof a === "function") { inside = true; try { return a(wild()); } catch {} finally { inside = false; } }
      return then.call(this, a, b);
    };
    Object.defineProperty(Promise.prototype, "constructor", { get: () => (++seen % 2 ? Promise : Object) });`,
  thenable: `let seen = 0;
    Object.defineProperty(Object.prototype, "then", { configurable: true, get() { meddle(); return ++seen % 7 ? undefined : (a) => a && a(5); } });`,
  setters: `for (const name of ["value", "done", "status", "headers", "body", "url", "type", "name", "key", "length", "0", "1", "2", "get", "set", "signal",
      "writable", "enumerable", "configurable", "metadata", "size", "bytes", "kind", "used", "reader", "stream", "code", "message"])
    Object.defineProperty(Object.prototype, name, { configurable: true, set() { meddle(); }, get() { return undefined; } });`,
  getters: `for (const name of ["method", "status", "headers", "body", "type", "signal", "redirect", "cf", "start", "pull", "cancel", "highWaterMark", "size",
      "range", "onlyIf", "limit", "prefix", "cursor", "expiration", "metadata", "cacheTtl", "name", "hash", "length", "iv", "props", "webSocket", "encodeBody"])
    Object.defineProperty(Object.prototype, name, { configurable: true, set(value) { Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true }); },
      get() { meddle(); return pick([undefined, 5, "x", {}, -1, wild()]); } });`,
  iterators: `let seen = 0; const prototype = Object.getPrototypeOf([][Symbol.iterator]()), { next } = prototype;
    prototype.next = function () { return ++seen % 5 ? next.call(this) : { done: seen % 10 === 0, value: wild() }; };`,
  maps: `for (const Class of [Map, Set, WeakMap, WeakSet]) for (const name of ["get", "has", "delete", "set", "add"]) if (Class.prototype[name])
      Class.prototype[name] = function () { return pick([undefined, this, 5, true]); };`,
  arrays: `for (const name of ["push", "shift", "splice", "slice", "map", "join", "forEach", "filter", "indexOf", "concat", "pop"]) {
      const old = Array.prototype[name]; let seen = 0;
      Array.prototype[name] = function (...given) { return ++seen % 4 ? Reflect.apply(old, this, given) : pick([undefined, 5, [wild()], "x"]); };
    }`,
  views: `const view = Object.getPrototypeOf(Uint8Array.prototype);
    for (const name of ["slice", "subarray", "set", "fill"]) view[name] = () => pick([{ length: 3 }, new Uint8Array(5), 7]);
    for (const name of ["length", "byteLength", "byteOffset", "buffer"]) { let seen = 0; const { get } = Object.getOwnPropertyDescriptor(view, name);
      Object.defineProperty(view, name, { configurable: true, get() { return ++seen % 4 ? get.call(this) : pick([1e9, -1, 3, {}, undefined]); } }); }
    for (const name of ["byteLength"]) Object.defineProperty(ArrayBuffer.prototype, name, { configurable: true, get: () => 1e9 });
    Object.defineProperty(Uint8Array, Symbol.species, { value: Float64Array });`,
  texts: `for (const name of ["slice", "toLowerCase", "toUpperCase", "replace", "replaceAll", "split", "isWellFormed", "toWellFormed", "charCodeAt", "trim", "startsWith", "endsWith", "indexOf"]) {
      const old = String.prototype[name]; let seen = 0;
      String.prototype[name] = function (...given) { return ++seen % 4 ? Reflect.apply(old, this, given) : pick([5, "x".repeat(3000), { toString() { meddle(); return "y"; } }, undefined]); };
    }
    RegExp.prototype.test = () => chance(2); RegExp.prototype.exec = () => pick([null, ["a", "b", "c"]]);`,
  statics: `JSON.parse = () => wild(); JSON.stringify = () => pick(["{}", 5, "x".repeat(9000), undefined]); Object.prototype.toJSON = () => [1];
    Number.isInteger = Number.isSafeInteger = Number.isFinite = Array.isArray = () => chance(2); Math.min = Math.max = Math.floor = Math.trunc = () => pick([NaN, -1, 1e15, 2 ** 31]);
    Object.keys = Object.entries = () => [["a", 5], "b"]; Object.fromEntries = Object.assign = (a) => a; Object.freeze = (a) => a;
    ArrayBuffer.isView = () => chance(2); ArrayBuffer.prototype.slice = () => new ArrayBuffer(3);`,
  promise: `const Native = Promise;
    globalThis.Promise = class extends Native {
      constructor(start) {
        const kind = random(6);
        super(kind === 0 ? (resolve) => resolve(wild()) : kind === 1 ? (...both) => { start(...both); start(...both); } : start);
      }
    };`,
  names: `const list = NAMES; let seen = 0;
    for (let i = random(5); i < list.length; i += 1 + random(9))
      if (!(list[i] in Object.prototype)) Object.defineProperty(Object.prototype, list[i], { __proto__: null, configurable: true,
        set(value) { Object.defineProperty(this, list[i], { __proto__: null, value, writable: true, enumerable: true, configurable: true }); },
        get() { meddle(); return ++seen % 3 ? undefined : pick([1, "x", true, wild(), {}, []]); } });`,
  reflect: `Function.prototype.call = function () { return wild(); }; Function.prototype.apply = function () { return wild(); };
    Reflect.get = Reflect.apply = Reflect.ownKeys = () => wild(); Symbol.prototype.toString = () => 5;`,
  classes: `for (const name of ["Error", "TypeError", "RangeError", "DOMException"]) globalThis[name] = class { constructor() { meddle(); return wild(); } };
    for (const name of ["Promise", "Map", "Set", "Uint8Array", "ArrayBuffer", "Array", "String", "Symbol", "WeakMap"]) globalThis[name] = function () { return wild(); };`,
  globals: `for (const name of ["ReadableStream", "Headers", "Request", "Response", "URL", "AbortSignal", "Event", "TextEncoder", "Blob", "structuredClone", "queueMicrotask"])
      Object.defineProperty(globalThis, name, { configurable: true, get() { meddle(); return wild(); } });`,
};

// What our own scripts ask objects for, and could find in a prototype.
const scripts = ["src/web/js", "src/bindings"].flatMap((path) =>
  readdirSync(`${root}/${path}`, { recursive: true }).filter((name) => name.endsWith(".js")).map((name) => readFileSync(`${root}/${path}/${name}`, "utf8")));
const asked = new Set(scripts.flatMap((text) => [...text.matchAll(/[.{,] *([a-z]\w+)/gi)].map(([, name]) => name)));
for (const name of ["then", "get", "set", "value", "writable", "enumerable", "configurable"]) asked.delete(name);

const names = Object.keys(poisons);
const config = (name) => JSON.stringify({
  name: `h-${name}`, main: "index.js", compatibility_date: "2026-04-01", limits: { cpu_ms: 1500 },
  kv_namespaces: [{ binding: "K", id: "kv" }],
  d1_databases: [{ binding: "D", database_name: "d", database_id: "d1" }],
  r2_buckets: [{ binding: "B", bucket_name: "bucket" }],
  ratelimits: [{ name: "RL", namespace_id: "1", simple: { limit: 1e6, period: 60 } }],
  analytics_engine_datasets: [{ binding: "AE", dataset: "set" }],
  version_metadata: { binding: "V" },
  assets: { directory: "public", binding: "A", run_worker_first: true },
  services: [{ binding: "S", service: "h-none" }, { binding: "E", service: "h-none", entrypoint: "Entry" }],
});

const scope = { after };
const directory = project(scope, {
  "witness/wrangler.toml": 'name = "witness"\nmain = "index.js"\n',
  "witness/index.js": "let id; export default { fetch: () => new Response(id ??= crypto.randomUUID()) };",
  ...Object.fromEntries(names.flatMap((name) => [
    [`${name}/wrangler.json`, config(name)],
    [`${name}/index.js`, main.replace("/* POISON */", () => poisons[name].replace("NAMES", JSON.stringify([...asked])))],
    [`${name}/public/index.html`, "<title>page</title><p class=a>text"],
  ])),
});

const talk = createServer((socket) => socket.on("error", () => {}).on("data", (bytes) => socket.write(bytes)).write("hello"));
await new Promise((resolve) => talk.listen(0, "127.0.0.1", resolve));
talk.unref();
afterwards(scope, () => talk.close());

const server = await dev(scope, ["witness", ...names].map((name) => `${directory}/${name}`), { cwd: directory });
afterwards(scope, () => server.kill());
async function witness() {
  const { status, body } = await requestHost(server.port, "witness.localhost");
  assert.equal(status, 200, body);
  return body;
}

/** One request, given up after a while: what was replaced may keep an answer from ever coming. */
function hurt(name, seed) {
  const path = `/?seed=${seed}&port=${server.port}&talk=${talk.address().port}`;
  return new Promise((resolve) => {
    const asked = request({ port: server.port, path, headers: { host: `h-${name}.localhost` }, agent: false }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (text) => (body += text));
      answer.on("close", () => resolve({ status: answer.statusCode, body }));
    });
    asked.on("error", () => resolve({ status: 0 })).setTimeout(name === "none" ? PATIENCE_MS : GIVE_UP_MS, () => asked.destroy()).end();
  });
}

async function survives(name, rounds) {
  const before = await witness();
  const answers = [];
  for (let round = 0; round < rounds && answers.at(-1)?.status !== 0; round++) answers.push(await hurt(name, SEED * 1000 + round));
  assert.equal(await witness(), before, `the process has ended: ${name}, seed ${SEED}\n${server.stderr.slice(-6000)}`);
  return answers;
}

test("methods and accessors by chance", async () => {
  const answers = await survives("none", ROUNDS);
  const good = answers.filter(({ status }) => status === 200);
  assert.ok(good.length > answers.length / 2, JSON.stringify(answers));
  if (process.env.ATOLL_HOSTILE_SHOW) console.log(good.at(-1).body, answers.map(({ status }) => status).join(" "));
});

for (const name of names.slice(1)) test(`the same when replaced: ${name}`, async () => {
  const answers = await survives(name, Math.ceil(ROUNDS / 8));
  if (process.env.ATOLL_HOSTILE_SHOW) console.log(answers.map(({ status }) => status).join(" "), (answers[0].body ?? "").slice(0, 300));
});
