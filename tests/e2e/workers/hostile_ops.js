// The worker of hostile_ops.test.mjs. What it needs of the language it takes here, before the poison.
import { connect } from "cloudflare:sockets";
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";

const { apply, construct, getPrototypeOf, getOwnPropertyDescriptor, ownKeys } = Reflect;
const { create, defineProperty } = Object;
const NativeProxy = Proxy;
const NativeUint8Array = Uint8Array;
const NativeArrayBuffer = ArrayBuffer;
const NativePromise = Promise;
const transfer = uncurry(ArrayBuffer.prototype.transfer);
const resize = uncurry(ArrayBuffer.prototype.resize);
const NativeResponse = Response;
const then = uncurry(Promise.prototype.then);
const indexOf = uncurry(String.prototype.indexOf);

/** The numbers of a query, without anything that may have been replaced. */
function numbersOf(text) {
  const found = create(null);
  for (let i = 0, name = ""; i < text.length; i++) {
    const letter = text[i];
    if (letter === "?" || letter === "&") name = "";
    else if (letter >= "a" && letter <= "z") name += letter;
    else if (letter >= "0" && letter <= "9") found[name] = (found[name] ?? 0) * 10 + +letter;
    else if (letter !== "=") name = "";
  }
  return found;
}

function uncurry(method) {
  return (receiver, ...given) => apply(method, receiver, given);
}

/** As Array.prototype.push, whatever became of Array.prototype. */
function push(list, value) {
  defineProperty(list, list.length, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
}

// ---- chance (mulberry32) ----

let state = 1;
const { imul } = Math;
function random(below) {
  state = (state + 0x6d2b79f5) | 0;
  let t = imul(state ^ (state >>> 15), 1 | state);
  t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
}
const chance = (one) => random(one) === 0;
const pick = (list) => list[random(list.length)];

// ---- what the calls are made with ----

let depth = 0, left = 0, members = [], values = [];
const buffers = [];

/** A buffer that may be detached or resized by whatever runs next. */
function buffer() {
  const made = chance(3) ? new NativeArrayBuffer(random(5000), { maxByteLength: 8192 }) : new NativeArrayBuffer(random(100000));
  if (buffers.length < 64) push(buffers, made);
  else buffers[random(64)] = made;
  return made;
}

function view() {
  const bytes = buffer();
  try {
    const Class = pick([NativeUint8Array, NativeUint8Array, DataView, Float64Array, Int8Array, Uint16Array, BigInt64Array]);
    return chance(2) ? new Class(bytes) : new Class(bytes, 8 * random(8), random(9));
  } catch {
    return bytes;
  }
}

/** What a getter of ours does in the middle of somebody's call. */
function meddle() {
  if (depth > 3 || left <= 0) return;
  depth++;
  try {
    for (let i = random(3); i > 0; i--) {
      const bytes = pick(buffers);
      if (bytes && chance(2)) bytes.resizable ? resize(bytes, random(8192)) : transfer(bytes, random(300));
      else call(pick(members));
    }
    if (chance(40)) throw new Error("meddled");
  } finally {
    depth--;
  }
}

const TEXTS = [
  "", "a", "text", "bytes", "byob", "json", "stream", "arrayBuffer", "GET", "POST", "same-origin", "follow", "manual", "gzip", "deflate-raw", "utf-8",
  "utf-16le", "shift_jis", "http://127.0.0.1/", "ws://127.0.0.1/", "SELECT ?1, ?2", "INSERT INTO t VALUES (?)", "CREATE TABLE t (a)", "SELECT 1; SELECT 2",
  "SHA-256", "AES-GCM", "HMAC", "raw", "jwk", "spki", "pkcs8", "content-type", "multipart/form-data; boundary=x", "bytes=0-5", "p", "p.a, title", "*",
  "\u0000", "\ud800", "é\u{1f600}", "__proto__", "then", "a=b&c=d", "/a/../b", "text/html; charset=koi8-r", "x".repeat(3000), "\r\n", "-1", "1e400", "first-primary",
  "open", "message", "close", "error", "abort", "encrypt", "sign", "deriveBits", "public, max-age=60", "W/\"x\"", "default",
];

function wild() {
  switch (random(20)) {
    case 0: return pick([undefined, null, true, false, NaN, -0, 1n, 2n ** 64n, Symbol("s"), Symbol.iterator]);
    case 1: return pick([0, 1, -1, 5, 101, 200, 1000, 65535, 65536, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 31), 1.5, Infinity, -Infinity]);
    case 2: case 3: case 4: return pick(TEXTS);
    case 5: return buffer();
    case 6: case 7: return view();
    case 8: return hostile();
    case 9: return new NativeProxy(pick(values) instanceof Object ? pick(values) ?? {} : {}, { get: (target, key) => (meddle(), apply(Reflect.get, null, [target, key])) });
    case 10: return [wild(), wild()].slice?.(random(2)) ?? [];
    case 11: case 12: return options();
    case 13: return pick([() => wild(), (a) => a, async () => wild(), function () { meddle(); return this; }, class extends Object {}, () => { throw new Error("thrown"); }]);
    case 14: return { toString() { meddle(); return pick(TEXTS); }, valueOf() { meddle(); return random(1000); } };
    default: return values.length ? pick(values) : 5;
  }
}

/** An object that is whatever is asked of it, and meddles each time. */
function hostile() {
  let turns = 4;
  return new NativeProxy(chance(2) ? function () {} : {}, {
    get(_, key) {
      meddle();
      if (key === Symbol.toPrimitive) return (hint) => (meddle(), hint === "number" ? random(100) : pick(TEXTS));
      if (key === Symbol.iterator || key === Symbol.asyncIterator) return () => ({ next: () => (meddle(), { done: turns-- <= 0, value: wild() }), return: () => ({}) });
      if (key === "then") return chance(2) ? undefined : (resolve, reject) => (meddle(), pick([resolve, reject])?.(5));
      return turns-- > 0 ? wild() : undefined;
    },
    has: () => (meddle(), chance(2)),
    ownKeys: () => (meddle(), []),
    getPrototypeOf: () => (meddle(), pick([null, {}.__proto__, getPrototypeOf(pick(values) ?? {}) ])),
    set: () => (meddle(), true),
  });
}

const OPTIONS = [
  "method", "headers", "body", "signal", "redirect", "status", "webSocket", "cf", "type", "start", "pull", "cancel", "write", "close", "abort", "transform", "flush",
  "highWaterMark", "size", "autoAllocateChunkSize", "preventClose", "preventAbort", "mode", "min", "fatal", "ignoreBOM", "stream", "name", "hash", "length", "iv",
  "salt", "info", "iterations", "public", "namedCurve", "modulusLength", "publicExponent", "additionalData", "tagLength", "counter", "label", "saltLength", "kty", "k",
  "onlyIf", "range", "offset", "suffix", "prefix", "cursor", "limit", "delimiter", "include", "expiration", "expirationTtl", "metadata", "cacheTtl", "httpMetadata",
  "customMetadata", "md5", "sha256", "key", "blobs", "doubles", "indexes", "detail", "bubbles", "data", "ports", "once", "capture", "ignoreMethod", "secureTransport",
  "allowHalfOpen", "hostname", "port", "element", "text", "comments", "end", "doctype", "html", "transfer", "manual", "encodeBody", "readable", "writable", "etagMatches",
  "uploadedBefore", "pathname", "search", "base", "partNumber", "etag", "duration", "detached", "handleEvent", "then", "columnNames",
];

function options() {
  const made = chance(4) ? create(pick(values) instanceof Object ? pick(values) ?? null : null) : {};
  for (let i = random(5); i > 0; i--) {
    const name = pick(OPTIONS);
    if (chance(3)) defineProperty(made, name, { __proto__: null, enumerable: true, configurable: true, get() { meddle(); return wild(); } });
    else defineProperty(made, name, { __proto__: null, enumerable: true, configurable: true, writable: true, value: wild() });
  }
  return made;
}

// ---- calls ----

function keep(value) {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return;
  if (values.length < 400) push(values, value);
  else values[random(400)] = value;
  learn(value);
}

/** Settled or not, nothing here waits for it. */
function later(value) {
  keep(value);
  try {
    if (value instanceof NativePromise) then(value, keep, () => {});
  } catch {}
}

// Of these the arguments say how long they take.
const LEFT_OUT = ["setInterval", "wait", "reportError", "constructor"];

function receiver({ home }) {
  switch (random(8)) {
    case 0: return create(home);
    case 1: return wild();
    case 2: return new NativeProxy(of(home) ?? {}, {});
    case 3: return home;
    default: return of(home);
  }
}

/** A value that inherits from `home`, when there is one. */
function of(home) {
  let found;
  for (let i = 0, at = random(values.length + 1); i < values.length; i++, at++) {
    const value = values[at % values.length];
    if (value === home) continue;
    try {
      if (apply(Object.prototype.isPrototypeOf, home, [value])) return value;
    } catch {}
  }
  return found ?? home;
}

function call(member) {
  if (!member || left-- <= 0) return;
  const given = [];
  for (let i = random(5); i > 0; i--) push(given, wild());
  try {
    if (member.make) later(construct(member.make, given));
    else if (member.get && chance(2)) later(apply(member.get, receiver(member), []));
    else if (member.set) apply(member.set, receiver(member), given);
    else if (member.value) later(apply(member.value, receiver(member), given));
  } catch (error) {
    if (chance(20)) keep(error);
  }
}

const known = new WeakSet();
const seen = uncurry(WeakSet.prototype.has), see = uncurry(WeakSet.prototype.add);
const ECMASCRIPT = /^(Object|Function|Array|Number|String|Boolean|Symbol|BigInt|Date|RegExp|Math|JSON|Promise|Proxy|Reflect|Map|Set|Weak.*|.*Error|ArrayBuffer|DataView|.*Array|Atomics|Intl|Iterator|FinalizationRegistry|globalThis|self|console|eval|parse.*|is.*|.*URI.*|escape|unescape|Suppressed.*|.*DisposableStack|AsyncDisposableStack|global|\$vm|Temporal)$/;
const matches = uncurry(RegExp.prototype.test);
const BASE = [Object.prototype, Function.prototype, Array.prototype, Promise.prototype, Error.prototype, Uint8Array.prototype, getPrototypeOf(Uint8Array.prototype),
  ArrayBuffer.prototype, DataView.prototype, Map.prototype, Set.prototype, Date.prototype, RegExp.prototype, String.prototype, Symbol.prototype];
for (const prototype of BASE) known.add(prototype);

function learnMembers(home) {
  if (seen(known, home) || members.length > 5000) return;
  see(known, home);
  for (const key of ownKeys(home)) {
    if (LEFT_OUT.includes?.(key)) continue;
    const { value, get, set } = getOwnPropertyDescriptor(home, key) ?? {};
    if (typeof value === "function" && value.prototype && !matches(ECMASCRIPT, typeof key === "string" ? key : "")) push(members, { key, home, make: value });
    if (typeof value === "function" || get || set) push(members, { key, home, value: typeof value === "function" ? value : undefined, get, set });
  }
}

/** The members of what an object inherits from. */
function learn(value) {
  try {
    for (let home = getPrototypeOf(value), deep = 0; home && deep < 6; home = getPrototypeOf(home), deep++) {
      if (seen(known, home)) break;
      learnMembers(home);
    }
  } catch {}
}

function learnGlobals(env) {
  for (const key of ownKeys(globalThis)) {
    if (typeof key !== "string" || matches(ECMASCRIPT, key) || LEFT_OUT.includes(key)) continue;
    let value;
    try {
      value = globalThis[key];
    } catch {
      continue;
    }
    if (typeof value === "function") {
      if (value.prototype) {
        push(members, { key, make: value });
        learnMembers(value.prototype);
        learnMembers(value);
      } else push(members, { key, home: globalThis, value });
    } else if (value !== null && typeof value === "object") {
      keep(value);
    }
  }
  for (const key of ownKeys(env)) keep(env[key]);
  push(members, { key: "connect", home: globalThis, value: connect });
}

// Good ones of what chance would seldom make.
const seeds = [
  (env, url) => connect({ hostname: "127.0.0.1", port: url.talk }),
  (env, url) => connect({ hostname: "127.0.0.1", port: url.talk }, { allowHalfOpen: true }).readable.getReader(),
  (env, url) => fetch(`http://127.0.0.1:${url.port}/witness`),
  (env, url) => fetch(`http://127.0.0.1:${url.port}/witness`).then((answer) => answer.body.getReader()),
  (env) => env.A.fetch("http://a/"),
  (env) => env.S.fetch("http://a/?inner=1"),
  (env) => env.E.echo({ a: new Uint8Array(9) }),
  (env) => env.E.target(),
  (env) => env.E.stream(),
  (env) => env.B.put("k", "value"), (env) => env.B.put("large", new Uint8Array(300000)),
  (env) => env.B.get("large"), (env) => env.B.get("k"), (env) => env.B.createMultipartUpload("m"), (env) => env.B.list(), (env) => env.B.head("k"),
  (env) => env.K.put("k", "value"), (env) => env.K.get("k", "stream"), (env) => env.K.list(), (env) => env.K.getWithMetadata("k"),
  (env) => env.D.prepare("SELECT ?1 AS a"), (env) => env.D.prepare("SELECT 1").bind(), (env) => env.D.withSession(),
  (env) => env.D.exec("CREATE TABLE IF NOT EXISTS t (a)"),
  () => caches.open("c"), () => caches.default.put("http://c/", new Response("kept", { headers: { "cache-control": "max-age=60" } })), () => caches.default.match("http://c/"),
  () => new Request("http://a/", { method: "POST", body: "body" }), () => new Response("body"), () => new Response(new Uint8Array(5)).body,
  () => new Response("body").body.getReader({ mode: "byob" }), () => new WritableStream().getWriter(), () => new TransformStream(), () => new IdentityTransformStream(),
  () => new FixedLengthStream(100), () => new FixedLengthStream(100).writable.getWriter(), () => new CompressionStream("gzip"), () => new CompressionStream("gzip").writable.getWriter(),
  () => new DecompressionStream("gzip").readable.getReader(), () => new TextDecoderStream("shift_jis").writable.getWriter(), () => new TextDecoder("shift_jis"), () => new TextDecoder("utf-16le"), () => new TextEncoder(),
  () => new ReadableStream({ type: "bytes", pull(controller) { keep(controller); keep(controller.byobRequest); meddle(); controller.enqueue(new Uint8Array(10)); } }),
  () => new ReadableStream({ start(controller) { keep(controller); controller.enqueue("a"); }, pull(controller) { meddle(); controller.enqueue(wild()); } }),
  () => new WebSocketPair()[0], () => { const { 0: a, 1: b } = new WebSocketPair(); a.accept(); b.accept(); b.onmessage = () => meddle(); a.send("x"); return b; },
  (env, url) => new WebSocket(`ws://127.0.0.1:${url.talk}/`), (env, url) => new EventSource(`http://127.0.0.1:${url.port}/`),
  () => new HTMLRewriter().on("p", { element(element) { keep(element); for (let i = random(6); i > 0; i--) meddle(); element.onEndTag((end) => { keep(end); meddle(); }); }, text(text) { keep(text); meddle(); }, comments(c) { keep(c); } })
    .on("*", { async element(element) { keep(element); await 1; meddle(); element.setAttribute(wild(), wild()); element.append(wild(), options()); } })
    .onDocument({ doctype(d) { keep(d); }, end(end) { keep(end); meddle(); }, text(text) { keep(text); } })
    .transform(new Response("<!doctype html><title>t</title><p id=a class=b>one<b>two</b><!-- c --><p>three".repeat(4), { headers: { "content-type": chance(2) ? "text/html" : "text/html; charset=shift_jis" } })).text(),
  () => new HTMLRewriter(), () => new Headers([["a", "b"]]), () => new Headers([["a", "b"]]).entries(), () => new URL("http://u:p@h:8/p?a=b#c"), () => new URLSearchParams("a=b"), () => new URLSearchParams("a=b").entries(),
  () => new URLPattern({ pathname: "/:a" }), () => new FormData(), () => { const form = new FormData(); form.set("a", new File(["x"], "f")); return new Response(form); },
  () => new Blob(["abc", new Uint8Array(100)]), () => new File(["abc"], "n").stream(), () => new AbortController(), () => AbortSignal.timeout(1), () => new Event("x"), () => new EventTarget(),
  () => new MessageChannel(), () => performance.mark("m"), () => new PerformanceObserver(() => {}), () => crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"]),
  () => crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]), () => crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]),
  () => crypto.subtle.generateKey({ name: "X25519" }, true, ["deriveBits"]), () => crypto.subtle.importKey("raw", new Uint8Array(16), "PBKDF2", false, ["deriveBits"]),
  () => new crypto.DigestStream("SHA-256"), () => new crypto.DigestStream("MD5").getWriter(), () => new RpcTarget(), () => caches, () => crypto.subtle, () => navigator, () => scheduler,
];

export class Entry extends WorkerEntrypoint {
  echo(value) { return value; }
  target() { return new (class extends RpcTarget { get a() { return 5; } more(f) { return f?.(1); } })(); }
  stream() { return new Response("streamed").body; }
}

function poison() {
  /* POISON */
}

let isReady = false;

function prepare(env) {
  for (const step of isReady ? [] : [poison, learnGlobals])
    try {
      step(env);
    } catch {}
  isReady = true;
}

async function hurt(request, env, context, url) {
  prepare(env);
  keep(request);
  keep(context);
  for (let i = 0; i < seeds.length; i++)
    try {
      later(seeds[i](env, url));
    } catch {}
  for (let i = 0; i < 8 && left > 0; i++) {
    for (let j = 0; j < 60; j++) call(pick(members));
    await scheduler.wait(2);
  }
}

export default {
  async fetch(request, env, context) {
    const url = numbersOf(request.url);
    if (!url.seed) return new NativeResponse("inner");
    state = url.seed;
    left = 1500;
    try {
      await hurt(request, env, context, url);
    } catch {}
    left = 0;
    return new NativeResponse(`${members.length} members, ${values.length} values`);
  },
};
