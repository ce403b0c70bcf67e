// HKDF and PBKDF2 (Web Cryptography API 33 and 34): keys that only others are derived from.

const { fail, orFail, run, runAnywhere } = use("crypto_call");
const { checkUsages } = use("crypto_key");
const { hashOf } = use("crypto_digest");

const ROUNDS_MAX = 10000000; // CRYPTO_PBKDF2_ROUNDS_MAX
const BYTES_MAX = 1 << 20;   // CRYPTO_PBKDF2_BYTES_MAX
const ROUNDS_NOW_MAX = 200;  // about 0.1 ms
const HASH_BYTES = { "SHA-1": 20, "SHA-256": 32, "SHA-384": 48, "SHA-512": 64 };
const { ceil, floor } = Math;

exports.getKeyLength = () => null;

exports.deriveBits = async (own, key, bits) => {
  if (bits === null || bits % 8 > 0) fail("OperationError", `${own.name} gives whole bytes: the length is not a multiple of 8`);
  return own.name === "HKDF" ? hkdf(own, key, bits / 8) : pbkdf2(own, key, bits / 8);
};

async function hkdf({ hash, salt, info }, key, length) {
  const most = 255 * HASH_BYTES[hash.name];
  if (length > most) fail("OperationError", `HKDF with ${hash.name} gives at most ${most * 8} bits`);
  return orFail(
    await runAnywhere("HKDF", { hash: hashOf(hash.name), key: key.handle, length, first: salt, second: info }),
    "HKDF failed: algorithm.info is too long",
  );
}

async function pbkdf2({ hash, salt, iterations }, key, length) {
  if (iterations === 0) fail("OperationError", "algorithm.iterations is 0");
  if (length > BYTES_MAX) fail("OperationError", `PBKDF2 gives at most ${BYTES_MAX * 8} bits`);
  const rounds = (iterations + floor(salt.length / 64)) * ceil(length / HASH_BYTES[hash.name]);
  if (rounds > ROUNDS_MAX)
    fail("OperationError", `PBKDF2 would take ${rounds} rounds (iterations and 64 bytes of salt, for each ` +
      `${HASH_BYTES[hash.name]} bytes of the outcome); at most ${ROUNDS_MAX} are allowed`);
  const call = { hash: hashOf(hash.name), key: key.handle, number: iterations, length, first: salt };
  return orFail(await runAnywhere("PBKDF2", call, rounds > ROUNDS_NOW_MAX), "PBKDF2 failed");
}

exports.importKey = ({ name }, format, data, { extractable, usages }) => {
  if (format !== "raw") fail("NotSupportedError", `A key for ${name} has no format ${format}`);
  checkUsages(usages, ["deriveKey", "deriveBits"], name);
  if (extractable) fail("SyntaxError", `A key for ${name} cannot be extractable`);
  return { handle: run("IMPORT_SECRET", { data }), type: "secret", algorithm: { name } };
};
