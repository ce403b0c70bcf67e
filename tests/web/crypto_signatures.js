// crypto.subtle: HMAC, RSA, ECDSA, Ed25519, Ed448.

const { subtle } = crypto;
const hex = (buffer) => new Uint8Array(buffer).toHex();
const bytes = (text) => Uint8Array.fromHex(text);
const utf8 = (text) => new TextEncoder().encode(text);
const RSA = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };

// Signs and verifies; anything changed is not verified.
async function checkPair(algorithm, { publicKey, privateKey }) {
  const data = utf8("data to be signed");
  const signature = await subtle.sign(algorithm, privateKey, data);
  assertEquals(await subtle.verify(algorithm, publicKey, signature, data), true);
  assertEquals(await subtle.verify(algorithm, publicKey, signature, utf8("other data")), false);
  const changed = new Uint8Array(signature.slice());
  changed[changed.length >> 1] ^= 1;
  assertEquals(await subtle.verify(algorithm, publicKey, changed, data), false);
  for (const length of [0, 1, signature.byteLength - 1, signature.byteLength + 1])
    assertEquals(await subtle.verify(algorithm, publicKey, new Uint8Array(length), data), false, `length ${length}`);
  await assertRejects(subtle.sign(algorithm, publicKey, data), "InvalidAccessError");
  await assertRejects(subtle.verify(algorithm, privateKey, signature, data), "InvalidAccessError");
  return signature;
}

test("HMAC", async () => {
  // RFC 4231, test case 2
  const key = await subtle.importKey("raw", utf8("Jefe"), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  const data = utf8("what do ya want for nothing?");
  const mac = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  assertEquals(hex(await subtle.sign("HMAC", key, data)), mac);
  assertEquals(await subtle.verify("HMAC", key, bytes(mac), data), true);
  assertEquals(await subtle.verify("HMAC", key, bytes(mac).subarray(1), data), false);
  assertEquals(await subtle.verify("HMAC", key, new Uint8Array(0), data), false);
  const large = new Uint8Array(500000);
  assertEquals(await subtle.verify("HMAC", key, await subtle.sign("HMAC", key, large), large), true);
});

test("HMAC keys: lengths in bits", async () => {
  for (const [hash, length] of [["SHA-1", 512], ["SHA-256", 512], ["SHA-384", 1024], ["SHA-512", 1024]])
    assertEquals((await subtle.generateKey({ name: "HMAC", hash }, true, ["sign"])).algorithm.length, length);
  const odd = await subtle.importKey("raw", new Uint8Array([255, 255]), { name: "HMAC", hash: "SHA-1", length: 9 }, true, ["sign"]);
  assertEquals(odd.algorithm, { name: "HMAC", hash: { name: "SHA-1" }, length: 9 });
  assertEquals(hex(await subtle.exportKey("raw", odd)), "ff80");
  for (const length of [0, 8, 17])
    await assertRejects(subtle.importKey("raw", new Uint8Array(2), { name: "HMAC", hash: "SHA-1", length }, true, ["sign"]), "DataError");
  await assertRejects(subtle.importKey("raw", new Uint8Array(0), { name: "HMAC", hash: "SHA-1" }, true, ["sign"]), "DataError");
  await assertRejects(subtle.generateKey({ name: "HMAC", hash: "SHA-1", length: 0 }, true, ["sign"]), "OperationError");
});

test("RSASSA-PKCS1-v1_5 and RSA-PSS", async () => {
  await checkPair("RSASSA-PKCS1-v1_5", await subtle.generateKey({ name: "RSASSA-PKCS1-v1_5", ...RSA }, false, ["sign", "verify"]));
  const pair = await subtle.generateKey({ name: "RSA-PSS", ...RSA }, false, ["sign", "verify"]);
  for (const saltLength of [0, 32]) await checkPair({ name: "RSA-PSS", saltLength }, pair);
  await assertRejects(subtle.sign({ name: "RSA-PSS", saltLength: 250 }, pair.privateKey, new Uint8Array(1)), "OperationError");
  await assertRejects(subtle.sign({ name: "RSA-PSS", saltLength: -1 }, pair.privateKey, new Uint8Array(1)), TypeError);
});

test("RSA keys are made with sane numbers only", async () => {
  const make = (more) => subtle.generateKey({ name: "RSA-PSS", ...RSA, ...more }, true, ["sign"]);
  for (const exponent of [[], [0], [1], [0, 1], [4], [1, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 1]])
    await assertRejects(make({ publicExponent: new Uint8Array(exponent) }), "OperationError", `[${exponent}]`);
  await assertRejects(make({ modulusLength: 8193 }), "OperationError");
  await assertRejects(make({ modulusLength: 100 }), "OperationError");
  await assertRejects(make({ publicExponent: [1, 0, 1] }), TypeError);
  const { publicKey } = await make({ modulusLength: 1024, publicExponent: new Uint8Array([0, 3]) });
  assertEquals(publicKey.algorithm.publicExponent, new Uint8Array([0, 3]));
});

test("ECDSA", async () => {
  for (const [namedCurve, length] of [["P-256", 64], ["P-384", 96], ["P-521", 132]]) {
    const pair = await subtle.generateKey({ name: "ECDSA", namedCurve }, false, ["sign", "verify"]);
    for (const hash of ["SHA-1", "SHA-256", "SHA-384", "SHA-512"])
      assertEquals((await checkPair({ name: "ECDSA", hash }, pair)).byteLength, length);
  }
  await assertRejects(subtle.generateKey({ name: "ECDSA", namedCurve: "P-192" }, false, ["sign"]), "NotSupportedError");
});

test("Ed25519 and Ed448", async () => {
  for (const [name, length] of [["Ed25519", 64], ["Ed448", 114]])
    assertEquals((await checkPair(name, await subtle.generateKey(name, false, ["sign", "verify"]))).byteLength, length);
  // RFC 8032 7.1, test 3
  const jwk = {
    kty: "OKP", crv: "Ed25519", d: bytes("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7").toBase64({ alphabet: "base64url", omitPadding: true }),
    x: bytes("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025").toBase64({ alphabet: "base64url", omitPadding: true }),
  };
  const key = await subtle.importKey("jwk", jwk, "Ed25519", false, ["sign"]);
  assertEquals(
    hex(await subtle.sign("Ed25519", key, bytes("af82"))),
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  );
});

test("NODE-ED25519 is Ed25519, as on Workers", async () => {
  const legacy = { name: "NODE-ED25519", namedCurve: "NODE-ED25519" };
  const pair = await subtle.generateKey(legacy, true, ["sign", "verify"]);
  const signature = await subtle.sign("NODE-ED25519", pair.privateKey, bytes("af82"));
  const raw = await subtle.exportKey("raw", pair.publicKey);
  const key = await subtle.importKey("raw", raw, legacy, false, ["verify"]);
  assertEquals([key.algorithm.name, await subtle.verify("Ed25519", key, signature, bytes("af82"))], ["Ed25519", true]);
  assertEquals(await subtle.verify(legacy, key, signature, bytes("af83")), false);
});

test("a public key of small order verifies nothing", async () => {
  for (const point of ["01", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "00"]) {
    const raw = bytes(point.padEnd(64, "0"));
    const key = await subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
    const signature = new Uint8Array(64);
    signature[0] = 1;
    assertEquals(await subtle.verify("Ed25519", key, signature, new Uint8Array(0)), false);
  }
});
