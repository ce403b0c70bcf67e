// TextEncoder, TextDecoder: UTF-8, UTF-16, legacy labels, streams, errors.

const bytes = (...list) => new Uint8Array(list);
const list = (array) => [...array];

test("encodes to UTF-8", () => {
  const encoder = new TextEncoder();
  assertEquals(encoder.encoding, "utf-8");
  assertEquals(list(encoder.encode()), []);
  assertEquals(list(encoder.encode("a\0\u00e9\u20ac\u{1f4a9}")), [97, 0, 195, 169, 226, 130, 172, 240, 159, 146, 169]);
  assertEquals(list(encoder.encode("\ud800x\udc00")), [239, 191, 189, 120, 239, 191, 189]);
  assertEquals(list(encoder.encode("\u00e9a")), [195, 169, 97]);
  const long = "\u00e9\u20ac".repeat(5000);
  assertEquals(new TextDecoder().decode(encoder.encode(long)), long);
  assert(encoder.encode("x") instanceof Uint8Array);
  assertEquals(encoder.encode("xyz").buffer.byteLength, 3);
});

test("encodes into what there is room for", () => {
  const encoder = new TextEncoder();
  const into = (text, room) => {
    const target = new Uint8Array(room + 2).fill(255);
    const { read, written } = encoder.encodeInto(text, target.subarray(1, 1 + room));
    return [read, written, list(target).join()];
  };
  assertEquals(into("abc", 3), [3, 3, "255,97,98,99,255"]);
  assertEquals(into("abc", 2), [2, 2, "255,97,98,255"]);
  assertEquals(into("a\u20ac", 3), [1, 1, "255,97,255,255,255"]);
  assertEquals(into("\u{1f4a9}b", 5), [3, 5, "255,240,159,146,169,98,255"]);
  assertEquals(into("", 1), [0, 0, "255,255,255"]);
  assertEquals(into("x", 0), [0, 0, "255,255"]);
  assertThrows(() => encoder.encodeInto("x", new Uint16Array(2)), TypeError);
  assertThrows(() => encoder.encodeInto("x"), TypeError);
});

test("decodes UTF-8 with one replacement per malformed part", () => {
  const decoder = new TextDecoder();
  assertEquals([decoder.encoding, decoder.fatal, decoder.ignoreBOM], ["utf-8", false, false]);
  assertEquals(decoder.decode(bytes(0x61, 0, 0xc3, 0xa9, 0xf0, 0x9f, 0x92, 0xa9)), "a\0\u00e9\u{1f4a9}");
  assertEquals(decoder.decode(bytes(0xf0, 0x9f, 0x41)), "\ufffdA");
  assertEquals(decoder.decode(bytes(0xed, 0xa0, 0x80, 0xc0, 0x80)), "\ufffd".repeat(5));
  assertEquals(decoder.decode(), "");
  assertEquals(decoder.decode(new ArrayBuffer(0)), "");
});

test("decodes every kind of view", () => {
  const { buffer } = bytes(0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38);
  const decode = (input) => new TextDecoder().decode(input);
  assertEquals(decode(buffer), "012345678");
  assertEquals(decode(new DataView(buffer, 1, 2)), "12");
  assertEquals(decode(new Uint16Array(buffer, 2, 1)), "23");
  assertEquals(decode(new Float64Array(buffer, 0, 1)), "01234567");
  assertEquals(decode(new BigInt64Array(buffer, 0, 1)), "01234567");
  for (const bad of ["x", 1, null, {}, [1]]) assertThrows(() => decode(bad), TypeError);
});

test("strips one BOM unless told not to", () => {
  const bom = bytes(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf, 0x61);
  assertEquals(new TextDecoder().decode(bom), "\ufeffa");
  assertEquals(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bom), "\ufeff\ufeffa");
  assertEquals(new TextDecoder("utf-16le").decode(bytes(0xff, 0xfe, 0x61, 0)), "a");
  assertEquals(new TextDecoder("utf-16be").decode(bytes(0xfe, 0xff, 0, 0x61)), "a");
});

test("streams byte by byte", () => {
  const text = "\ufeffa\u00e9\u20ac\u{1f4a9}z";
  for (const [label, all] of [
    ["utf-8", list(new TextEncoder().encode(text))],
    ["utf-16le", text.split("").flatMap((unit) => [unit.charCodeAt(0) & 255, unit.charCodeAt(0) >> 8])],
    ["utf-16be", text.split("").flatMap((unit) => [unit.charCodeAt(0) >> 8, unit.charCodeAt(0) & 255])],
  ]) {
    const decoder = new TextDecoder(label, { fatal: true });
    for (let round = 0; round < 2; round++) {
      let out = "";
      for (const byte of all) out += decoder.decode(bytes(byte), { stream: true });
      assertEquals(out + decoder.decode(), text.slice(1), label);
    }
  }
});

test("flushes what a stream left open", () => {
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(bytes(0xe2, 0x82), { stream: true }), "");
  assertEquals(decoder.decode(), "\ufffd");
  const wide = new TextDecoder("utf-16le");
  assertEquals(wide.decode(bytes(0x3d, 0xd8, 0xa9), { stream: true }), "");
  assertEquals(wide.decode(), "\ufffd");
  assertEquals(wide.decode(bytes(0x00, 0xdc)), "\ufffd");
});

test("throws when fatal, and works again afterwards", () => {
  const inputs = {
    "utf-8": [0xff], "utf-16le": [0, 0xd8], "windows-1253": [0xaa], shift_jis: [0x82], gbk: [0xff], "utf-16be": [0x41],
  };
  for (const label in inputs) {
    const decoder = new TextDecoder(label, { fatal: true });
    assertThrows(() => decoder.decode(bytes(...inputs[label])), TypeError, label);
    assertEquals(decoder.decode(label === "utf-16le" ? bytes(0x41, 0) : label === "utf-16be" ? bytes(0, 0x41) : bytes(0x41)), "A");
    assert(new TextDecoder(label).decode(bytes(...inputs[label])).includes("\ufffd"), label);
  }
});

test("knows labels and legacy encodings", () => {
  const name = (label) => new TextDecoder(label).encoding;
  assertEquals(
    [" UTF8\n", "latin1", "ascii", "sjis", "utf-16", "l6", "chinese", "x-cp1251"].map(name),
    ["utf-8", "windows-1252", "windows-1252", "shift_jis", "utf-16le", "iso-8859-10", "gbk", "windows-1251"],
  );
  for (const bad of ["", "utf-7", "replacement", "iso-2022-cn", "\u212aoi8-r"]) assertThrows(() => name(bad), RangeError, bad);
  const decode = (label, ...given) => new TextDecoder(label).decode(bytes(...given));
  assertEquals(decode("latin1", 0x80, 0xe9), "\u20ac\u00e9");
  assertEquals(decode("koi8-r", 0xc1), "\u0430");
  assertEquals(decode("x-user-defined", 0x41, 0xff), "A\uf7ff");
  assertEquals(decode("shift_jis", 0x82, 0xa0, 0x86, 0x49), "\u3042\ufffdI");
  assertEquals(decode("gb18030", 0x80, 0xb0, 0xa1), "\u20ac\u554a");
  const multi = new TextDecoder("euc-jp");
  assertEquals(multi.decode(bytes(0xa4), { stream: true }) + multi.decode(bytes(0xa2)), "\u3042");
});

test("is shaped as WebIDL says", () => {
  assertEquals([TextEncoder.name, TextDecoder.name], ["TextEncoder", "TextDecoder"]);
  assertEquals(`${new TextEncoder()}${new TextDecoder()}`, "[object TextEncoder][object TextDecoder]");
  assertThrows(() => TextEncoder.prototype.encode.call({}, "x"), TypeError);
  assertThrows(() => TextDecoder.prototype.decode.call({}), TypeError);
  assertThrows(() => new TextDecoder("utf-8", 1), TypeError);
});

test("decode refuses what is no buffer, also when it looks like one", () => {
  for (const value of [Object.create(ArrayBuffer.prototype), {}, "text", 1, [1, 2]])
    assertThrows(() => new TextDecoder().decode(value), TypeError);
});
