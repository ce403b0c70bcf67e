// Everything that is not a body: events, timers, text, crypto, clones, errors.
import { is, ok, rejects, same, throws } from "./assert.js";

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const checks = {
  async "abort"() {
    const controller = new AbortController();
    const { signal } = controller;
    let heard = 0;
    signal.addEventListener("abort", () => heard++, { once: true });
    signal.onabort = () => heard++;
    controller.abort();
    controller.abort();
    is(heard, 2);
    is(signal.reason.name, "AbortError");
    throws(() => signal.throwIfAborted(), "AbortError");
    is(AbortSignal.abort("why").reason, "why");
    const timeout = AbortSignal.timeout(5);
    await new Promise((resolve) => timeout.addEventListener("abort", resolve));
    is(timeout.reason.name, "TimeoutError");
    const any = AbortSignal.any([new AbortController().signal, AbortSignal.abort("any")]);
    is(any.reason, "any");
  },
  async "timers: order, arguments, clearing"() {
    const order = [];
    await new Promise((resolve) => {
      setTimeout((...args) => order.push(args.join()), 20, "late", 1);
      setTimeout(() => order.push("soon"), 0);
      clearTimeout(setTimeout(() => order.push("never"), 0));
      clearTimeout(undefined);
      queueMicrotask(() => order.push("microtask"));
      Promise.resolve().then(() => order.push("promise"));
      order.push("now");
      setTimeout(resolve, 30);
    });
    same(order, ["now", "microtask", "promise", "soon", "late,1"]);
    let ticks = 0;
    await new Promise((resolve) => {
      const id = setInterval(() => {
        if (++ticks < 3) return;
        clearInterval(id);
        resolve();
      }, 1);
    });
    await wait(5);
    is(ticks, 3);
    await scheduler.wait(1);
  },
  async "timers: microtasks run between two of them"() {
    const order = [];
    setTimeout(() => {
      order.push("a");
      Promise.resolve().then(() => order.push("a'"));
    }, 0);
    setTimeout(() => order.push("b"), 0);
    await wait(5);
    same(order, ["a", "a'", "b"]);
  },
  "structuredClone"() {
    const value = { date: new Date(5), map: new Map([[1, new Set([2])]]), bytes: new Uint8Array([1, 2]), error: new RangeError("r") };
    value.self = value;
    const copy = structuredClone(value);
    ok(copy.self === copy && copy !== value, "cycle");
    is(copy.date.getTime(), 5);
    ok(copy.map.get(1).has(2), "map");
    same([...copy.bytes], [1, 2]);
    is(copy.error.message, "r");
    throws(() => structuredClone(() => {}), "DataCloneError");
    const buffer = new ArrayBuffer(8);
    is(structuredClone(buffer, { transfer: [buffer] }).byteLength, 8);
    is(buffer.byteLength, 0);
  },
  "text and base64"() {
    same([...new TextEncoder().encode("é\ud800")], [195, 169, 239, 191, 189]);
    is(new TextDecoder().decode(new Uint8Array([239, 187, 191, 195, 169])), "é");
    throws(() => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([255])), "TypeError");
    is(new TextDecoder("latin1").encoding, "windows-1252");
    is(btoa("\xe9\0x"), "6QB4");
    is(atob(" 6Q B4 "), "\xe9\0x");
    throws(() => btoa("\u0100"), "InvalidCharacterError");
    throws(() => atob("a"), "InvalidCharacterError");
  },
  async "crypto"() {
    ok(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()), "uuid");
    const random = crypto.getRandomValues(new Uint8Array(1000));
    ok(new Set(random).size > 100, "random");
    throws(() => crypto.getRandomValues(new Uint8Array(65537)), "QuotaExceededError");
    throws(() => crypto.getRandomValues(new Float32Array(1)), "TypeMismatchError");
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc"));
    is(new Uint8Array(digest).toHex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  },
  "url"() {
    const url = new URL("../b?x=1#h", "https://user@EXAMPLE.com:443/a/c");
    is(url.href, "https://user@example.com/b?x=1#h");
    url.searchParams.append("y", "a b");
    is(url.search, "?x=1&y=a+b");
    is(URL.canParse("nope"), false);
    is(URL.parse("nope"), null);
    throws(() => new URL("nope"), "TypeError");
    same([...new URLSearchParams("a=1&a=2")], [["a", "1"], ["a", "2"]]);
  },
  "performance and navigator"() {
    const start = performance.now();
    ok(start >= 0 && performance.now() >= start, "now");
    ok(Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 5000, "timeOrigin");
    is(typeof navigator.userAgent, "string");
    ok(self === globalThis, "self");
  },
  async "events"() {
    const target = new EventTarget();
    const heard = [];
    target.addEventListener("x", { handleEvent: (event) => heard.push(event.detail) });
    target.addEventListener("x", (event) => event.preventDefault());
    is(target.dispatchEvent(new CustomEvent("x", { detail: 1, cancelable: true })), false);
    same(heard, [1]);
  },
  async "errors and what is not there"() {
    const error = new DOMException("m", "AbortError");
    is(error.code, 20);
    ok(error instanceof Error, "DOMException");
    throws(() => eval("1"), "EvalError");
    throws(() => new Function("return 1"), "EvalError");
    is(typeof SharedArrayBuffer, "undefined");
    await rejects(Promise.any([Promise.reject(1)]), "AggregateError");
  },
  "request.cf says what is known, and is of the right types"(request) {
    const { cf } = request;
    is(request.cf, cf);
    ok(Object.isFrozen(cf) && Object.isFrozen(cf.tlsClientAuth), "frozen");
    is(Object.getPrototypeOf(cf), Object.prototype);
    for (const name of ["city", "colo", "continent", "country", "httpProtocol", "latitude", "longitude", "postalCode",
      "region", "regionCode", "timezone", "tlsCipher", "tlsVersion", "asOrganization"])
      is(typeof cf[name], "string", name);
    for (const name of ["asn", "clientTcpRtt"]) is(typeof cf[name], "number", name);
    is(cf.httpProtocol, "HTTP/1.1");
    is(new Intl.DateTimeFormat("en", { timeZone: cf.timezone }).resolvedOptions().timeZone, "UTC");
    is(cf.tlsClientAuth.certPresented, "0");
    throws(() => (cf.country = "DE"), "TypeError");
    is(new Request(request.url).cf, undefined);
    const mine = { cacheTtl: 5 };
    const derived = new Request(request.url, { cf: mine });
    is(derived.cf, mine);
    is(new Request(derived).cf, mine);
    is(derived.clone().cf, mine);
    same(new Request(request.url, request).cf, cf);
  },
  "request.cf goes with copies of a request that nobody has asked"(request) {
    const copy = new Request(request);
    const clone = copy.clone();
    is(copy.cf.colo, "LOC");
    is(clone.cf.colo, "LOC");
    is(clone.cf, clone.cf);
  },
  async "a fresh context object for each request"(request, env, ctx) {
    is(typeof ctx.waitUntil, "function");
    is(typeof ctx.passThroughOnException, "function");
    same(ctx.props, {});
    is(ctx.passThroughOnException(), undefined);
    is(ctx.waitUntil(Promise.resolve()), undefined);
    ctx.waitUntil("no promise");
    same(env, { TEXT: "grüße", EMPTY: "", NUMBER: 7, LIST: [1, "two", { three: true }], OBJECT: { deep: { er: "yes" } } });
  },
};
