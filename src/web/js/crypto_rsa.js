// RSASSA-PKCS1-v1_5, RSA-PSS and RSA-OAEP (Web Cryptography API 20 to 22). What takes the private
// key, and what makes one, is always done on another thread.

const { fail, kindOf, orFail, run, runAnywhere } = use("crypto_call");
const { checkUsages, needUsage, only, pairFrom } = use("crypto_key");
const { hashOf } = use("crypto_digest");

const GENERATE_BITS_MAX = 8192; // CRYPTO_RSA_GENERATE_BITS_MAX
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi"];
const MEMBERS = ["n", "e", ...PRIVATE_MEMBERS];

// ---- what the three differ in ----

const OAEP = "RSA-OAEP", PSS = "RSA-PSS";
const forPrivate = (name) => (name === OAEP ? ["decrypt", "unwrapKey"] : ["sign"]);
const forPublic = (name) => (name === OAEP ? ["encrypt", "wrapKey"] : ["verify"]);

function algOf(name, hash) {
  const number = hash.slice(4);
  if (name === OAEP) return number === "1" ? OAEP : `${OAEP}-${number}`;
  return (name === PSS ? "PS" : "RS") + number;
}

// ---- use ----

function checkType(key, type) {
  if (key.type !== type) fail("InvalidAccessError", `This takes a ${type} key, and the key is ${key.type}`);
}

const callOf = (own, key, data, first) => ({
  hash: hashOf(key.algorithm.hash.name), key: key.handle, data, first, number: own.saltLength ?? 0,
});

exports.sign = async (own, key, data) => {
  checkType(key, "private");
  const name = own.name === PSS ? "PSS_SIGN" : "PKCS1_SIGN";
  return orFail(await runAnywhere(name, callOf(own, key, data), true), "The key is too small for this digest and salt");
};

exports.verify = async (own, key, signature, data) => {
  checkType(key, "public");
  const name = own.name === PSS ? "PSS_VERIFY" : "PKCS1_VERIFY";
  return orFail(await runAnywhere(name, callOf(own, key, data, signature), isSlow(key)), "The signature cannot be checked");
};

// Public keys of usual size are quick; one can be made to be slow.
const isSlow = ({ algorithm }) => algorithm.modulusLength > 4096 || algorithm.publicExponent.length > 4;

exports.encrypt = async (own, key, data) => {
  checkType(key, "public");
  const call = callOf(own, key, data, own.label);
  return orFail(await runAnywhere("OAEP_ENCRYPT", call, isSlow(key)), "The data is too long for the key");
};

exports.decrypt = async (own, key, data) => {
  checkType(key, "private");
  const call = callOf(own, key, data, own.label);
  return orFail(await runAnywhere("OAEP_DECRYPT", call, true), "The data is not for this key and label");
};

// ---- making ----

function checkExponent(bytes) {
  const first = bytes.findIndex((byte) => byte !== 0);
  const isOdd = first >= 0 && (bytes.at(-1) & 1) === 1;
  const isOne = first === bytes.length - 1 && bytes[first] === 1;
  if (!isOdd || isOne || bytes.length - first > 8)
    fail("OperationError", "algorithm.publicExponent is not an odd number from 3 to 64 bits");
}

exports.generateKey = async (own, extractable, usages) => {
  const { name, modulusLength, publicExponent, hash } = own;
  checkUsages(usages, [...forPrivate(name), ...forPublic(name)], name);
  checkExponent(publicExponent);
  if (modulusLength > GENERATE_BITS_MAX)
    fail("OperationError", `algorithm.modulusLength is ${modulusLength}; keys of at most ${GENERATE_BITS_MAX} bits are made`);
  needUsage(only(usages, forPrivate(name)));
  const pair = orFail(
    await runAnywhere("GENERATE_RSA", { number: modulusLength, first: publicExponent }, true),
    `No key of ${modulusLength} bits with this exponent can be made`,
  );
  const algorithm = { name, modulusLength, publicExponent, hash: { name: hash.name } };
  return pairFrom(pair, { extractable, algorithm, usages, forPublic: forPublic(name), forPrivate: forPrivate(name) });
};

// ---- import ----

// Parts as web/crypto_parts.h has them.
function join(parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(joined.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    joined.set(part, at + 4);
    at += 4 + part.length;
  }
  return joined;
}

function cut(joined) {
  const parts = [];
  const view = new DataView(joined.buffer, joined.byteOffset, joined.byteLength);
  for (let at = 0; at < joined.length; ) {
    const end = at + 4 + view.getUint32(at, true);
    parts.push(joined.slice(at + 4, end));
    at = end;
  }
  return parts;
}

const checkHalf = (name, isPrivate, usages) =>
  isPrivate
    ? checkUsages(usages, forPrivate(name), `a private key of ${name}`)
    : checkUsages(usages, forPublic(name), `a public key of ${name}`);

const DAMAGED = "The key is damaged, not one for RSA, or one with more than two primes";

function fromJwk(own, jwk, want) {
  const { bytesOf, check } = use("crypto_jwk");
  const { name, hash } = own;
  const isPrivate = jwk.d !== undefined;
  checkHalf(name, isPrivate, want.usages);
  check(jwk, { kty: "RSA", use: name === OAEP ? "enc" : "sig", ...want });
  const alg = algOf(name, hash.name);
  if (jwk.alg !== undefined && jwk.alg !== alg) fail("DataError", `'alg' of the JSON Web Key is not '${alg}'`);
  if (isPrivate && jwk.oth !== undefined) fail("NotSupportedError", "Keys with more than two primes are not supported");
  const parts = (isPrivate ? MEMBERS : ["n", "e"]).map((member) => bytesOf(jwk, member));
  const data = join(parts);
  const handle = orFail(run("IMPORT_RSA", { data }), DAMAGED, "DataError");
  data.fill(0);
  return { handle, type: isPrivate ? "private" : "public" };
}

function fromDer({ name }, format, data, { usages }) {
  if (format === "raw") fail("NotSupportedError", `A key for ${name} has no format raw`);
  const isPrivate = format === "pkcs8";
  checkHalf(name, isPrivate, usages);
  const call = { data, number: kindOf("RSA") };
  const handle = orFail(run(isPrivate ? "IMPORT_PKCS8" : "IMPORT_SPKI", call), DAMAGED, "DataError");
  return { handle, type: isPrivate ? "private" : "public" };
}

const partsOf = (handle, count) => cut(orFail(run("EXPORT_RSA", { key: handle, number: count }), "The key cannot be read"));

exports.importKey = (own, format, data, want) => {
  const found = format === "jwk" ? fromJwk(own, data, want) : fromDer(own, format, data, want);
  const [n, publicExponent] = partsOf(found.handle, 2);
  const modulusLength = n.length * 8 - Math.clz32(n[0]) + 24;
  return { ...found, algorithm: { name: own.name, modulusLength, publicExponent, hash: { name: own.hash.name } } };
};

// ---- export ----

function toJwk(key) {
  const { fromKey, textOf } = use("crypto_jwk");
  const { name, hash } = key.algorithm;
  const parts = partsOf(key.handle, key.type === "private" ? MEMBERS.length : 2);
  const members = { kty: "RSA", alg: algOf(name, hash.name) };
  parts.forEach((part, index) => (members[MEMBERS[index]] = textOf(part)));
  return fromKey(members, key);
}

exports.exportKey = (format, key) => {
  if (format === "jwk") return toJwk(key);
  if (format === "raw") fail("NotSupportedError", `A key for ${key.algorithm.name} has no format raw`);
  checkType(key, format === "spki" ? "public" : "private");
  return orFail(run(format === "spki" ? "EXPORT_SPKI" : "EXPORT_PKCS8", { key: key.handle }), "The key cannot be read");
};
