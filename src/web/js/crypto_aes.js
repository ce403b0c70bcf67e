// AES-CBC, AES-CTR, AES-GCM and AES-KW (Web Cryptography API 27 to 30).

const { fail, orFail, run, runAnywhere } = use("crypto_call");
const { checkUsages, keyFrom, needUsage, normalUsages } = use("crypto_key");

const BLOCK = 16;
const SIZES = [128, 192, 256];
const TAG_SIZES = [32, 64, 96, 104, 112, 120, 128];
const GCM_IV_BYTES_MAX = 128; // OpenSSL's
const FAILED = "The operation failed: the data or the key is not the right one";

function block(bytes, what) {
  if (bytes.length !== BLOCK) fail("OperationError", `${what} has ${bytes.length} bytes, and not ${BLOCK}`);
  return bytes;
}

// The parameters of a call, checked.
const CALLS = {
  "AES-CBC": ({ iv }) => ({ first: block(iv, "algorithm.iv") }),
  "AES-CTR": ({ counter, length }) => {
    block(counter, "algorithm.counter");
    if (length < 1 || length > 128) fail("OperationError", "algorithm.length is not from 1 to 128");
    return { first: counter, number: length };
  },
  "AES-GCM": ({ iv, additionalData, tagLength = 128 }) => {
    if (!TAG_SIZES.includes(tagLength)) fail("OperationError", `algorithm.tagLength is not one of ${TAG_SIZES.join(", ")}`);
    if (iv.length < 1 || iv.length > GCM_IV_BYTES_MAX)
      fail("OperationError", `algorithm.iv has ${iv.length} bytes, and not 1 to ${GCM_IV_BYTES_MAX}`);
    return { first: iv, second: additionalData, number: tagLength };
  },
};
const NAMES = { "AES-CBC": ["CBC_ENCRYPT", "CBC_DECRYPT"], "AES-CTR": ["CTR", "CTR"], "AES-GCM": ["GCM_ENCRYPT", "GCM_DECRYPT"] };

async function crypt(own, key, data, decrypts) {
  const call = { ...CALLS[own.name](own), key: key.handle, data };
  return orFail(await runAnywhere(NAMES[own.name][decrypts], call), FAILED);
}

exports.encrypt = (own, key, data) => crypt(own, key, data, 0);
exports.decrypt = (own, key, data) => crypt(own, key, data, 1);

exports.wrapKey = async (own, key, data) =>
  orFail(await runAnywhere("KW_WRAP", { key: key.handle, data }), "AES-KW wraps 16 bytes or more, in multiples of 8");
exports.unwrapKey = async (own, key, data) =>
  orFail(await runAnywhere("KW_UNWRAP", { key: key.handle, data }), FAILED);

const usagesFor = (name) => (name === "AES-KW" ? [] : ["encrypt", "decrypt"]).concat("wrapKey", "unwrapKey");

exports.getKeyLength = ({ length }) =>
  SIZES.includes(length) ? length : fail("OperationError", `algorithm.length is not one of ${SIZES.join(", ")}`);

exports.generateKey = (own, extractable, usages) => {
  const { name } = own;
  checkUsages(usages, usagesFor(name), name);
  const length = exports.getKeyLength(own);
  needUsage(usages);
  const handle = orFail(run("GENERATE_SECRET", { length: length / 8 }), "No key could be made");
  return keyFrom(handle, "secret", extractable, { name, length }, normalUsages(usages));
};

function bytesFrom(name, format, data, want) {
  if (format === "raw") return data;
  if (format !== "jwk") fail("NotSupportedError", `A key for ${name} has no format ${format}`);
  const jwk = use("crypto_jwk");
  jwk.check(data, { kty: "oct", use: "enc", ...want });
  return jwk.bytesOf(data, "k");
}

const algOf = (name, length) => `A${length}${name.slice(4)}`;

exports.importKey = ({ name }, format, data, want) => {
  checkUsages(want.usages, usagesFor(name), name);
  const bytes = bytesFrom(name, format, data, want);
  const length = bytes.length * 8;
  if (!SIZES.includes(length)) fail("DataError", `A key for ${name} has ${SIZES.join(", ")} bits, and not ${length}`);
  if (format === "jwk" && data.alg !== undefined && data.alg !== algOf(name, length))
    fail("DataError", `'alg' of the JSON Web Key is not '${algOf(name, length)}'`);
  return { handle: run("IMPORT_SECRET", { data: bytes }), type: "secret", algorithm: { name, length } };
};

exports.exportKey = (format, key) => {
  const { name, length } = key.algorithm;
  if (format !== "raw" && format !== "jwk") fail("NotSupportedError", `A key for ${name} has no format ${format}`);
  const bytes = orFail(run("EXPORT_SECRET", { key: key.handle }), "The key cannot be read");
  if (format === "raw") return bytes;
  const jwk = use("crypto_jwk");
  return jwk.fromKey({ kty: "oct", k: jwk.textOf(bytes), alg: algOf(name, length) }, key);
};
