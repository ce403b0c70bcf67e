// The methods of SubtleCrypto (Web Cryptography API 14.3): the checks that do not depend on the
// algorithm, in the standard's order. Keys are slots (crypto_key.js), bytes are Uint8Arrays; what a
// family returns may be a promise, but for importKey.

const { fail } = use("crypto_call");
const { keyFrom, needUsage, normalUsages } = use("crypto_key");
const { normalize, knows, familyOf } = use("crypto_normalize");

const { parse, stringify } = JSON;
const { decode } = use("encoding").TextDecoder.prototype;
const { apply } = Reflect;

// Does the key belong to the algorithm, and may it be used for this?
function checkKey(key, { name }, usage) {
  if (key.algorithm.name !== name)
    fail("InvalidAccessError", `The key is for ${key.algorithm.name}, the algorithm is ${name}`);
  if (!key.usages.includes(usage)) fail("InvalidAccessError", `The key is not for '${usage}'`);
}

const bufferOf = (bytes) => bytes.buffer;

exports.crypt = async (operation, algorithm, key, data) => {
  const own = normalize(operation, algorithm);
  checkKey(key, own, operation);
  return bufferOf(await familyOf(own.name)[operation](own, key, data));
};

exports.sign = async (algorithm, key, data) => {
  const own = normalize("sign", algorithm);
  checkKey(key, own, "sign");
  return bufferOf(await familyOf(own.name).sign(own, key, data));
};

exports.verify = async (algorithm, key, signature, data) => {
  const own = normalize("verify", algorithm);
  checkKey(key, own, "verify");
  return familyOf(own.name).verify(own, key, signature, data);
};

exports.generateKey = async (algorithm, extractable, usages) => {
  const own = normalize("generateKey", algorithm);
  return familyOf(own.name).generateKey(own, extractable, usages);
};

// ---- import and export ----

// own: the normalized algorithm; data: bytes, or a JsonWebKey converted.
function importWith(own, format, data, extractable, usages) {
  const isBytes = ArrayBuffer.isView(data);
  if (isBytes === (format === "jwk"))
    throw new TypeError(isBytes ? "A key in the format jwk is an object" : `A key in the format ${format} is bytes`);
  const found = familyOf(own.name).importKey(own, format, data, { extractable, usages });
  if (found.type !== "public") needUsage(usages);
  return keyFrom(found.handle, found.type, extractable, found.algorithm, normalUsages(usages));
}

exports.importKey = async (format, data, algorithm, extractable, usages) =>
  importWith(normalize("importKey", algorithm), format, data, extractable, usages);

// Bytes, or a JsonWebKey.
function exportWith(format, key) {
  const { name } = key.algorithm;
  if (!knows(name, "exportKey")) fail("NotSupportedError", `A key for ${name} cannot be exported`);
  if (!key.extractable) fail("InvalidAccessError", "The key is not extractable");
  return familyOf(name).exportKey(format, key);
}

exports.exportKey = async (format, key) => {
  const exported = exportWith(format, key);
  return format === "jwk" ? exported : exported.buffer;
};

// ---- wrapping: with its own operation where an algorithm has one, else by encryption ----

function normalizeFor(operation, instead, algorithm) {
  try {
    return [operation, normalize(operation, algorithm)];
  } catch {
    return [instead, normalize(instead, algorithm)];
  }
}

exports.wrapKey = async (format, key, wrappingKey, algorithm) => {
  const [operation, own] = normalizeFor("wrapKey", "encrypt", algorithm);
  checkKey(wrappingKey, own, "wrapKey");
  const exported = exportWith(format, key);
  const bytes = format === "jwk" ? new (use("encoding").TextEncoder)().encode(stringify(exported)) : exported;
  const wrapped = await familyOf(own.name)[operation](own, wrappingKey, bytes);
  bytes.fill(0);
  return bufferOf(wrapped);
};

function jwkFrom(bytes) {
  let value;
  try {
    value = parse(apply(decode, new (use("encoding").TextDecoder)("utf-8", { fatal: true }), [bytes]));
  } catch {
    fail("DataError", "What was unwrapped is not a JSON Web Key");
  }
  const jwk = use("crypto_jwk").toJwk(value);
  if (jwk.kty === undefined) fail("DataError", "What was unwrapped is a JSON Web Key without 'kty'");
  return jwk;
}

exports.unwrapKey = async ({ format, wrapped }, unwrappingKey, algorithm, keyAlgorithm, extractable, usages) => {
  const [operation, own] = normalizeFor("unwrapKey", "decrypt", algorithm);
  const keyOwn = normalize("importKey", keyAlgorithm);
  checkKey(unwrappingKey, own, "unwrapKey");
  const bytes = await familyOf(own.name)[operation](own, unwrappingKey, wrapped);
  const key = importWith(keyOwn, format, format === "jwk" ? jwkFrom(bytes) : bytes, extractable, usages);
  bytes.fill(0);
  return key;
};

// ---- derivation ----

exports.deriveBits = async (algorithm, key, length) => {
  const own = normalize("deriveBits", algorithm);
  checkKey(key, own, "deriveBits");
  return bufferOf(await familyOf(own.name).deriveBits(own, key, length));
};

exports.deriveKey = async (algorithm, key, keyType, extractable, usages) => {
  const own = normalize("deriveBits", algorithm);
  const keyOwn = normalize("importKey", keyType);
  const lengthOwn = normalize("getKeyLength", keyType);
  checkKey(key, own, "deriveKey");
  const length = familyOf(lengthOwn.name).getKeyLength(lengthOwn);
  const secret = await familyOf(own.name).deriveBits(own, key, length);
  const derived = importWith(keyOwn, "raw", secret, extractable, usages);
  secret.fill(0);
  return derived;
};
