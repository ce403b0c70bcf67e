// crypto: random values, UUIDs, digests.

const hex = (buffer) => new Uint8Array(buffer).toHex();

test("fills arrays of integers", () => {
  for (const Class of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array]) {
    const array = new Class(16);
    assert(crypto.getRandomValues(array) === array);
    assert(array.some((item) => item != 0), Class.name);
  }
  const large = crypto.getRandomValues(new Uint8Array(65536));
  assertEquals(new Set(large).size, 256);
  assertEquals(crypto.getRandomValues(new Uint8Array(0)).length, 0);
});

test("fills only the view that it was given", () => {
  const array = new Uint8Array(64);
  crypto.getRandomValues(array.subarray(16, 48));
  assert(array.subarray(0, 16).every((byte) => byte === 0) && array.subarray(48).every((byte) => byte === 0));
  assert(array.subarray(16, 48).some((byte) => byte !== 0));
});

test("refuses other arrays and more than the quota", () => {
  for (const bad of [new Float32Array(2), new Float64Array(2), new DataView(new ArrayBuffer(2))])
    assertEquals(assertThrows(() => crypto.getRandomValues(bad), DOMException).name, "TypeMismatchError");
  const error = assertThrows(() => crypto.getRandomValues(new Uint8Array(65537)), DOMException);
  assertEquals([error.name, error.code, error.quota, error.requested], ["QuotaExceededError", 22, null, null]);
  assertThrows(() => crypto.getRandomValues(new Uint32Array(16385)), "QuotaExceededError");
  const lying = Object.defineProperty(new Uint16Array(65536), "byteLength", { value: 0 });
  assertThrows(() => crypto.getRandomValues(lying), "QuotaExceededError");
  const short = crypto.getRandomValues(Object.defineProperty(new Uint16Array(64), "byteLength", { value: 0 }));
  assert(short.some((item) => item !== 0));
  for (const bad of [undefined, [1, 2], {}, new ArrayBuffer(8)]) assertThrows(() => crypto.getRandomValues(bad), TypeError);
});

test("makes UUIDs that differ", () => {
  const seen = new Set();
  for (let i = 0; i < 2000; i++) {
    const uuid = crypto.randomUUID();
    assert(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(uuid), uuid);
    seen.add(uuid);
  }
  assertEquals(seen.size, 2000);
});

test("digests", async () => {
  const abc = new Uint8Array([97, 98, 99]);
  const rows = {
    "SHA-1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha-256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "SHA-384": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    "SHA-512":
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  };
  for (const name in rows) {
    const digest = await crypto.subtle.digest(name, abc);
    assert(digest instanceof ArrayBuffer);
    assertEquals(hex(digest), rows[name]);
    assertEquals(hex(await crypto.subtle.digest({ name }, abc.buffer)), rows[name]);
  }
  assertEquals(hex(await crypto.subtle.digest("SHA-1", new DataView(abc.buffer, 3))), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
});

test("digests a large body elsewhere", async () => {
  const million = new Uint8Array(1000000).fill(97);
  const digests = [];
  for (let i = 0; i < 8; i++) digests.push(crypto.subtle.digest("SHA-256", million));
  million.fill(98); // the bytes were taken when digest() was called
  for (const digest of await Promise.all(digests))
    assertEquals(hex(digest), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
});

test("makes MD5 digests, as Workers do, for digests only", async () => {
  assertEquals(hex(await crypto.subtle.digest("md5", new Uint8Array([97, 98, 99]))), "900150983cd24fb0d6963f7d28e17f72");
  assertEquals(hex(await crypto.subtle.digest({ name: "MD5" }, new Uint8Array(0))), "d41d8cd98f00b204e9800998ecf8427e");
  await assertRejects(crypto.subtle.generateKey({ name: "HMAC", hash: "MD5" }, true, ["sign"]), "NotSupportedError");
});

test("rejects unknown digests and wrong data", async () => {
  assertEquals((await assertRejects(crypto.subtle.digest("MD4", new Uint8Array(1)), DOMException)).name, "NotSupportedError");
  await assertRejects(crypto.subtle.digest("SHA-1", "text"), TypeError);
  await assertRejects(crypto.subtle.digest("SHA-1"), TypeError);
  await assertRejects(crypto.subtle.digest({}, new Uint8Array(1)), TypeError);
});

test("cannot be constructed", () => {
  assertThrows(() => new Crypto(), TypeError);
  assertThrows(() => new crypto.subtle.constructor(), TypeError);
  assertThrows(() => crypto.randomUUID.call({}), TypeError);
  assertEquals(`${crypto}${crypto.subtle}`, "[object Crypto][object SubtleCrypto]");
});
