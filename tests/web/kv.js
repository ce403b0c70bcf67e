// KVNamespace: what goes in comes out, Cloudflare's errors, lists, times, streams. Durability and other
// processes: tests/e2e/kv.test.mjs and tests/unit/bindings.
const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder().decode(bytes);
const MIB = 1024 * 1024;

async function fails(call, Class, text) {
  const error = await assertRejects(call, Class);
  assertEquals(error.constructor, Class);
  if (typeof text === "string") assertEquals(error.message, text);
  else assert(text.test(error.message), error.message);
}

/** Bytes that differ from place to place. */
function pattern(length) {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7) & 255;
  return bytes;
}

function same(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function streamOf(bytes, size) {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, (at += size)));
    },
  });
}

test("text in, text out, until it is deleted", async () => {
  assertEquals(await KV.get("missing"), null);
  assertEquals(await KV.put("a", "one"), undefined);
  assertEquals(await KV.get("a"), "one");
  await KV.put("a", "two");
  assertEquals(await KV.get("a"), "two");
  assertEquals(await KV.get("a"), "two");
  assertEquals(await KV.delete("a"), undefined);
  assertEquals(await KV.get("a"), null);
  assertEquals(await KV.get("a"), null);
  await KV.delete("a");
});

test("namespaces are apart", async () => {
  await KV.put("apart", "1");
  await OTHER_KV.put("apart", "2");
  assertEquals(await KV.get("apart"), "1");
  assertEquals(await OTHER_KV.get("apart"), "2");
});

test("every type of value and of reading, cold and hot", async () => {
  const values = ["", "text", "ü€😀", '{"a":[1,2]}', "x".repeat(300000)];
  for (const value of values) {
    for (const given of [value, encode(value), encode(value).buffer, new DataView(encode(value).buffer), streamOf(encode(value), 1000)]) {
      await KV.put("typed", given);
      for (let i = 0; i < 2; i++) {
        assertEquals(await KV.get("typed"), value);
        assertEquals(await KV.get("typed", "text"), value);
        assertEquals(await KV.get("typed", { type: "text", cacheTtl: 60 }), value);
        const buffer = await KV.get("typed", "arrayBuffer");
        assert(buffer instanceof ArrayBuffer);
        assertEquals(decode(buffer), value);
        const stream = await KV.get("typed", { type: "stream" });
        assert(stream instanceof ReadableStream);
        assertEquals(await new Response(stream).text(), value);
      }
    }
  }
  await KV.put("json", '{"a":[1,2]}');
  assertEquals(await KV.get("json", "json"), { a: [1, 2] });
  assertEquals(await KV.get("json", { type: "json" }), { a: [1, 2] });
  await KV.put("json", "{");
  await assertRejects(KV.get("json", "json"), SyntaxError);
  for (const type of ["text", "json", "arrayBuffer", "stream"]) assertEquals(await KV.get("missing", type), null);
  const bytes = new Uint8Array([0, 255, 128]);
  await KV.put("view", bytes.subarray(1));
  assertEquals(new Uint8Array(await KV.get("view", "arrayBuffer")), new Uint8Array([255, 128]));
  await KV.put("lone", "a\ud800b");
  assertEquals(await KV.get("lone"), "a\ufffdb");
  await KV.put("number", 12.5);
  assertEquals(await KV.get("number"), "12.5");
  await KV.put(7, true);
  assertEquals(await KV.get("7"), "true");
});

test("what is given can be changed afterwards, what comes out too", async () => {
  const bytes = encode("abc");
  const put = KV.put("copied", bytes);
  bytes[0] = 120;
  await put;
  new Uint8Array(await KV.get("copied", "arrayBuffer"))[0] = 120;
  new Uint8Array(await KV.get("copied", "arrayBuffer"))[0] = 120;
  assertEquals(await KV.get("copied"), "abc");
});

test("keys: 1 to 512 bytes, all of Unicode", async () => {
  const keys = ["k".repeat(512), "ü".repeat(256), "€".repeat(170), "😀".repeat(128), "a/b c\n\0\"\\", "...", "__proto__", "\u{10ffff}"];
  for (const key of keys) await KV.put(key, key);
  for (const key of keys) assertEquals(await KV.get(key), key);
  const { keys: listed } = await KV.list();
  const names = new Set(listed.map(({ name }) => name));
  for (const key of keys) {
    assert(names.has(key), key);
    await KV.delete(key);
  }
  for (const method of ["get", "getWithMetadata", "delete", "put"]) {
    const verb = { put: "PUT", delete: "DELETE" }[method] ?? "GET";
    await fails(() => KV[method]("", "v"), TypeError, "Key name cannot be empty.");
    await fails(() => KV[method](".", "text"), TypeError, '"." is not allowed as a key name.');
    await fails(() => KV[method]("..", "text"), TypeError, '".." is not allowed as a key name.');
    const text = `KV ${verb} failed: 414 UTF-8 encoded length of 513 exceeds key length limit of 512.`;
    await fails(() => KV[method]("k".repeat(513), "text"), Error, text);
    await fails(() => KV[method]("k" + "ü".repeat(256), "text"), Error, text);
    await fails(() => KV[method](), TypeError, /arguments? required/);
  }
});

test("metadata", async () => {
  for (const metadata of [{ a: 1 }, [1, "2"], "text", 5, true, { "€": "\0" }]) {
    await KV.put("meta", "value", { metadata });
    for (let i = 0; i < 2; i++)
      assertEquals(await KV.getWithMetadata("meta"), { value: "value", metadata, cacheStatus: null });
  }
  const found = await KV.getWithMetadata("meta", "stream");
  assertEquals(await new Response(found.value).text(), "value");
  assertEquals(found.metadata, { "€": "\0" });
  for (const none of [undefined, {}, { metadata: null }, { metadata: undefined }, null]) {
    await KV.put("meta", '"value"', none);
    assertEquals(await KV.getWithMetadata("meta", "json"), { value: "value", metadata: null, cacheStatus: null });
  }
  assertEquals(await KV.getWithMetadata("missing"), { value: null, metadata: null, cacheStatus: null });
  assertEquals(await KV.getWithMetadata("missing", "stream"), { value: null, metadata: null, cacheStatus: null });
  await KV.put("meta", "", { metadata: "x".repeat(1022) });
  assertEquals((await KV.getWithMetadata("meta")).metadata.length, 1022);
  await fails(() => KV.put("meta", "", { metadata: "x".repeat(1023) }), Error,
    "KV PUT failed: 413 Metadata length of 1025 exceeds limit of 1024.");
  await fails(() => KV.put("meta", "", { metadata: "ü".repeat(512) }), Error,
    "KV PUT failed: 413 Metadata length of 1026 exceeds limit of 1024.");
  await assertRejects(() => KV.put("meta", "", { metadata: 1n }), TypeError);
});

test("times to live", async () => {
  const seconds = Math.floor(Date.now() / 1000);
  await KV.put("late", "v", { expiration: seconds + 1000 });
  await KV.put("later", "v", { expirationTtl: 2000 });
  await KV.put("text", "v", { expirationTtl: "60" });
  const { keys } = await KV.list({ prefix: "late" });
  assertEquals(keys[0], { name: "late", expiration: seconds + 1000 });
  assert(Math.abs(keys[1].expiration - seconds - 2000) <= 2);
  assertEquals(await KV.get("late"), "v");
  const ttl = (value, text) => fails(() => KV.put("k", "v", { expirationTtl: value }), Error, `KV PUT failed: 400 Invalid expiration_ttl of ${value}. ${text}`);
  for (const value of [0, -1, NaN, Infinity, "x"]) await ttl(value, "Please specify integer greater than 0.");
  for (const value of [1, 59, 59.9]) await ttl(value, "Expiration TTL must be at least 60.");
  const time = (value, text) => fails(() => KV.put("k", "v", { expiration: value }), Error, `KV PUT failed: 400 Invalid expiration of ${value}. ${text}`);
  for (const value of [0, -1, NaN, seconds - 1])
    await time(value, "Please specify integer greater than the current number of seconds since the UNIX epoch.");
  await time(seconds + 50, "Expiration times must be at least 60 seconds in the future.");
});

test("wrong values and types", async () => {
  const text = "KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.";
  for (const value of [{}, [], () => {}, new Map(), new Blob(["x"])]) await fails(() => KV.put("k", value), TypeError, text);
  await fails(() => KV.put("k"), TypeError, /2 arguments required/);
  await fails(() => KV.get("k", "blob"), TypeError, 'Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".');
  await fails(() => KV.get("k", { type: "constructor" }), TypeError, /^Unknown response type/);
  for (const cacheTtl of [0, 29, -1, "x"])
    await fails(() => KV.get("k", { cacheTtl }), Error, `KV GET failed: 400 Invalid cache_ttl of ${cacheTtl}. Cache TTL must be at least 30.`);
  await assertRejects(() => KV.put("k", "v", { expirationTtl: Symbol() }), TypeError);
  const locked = streamOf(encode("x"), 1);
  locked.getReader();
  await assertRejects(() => KV.put("k", locked), TypeError);
  await assertRejects(() => KV.put("k", new ReadableStream({ start: (c) => c.enqueue("no bytes") })), TypeError);
  const error = new Error("mine");
  assert((await assertRejects(() => KV.put("k", new ReadableStream({ start: (c) => c.error(error) })))) === error);
  assertThrows(() => new KV.constructor(), TypeError);
  await assertRejects(() => KV.get.call({}, "k"), TypeError);
});

test("25 MiB, and not a byte more", async () => {
  const bytes = pattern(25 * MIB);
  await KV.put("large", bytes);
  assert(same(new Uint8Array(await KV.get("large", "arrayBuffer")), bytes));
  await KV.put("large", streamOf(bytes, 100_001), { metadata: 1 });
  const { value, metadata } = await KV.getWithMetadata("large", "stream");
  assertEquals(metadata, 1);
  let at = 0;
  for await (const chunk of value) {
    assert(chunk.length <= 256 * 1024);
    assert(same(chunk, bytes.subarray(at, at + chunk.length)), `at ${at}`);
    at += chunk.length;
  }
  assertEquals(at, bytes.length);
  const text = `KV PUT failed: 413 Value length of ${25 * MIB + 1} exceeds limit of ${25 * MIB}.`;
  await fails(() => KV.put("large", new Uint8Array(25 * MIB + 1)), Error, text);
  await fails(() => KV.put("large", "x".repeat(25 * MIB + 1)), Error, text);
  let cancelled;
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(MIB)),
    cancel: (reason) => (cancelled = reason),
  });
  await fails(() => KV.put("large", endless), Error, /^KV PUT failed: 413 Value length of 27262976 exceeds/);
  assert(/413/.test(cancelled.message));
  assert(same(new Uint8Array(await KV.get("large", "arrayBuffer")).subarray(0, 100), bytes.subarray(0, 100)));
  await KV.put("large", "small again");
  assertEquals(await KV.get("large"), "small again");
});

test("a stream goes on while its value is replaced and deleted", async () => {
  const bytes = pattern(MIB);
  await KV.put("moving", bytes);
  const reader = (await KV.get("moving", "stream")).getReader();
  const parts = [(await reader.read()).value];
  await KV.put("moving", "other");
  await KV.delete("moving");
  for (let part; !(part = await reader.read()).done; ) parts.push(part.value);
  assert(same(new Uint8Array(await new Blob(parts).arrayBuffer()), bytes));
  await KV.put("moving", bytes);
  await (await KV.get("moving", "stream")).cancel();
});

test("streams of every length near a part's", async () => {
  for (const length of [0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 512 * 1024, 512 * 1024 + 1]) {
    const bytes = pattern(length);
    await KV.put("part", streamOf(bytes, 65_521));
    assert(same(new Uint8Array(await KV.get("part", "arrayBuffer")), bytes), `${length}`);
    await KV.put("part", bytes);
    assert(same(new Uint8Array(await new Response(await KV.get("part", "stream")).arrayBuffer()), bytes), `${length}`);
  }
});

test("lists: order, prefixes, limits, cursors", async () => {
  const space = OTHER_KV;
  for (const { name } of (await space.list()).keys) await space.delete(name);
  assertEquals(await space.list(), { keys: [], list_complete: true, cacheStatus: null });
  // By UTF-8, U+FF5E comes before the emoji; by UTF-16 it would come behind it.
  const names = ["a", "a:1", "a:2", "a:3", "b", "\u{ff5e}", "\u{1f600}"];
  await Promise.all(names.toReversed().map((name) => space.put(name, name)));
  const listed = async (options) => (await space.list(options)).keys.map(({ name }) => name);
  assertEquals(await listed(), names);
  assertEquals(await listed({ prefix: "a:" }), ["a:1", "a:2", "a:3"]);
  assertEquals(await listed({ prefix: "a" }), names.slice(0, 4));
  assertEquals(await listed({ prefix: "nothing" }), []);
  assertEquals(await listed({ prefix: "\u{1f600}" }), ["\u{1f600}"]);
  assertEquals(await listed({ prefix: null, cursor: null, limit: null }), names);
  for (const limit of [1, 2, 3, 7, 8]) {
    const seen = [];
    let page = { list_complete: false };
    while (!page.list_complete) {
      page = await space.list({ limit, cursor: page.cursor });
      assertEquals(page.cacheStatus, null);
      assert(page.keys.length <= limit && (page.list_complete || page.keys.length === limit));
      assertEquals("cursor" in page, !page.list_complete);
      seen.push(...page.keys.map(({ name }) => name));
    }
    assertEquals(seen, names, `limit ${limit}`);
  }
  const { cursor } = await space.list({ prefix: "a:", limit: 1 });
  assertEquals(await listed({ prefix: "a:", cursor }), ["a:2", "a:3"]);
  assertEquals(await listed({ prefix: "b", cursor }), ["b"]); // it is a place, and stays in the prefix
  for (const wrong of ["x", "1", "1!", "2YQ", cursor + "=", "1" + "A".repeat(2000), "1_w", " ", "1é"])
    await fails(() => space.list({ cursor: wrong }), Error, "KV GET failed: 400 Invalid cursor");
  for (const limit of [0, -1, NaN])
    await fails(() => space.list({ limit }), Error, `KV GET failed: 400 Invalid key_count_limit of ${limit}. Please specify an integer greater than 0.`);
  await fails(() => space.list({ limit: 1001 }), Error, "KV GET failed: 400 Invalid key_count_limit of 1001. Please specify an integer less than 1000.");
  await fails(() => space.list({ prefix: "p".repeat(513) }), Error, /^KV GET failed: 414/);
  await space.put("a", "v", { metadata: { m: "ü" }, expirationTtl: 100 });
  const { metadata, expiration } = (await space.list({ limit: 1 })).keys[0];
  assertEquals(metadata, { m: "ü" });
  assert(expiration > Date.now() / 1000);
});

test("more keys than a list can have", async () => {
  const names = Array.from({ length: 1001 }, (_, i) => `many:${String(i).padStart(4, "0")}`);
  await Promise.all(names.map((name) => KV.put(name, "")));
  const first = await KV.list({ prefix: "many:" });
  assertEquals(first.keys.length, 1000);
  assertEquals((await KV.list({ prefix: "many:", cursor: first.cursor })).keys, [{ name: "many:1000" }]);
});

test("many keys at once", async () => {
  await KV.put("m1", "1", { metadata: "one" });
  await KV.put("m2", "[2]");
  assertEquals(await KV.get(["m1", "none", "m2", "m1"]), new Map([["m1", "1"], ["none", null], ["m2", "[2]"]]));
  assertEquals(await KV.get(["m2", "m1"], "json"), new Map([["m2", [2]], ["m1", 1]]));
  assertEquals(await KV.getWithMetadata(["m1", "none"], { type: "text" }),
    new Map([["m1", { value: "1", metadata: "one", cacheStatus: null }], ["none", { value: null, metadata: null, cacheStatus: null }]]));
  const hundred = Array.from({ length: 100 }, (_, i) => `none${i}`);
  assertEquals((await KV.get(hundred)).size, 100);
  await fails(() => KV.get([...hundred, "x"]), Error, "KV GET_BULK failed: 400 You can request a maximum of 100 keys");
  await fails(() => KV.get([]), Error, "KV GET_BULK failed: 400 You must request a minimum of 1 key");
  await fails(() => KV.get(["m1"], "stream"), Error, 'KV GET_BULK failed: 400 "stream" is not a valid type. Use "json" or "text"');
  await fails(() => KV.get(["m1", ""]), TypeError, "Key name cannot be empty.");
  await KV.put("m3", "no json");
  await fails(() => KV.get(["m3"], "json"), Error, "KV GET_BULK failed: 400 At least one of the requested keys corresponds to a non-json value");
  await KV.put("m3", "x".repeat(20 * MIB));
  await KV.put("m4", "x".repeat(20 * MIB));
  assertEquals((await KV.get(["m1", "m3"])).get("m3").length, 20 * MIB);
  await fails(() => KV.get(["m3", "m4"]), Error, "KV GET_BULK failed: 413 Total size of request exceeds the limit of 25MB");
});

test("many at once, in the order they were asked for", async () => {
  const puts = Array.from({ length: 500 }, (_, i) => KV.put("race", `${i}`));
  await Promise.all(puts);
  assertEquals(await KV.get("race"), "499");
  await Promise.all(Array.from({ length: 500 }, (_, i) => KV.put(`wide${i}`, `${i}`)));
  const values = await Promise.all(Array.from({ length: 500 }, (_, i) => KV.get(`wide${i}`)));
  assertEquals(values, Array.from({ length: 500 }, (_, i) => `${i}`));
});

test("puts and deletes of one task: the last call wins, whatever its kind", async () => {
  const large = "l".repeat(20000);
  const calls = [
    [() => KV.put("mix", "1"), "1"],
    [() => KV.delete("mix"), null],
    [() => KV.put("mix", large), large],
    [() => KV.put("mix", encode("bytes")), "bytes"],
    [() => KV.put("mix", "ü€😀"), "ü€😀"],
    [() => KV.put("mix", "m", { metadata: { a: "€" }, expirationTtl: 100 }), "m"],
    [() => KV.put("mix", pattern(400000).buffer), undefined],
  ];
  for (let last = 0; last < calls.length; last++) {
    const order = [...calls.slice(last + 1), ...calls.slice(0, last + 1)];
    await Promise.all(order.map(([call], i) => (OTHER_KV.put(`mix${i}`, "x"), call())));
    const [, value] = calls[last];
    if (value === undefined) assertEquals((await KV.get("mix", "arrayBuffer")).byteLength, 400000);
    else assertEquals(await KV.get("mix"), value);
  }
  const { metadata } = (await KV.put("mix", "n", { metadata: { a: "€" } }), await KV.getWithMetadata("mix"));
  assertEquals(metadata, { a: "€" });
});

test("a batch's pieces are cut where they were joined", async () => {
  const pairs = [["ascii", "plain"], ["é", "ü"], ["€uro", "😀"], ["half", "\ud83d"], ["\ude00x", "\ude00"], ["empty", ""], ["éé", "éé\ud800x"]];
  for (const list of [pairs, ...pairs.map((pair) => [pair])]) {
    await Promise.all(list.map(([key, value], i) => KV.put(key, value, i % 2 ? { metadata: `€${i}` } : undefined)));
    for (const [i, [key, value]] of list.entries()) {
      const found = await KV.getWithMetadata(key);
      assertEquals([found.value, found.metadata], [value.toWellFormed?.() ?? decode(encode(value)), i % 2 ? `€${i}` : null]);
    }
  }
  assertEquals(await KV.get("\ufffdx"), "\ufffd");
});

test("one bad put among many is one error", async () => {
  const results = await Promise.allSettled([
    KV.put("good1", "1"), KV.put("", "x"), KV.put("k".repeat(513), "x"), KV.put("good2", "2"), KV.put("obj", {}), KV.delete("."),
    KV.put("good3", "3", { expirationTtl: 1 }), KV.put("good4", "4"),
  ]);
  assertEquals(results.map(({ status }) => status[0]), ["f", "r", "r", "f", "r", "r", "r", "f"]);
  assertEquals([await KV.get("good1"), await KV.get("good2"), await KV.get("good4")], ["1", "2", "4"]);
});

test("a namespace that was deleted", async () => {
  const text = 'The KV namespace "abc" of the binding "GONE_KV" does not exist any more.';
  for (const call of [() => GONE_KV.get("k"), () => GONE_KV.put("k", "v"), () => GONE_KV.delete("k"), () => GONE_KV.list(), () => GONE_KV.get(["k"])])
    await fails(call, Error, text);
});

test("the shape of the class", () => {
  assertEquals(Object.prototype.toString.call(KV), "[object KvNamespace]");
  assertEquals(KV.constructor.name, "KvNamespace");
  assertEquals(Object.keys(KV), []);
  const methods = [];
  for (const name in KV) methods.push(name);
  assertEquals(methods, ["get", "getWithMetadata", "put", "delete", "list"]);
});
