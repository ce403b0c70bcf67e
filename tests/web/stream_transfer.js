const transfer = (stream) => structuredClone(stream, { transfer: [stream] });

async function readAll(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

test("a readable stream goes on elsewhere, its chunks cloned", async () => {
  const chunk = { a: 1 };
  const original = new ReadableStream({
    start(controller) {
      controller.enqueue(chunk);
      controller.enqueue("two");
      controller.close();
    },
  });
  const moved = transfer(original);
  assert(moved instanceof ReadableStream && moved !== original);
  assert(original.locked && !moved.locked);
  const chunks = await readAll(moved);
  assertEquals(chunks, [{ a: 1 }, "two"]);
  assert(chunks[0] !== chunk);
});

test("a readable stream is pulled as it is read, and cancelled through", async () => {
  let pulls = 0;
  let reason;
  const original = new ReadableStream({
    pull(controller) {
      controller.enqueue(pulls++);
    },
    cancel(given) {
      reason = given;
    },
  }, { highWaterMark: 0 });
  const reader = transfer(original).getReader();
  assertEquals((await reader.read()).value, 0);
  assertEquals(pulls, 1);
  await reader.cancel("enough");
  assertEquals(reason, "enough");
});

test("errors of a readable stream arrive, cloned", async () => {
  const failing = transfer(new ReadableStream({
    start(controller) {
      controller.error(new RangeError("broken"));
    },
  }));
  const error = await assertRejects(failing.getReader().read(), RangeError);
  assertEquals(error.message, "broken");
});

test("a chunk that cannot be cloned ends both sides", async () => {
  let reason;
  const moved = transfer(new ReadableStream({
    start(controller) {
      controller.enqueue(() => {});
    },
    cancel(given) {
      reason = given;
    },
  }));
  await assertRejects(moved.getReader().read(), "DataCloneError");
  assertEquals(reason.name, "DataCloneError");
});

test("a writable stream takes cloned chunks, close and abort", async () => {
  const seen = [];
  const sink = { write: (chunk) => void seen.push(chunk), close: () => void seen.push("closed"), abort: (why) => void seen.push(why) };
  const original = new WritableStream(sink);
  const moved = transfer(original);
  assert(original.locked && moved instanceof WritableStream);
  const chunk = [1];
  const writer = moved.getWriter();
  await writer.write(chunk);
  await writer.close();
  assertEquals(seen, [[1], "closed"]);
  assert(seen[0] !== chunk);
  const other = transfer(new WritableStream(sink)).getWriter();
  await other.abort("why");
  assertEquals(seen.at(-1), "why");
  const third = transfer(new WritableStream(sink)).getWriter();
  await assertRejects(third.write(Symbol("s")), "DataCloneError");
});

test("errors of a writable stream come back", async () => {
  const writer = transfer(new WritableStream({
    write() {
      throw new TypeError("full");
    },
  })).getWriter();
  writer.write(1).catch(() => {});
  const error = await assertRejects(writer.closed, TypeError);
  assertEquals(error.message, "full");
});

test("a transform stream is transferred with both sides", async () => {
  const original = new TransformStream({ transform: (chunk, controller) => controller.enqueue(chunk * 2) });
  const moved = transfer(original);
  assert(moved instanceof TransformStream && original.readable.locked && original.writable.locked);
  const writer = moved.writable.getWriter();
  writer.write(1);
  writer.write(2);
  writer.close();
  assertEquals(await readAll(moved.readable), [2, 4]);
});

test("through a port, and what is locked stays", async () => {
  const { port1, port2 } = new MessageChannel();
  const arrived = new Promise((resolve) => (port2.onmessage = resolve));
  const stream = new Blob(["text"]).stream();
  port1.postMessage({ stream }, [stream]);
  const { data } = await arrived;
  assertEquals(await new Response(data.stream).text(), "text");
  const locked = new ReadableStream();
  locked.getReader();
  assertThrows(() => transfer(locked), "DataCloneError");
  assertThrows(() => structuredClone(new ReadableStream()), "DataCloneError", "not in the list");
  const pair = new TransformStream();
  assertThrows(() => structuredClone(0, { transfer: [pair, pair.readable] }), "DataCloneError");
});
