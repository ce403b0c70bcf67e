const readAll = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};
const bytesSource = (...chunks) =>
  new ReadableStream({
    type: "bytes",
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) {
        controller.close();
        controller.byobRequest?.respond(0);
      } else controller.enqueue(new Uint8Array(chunk));
    },
  });

test("a stream is read in order and ends", async () => {
  const reader = new ReadableStream({ start(c) { c.enqueue(1); c.enqueue(2); c.close(); } }).getReader();
  assertEquals(await reader.read(), { value: 1, done: false });
  assertEquals(await reader.read(), { value: 2, done: false });
  assertEquals(await reader.read(), { value: undefined, done: true });
  await reader.closed;
});

test("pull is called as the queue has room", async () => {
  let pulled = 0;
  const stream = new ReadableStream({ pull(c) { c.enqueue(++pulled); } }, { highWaterMark: 3 });
  await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(pulled, 3);
  const lazy = new ReadableStream({ pull() { pulled = -1; } }, new CountQueuingStrategy({ highWaterMark: 0 }));
  await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals([pulled, stream.locked, lazy.locked], [3, false, false]);
});

test("an error reaches the reader and cancel reaches the source", async () => {
  const failing = new ReadableStream({ pull() { throw new RangeError("x"); } });
  await assertRejects(failing.getReader().read(), RangeError);
  let reason;
  const stream = new ReadableStream({ cancel(why) { reason = why; } });
  await stream.cancel("enough");
  assertEquals(reason, "enough");
  const locked = new ReadableStream();
  locked.getReader();
  await assertRejects(locked.cancel(), TypeError);
  assertThrows(() => locked.getReader(), TypeError);
});

test("iteration releases the stream; leaving it early cancels", async () => {
  let canceled = false;
  const stream = new ReadableStream({ pull(c) { c.enqueue(1); }, cancel() { canceled = true; } });
  for await (const chunk of stream) if (chunk === 1) break;
  assertEquals([canceled, stream.locked], [true, false]);
  const kept = ReadableStream.from([1, 2, 3]);
  for await (const chunk of kept.values({ preventCancel: true })) if (chunk === 1) break;
  assertEquals(await readAll(kept), [2, 3]);
});

test("ReadableStream.from takes sync and async iterables", async () => {
  assertEquals(await readAll(ReadableStream.from(new Set([1, Promise.resolve(2)]))), [1, 2]);
  let returned = false;
  const stream = ReadableStream.from((async function* () { try { yield 1; yield 2; } finally { returned = true; } })());
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel();
  assertEquals(returned, true);
  assertThrows(() => ReadableStream.from(null), TypeError);
});

test("both branches of tee see everything", async () => {
  const [a, b] = ReadableStream.from(["x", "y"]).tee();
  assertEquals([await readAll(a), await readAll(b)], [["x", "y"], ["x", "y"]]);
  const [c, d] = bytesSource([1, 2], [3]).tee();
  const first = (await c.getReader({ mode: "byob" }).read(new Uint8Array(2))).value;
  first[0] = 9;
  assertEquals(await new Response(d).bytes(), new Uint8Array([1, 2, 3]));
});

test("a BYOB reader fills the buffer it is given", async () => {
  const reader = bytesSource([1, 2, 3], [4, 5]).getReader({ mode: "byob" });
  const buffer = new ArrayBuffer(8);
  const { value } = await reader.read(new Uint8Array(buffer, 2, 4), { min: 4 });
  assertEquals([...value], [1, 2, 3, 4]);
  assertEquals([value.byteOffset, value.buffer.byteLength, buffer.byteLength], [2, 8, 0]);
  assertEquals([...(await reader.read(new Uint8Array(4))).value], [5]);
  assertEquals((await reader.read(new Uint8Array(4))).done, true);
  await assertRejects(reader.read(new Uint8Array(0)), TypeError);
  assertThrows(() => new ReadableStream().getReader({ mode: "byob" }), TypeError);
});

test("a source answers a BYOB request", async () => {
  const stream = new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: 16,
    pull(controller) {
      const { view } = controller.byobRequest;
      view[0] = 7;
      controller.byobRequest.respond(1);
    },
  });
  assertEquals([...(await stream.getReader().read()).value], [7]);
});

test("the buffer of an answered BYOB request belongs to the reader alone", async () => {
  let view;
  const stream = new ReadableStream({
    type: "bytes",
    pull(controller) {
      ({ view } = controller.byobRequest);
      view[1] = 7;
      controller.byobRequest.respond(2);
    },
  });
  const given = new Uint8Array(4);
  const { value } = await stream.getReader({ mode: "byob" }).read(given);
  assertEquals([...value], [0, 7]);
  assertEquals([given.byteLength, view.byteLength, value.buffer.byteLength], [0, 0, 4]);
});

test("a step of an iterator is settled a microtask after a read", async () => {
  const filled = () => new ReadableStream({ start: (controller) => controller.enqueue(1) });
  const log = [];
  filled().values().next().then(() => log.push("step"));
  filled().getReader().read().then(() => log.push("read"));
  await scheduler.wait(0);
  assertEquals(log, ["read", "step"]);
});

test("sizes of a queue follow its chunks", async () => {
  let sizes;
  const stream = new ReadableStream(
    { start: (controller) => { sizes = controller; for (const n of [1, 2.5, 4]) controller.enqueue(n); } },
    { highWaterMark: 10, size: (n) => n },
  );
  assertEquals(sizes.desiredSize, 2.5);
  const reader = stream.getReader();
  await reader.read();
  assertEquals(sizes.desiredSize, 3.5);
  await reader.read();
  sizes.enqueue(1);
  assertEquals(sizes.desiredSize, 5);
});

test("writes go one by one, with backpressure, and close waits", async () => {
  const log = [];
  const stream = new WritableStream({
    async write(chunk) { log.push(chunk); await scheduler.wait(2); log.push(-chunk); },
    close() { log.push("close"); },
  });
  const writer = stream.getWriter();
  assertEquals(writer.desiredSize, 1);
  writer.write(1);
  writer.write(2);
  assertEquals(writer.desiredSize, -1);
  await writer.ready;
  assertEquals(log, [1, -1, 2, -2]);
  await writer.close();
  assertEquals(log.at(-1), "close");
  await assertRejects(writer.write(3), TypeError);
});

test("abort tells the sink and its signal", async () => {
  let reason, signal;
  const stream = new WritableStream({ start(c) { signal = c.signal; }, abort(why) { reason = why; } });
  await stream.abort("stop");
  assertEquals([reason, signal.aborted, signal.reason], ["stop", true, "stop"]);
  await assertRejects(stream.getWriter().closed);
});

test("pipeTo moves everything and closes", async () => {
  const got = [];
  await ReadableStream.from([1, 2, 3]).pipeTo(new WritableStream({ write(x) { got.push(x); }, close() { got.push("end"); } }));
  assertEquals(got, [1, 2, 3, "end"]);
});

test("pipeTo passes errors both ways unless told not to", async () => {
  let reason;
  const broken = () => new WritableStream({ write() { throw new RangeError("sink"); } });
  const source = () => new ReadableStream({ pull(c) { c.enqueue(1); }, cancel(why) { reason = why; } });
  await assertRejects(source().pipeTo(broken()), RangeError);
  assertEquals(reason.message, "sink");
  reason = undefined;
  await assertRejects(source().pipeTo(broken(), { preventCancel: true }), RangeError);
  assertEquals(reason, undefined);
  let aborted;
  const failing = new ReadableStream({ pull() { throw new TypeError("source"); } });
  await assertRejects(failing.pipeTo(new WritableStream({ abort(why) { aborted = why; } })), TypeError);
  assertEquals(aborted.message, "source");
});

test("a signal ends a pipe", async () => {
  const controller = new AbortController();
  const source = new ReadableStream({ async pull(c) { await scheduler.wait(1); c.enqueue(1); } });
  const pipe = source.pipeTo(new WritableStream(), { signal: controller.signal });
  controller.abort();
  await assertRejects(pipe, "AbortError");
});

test("a TransformStream transforms, flushes and passes errors", async () => {
  const upper = new TransformStream({
    transform(chunk, controller) { controller.enqueue(chunk.toUpperCase()); },
    flush(controller) { controller.enqueue("!"); },
  });
  assertEquals(await readAll(ReadableStream.from(["a", "b"]).pipeThrough(upper)), ["A", "B", "!"]);
  const broken = new TransformStream({ transform() { throw new RangeError("t"); } });
  await assertRejects(readAll(ReadableStream.from(["a"]).pipeThrough(broken)), RangeError);
});

test("text goes through encoder and decoder streams whole", async () => {
  const bytes = await new Response(ReadableStream.from(["a\ud83d", "\ude00", "\ud800"]).pipeThrough(new TextEncoderStream())).bytes();
  assertEquals(new TextDecoder().decode(bytes), "a\u{1f600}\ufffd");
  const split = ReadableStream.from([bytes.slice(0, 3), bytes.slice(3)]).pipeThrough(new TextDecoderStream());
  assertEquals((await readAll(split)).join(""), "a\u{1f600}\ufffd");
  assertEquals([new TextEncoderStream().encoding, new TextDecoderStream("latin1").encoding], ["utf-8", "windows-1252"]);
});

test("IdentityTransformStream passes bytes, a write waits for its reader", async () => {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  let written = false;
  const write = writer.write(new Uint8Array([1, 2])).then(() => (written = true));
  await scheduler.wait(2);
  assertEquals(written, false);
  const reader = readable.getReader();
  assertEquals([...(await reader.read()).value], [1, 2]);
  await write;
  const closed = writer.close();
  assertEquals((await reader.read()).done, true);
  await closed;
  const strict = new IdentityTransformStream();
  await assertRejects(strict.writable.getWriter().write("text"), TypeError);
});

test("FixedLengthStream holds to its length", async () => {
  const send = async (length, ...chunks) => {
    const { readable, writable } = new FixedLengthStream(length);
    const all = new Response(readable).bytes();
    all.catch(() => {});
    const writer = writable.getWriter();
    for (const chunk of chunks) await writer.write(new Uint8Array(chunk));
    await writer.close();
    return all;
  };
  assertEquals([...(await send(3, [1, 2], [3]))], [1, 2, 3]);
  await assertRejects(send(3, [1]), TypeError);
  await assertRejects(send(1, [1, 2]), TypeError);
});

test("a body that is a stream is read once; untouched ones are taken whole", async () => {
  const response = new Response("hello");
  const stream = response.body;
  assertEquals([stream.locked, response.bodyUsed], [false, false]);
  assertEquals(await response.text(), "hello");
  assertEquals([stream.locked, response.bodyUsed], [true, true]);
  await assertRejects(response.text(), TypeError);
  const chunks = new Response(ReadableStream.from([new Uint8Array([104]), new Uint8Array([105])]));
  assertEquals(await chunks.text(), "hi");
  await assertRejects(new Response(ReadableStream.from(["text"])).text(), TypeError);
  const cloned = new Response("twice");
  cloned.body;
  const copy = cloned.clone();
  assertEquals([await copy.text(), await cloned.text()], ["twice", "twice"]);
});

test("a long stream of small chunks is read without a deep stack", async () => {
  const chunk = new Uint8Array([1]);
  let left = 100000;
  const stream = new ReadableStream({ start(c) { while (left-- > 0) c.enqueue(chunk); c.close(); } });
  assertEquals((await new Response(stream).bytes()).length, 100000);
});

test("readAtLeast waits for so many elements, as on Workers", async () => {
  const chunks = [[1, 2], [3], [4, 5]];
  const stream = new ReadableStream({
    type: "bytes",
    pull(c) {
      if (chunks.length > 0) c.enqueue(new Uint8Array(chunks.shift()));
      else c.close();
    },
  });
  const reader = stream.getReader({ mode: "byob" });
  const { done, value } = await reader.readAtLeast(3, new Uint8Array(8));
  assertEquals([done, ...value], [false, 1, 2, 3]);
  await assertRejects(reader.readAtLeast(0, new Uint8Array(8)), TypeError);
  await assertRejects(reader.readAtLeast(9, new Uint8Array(8)), RangeError);
  await assertRejects(reader.readAtLeast(1), TypeError);
  await assertRejects(ReadableStreamBYOBReader.prototype.readAtLeast.call({}, 1, new Uint8Array(8)), TypeError);
});

test("brands are checked and names are right", async () => {
  assertThrows(() => Object.getOwnPropertyDescriptor(ReadableStream.prototype, "locked").get.call({}), TypeError);
  await assertRejects(ReadableStream.prototype.cancel.call({}), TypeError);
  assertThrows(() => new ReadableStreamDefaultController(), TypeError);
  assertThrows(() => new ReadableStream({ type: "other" }), TypeError);
  assertThrows(() => new ReadableStream({}, { highWaterMark: -1 }), RangeError);
  assertEquals([ReadableStream.name, `${new WritableStream()}`], ["ReadableStream", "[object WritableStream]"]);
});

test("identity streams take a highWaterMark in bytes", async () => {
  for (const stream of [new IdentityTransformStream({ highWaterMark: 10 }), new FixedLengthStream(6, { highWaterMark: 10 })]) {
    const writer = stream.writable.getWriter();
    assertEquals(writer.desiredSize, 10);
    const writes = [writer.write(new Uint8Array(4)), writer.write(new Uint8Array(2))];
    assertEquals(writer.desiredSize, 4);
    const closed = writer.close();
    assertEquals((await new Response(stream.readable).bytes()).length, 6);
    await Promise.all([...writes, closed]);
  }
  assertEquals(new IdentityTransformStream().writable.getWriter().desiredSize, 1);
  assertThrows(() => new IdentityTransformStream({ highWaterMark: -1 }), RangeError);
  const writer = new IdentityTransformStream({ highWaterMark: 10 }).writable.getWriter();
  await assertRejects(writer.write("text"), TypeError);
});
