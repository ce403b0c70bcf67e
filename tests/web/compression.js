const bytesOf = (...values) => new Uint8Array(values);
const encoder = new TextEncoder();
const FORMATS = ["deflate", "deflate-raw", "gzip", "brotli", "zstd"];

async function through(stream, ...chunks) {
  const writer = stream.writable.getWriter();
  const written = (async () => {
    for (const chunk of chunks) await writer.write(chunk);
    await writer.close();
  })();
  written.catch(() => {});
  const bytes = await new Response(stream.readable).bytes();
  await written;
  return bytes;
}
const compress = (format, ...chunks) => through(new CompressionStream(format), ...chunks);
const decompress = (format, ...chunks) => through(new DecompressionStream(format), ...chunks);

test("what is compressed comes back, in every format", async () => {
  const text = encoder.encode("the same words, the same words again. ".repeat(5000));
  for (const format of FORMATS) {
    const packed = await compress(format, text.subarray(0, 10), new Uint8Array(0), text.subarray(10));
    assert(packed.length < text.length / 50, `${format}: ${packed.length} bytes`);
    assertEquals(await decompress(format, packed), text, format);
    assertEquals(await decompress(format, ...Array.from(packed, (byte) => bytesOf(byte))), text, `${format} by bytes`);
  }
});

test("nothing at all is a stream too", async () => {
  for (const format of FORMATS) assertEquals((await decompress(format, await compress(format))).length, 0, format);
});

test("chunks are any BufferSource over memory of one's own", async () => {
  const bytes = bytesOf(0, 1, 2, 3, 4, 5, 6, 7);
  const packed = await compress("gzip", bytes.buffer.slice(0, 2), new DataView(bytes.buffer, 2, 2), new Uint16Array(bytes.buffer, 4));
  assertEquals(await decompress("gzip", packed), bytes);
  const shared = new WebAssembly.Memory({ shared: true, initial: 1, maximum: 1 }).buffer;
  for (const bad of ["text", 1, null, undefined, {}, [1], shared, new Uint8Array(shared)])
    for (const stream of [new CompressionStream("gzip"), new DecompressionStream("gzip")]) {
      const writer = stream.writable.getWriter();
      const read = stream.readable.getReader().read();
      await assertRejects(writer.write(bad), TypeError);
      await assertRejects(read, TypeError);
    }
});

test("a chunk is copied: it may be changed or transferred while it waits", async () => {
  const bytes = new Uint8Array(300000);
  for (let at = 0; at < bytes.length; at += 60000) crypto.getRandomValues(bytes.subarray(at, at + 60000));
  const wanted = bytes.slice();
  const stream = new CompressionStream("deflate-raw");
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  const first = reader.read();
  const writing = writer.write(bytes);
  await first.then(() => structuredClone(bytes.buffer, { transfer: [bytes.buffer] }));
  const chunks = [(await first).value];
  const closing = writer.close();
  for (let step; !(step = await reader.read()).done; ) chunks.push(step.value);
  await writing;
  await closing;
  assertEquals(await decompress("deflate-raw", ...chunks), wanted);
});

test("what is cut, corrupt or followed by more is a TypeError", async () => {
  for (const format of FORMATS) {
    const packed = await compress(format, encoder.encode("some words that are compressed"));
    const why = async (chunk) => (await assertRejects(decompress(format, chunk), TypeError, format)).message;
    assert(/too early/.test(await why(packed.subarray(0, -1))), `${format} cut`);
    assert(/too early/.test(await why(new Uint8Array(0))), `${format} empty`);
    await why(bytesOf(...packed, 1, 2, 3, 4, 5));
    if (format !== "deflate-raw") await why(packed.map((byte) => byte ^ 0x55));
  }
});

test("more after the end: first the output, then the error", async () => {
  const packed = await compress("gzip", encoder.encode("words"));
  const stream = new DecompressionStream("gzip");
  const reader = stream.readable.getReader();
  stream.writable.getWriter().write(bytesOf(...packed, 0)).catch(() => {});
  assertEquals((await reader.read()).value, encoder.encode("words"));
  const error = await assertRejects(reader.read(), TypeError);
  assert(/after the end/.test(error.message), error.message);
});

test("zstd: frames may follow each other", async () => {
  const one = await compress("zstd", encoder.encode("one "));
  const two = await compress("zstd", encoder.encode("two"));
  assertEquals(await decompress("zstd", bytesOf(...one, ...two)), encoder.encode("one two"));
});

test("what unpacks to much waits for its reader", async () => {
  const bomb = await compress("gzip", ...new Array(32).fill(new Uint8Array(1 << 20)));
  const stream = new DecompressionStream("gzip");
  const reader = stream.readable.getReader();
  let written = false;
  const writer = stream.writable.getWriter();
  const writing = writer.write(bomb).then(() => (written = true));
  const { value } = await reader.read();
  assert(value.length <= 1 << 16, "pieces are small");
  await scheduler.wait(1);
  assert(!written, "the rest waits");
  let total = value.length;
  const closing = writer.close();
  for (let step; !(step = await reader.read()).done; ) total += step.value.length;
  await writing;
  await closing;
  assertEquals(total, 32 << 20);
});

test("cancelling and aborting end both sides", async () => {
  const bomb = await compress("gzip", new Uint8Array(8 << 20));
  const cancelled = new DecompressionStream("gzip");
  const writing = cancelled.writable.getWriter().write(bomb);
  const reader = cancelled.readable.getReader();
  await reader.read();
  await reader.cancel("enough");
  await writing.catch(() => {});
  const aborted = new CompressionStream("brotli");
  const reading = aborted.readable.getReader().read();
  await aborted.writable.abort(new Error("no more"));
  await assertRejects(reading, Error);
});

test("streams beyond a share of memory are refused until others end", async () => {
  const streams = [];
  const error = assertThrows(() => {
    for (let i = 0; i < 10000; i++) streams.push(new CompressionStream("gzip"));
  }, RangeError);
  assert(/64 MiB/.test(error.message), error.message);
  for (const stream of streams) await stream.readable.cancel();
  assertEquals(await decompress("gzip", await compress("gzip", bytesOf(1, 2, 3))), bytesOf(1, 2, 3));
});

test("constructors take the name of a format", () => {
  for (const Class of [CompressionStream, DecompressionStream]) {
    assertThrows(() => new Class(), TypeError);
    assertThrows(() => new Class("GZIP"), TypeError);
    assertThrows(() => Class("gzip"), TypeError);
    assertEquals(Class.length, 1);
    assertEquals(Object.prototype.toString.call(new Class("gzip")), `[object ${Class.name}]`);
  }
});

test("a changed Promise.prototype.then does not disturb it", async () => {
  const { then } = Promise.prototype;
  const stream = new CompressionStream("gzip");
  const writer = stream.writable.getWriter();
  Promise.prototype.then = () => {
    throw new Error("was called");
  };
  try {
    writer.write(bytesOf(1));
    writer.close();
  } finally {
    Promise.prototype.then = then;
  }
  assertEquals(await decompress("gzip", await new Response(stream.readable).bytes()), bytesOf(1));
});
