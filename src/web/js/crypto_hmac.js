// HMAC (Web Cryptography API 32). A key's last byte may count in part: `length` is in bits.

const { fail, orFail, run, runAnywhere } = use("crypto_call");
const { checkUsages, keyFrom, needUsage, normalUsages } = use("crypto_key");
const { blockBits, hashOf } = use("crypto_digest");

const USAGES = ["sign", "verify"];
const KEY_BITS_MAX = 8 << 20;

const call = (key, data, first) => ({ hash: hashOf(key.algorithm.hash.name), key: key.handle, data, first });

exports.sign = async (own, key, data) =>
  orFail(await runAnywhere("HMAC_SIGN", call(key, data)), "HMAC failed");
exports.verify = async (own, key, signature, data) =>
  orFail(await runAnywhere("HMAC_VERIFY", call(key, data, signature)), "HMAC failed");

exports.getKeyLength = ({ hash, length }) => {
  if (length === 0) throw new TypeError("algorithm.length is 0");
  return length ?? blockBits(hash.name);
};

// Zeroes the bits of the last byte that do not count.
function cut(bytes, length) {
  if (length % 8 > 0) bytes[bytes.length - 1] &= 0xff << (8 - (length % 8));
  return bytes;
}

exports.generateKey = (own, extractable, usages) => {
  checkUsages(usages, USAGES, "HMAC");
  const { hash, length = blockBits(hash.name) } = own;
  if (length === 0) fail("OperationError", "algorithm.length is 0");
  if (length > KEY_BITS_MAX) fail("OperationError", `algorithm.length is more than ${KEY_BITS_MAX}`);
  needUsage(usages);
  const handle = orFail(run("GENERATE_SECRET", { length: Math.ceil(length / 8) }), "No key could be made");
  const algorithm = { name: "HMAC", hash: { name: hash.name }, length };
  return keyFrom(handle, "secret", extractable, algorithm, normalUsages(usages));
};

const algOf = (hash) => `HS${hash.slice(4)}`;

function bytesFrom(format, data, hash, want) {
  if (format === "raw") return data;
  if (format !== "jwk") fail("NotSupportedError", `A key for HMAC has no format ${format}`);
  const jwk = use("crypto_jwk");
  jwk.check(data, { kty: "oct", use: "sig", ...want });
  const bytes = jwk.bytesOf(data, "k");
  if (data.alg !== undefined && data.alg !== algOf(hash))
    fail("DataError", `'alg' of the JSON Web Key is not '${algOf(hash)}'`);
  return bytes;
}

exports.importKey = (own, format, data, want) => {
  checkUsages(want.usages, USAGES, "HMAC");
  const hash = own.hash.name;
  const bytes = bytesFrom(format, data, hash, want);
  const bits = bytes.length * 8;
  if (bits === 0) fail("DataError", "A key for HMAC is not empty");
  const length = own.length ?? bits;
  if (length > bits || length <= bits - 8) fail("DataError", `algorithm.length is ${length}, the key has ${bits} bits`);
  const handle = run("IMPORT_SECRET", { data: length === bits ? bytes : cut(bytes.slice(), length) });
  return { handle, type: "secret", algorithm: { name: "HMAC", hash: { name: hash }, length } };
};

exports.exportKey = (format, key) => {
  if (format !== "raw" && format !== "jwk") fail("NotSupportedError", `A key for HMAC has no format ${format}`);
  const bytes = orFail(run("EXPORT_SECRET", { key: key.handle }), "The key cannot be read");
  if (format === "raw") return bytes;
  const jwk = use("crypto_jwk");
  return jwk.fromKey({ kty: "oct", k: jwk.textOf(bytes), alg: algOf(key.algorithm.hash.name) }, key);
};
