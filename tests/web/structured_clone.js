// structuredClone: what it copies, what it refuses, transfer.

const same = (value) => assertEquals(structuredClone(value), value);

test("copies primitives and wrappers", () => {
  for (const value of [undefined, null, true, 0, -0, NaN, 1n, "", "\ud800"]) assert(Object.is(structuredClone(value), value));
  for (const value of [Object(true), Object(false), Object(7), Object("x"), Object(8n)]) {
    const copy = structuredClone(value);
    assert(copy !== value && typeof copy === "object");
    assertEquals([Object.getPrototypeOf(copy), copy.valueOf()], [Object.getPrototypeOf(value), value.valueOf()]);
  }
});

test("copies objects and arrays", () => {
  same({ a: 1, b: { c: [1, , 3, { d: null }] } });
  const sparse = [1, , 3];
  sparse.name = "x";
  const copy = structuredClone(sparse);
  assertEquals([copy.length, 1 in copy, copy.name], [3, false, "x"]);
  assertEquals(structuredClone(new Array(10)).length, 10);
  assertEquals(Object.keys(structuredClone(JSON.parse('{"__proto__": 1, "z": 2}'))), ["__proto__", "z"]);
  assertEquals(structuredClone(Object.create({ inherited: 1 }, { hidden: { value: 1 }, seen: { value: 2, enumerable: true } })), { seen: 2 });
  class Point {
    x = 1;
    get [Symbol.toStringTag]() {
      return "Date";
    }
  }
  assertEquals(Object.getPrototypeOf(structuredClone(new Point())), Object.prototype);
  assertEquals(structuredClone(new Point()).x, 1);
});

test("keeps cycles and identity", () => {
  const value = { list: [] };
  value.self = value;
  value.list.push(value.list, value);
  const copy = structuredClone(value);
  assert(copy !== value && copy.self === copy && copy.list[0] === copy.list && copy.list[1] === copy);
  const shared = {};
  const pair = structuredClone([shared, shared]);
  assert(pair[0] === pair[1] && pair[0] !== shared);
});

test("copies dates, regular expressions, maps and sets", () => {
  assertEquals(structuredClone(new Date(12345)).getTime(), 12345);
  assert(Number.isNaN(structuredClone(new Date(NaN)).getTime()));
  const expression = /a(b)\/\n/giu;
  expression.lastIndex = 3;
  const copy = structuredClone(expression);
  assertEquals([copy.source, copy.flags, copy.lastIndex], [expression.source, "giu", 0]);
  const map = new Map([[{ k: 1 }, new Set([1, "x"])]]);
  map.set(map, map);
  const copied = structuredClone(map);
  assertEquals([copied.size, copied.get(copied) === copied, [...copied.keys()][0]], [2, true, { k: 1 }]);
  assertEquals([...[...copied.values()][0]], [1, "x"]);
});

test("copies buffers and views", () => {
  const { buffer } = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
  const [a, b, c] = structuredClone([buffer, new Uint16Array(buffer, 2, 2), new DataView(buffer, 1, 3)]);
  assertEquals([...new Uint8Array(a)], [1, 2, 3, 4, 5, 6, 7, 8]);
  assert(a !== buffer && b.buffer === a && c.buffer === a);
  assertEquals([b.constructor, b.byteOffset, b.length, c.byteOffset, c.byteLength], [Uint16Array, 2, 2, 1, 3]);
  const resizable = structuredClone(new ArrayBuffer(2, { maxByteLength: 8 }));
  assertEquals([resizable.byteLength, resizable.maxByteLength], [2, 8]);
});

test("copies errors", () => {
  for (const Class of [Error, RangeError, SyntaxError, TypeError, EvalError, ReferenceError, URIError]) {
    const error = new Class("m");
    const copy = structuredClone(error);
    assertEquals([copy.constructor, copy.name, copy.message, copy.stack], [Class, Class.name, "m", error.stack]);
  }
  class Mine extends TypeError {}
  const odd = new Mine("x", { cause: { deep: 1 } });
  odd.name = "Odd";
  assertEquals([structuredClone(odd).constructor, structuredClone(odd).name, structuredClone(odd).cause], [Error, "Error", { deep: 1 }]);
  assert(!Object.hasOwn(structuredClone(new Error()), "message"));
  const exception = structuredClone(new DOMException("m", "AbortError"));
  assertEquals([exception instanceof DOMException, exception.name, exception.message, exception.code], [true, "AbortError", "m", 20]);
});

test("refuses what cannot be cloned", () => {
  const bad = [
    () => {}, class {}, Symbol("s"), Object(Symbol("s")), Promise.resolve(), new WeakMap(), new WeakSet(), new WeakRef({}),
    new URL("a:b"), new URLSearchParams(), new TextEncoder(), new Headers(), new Response(), crypto, scheduler, [1].values(), Map.prototype.keys.call(new Map()),
  ];
  for (const value of bad)
    for (const wrapped of [value, [value], { value }, new Map([[1, value]]), new Set([value])]) {
      const error = assertThrows(() => structuredClone(wrapped), DOMException, Object.prototype.toString.call(value));
      assertEquals([error.name, error.code], ["DataCloneError", 25]);
    }
  assertThrows(() => structuredClone(), TypeError);
});

test("transfers buffers", () => {
  const { buffer } = new Uint8Array([1, 2, 3]);
  const unused = new ArrayBuffer(4);
  const copy = structuredClone({ view: new Uint8Array(buffer), buffer }, { transfer: [buffer, unused] });
  assertEquals([[...copy.view], copy.view.buffer === copy.buffer], [[1, 2, 3], true]);
  assertEquals([buffer.detached, unused.detached, buffer.byteLength], [true, true, 0]);
  assertThrows(() => structuredClone(1, { transfer: [buffer] }), "DataCloneError");
  assertThrows(() => structuredClone(buffer), "DataCloneError");
});

test("a clone that fails transfers nothing", () => {
  const buffer = new ArrayBuffer(4);
  assertThrows(() => structuredClone([buffer, () => {}], { transfer: [buffer] }), "DataCloneError");
  assertThrows(() => structuredClone(1, { transfer: [buffer, buffer] }), "DataCloneError");
  assertThrows(() => structuredClone(1, { transfer: [buffer, {}] }), "DataCloneError");
  assertThrows(() => structuredClone(1, { transfer: [1] }), TypeError);
  assertThrows(() => structuredClone(1, { transfer: 1 }), TypeError);
  assertEquals(buffer.detached, false);
});

test("lets the error of a getter through", () => {
  const mine = new Error("mine");
  const thrown = assertThrows(() => structuredClone({ get x() { throw mine; } }), Error);
  assert(thrown === mine);
});

test("copies blobs and files", async () => {
  const [blob, file] = structuredClone([new Blob(["ab"], { type: "text/x" }), new File(["c"], "n", { lastModified: 5 })]);
  assertEquals([blob.constructor, blob.type, await blob.text()], [Blob, "text/x", "ab"]);
  assertEquals([file.constructor, file.name, file.lastModified, await file.text()], [File, "n", 5, "c"]);
});

test("views keep to the length of a resizable buffer when they did", () => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 });
  new Uint8Array(buffer).set([1, 2, 3, 4, 5, 6, 7, 8]);
  const full = new ArrayBuffer(8, { maxByteLength: 8 });
  new Uint8Array(full)[7] = 9;
  const views = [
    [new Uint8Array(buffer), true], [new Uint16Array(buffer, 2), true], [new DataView(buffer, 1), true],
    [new Uint8Array(buffer, 0, 8), false], [new DataView(buffer, 4, 4), false], [new Uint8Array(full), true], [new Uint8Array(full, 0, 8), false],
  ];
  for (const [view, tracks] of views) {
    const copy = structuredClone(view);
    const before = copy.byteLength;
    assertEquals(before, view.byteLength);
    copy.buffer.resize(4);
    assert(tracks ? copy.byteLength < before : copy.buffer.byteLength === 4);
    copy.buffer.resize(8);
    assertEquals(copy.byteLength, before);
  }
  assertEquals([...new Uint8Array(buffer)], [1, 2, 3, 4, 5, 6, 7, 8]);
  assertEquals(new Uint8Array(full)[7], 9);
});

test("refuses shared memory, keeps compiled modules", () => {
  const shared = new WebAssembly.Memory({ shared: true, initial: 1, maximum: 1 }).buffer;
  assertThrows(() => structuredClone(shared), "DataCloneError");
  const module = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  assert(structuredClone({ module }).module instanceof WebAssembly.Module);
  const memory = new WebAssembly.Memory({ initial: 1 });
  assertThrows(() => structuredClone(1, { transfer: [memory.buffer] }), "DataCloneError");
});

test("subclasses and deleted globals", () => {
  class Mine extends Blob {}
  assertEquals(Object.getPrototypeOf(structuredClone(new Mine(["x"]))), Blob.prototype);
  const { Uint8Array: kept } = globalThis;
  const view = new Uint8Array(2);
  delete globalThis.Uint8Array;
  try {
    assert(structuredClone(view) instanceof kept);
  } finally {
    globalThis.Uint8Array = kept;
  }
});

test("a buffer is known by what it is, not by its tag", () => {
  const buffer = Object.defineProperty(new Uint8Array([1, 2]).buffer, Symbol.toStringTag, { value: "Other" });
  const clone = structuredClone(buffer);
  assertEquals(Object.getPrototypeOf(clone), ArrayBuffer.prototype);
  assertEquals([...new Uint8Array(clone)], [1, 2]);
});
