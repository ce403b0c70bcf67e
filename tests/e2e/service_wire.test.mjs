// What travels between two isolates (service_wire.js, service_session.js), read from a hostile one: the
// files as they are built in, in Node, with the rest of the platform made up as far as they need it.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./atoll.mjs";

const PLACES = ["src/bindings/service", "src/web/js"].map((place) => join(root, place));

// What the engine has and this Node has not.
globalThis.Iterator ??= class {};
if (!("detached" in ArrayBuffer.prototype))
  Object.defineProperty(ArrayBuffer.prototype, "detached", { get: () => false, configurable: true });

/** An isolate's built-ins: { use, sent, closed }. */
function isolate() {
  const sent = [];
  const closed = [];
  const cells = new Int32Array(600);
  const ops = new Proxy(
    {
      op_service_send: (end, last, status, text, ...blobs) => sent.push([text, ...blobs]) > 0,
      op_service_close: (end) => closed.push(end),
      op_service_call: (handle, text, ...blobs) => (sent.push([text, ...blobs]), 2),
      op_request_watch: () => true,
      op_error_stack: (stack) => stack,
      op_buffer_is: (value) => value instanceof ArrayBuffer,
    },
    { get: (known, name) => known[name] ?? (() => undefined) },
  );
  const files = Object.create(null);
  files.core = {
    loaded: (name) => files[name],
    finish: (Class, tag) => Object.defineProperty(Class.prototype, Symbol.toStringTag, { value: tag, configurable: true }),
    globals: [],
    natives: { FinalizationRegistry, WebAssembly },
    isWaiting: () => false,
    completion: (start) => new Promise(() => start(1)),
    ExecutionContext: class {},
  };
  files.errors = { logUncaught() {}, describe: (error) => [`${error}`, ""] };
  const use = (name) => {
    if (files[name] !== undefined) return files[name];
    const path = PLACES.map((place) => join(place, `${name}.js`)).find(existsSync);
    const exports = (files[name] = Object.create(null));
    new Function("exports", "use", "ops", "cells", `"use strict";${readFileSync(path, "utf8")}`)(exports, use, ops, cells);
    return exports;
  };
  return { use, sent, closed };
}

const session = { exportOf: () => undefined, importOf: (id) => ({ stub: id }), request: 0 };

test("values come back as they were", () => {
  const { use } = isolate();
  const { Reader, Writer } = use("service_wire");
  const cyclic = { list: [1, "two", null, undefined, -0, NaN, 3n], map: new Map([["k", new Set([1])]]), when: new Date(7) };
  cyclic.self = cyclic;
  for (const value of [1, "text \ud800", true, null, undefined, Infinity, cyclic, [, 1], new Error("e", { cause: 1 }), new Uint16Array([1, 2]).subarray(1)]) {
    const writer = new Writer(session);
    const text = writer.value(value);
    const blobs = writer.blobs.map((bytes) => Uint8Array.from(bytes));
    assert.deepEqual(new Reader(session, blobs).value(JSON.parse(text)), value);
  }
});

/** A pseudo-random number below `n`; always the same ones. */
function numbers(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % n;
  };
}

const ODD = [null, -1, 0, 1, 1.5, 1e99, "", "x", "__proto__", [], [1, 0], [1, 99], {}, [0, "u"], [0, "toString"], [2, "__proto__", [2, "a", 1]],
  [2, "constructor", 1], [3, 4294967295], [3, 1e12], [4, 1], [5, [1, 0]], [6, "no"], [7, "(", "z"], [8, "no"], [9, null], [10, 5, -1], [10, 0, 1e9],
  [11, "Uint8Array", [1, 0], 0, 1], [11, "constructor", [10, 0, -1], 0, 1], [11, "Float64Array", [10, 0, -1], 3, 8], [12, "constructor", "m", "s", null],
  [12, "TypeError", 1, 2], [13, 1], [14, 0], [14, 7, "t"], [15, -5], [16, "x"], [17, 0], [18, -1], [19, "no colon\n"], [20], [20, 1, 2], [21, 99], [99], true];

test("what cannot be read is refused, and leaves nothing behind", () => {
  const { use } = isolate();
  const { Reader } = use("service_wire");
  const random = numbers(1);
  const wild = (depth) => {
    const odd = ODD[random(ODD.length)];
    if (depth === 0 || !Array.isArray(odd) || random(3) === 0) return odd;
    return [...odd, ...Array.from({ length: random(3) }, () => wild(depth - 1))];
  };
  const own = { ...session };
  for (const name of ["receiveStream", "receiveSink", "receiveBody", "receiveSocket"]) own[name] = () => ({});
  let read = 0;
  for (let i = 0; i < 20_000; i++) {
    const wire = wild(4);
    try {
      new Reader(own, [new Uint8Array(8), "no bytes"]).value(wire);
      read++;
    } catch (error) {
      assert.ok(error instanceof Error, JSON.stringify(wire));
    }
  }
  assert.ok(read > 1000);
  assert.deepEqual(Object.keys(Object.prototype), []);
  assert.equal({}.a, undefined);
});

test("a session takes any message, or ends", async () => {
  const random = numbers(2);
  for (let round = 0; round < 300; round++) {
    const { use, closed } = isolate();
    const { receive, serve } = use("service_session");
    let called = 0;
    const target = { own: 1 };
    serve(3, 0, () => ({ fetch: () => (called++, Promise.reject(new Error("no"))), target }));
    for (let i = 0; i < 20 && closed.length === 0; i++) {
      const wire = [random(15), ...Array.from({ length: random(7) }, () => (random(2) ? random(4) : ODD[random(ODD.length)]))];
      receive(3, false, undefined, JSON.stringify(wire), new Uint8Array(3));
    }
    for (const text of ["", "{", "null", "[]", "[[]]", '[0,1,0,0,["own"],[]]', "7"]) receive(3, false, undefined, text);
    receive(3, true, "over", undefined);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(Object.keys(Object.prototype), []);
    assert.ok(called >= 0 && closed.length <= 1);
  }
});
