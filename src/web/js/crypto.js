// Crypto and the part of SubtleCrypto that exists (Web Cryptography API).

const { op_crypto_random, op_crypto_uuid, op_crypto_digest, op_crypto_digest_later } = ops;
const { finish, getter, need, typedArrayPrototype } = use("webidl");

const INTERNAL = Symbol("internal");
const RANDOM_BYTES_MAX = 65536;
const DIGEST_NOW_BYTES_MAX = 65536; // hashed in about 0.1 ms; more goes to another thread
const DIGESTS = ["SHA-1", "SHA-256", "SHA-384", "SHA-512"];
const INTEGER_ARRAYS = new Set([
  "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
  "BigInt64Array", "BigUint64Array",
]);
const typedArrayTag = getter(typedArrayPrototype, Symbol.toStringTag);

const exception = (message, name) => new (use("dom_exception").DOMException)(message, name);

function onlyInside(token, name) {
  if (token !== INTERNAL) throw new TypeError(`${name} cannot be constructed: use the object that is there`);
}

// The number of a digest for an AlgorithmIdentifier.
function digestOf(algorithm) {
  if (typeof algorithm === "object" && algorithm !== null) {
    algorithm = algorithm.name;
    if (algorithm === undefined) throw new TypeError("SubtleCrypto.digest: the algorithm has no name");
  }
  const number = DIGESTS.indexOf(`${algorithm}`.toUpperCase());
  if (number < 0) throw exception(`SubtleCrypto.digest: '${algorithm}' is not supported`, "NotSupportedError");
  return number;
}

class SubtleCrypto {
  #brand;
  constructor(token) {
    onlyInside(token, "SubtleCrypto");
  }

  async digest(algorithm, data) {
    this.#brand;
    need(arguments.length, 2, "SubtleCrypto.digest");
    const bytes = use("encoding").bytesOf(data);
    if (bytes === undefined)
      throw new TypeError("SubtleCrypto.digest: the data is not an ArrayBuffer or a view of one");
    const number = digestOf(algorithm);
    if (bytes.length <= DIGEST_NOW_BYTES_MAX) return op_crypto_digest(number, bytes).buffer;
    return (await use("core").completion((id) => op_crypto_digest_later(id, number, bytes))).buffer;
  }
}

finish(SubtleCrypto, "SubtleCrypto");

class Crypto {
  #subtle = new SubtleCrypto(INTERNAL);
  constructor(token) {
    onlyInside(token, "Crypto");
  }

  get subtle() {
    return this.#subtle;
  }

  getRandomValues(array) {
    this.#subtle;
    need(arguments.length, 1, "Crypto.getRandomValues");
    if (!ArrayBuffer.isView(array))
      throw new TypeError("Crypto.getRandomValues: the argument is not a view of a buffer");
    if (!INTEGER_ARRAYS.has(Reflect.apply(typedArrayTag, array, [])))
      throw exception("Crypto.getRandomValues: only arrays of integers can be filled", "TypeMismatchError");
    if (array.byteLength > RANDOM_BYTES_MAX)
      throw new (use("dom_exception").QuotaExceededError)(
        `Crypto.getRandomValues: ${array.byteLength} bytes are more than the ${RANDOM_BYTES_MAX} of one call`,
        { quota: RANDOM_BYTES_MAX, requested: array.byteLength },
      );
    op_crypto_random(use("encoding").bytesOf(array));
    return array;
  }

  randomUUID() {
    this.#subtle;
    return op_crypto_uuid();
  }
}

finish(Crypto, "Crypto");

exports.Crypto = Crypto;
exports.SubtleCrypto = SubtleCrypto;
exports.crypto = new Crypto(INTERNAL);
