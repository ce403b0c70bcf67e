// crypto.subtle: HKDF, PBKDF2, ECDH, X25519, X448, deriveKey.

const { subtle } = crypto;
const hex = (buffer) => new Uint8Array(buffer).toHex();
const bytes = (text) => Uint8Array.fromHex(text);
const utf8 = (text) => new TextEncoder().encode(text);
const secret = (name, raw) => subtle.importKey("raw", raw, name, false, ["deriveBits", "deriveKey"]);

test("HKDF", async () => {
  // RFC 5869 A.1 and A.3
  const key = await secret("HKDF", new Uint8Array(22).fill(11));
  const okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
  const first = { name: "HKDF", hash: "SHA-256", salt: bytes("000102030405060708090a0b0c"), info: bytes("f0f1f2f3f4f5f6f7f8f9") };
  assertEquals(hex(await subtle.deriveBits(first, key, 336)), okm);
  const none = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: new Uint8Array(0) };
  assertEquals(hex(await subtle.deriveBits(none, key, 336)), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  assertEquals((await subtle.deriveBits(none, await secret("HKDF", new Uint8Array(0)), 256)).byteLength, 32);
  assertEquals((await subtle.deriveBits(first, key, 0)).byteLength, 0);
  assertEquals((await subtle.deriveBits(first, key, 255 * 256)).byteLength, 8160);
  for (const length of [255 * 256 + 8, 7, null, undefined])
    await assertRejects(subtle.deriveBits(first, key, length), "OperationError");
  await assertRejects(subtle.deriveBits({ ...first, info: new Uint8Array(65537) }, key, 8), "OperationError");
});

test("PBKDF2", async () => {
  // RFC 7914 11
  const key = await secret("PBKDF2", utf8("passwd"));
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt: utf8("salt"), iterations: 1 };
  assertEquals(
    hex(await subtle.deriveBits(algorithm, key, 512)),
    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
  );
  const many = { ...algorithm, salt: utf8("NaCl"), iterations: 80000 };
  assertEquals(
    hex(await subtle.deriveBits(many, await secret("PBKDF2", utf8("Password")), 256)),
    "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56",
  );
  await assertRejects(subtle.deriveBits({ ...algorithm, iterations: 0 }, key, 256), "OperationError");
  assertEquals((await subtle.deriveBits(algorithm, key, 0)).byteLength, 0);
});

test("PBKDF2 has a limit: iterations, for each length of the hash", async () => {
  const key = await secret("PBKDF2", utf8("passwd"));
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt: utf8("salt") };
  const error = await assertRejects(subtle.deriveBits({ ...algorithm, iterations: 10000001 }, key, 256), "OperationError");
  assert(error.message.includes("10000000"), error.message);
  await assertRejects(subtle.deriveBits({ ...algorithm, iterations: 5000001 }, key, 264), "OperationError");
  await assertRejects(subtle.deriveBits({ ...algorithm, iterations: 1 }, key, 8388616), "OperationError");
  const long = new Uint8Array(1 << 20);
  await assertRejects(subtle.deriveBits({ ...algorithm, salt: long, iterations: 1 }, key, 8388608), "OperationError");
});

test("ECDH, X25519 and X448 agree", async () => {
  const rows = [
    [{ name: "ECDH", namedCurve: "P-256" }, 32], [{ name: "ECDH", namedCurve: "P-384" }, 48],
    [{ name: "ECDH", namedCurve: "P-521" }, 66], [{ name: "X25519" }, 32], [{ name: "X448" }, 56],
  ];
  for (const [algorithm, size] of rows) {
    const a = await subtle.generateKey(algorithm, false, ["deriveBits"]);
    const b = await subtle.generateKey(algorithm, false, ["deriveBits"]);
    const { name } = algorithm;
    const whole = hex(await subtle.deriveBits({ name, public: b.publicKey }, a.privateKey));
    assertEquals(whole.length, size * 2);
    assertEquals(hex(await subtle.deriveBits({ name, public: a.publicKey }, b.privateKey, null)), whole);
    assertEquals(hex(await subtle.deriveBits({ name, public: a.publicKey }, b.privateKey, 128)), whole.slice(0, 32));
    const cut = new Uint8Array(await subtle.deriveBits({ name, public: a.publicKey }, b.privateKey, 13));
    assertEquals([cut.length, cut[1] & 7], [2, 0]);
    await assertRejects(subtle.deriveBits({ name, public: a.publicKey }, b.privateKey, size * 8 + 1), "OperationError");
    await assertRejects(subtle.deriveBits({ name, public: a.privateKey }, b.privateKey), "InvalidAccessError");
  }
  // The secret that another implementation finds for these two, and a point of small order.
  const own = await subtle.importKey("pkcs8", bytes("302e020100300506032b656e04220420" + "01".repeat(32)), "X25519", false, ["deriveBits"]);
  const peer = await subtle.importKey("spki", bytes("302a300506032b656e032100ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e587d59"), "X25519", false, []);
  assertEquals(hex(await subtle.deriveBits({ name: "X25519", public: peer }, own)), "2ed76ab549b1e73c031eb49c9448f0798aea81b698279a0c3dc3e49fbfc4b953");
  await assertRejects(
    subtle.deriveBits({ name: "X25519", public: await subtle.importKey("raw", new Uint8Array(32), "X25519", true, []) }, own),
    "OperationError",
  );
});

test("keys of different algorithms or curves give no secret", async () => {
  const p256 = await subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]);
  const p384 = await subtle.generateKey({ name: "ECDH", namedCurve: "P-384" }, false, ["deriveBits"]);
  const x = await subtle.generateKey("X25519", false, ["deriveBits"]);
  const from = (key) => subtle.deriveBits({ name: "ECDH", public: key }, p256.privateKey, 8);
  await assertRejects(from(p384.publicKey), "InvalidAccessError");
  await assertRejects(from(x.publicKey), "InvalidAccessError");
  await assertRejects(from({}), TypeError);
  await assertRejects(from(undefined), TypeError);
});

test("deriveKey", async () => {
  const base = await secret("PBKDF2", utf8("password"));
  const algorithm = { name: "PBKDF2", hash: "SHA-512", salt: utf8("salt"), iterations: 100 };
  const key = await subtle.deriveKey(algorithm, base, { name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"]);
  assertEquals(key.algorithm, { name: "AES-GCM", length: 256 });
  assertEquals(hex(await subtle.exportKey("raw", key)), hex(await subtle.deriveBits(algorithm, base, 256)));
  const mac = await subtle.deriveKey(algorithm, base, { name: "HMAC", hash: "SHA-384" }, true, ["sign"]);
  assertEquals(mac.algorithm.length, 1024);
  const { privateKey, publicKey } = await subtle.generateKey("X25519", false, ["deriveKey"]);
  const again = await subtle.deriveKey({ name: "X25519", public: publicKey }, privateKey, "HKDF", false, ["deriveBits"]);
  assertEquals([again.algorithm.name, again.usages], ["HKDF", ["deriveBits"]]);
  await assertRejects(subtle.deriveKey(algorithm, base, { name: "AES-GCM", length: 100 }, true, ["encrypt"]), "OperationError");
  await assertRejects(subtle.deriveKey(algorithm, base, { name: "AES-GCM", length: 128 }, true, []), "SyntaxError");
  const bitsOnly = await subtle.importKey("raw", utf8("x"), "PBKDF2", false, ["deriveBits"]);
  await assertRejects(subtle.deriveKey(algorithm, bitsOnly, { name: "AES-GCM", length: 128 }, true, ["encrypt"]), "InvalidAccessError");
});

test("many jobs at once all end", async () => {
  const base = await secret("PBKDF2", utf8("password"));
  const jobs = [];
  for (let i = 1; i <= 40; i++)
    jobs.push(subtle.deriveBits({ name: "PBKDF2", hash: "SHA-1", salt: utf8("salt"), iterations: 1000 + (i % 3) }, base, 160));
  const outcomes = (await Promise.all(jobs)).map(hex);
  assertEquals(new Set(outcomes).size, 3);
});

test("jobs that wait have a maximum", async () => {
  const base = await secret("PBKDF2", utf8("password"));
  const derive = () => subtle.deriveBits({ name: "PBKDF2", hash: "SHA-1", salt: utf8("salt"), iterations: 201 }, base, 160);
  const large = new Uint8Array(16 << 20);
  const digest = () => subtle.digest("SHA-1", large);
  const outcome = (promise) => promise.then(() => "done", (error) => error.constructor);
  const refused = async (length, start) => {
    const all = await Promise.all(Array.from({ length }, () => outcome(start())));
    for (const one of all) assert(one === "done" || one === RangeError);
    return all.filter((one) => one === RangeError).length;
  };
  assertEquals(await refused(4100, derive), 2); // two run at once
  assertEquals(await refused(11, digest), 1);
  assertEquals(await refused(1, digest), 0);
});
