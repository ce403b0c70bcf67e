// SHA-1 and SHA-2 (Web Cryptography API 31), and MD5, which Workers take for digests only. A worker
// that only makes digests loads nothing else of crypto.subtle, so they are normalized here.

const { op_crypto_digest } = ops;
const { fail, isLarge, isObject, runAnywhere } = use("crypto_call");

const HASHES = ["SHA-1", "SHA-256", "SHA-384", "SHA-512", "MD5"];
const SHA = HASHES.slice(0, 4);
const { apply } = Reflect;
const { toUpperCase } = String.prototype;

function nameOf(algorithm) {
  if (!isObject(algorithm)) return `${algorithm}`;
  const { name } = algorithm;
  if (name === undefined) throw new TypeError("The algorithm has no name");
  return `${name}`;
}

// An AlgorithmIdentifier's standard name, among `allowed`. A name is read twice, as the standard does.
function normalize(algorithm, allowed) {
  const given = nameOf(algorithm);
  const name = apply(toUpperCase, given, []);
  if (!allowed.includes(name)) fail("NotSupportedError", `'${given}' is not an algorithm for digest`);
  nameOf(algorithm);
  return name;
}

exports.normalizeHash = (algorithm) => ({ __proto__: null, name: normalize(algorithm, SHA) });

// The number of a digest for crypto_call.h, and the bits of a block, as long as HMAC wants its key.
exports.hashOf = (name) => HASHES.indexOf(name);
exports.blockBits = (name) => (name === "SHA-384" || name === "SHA-512" ? 1024 : 512);

// The number for an AlgorithmIdentifier.
exports.numberOf = (algorithm) => exports.hashOf(normalize(algorithm, HASHES));

// An ArrayBuffer, or a promise of one.
exports.digest = (number, data) => (isLarge(data) ? digestLater(number, data) : op_crypto_digest(number, data).buffer);

async function digestLater(hash, data) {
  return (await runAnywhere("DIGEST", { hash, data })).buffer;
}
