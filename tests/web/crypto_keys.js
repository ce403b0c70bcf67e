// crypto.subtle: CryptoKey, importKey, exportKey, generateKey, wrapKey, unwrapKey, and arguments.

const { subtle } = crypto;
const hex = (buffer) => new Uint8Array(buffer).toHex();
const RSA = { modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };

// Algorithm, usages of the private or secret key, of the public one.
const KINDS = [
  [{ name: "AES-GCM", length: 256 }, ["encrypt", "decrypt"]],
  [{ name: "AES-KW", length: 192 }, ["wrapKey", "unwrapKey"]],
  [{ name: "HMAC", hash: "SHA-384" }, ["sign", "verify"]],
  [{ name: "RSASSA-PKCS1-v1_5", ...RSA }, ["sign"], ["verify"]],
  [{ name: "RSA-PSS", ...RSA }, ["sign"], ["verify"]],
  [{ name: "RSA-OAEP", ...RSA }, ["decrypt", "unwrapKey"], ["encrypt", "wrapKey"]],
  [{ name: "ECDSA", namedCurve: "P-256" }, ["sign"], ["verify"]],
  [{ name: "ECDSA", namedCurve: "P-521" }, ["sign"], ["verify"]],
  [{ name: "ECDH", namedCurve: "P-384" }, ["deriveKey", "deriveBits"], []],
  [{ name: "Ed25519" }, ["sign"], ["verify"]],
  [{ name: "X25519" }, ["deriveKey", "deriveBits"], []],
  [{ name: "Ed448" }, ["sign"], ["verify"]],
  [{ name: "X448" }, ["deriveKey", "deriveBits"], []],
];

async function roundTrip(key, format, algorithm, usages) {
  const exported = await subtle.exportKey(format, key);
  const back = await subtle.importKey(format, exported, algorithm, true, usages);
  assertEquals([back.type, back.algorithm, back.usages, back.extractable], [key.type, key.algorithm, key.usages, true]);
  const again = await subtle.exportKey(format, back);
  assertEquals(format === "jwk" ? again : hex(again), format === "jwk" ? exported : hex(exported), `${algorithm.name} ${format}`);
}

test("every kind of key survives every format", async () => {
  for (const [algorithm, usages, publicUsages] of KINDS) {
    const made = await subtle.generateKey(algorithm, true, usages.concat(publicUsages ?? []));
    if (publicUsages === undefined) {
      for (const format of ["raw", "jwk"]) await roundTrip(made, format, algorithm, usages);
      continue;
    }
    for (const format of ["pkcs8", "jwk"]) await roundTrip(made.privateKey, format, algorithm, usages);
    for (const format of ["spki", "jwk"]) await roundTrip(made.publicKey, format, algorithm, publicUsages);
    if (!algorithm.name.startsWith("RSA")) await roundTrip(made.publicKey, "raw", algorithm, publicUsages);
    else await assertRejects(subtle.exportKey("raw", made.publicKey), "NotSupportedError");
    await assertRejects(subtle.exportKey("spki", made.privateKey), "InvalidAccessError");
    await assertRejects(subtle.exportKey("pkcs8", made.publicKey), "InvalidAccessError");
  }
});

test("what is not extractable is not exported, and a public key always is", async () => {
  const key = await subtle.generateKey({ name: "AES-CBC", length: 128 }, false, ["encrypt"]);
  for (const format of ["raw", "jwk"]) await assertRejects(subtle.exportKey(format, key), "InvalidAccessError");
  const pair = await subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  assertEquals([pair.publicKey.extractable, pair.privateKey.extractable], [true, false]);
  assertEquals((await subtle.exportKey("raw", pair.publicKey)).byteLength, 32);
  await assertRejects(subtle.exportKey("pkcs8", pair.privateKey), "InvalidAccessError");
});

test("damaged DER is refused", async () => {
  for (const [algorithm, usages, publicUsages] of KINDS) {
    if (publicUsages === undefined) continue;
    const pair = await subtle.generateKey(algorithm, true, usages.concat(publicUsages));
    for (const [format, key, uses] of [["spki", pair.publicKey, publicUsages], ["pkcs8", pair.privateKey, usages]]) {
      const der = new Uint8Array(await subtle.exportKey(format, key));
      const longer = new Uint8Array(der.length + 1);
      longer.set(der);
      const other = algorithm.name === "Ed25519" ? "X25519" : "Ed25519";
      for (const bad of [new Uint8Array(0), der.subarray(0, der.length - 1), longer, new Uint8Array(64).fill(48)])
        await assertRejects(subtle.importKey(format, bad, algorithm, true, uses), "DataError", `${algorithm.name} ${format}`);
      const otherUses = format === "spki" ? [] : other === "X25519" ? ["deriveBits"] : ["sign"];
      await assertRejects(subtle.importKey(format, der, other, true, otherUses), "DataError");
    }
  }
});

test("a point must be on its curve and belong to the private number", async () => {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const { privateKey } = await subtle.generateKey(algorithm, true, ["sign"]);
  const other = await subtle.exportKey("jwk", (await subtle.generateKey(algorithm, true, ["sign"])).publicKey);
  const jwk = await subtle.exportKey("jwk", privateKey);
  const load = (more, usages = ["sign"]) => subtle.importKey("jwk", { ...jwk, key_ops: undefined, ...more }, algorithm, true, usages);
  assertEquals((await load({})).type, "private");
  await assertRejects(load({ x: other.x, y: other.y }), "DataError");
  await assertRejects(load({ x: other.x }), "DataError");
  await assertRejects(load({ d: undefined, y: other.y }, ["verify"]), "DataError");
  await assertRejects(load({ x: jwk.x.slice(0, -2) }), "DataError");
  await assertRejects(load({ x: `AA${jwk.x}` }), "DataError");
  await assertRejects(load({ d: "" }), "DataError");
  await assertRejects(load({ d: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }), "DataError");
  await assertRejects(load({ d: "_".repeat(42) + "8" }), "DataError");
  const raw = new Uint8Array(await subtle.exportKey("raw", await load({ d: undefined }, ["verify"])));
  for (const bad of [[], [0], [4], raw.subarray(0, 64), raw.with(1, raw[1] ^ 1), raw.with(0, 5)])
    await assertRejects(subtle.importKey("raw", new Uint8Array(bad), algorithm, true, ["verify"]), "DataError");
  const compressed = raw.slice(0, 33).with(0, 2 + (raw[64] & 1));
  const key = await subtle.importKey("raw", compressed, algorithm, true, ["verify"]);
  assertEquals(hex(await subtle.exportKey("raw", key)), hex(raw));
});

test("the numbers of an RSA key must belong together", async () => {
  const algorithm = { name: "RSA-PSS", hash: "SHA-256" };
  const { privateKey } = await subtle.generateKey({ ...algorithm, ...RSA }, true, ["sign"]);
  const jwk = await subtle.exportKey("jwk", privateKey);
  const load = (more) => subtle.importKey("jwk", { ...jwk, key_ops: undefined, ...more }, algorithm, true, ["sign"]);
  assertEquals((await load({})).algorithm.modulusLength, 1024);
  for (const member of ["n", "e", "d", "p", "q", "dp", "dq", "qi"]) {
    await assertRejects(load({ [member]: jwk[member].slice(0, -4) + (jwk[member].endsWith("AAAE") ? "AAAI" : "AAAE") }), "DataError", member);
    await assertRejects(load({ [member]: "" }), "DataError", member);
    if (member !== "d") await assertRejects(load({ [member]: undefined }), "DataError", member);
  }
  await assertRejects(load({ oth: [] }), "NotSupportedError");
});

test("a JSON Web Key must fit what is asked", async () => {
  const jwk = { kty: "oct", k: "AAAAAAAAAAAAAAAAAAAAAA", alg: "A128GCM", key_ops: ["encrypt", "decrypt"], ext: false, use: "enc" };
  const load = (more, extractable = false, usages = ["encrypt"]) =>
    subtle.importKey("jwk", { ...jwk, ...more }, "AES-GCM", extractable, usages);
  assertEquals((await load({})).algorithm, { name: "AES-GCM", length: 128 });
  const rows = [
    { kty: "OCT" }, { kty: undefined }, { k: undefined }, { k: "AAAA" }, { k: "A" }, { k: "AAAAAAAAAAAAAAAAAAAAA+" },
    { k: "AAAAAAAAAAA AAAAAAAAAAA" }, { alg: "A256GCM" }, { alg: "A128CBC" }, { use: "sig" }, { key_ops: ["decrypt"] },
    { key_ops: ["encrypt", "encrypt"] }, { key_ops: [] },
  ];
  for (const row of rows) await assertRejects(load(row), "DataError", JSON.stringify(row));
  await assertRejects(load({}, true), "DataError");
  assertEquals((await load({ ext: undefined, alg: undefined, use: undefined, key_ops: undefined }, true)).extractable, true);
  await assertRejects(load({ key_ops: 5 }), TypeError);
  for (const data of [null, undefined]) await assertRejects(subtle.importKey("jwk", data, "AES-GCM", true, ["encrypt"]), "DataError");
  for (const data of ["text", 5, new Uint8Array(16)])
    await assertRejects(subtle.importKey("jwk", data, "AES-GCM", true, ["encrypt"]), TypeError);
  await assertRejects(subtle.importKey("raw", jwk, "AES-GCM", true, ["encrypt"]), TypeError);
});

test("usages: for this kind, known, and some where a key is secret", async () => {
  const raw = new Uint8Array(16);
  const load = (usages) => subtle.importKey("raw", raw, "AES-CBC", true, usages);
  assertEquals((await load(["unwrapKey", "decrypt", "decrypt", "encrypt"])).usages, ["encrypt", "decrypt", "unwrapKey"]);
  await assertRejects(load(["sign"]), "SyntaxError");
  await assertRejects(load([]), "SyntaxError");
  await assertRejects(load(["Encrypt"]), TypeError);
  await assertRejects(load("encrypt"), TypeError);
  await assertRejects(subtle.generateKey("Ed25519", true, ["verify"]), "SyntaxError");
  await assertRejects(subtle.generateKey("Ed25519", true, ["sign", "encrypt"]), "SyntaxError");
  await assertRejects(subtle.importKey("raw", raw, "HKDF", true, ["deriveBits"]), "SyntaxError");
  const pair = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  assertEquals([pair.publicKey.usages, pair.privateKey.usages], [["verify"], ["sign"]]);
});

test("CryptoKey", async () => {
  const key = await subtle.importKey("raw", new Uint8Array(32), { name: "hmac", hash: { name: "sha-1" } }, true, ["sign"]);
  assertEquals(Object.prototype.toString.call(key), "[object CryptoKey]");
  assert(key instanceof CryptoKey && key.algorithm === key.algorithm && key.usages === key.usages);
  assertThrows(() => new CryptoKey(), TypeError);
  assertEquals(CryptoKey.length, 0);
  for (const name of ["type", "extractable", "algorithm", "usages"]) assertThrows(() => CryptoKey.prototype[name], TypeError);
  key.algorithm.name = "AES-GCM";
  key.usages.push("verify");
  await subtle.sign("HMAC", key, new Uint8Array(1));
  await assertRejects(subtle.verify("HMAC", key, new Uint8Array(1), new Uint8Array(1)), "InvalidAccessError");
  const { publicKey } = await subtle.generateKey({ name: "RSA-PSS", ...RSA }, false, ["sign"]);
  publicKey.algorithm.publicExponent[0] = 9;
  assertEquals((await subtle.exportKey("jwk", publicKey)).e, "AQAB");
});

test("structuredClone makes another object for the same key", async () => {
  const key = await subtle.importKey("raw", new Uint8Array(16), "AES-GCM", false, ["encrypt"]);
  const { copy } = structuredClone({ copy: key });
  assert(copy instanceof CryptoKey && copy !== key);
  assertEquals([copy.type, copy.extractable, copy.algorithm, copy.usages], ["secret", false, { name: "AES-GCM", length: 128 }, ["encrypt"]]);
  const algorithm = { name: "AES-GCM", iv: new Uint8Array(12) };
  assertEquals(hex(await subtle.encrypt(algorithm, copy, new Uint8Array(4))), hex(await subtle.encrypt(algorithm, key, new Uint8Array(4))));
  assertThrows(() => structuredClone(subtle), "DataCloneError");
});

test("wrapping in every format and with every algorithm that wraps", async () => {
  const pair = await subtle.generateKey({ name: "RSA-OAEP", ...RSA }, false, ["wrapKey", "unwrapKey"]);
  const uses = ["wrapKey", "unwrapKey"];
  const same = async (name) => [await subtle.generateKey({ name, length: 256 }, false, uses)];
  const wrappers = [
    [{ name: "RSA-OAEP" }, pair.publicKey, pair.privateKey],
    [{ name: "AES-CBC", iv: new Uint8Array(16) }, ...(await same("AES-CBC"))],
    [{ name: "AES-CTR", counter: new Uint8Array(16), length: 64 }, ...(await same("AES-CTR"))],
    [{ name: "AES-GCM", iv: new Uint8Array(12) }, ...(await same("AES-GCM"))],
    [{ name: "AES-KW" }, ...(await same("AES-KW"))],
  ];
  const key = await subtle.importKey("raw", new Uint8Array(32).fill(5), { name: "HMAC", hash: "SHA-256" }, true, ["sign"]);
  for (const [algorithm, wrapping, unwrapping = wrapping] of wrappers)
    for (const format of ["raw", "jwk"]) {
      if (format === "jwk" && ["RSA-OAEP", "AES-KW"].includes(algorithm.name)) continue; // too long; not in eights
      const wrapped = await subtle.wrapKey(format, key, wrapping, algorithm);
      const back = await subtle.unwrapKey(format, wrapped, unwrapping, algorithm, { name: "HMAC", hash: "SHA-256" }, true, ["sign"]);
      assertEquals(hex(await subtle.exportKey("raw", back)), hex(await subtle.exportKey("raw", key)));
      await assertRejects(subtle.encrypt(algorithm, wrapping, new Uint8Array(8)));
    }
  const [algorithm, wrapping] = wrappers[3];
  const hidden = await subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["encrypt"]);
  await assertRejects(subtle.wrapKey("raw", hidden, wrapping, algorithm), "InvalidAccessError");
  await assertRejects(subtle.wrapKey("raw", await subtle.importKey("raw", new Uint8Array(1), "HKDF", false, ["deriveBits"]), wrapping, algorithm), "NotSupportedError");
  const noJson = await subtle.wrapKey("raw", key, wrapping, algorithm);
  await assertRejects(subtle.unwrapKey("jwk", noJson, wrapping, algorithm, "AES-GCM", true, ["encrypt"]), "DataError");
});

test("arguments are looked at in the standard's order, once", async () => {
  const seen = [];
  const spy = (object) => new Proxy(object, { get: (target, name) => (typeof name === "string" && seen.push(name), target[name]) });
  await subtle.generateKey(spy({ name: "RSA-PSS", ...RSA }), true, ["sign"]);
  assertEquals(seen, ["name", "name", "modulusLength", "publicExponent", "hash"]);
  await assertRejects(subtle.importKey("RAW", new Uint8Array(16), "AES-GCM", true, ["encrypt"]), TypeError);
  await assertRejects(subtle.importKey("raw", new Uint8Array(16), "AES-GCM", true), TypeError);
  await assertRejects(subtle.generateKey(null, true, ["encrypt"]), "NotSupportedError");
  await assertRejects(subtle.generateKey({ name: "AES-GCM" }, true, ["encrypt"]), TypeError);
  for (const length of [-1, 65536, NaN, Infinity, "x"])
    await assertRejects(subtle.generateKey({ name: "AES-GCM", length }, true, ["encrypt"]), TypeError);
  for (const length of [0, 127, 512]) await assertRejects(subtle.generateKey({ name: "AES-GCM", length }, true, ["encrypt"]), "OperationError");
  const methods = { encrypt: 3, decrypt: 3, sign: 3, verify: 4, digest: 2, generateKey: 3, deriveKey: 5, deriveBits: 2, importKey: 5, exportKey: 2, wrapKey: 4, unwrapKey: 7 };
  for (const name in methods) {
    assertEquals(subtle[name].length, methods[name], name);
    await assertRejects(subtle[name].call({}), TypeError);
    await assertRejects(subtle[name](), TypeError);
  }
});

test("timingSafeEqual", () => {
  const same = (a, b) => subtle.timingSafeEqual(new Uint8Array(a), new Uint8Array(b).buffer);
  assertEquals([same([], []), same([1, 2], [1, 2]), same([1, 2], [1, 3])], [true, true, false]);
  assertEquals(subtle.timingSafeEqual(new Uint8Array([9, 1, 2]).subarray(1), new DataView(new Uint8Array([1, 2]).buffer)), true);
  assertThrows(() => same([1], [1, 2]), TypeError);
  assertThrows(() => subtle.timingSafeEqual("a", "a"), TypeError);
  assertThrows(() => subtle.timingSafeEqual(new Uint8Array(1)), TypeError);
});

test("no getter on Object.prototype sees the inside of a key", async () => {
  const seen = [];
  Object.defineProperty(Object.prototype, "then", { configurable: true, get() { if (Object.hasOwn(this, "handle")) seen.push(this); } });
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(16), "AES-GCM", false, ["encrypt"]);
    await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  } finally {
    delete Object.prototype.then;
  }
  assertEquals(seen.length, 0);
});
