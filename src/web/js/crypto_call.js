// From JavaScript to op_crypto_run: names for its numbers, errors with the standard's names, and
// which calls are made on another thread.

const { op_crypto_run } = ops;
const { completion } = use("core");
const { getter, typedArrayPrototype } = use("webidl");

const { apply } = Reflect;
const length = getter(typedArrayPrototype, "length"); // a worker's array may have one of its own

// In the order of CRYPTO_MAP in web/crypto_call.h.
const OPERATIONS = [
  "DIGEST", "HMAC_SIGN", "HMAC_VERIFY", "PKCS1_SIGN", "PKCS1_VERIFY", "PSS_SIGN", "PSS_VERIFY", "ECDSA_SIGN",
  "ECDSA_VERIFY", "EDDSA_SIGN", "EDDSA_VERIFY", "GCM_ENCRYPT", "GCM_DECRYPT", "CBC_ENCRYPT", "CBC_DECRYPT", "CTR",
  "KW_WRAP", "KW_UNWRAP", "OAEP_ENCRYPT", "OAEP_DECRYPT", "HKDF", "PBKDF2", "AGREE", "GENERATE_SECRET",
  "GENERATE_RSA", "GENERATE_CURVE", "IMPORT_SECRET", "IMPORT_SPKI", "IMPORT_PKCS8", "IMPORT_CURVE", "IMPORT_RSA",
  "EXPORT_SECRET", "EXPORT_SPKI", "EXPORT_PKCS8", "EXPORT_PUBLIC", "EXPORT_PRIVATE", "EXPORT_RSA",
];
const numbers = { __proto__: null };
OPERATIONS.forEach((name, number) => (numbers[name] = number));

// In the order of enum crypto_kind.
const KINDS = ["P-256", "P-384", "P-521", "Ed25519", "X25519", "Ed448", "X448", "RSA"];
exports.kindOf = (name) => KINDS.indexOf(name);

exports.isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

// Data of this size is worked on for about 0.1 ms; more of it goes to another thread.
const NOW_BYTES_MAX = 65536;
const isLarge = (bytes) => bytes !== undefined && apply(length, bytes, []) > NOW_BYTES_MAX;
exports.isLarge = isLarge;

const starter = (name, call) => {
  const { hash = -1, number = 0, key, peer, data, first, second } = call;
  return (id) => op_crypto_run(id, numbers[name], hash, number, call.length ?? 0, key, peer, data, first, second);
};

// call: { hash, number, length, key, peer, data, first, second }, each as crypto_call.h asks for it.
// Returns the outcome, undefined when the operation failed.
exports.run = (name, call) => starter(name, call)(0);

// The same, or a promise of it: what is `slow` or has much to look at is done on another thread.
exports.runAnywhere = (name, call, slow = false) =>
  slow || isLarge(call.data) || isLarge(call.first) || isLarge(call.second)
    ? completion(starter(name, call))
    : starter(name, call)(0);

exports.fail = (name, message) => {
  throw new (use("dom_exception").DOMException)(message, name);
};

// The outcome when there is one; else the operation failed.
exports.orFail = (outcome, message, name = "OperationError") =>
  outcome === undefined ? exports.fail(name, message) : outcome;
