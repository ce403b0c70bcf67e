// crypto.subtle: AES-CBC, AES-CTR, AES-GCM, AES-KW, RSA-OAEP.

const { subtle } = crypto;
const hex = (buffer) => new Uint8Array(buffer).toHex();
const bytes = (text) => Uint8Array.fromHex(text);
const utf8 = (text) => new TextEncoder().encode(text);
const aes = (name, key, usages = ["encrypt", "decrypt"]) => subtle.importKey("raw", bytes(key), name, false, usages);

// NIST SP 800-38A, F.2, F.5; the GCM specification's test case 4.
const KEY = "2b7e151628aed2a6abf7158809cf4f3c";
const TEXT = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51";

test("AES-CBC", async () => {
  const key = await aes("AES-CBC", KEY);
  const algorithm = { name: "aes-cbc", iv: bytes("000102030405060708090a0b0c0d0e0f") };
  const sealed = await subtle.encrypt(algorithm, key, bytes(TEXT));
  assertEquals(hex(sealed).slice(0, 64), "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
  assertEquals(sealed.byteLength, 48);
  assertEquals(hex(await subtle.decrypt(algorithm, key, sealed)), TEXT);
  for (const length of [0, 1, 15, 16, 17]) {
    const text = new Uint8Array(length).fill(7);
    assertEquals(hex(await subtle.decrypt(algorithm, key, await subtle.encrypt(algorithm, key, text))), hex(text));
  }
  for (const bad of [new Uint8Array(0), new Uint8Array(15), new Uint8Array(32)])
    await assertRejects(subtle.decrypt(algorithm, key, bad), "OperationError");
  await assertRejects(subtle.encrypt({ name: "AES-CBC", iv: new Uint8Array(12) }, key, new Uint8Array(1)), "OperationError");
  await assertRejects(subtle.encrypt({ name: "AES-CBC" }, key, new Uint8Array(1)), TypeError);
});

test("AES-CTR", async () => {
  const key = await aes("AES-CTR", KEY);
  const counter = bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  const algorithm = { name: "AES-CTR", counter, length: 128 };
  const sealed = await subtle.encrypt(algorithm, key, bytes(TEXT));
  assertEquals(hex(sealed), "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
  assertEquals(hex(await subtle.decrypt(algorithm, key, sealed)), TEXT);
  for (const length of [0, 129]) await assertRejects(subtle.encrypt({ ...algorithm, length }, key, new Uint8Array(1)), "OperationError");
  await assertRejects(subtle.encrypt({ ...algorithm, length: 256 }, key, new Uint8Array(1)), TypeError);
});

test("AES-CTR: a short counter returns to zero, and no block is used twice", async () => {
  const key = await aes("AES-CTR", KEY);
  const zeros = new Uint8Array(64);
  const blockAt = async (last) => {
    const counter = new Uint8Array(16).fill(0xab);
    counter[15] = last;
    return hex(await subtle.encrypt({ name: "AES-CTR", counter, length: 128 }, key, zeros.subarray(0, 16)));
  };
  const counter = new Uint8Array(16).fill(0xab);
  counter[15] = 0b10101110; // with two bits: 2, 3, 0, 1
  const wrapped = hex(await subtle.encrypt({ name: "AES-CTR", counter, length: 2 }, key, zeros));
  const expected = [0b10101110, 0b10101111, 0b10101100, 0b10101101].map(blockAt);
  assertEquals(wrapped, (await Promise.all(expected)).join(""));
  await assertRejects(subtle.encrypt({ name: "AES-CTR", counter, length: 2 }, key, new Uint8Array(65)), "OperationError");
});

test("AES-GCM", async () => {
  const key = await aes("AES-GCM", "feffe9928665731c6d6a8f9467308308");
  const text = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
  const algorithm = {
    name: "AES-GCM", iv: bytes("cafebabefacedbaddecaf888"), additionalData: bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
  };
  const sealed = await subtle.encrypt(algorithm, key, bytes(text));
  assertEquals(hex(sealed).slice(-32), "5bc94fbc3221a5db94fae95ae7121a47");
  assertEquals(hex(await subtle.decrypt(algorithm, key, sealed)), text);
  for (const tagLength of [32, 64, 96, 104, 112, 120, 128]) {
    const short = await subtle.encrypt({ ...algorithm, tagLength }, key, bytes(text));
    assertEquals(short.byteLength, text.length / 2 + tagLength / 8);
    assertEquals(hex(await subtle.decrypt({ ...algorithm, tagLength }, key, short)), text);
  }
  for (let at = 0; at < sealed.byteLength; at += 7) {
    const changed = new Uint8Array(sealed.slice());
    changed[at] ^= 1;
    await assertRejects(subtle.decrypt(algorithm, key, changed), "OperationError");
  }
  await assertRejects(subtle.decrypt({ ...algorithm, additionalData: new Uint8Array(1) }, key, sealed), "OperationError");
  await assertRejects(subtle.decrypt(algorithm, key, new Uint8Array(15)), "OperationError");
  for (const tagLength of [0, 31, 127]) await assertRejects(subtle.encrypt({ ...algorithm, tagLength }, key, new Uint8Array(1)), "OperationError");
  await assertRejects(subtle.encrypt({ ...algorithm, iv: new Uint8Array(0) }, key, new Uint8Array(1)), "OperationError");
});

test("AES-KW", async () => {
  // RFC 3394 4.1
  const wrapping = await aes("AES-KW", "000102030405060708090a0b0c0d0e0f", ["wrapKey", "unwrapKey"]);
  const key = await subtle.importKey("raw", bytes("00112233445566778899aabbccddeeff"), "AES-CBC", true, ["encrypt"]);
  const wrapped = await subtle.wrapKey("raw", key, wrapping, "AES-KW");
  assertEquals(hex(wrapped), "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
  const back = await subtle.unwrapKey("raw", wrapped, wrapping, "AES-KW", "AES-CBC", true, ["encrypt"]);
  assertEquals(hex(await subtle.exportKey("raw", back)), "00112233445566778899aabbccddeeff");
  const damaged = new Uint8Array(wrapped);
  damaged[3] ^= 1;
  await assertRejects(subtle.unwrapKey("raw", damaged, wrapping, "AES-KW", "AES-CBC", true, ["encrypt"]), "OperationError");
  await assertRejects(subtle.encrypt("AES-KW", wrapping, new Uint8Array(16)), "NotSupportedError");
});

test("RSA-OAEP", async () => {
  const algorithm = { name: "RSA-OAEP", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
  const { publicKey, privateKey } = await subtle.generateKey(algorithm, false, ["encrypt", "decrypt"]);
  for (const label of [undefined, utf8("label")]) {
    const sealed = await subtle.encrypt({ name: "RSA-OAEP", label }, publicKey, utf8("secret"));
    assertEquals(sealed.byteLength, 256);
    assertEquals(hex(await subtle.decrypt({ name: "RSA-OAEP", label }, privateKey, sealed)), hex(utf8("secret")));
    await assertRejects(subtle.decrypt({ name: "RSA-OAEP", label: utf8("other") }, privateKey, sealed), "OperationError");
  }
  assertEquals((await subtle.decrypt("RSA-OAEP", privateKey, await subtle.encrypt("RSA-OAEP", publicKey, new Uint8Array(190)))).byteLength, 190);
  await assertRejects(subtle.encrypt("RSA-OAEP", publicKey, new Uint8Array(191)), "OperationError");
  await assertRejects(subtle.decrypt("RSA-OAEP", publicKey, new Uint8Array(256)), "InvalidAccessError");
});

test("what is encrypted is what the data was at the call, however large", async () => {
  const key = await aes("AES-GCM", KEY);
  for (const length of [100, 300000]) {
    const iv = new Uint8Array(12), data = new Uint8Array(length).fill(1);
    const sealed = subtle.encrypt({ name: "AES-GCM", iv }, key, data);
    iv.fill(9);
    data.fill(2);
    const open = new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv: new Uint8Array(12) }, key, await sealed));
    assert(open.length === length && open.every((byte) => byte === 1));
  }
});

test("the key must be for the algorithm and the operation", async () => {
  const cbc = await aes("AES-CBC", KEY, ["decrypt"]);
  const iv = new Uint8Array(16);
  await assertRejects(subtle.encrypt({ name: "AES-CBC", iv }, cbc, iv), "InvalidAccessError");
  await assertRejects(subtle.decrypt({ name: "AES-GCM", iv }, cbc, iv), "InvalidAccessError");
  await assertRejects(subtle.encrypt({ name: "AES-CBC", iv }, {}, iv), TypeError);
  await assertRejects(subtle.encrypt({ name: "AES-ECB", iv }, cbc, iv), "NotSupportedError");
  await assertRejects(subtle.encrypt({ name: "AES-CBC", iv }, cbc), TypeError);
  await assertRejects(subtle.encrypt({ name: "AES-CBC", iv }, cbc, "text"), TypeError);
});
