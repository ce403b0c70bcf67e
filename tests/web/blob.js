test("parts of every kind are joined", async () => {
  const blob = new Blob(["a", new Uint8Array([98, 99]), new Uint8Array([0, 100]).subarray(1), new Blob(["\u00e9"]), 5]);
  assertEquals(blob.size, 7);
  assertEquals(await blob.text(), "abcd\u00e95");
  assertEquals(await new Blob(["a\r\nb\rc"], { endings: "native" }).text(), "a\nb\nc");
});

test("a blob does not change with its parts, nor by what it gave out", async () => {
  const part = new Uint8Array([1, 2, 3]);
  const blob = new Blob([part]);
  part[0] = 9;
  (await blob.bytes())[1] = 9;
  new Uint8Array(await blob.arrayBuffer())[2] = 9;
  assertEquals(await blob.bytes(), new Uint8Array([1, 2, 3]));
});

test("slices are counted from both ends and clamped", async () => {
  const blob = new Blob(["hello"], { type: "Text/Plain" });
  const cases = [[[], "hello"], [[1], "ello"], [[-3, -1], "ll"], [[2, 1], ""], [[0, 99], "hello"], [[NaN, 2.5], "he"]];
  for (const [args, want] of cases) assertEquals(await blob.slice(...args).text(), want, `slice(${args})`);
  assertEquals([blob.type, blob.slice().type, blob.slice(0, 1, "A/B").type], ["text/plain", "", "a/b"]);
  assertEquals(new Blob([], { type: "\u00e9" }).type, "");
});

test("a stream gives all bytes, and a BYOB reader works on it", async () => {
  const bytes = new Uint8Array(600000).map((_, i) => i * 7);
  const blob = new Blob([bytes]);
  const chunks = await Array.fromAsync(blob.stream());
  assert(chunks.length > 1, "more than one chunk");
  assertEquals(await new Blob(chunks).bytes(), bytes);
  const { value } = await blob.stream().getReader({ mode: "byob" }).read(new Uint8Array(4));
  assertEquals(value, bytes.slice(0, 4));
});

test("a file has a name and a time", () => {
  const file = new File(["x"], "a/b.txt", { type: "text/x", lastModified: 12.7 });
  assertEquals([file.name, file.lastModified, file.type, file.size], ["a/b.txt", 12, "text/x", 1]);
  assert(file instanceof Blob, "a file is a blob");
  assert(Math.abs(new File([], "n").lastModified - Date.now()) < 1000, "now");
});

test("arguments are checked", () => {
  assertThrows(() => new Blob("text"), TypeError);
  assertThrows(() => new Blob({}), TypeError);
  assertThrows(() => new Blob([], { endings: "other" }), TypeError);
  assertThrows(() => new File([]), TypeError);
  assertThrows(() => Object.getOwnPropertyDescriptor(Blob.prototype, "size").get.call({}), TypeError);
});
