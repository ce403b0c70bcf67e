// JsonWebKey (Web Cryptography API 15): the dictionary, the checks that all kinds of keys share, and
// base64url without padding (RFC 7515).

const { fail } = use("crypto_call");
const { apply } = Reflect;
const { test } = RegExp.prototype;
const { fromBase64 } = Uint8Array;
const { toBase64 } = Uint8Array.prototype;

const string = (value) => `${value}`;

function sequence(value, convert, member) {
  if (typeof value !== "object" && typeof value !== "function")
    throw new TypeError(`JsonWebKey.${member} is not a sequence`);
  const list = [];
  for (const item of value) list.push(convert(item));
  return list;
}

const strings = (value) => sequence(value, string, "key_ops");
const primes = (value) => sequence(value, (item) => item, "oth");

// In the order in which WebIDL reads them.
const MEMBERS = Object.entries({
  alg: string, crv: string, d: string, dp: string, dq: string, e: string, ext: Boolean, k: string, key_ops: strings,
  kty: string, n: string, oth: primes, p: string, q: string, qi: string, use: string, x: string, y: string,
});

exports.toJwk = (value) => {
  if (value !== undefined && value !== null && typeof value !== "object" && typeof value !== "function")
    throw new TypeError("The key data is neither bytes nor a JsonWebKey");
  const jwk = { __proto__: null };
  for (const [member, convert] of MEMBERS) {
    const given = value?.[member];
    if (given !== undefined) jwk[member] = convert(given);
  }
  return jwk;
};

const ALPHABET = /^[A-Za-z0-9_-]*$/;
const URL_SAFE = { alphabet: "base64url", lastChunkHandling: "loose" };
const UNPADDED = { alphabet: "base64url", omitPadding: true };

// The bytes of a member, which must be there.
exports.bytesOf = (jwk, member) => {
  const text = jwk[member];
  if (text === undefined) fail("DataError", `The JSON Web Key has no '${member}'`);
  try {
    if (apply(test, ALPHABET, [text])) return apply(fromBase64, Uint8Array, [text, URL_SAFE]);
  } catch {}
  return fail("DataError", `'${member}' of the JSON Web Key is not base64url`);
};

exports.textOf = (bytes) => apply(toBase64, bytes, [UNPADDED]);

// What every import checks: wanted is { kty, use, usages, extractable }.
exports.check = (jwk, { kty, use: purpose, usages, extractable }) => {
  if (jwk.kty !== kty) fail("DataError", `'kty' of the JSON Web Key is not '${kty}'`);
  if (usages.length > 0 && jwk.use !== undefined && jwk.use !== purpose)
    fail("DataError", `'use' of the JSON Web Key is not '${purpose}'`);
  if (jwk.key_ops !== undefined) checkOperations(jwk.key_ops, usages);
  if (jwk.ext === false && extractable) fail("DataError", "The JSON Web Key is not extractable");
};

function checkOperations(operations, usages) {
  if (new Set(operations).size !== operations.length)
    fail("DataError", "'key_ops' of the JSON Web Key names an operation twice");
  for (const usage of usages)
    if (!operations.includes(usage)) fail("DataError", `'key_ops' of the JSON Web Key is without '${usage}'`);
}

// A JsonWebKey to give out: the members, then key_ops and ext of the key.
exports.fromKey = (members, slots) => ({ ...members, key_ops: [...slots.usages], ext: slots.extractable });
