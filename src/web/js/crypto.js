// Crypto (Web Cryptography API 10), and DigestStream where Workers have it. SubtleCrypto and what is
// below it is loaded when somebody asks for it.

const { op_crypto_random, op_crypto_uuid } = ops;
const { finish, getter, need, typedArrayPrototype } = use("webidl");

const INTERNAL = Symbol("internal");
const RANDOM_BYTES_MAX = 65536;
const INTEGER_ARRAYS = new Set([
  "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
  "BigInt64Array", "BigUint64Array",
]);
const typedArrayTag = getter(typedArrayPrototype, Symbol.toStringTag);
const byteLength = getter(typedArrayPrototype, "byteLength");

class Crypto {
  #brand;
  constructor(token = undefined) {
    if (token !== INTERNAL) throw new TypeError("Crypto cannot be constructed: use the object that is there");
  }

  get subtle() {
    this.#brand;
    return use("crypto_subtle").subtle;
  }

  get DigestStream() {
    this.#brand;
    return use("crypto_digest_stream").DigestStream;
  }

  getRandomValues(array) {
    this.#brand;
    need(arguments.length, 1, "Crypto.getRandomValues");
    if (!ArrayBuffer.isView(array))
      throw new TypeError("Crypto.getRandomValues: the argument is not a view of a buffer");
    if (!INTEGER_ARRAYS.has(Reflect.apply(typedArrayTag, array, [])))
      throw new (use("dom_exception").DOMException)(
        "Crypto.getRandomValues: only arrays of integers can be filled",
        "TypeMismatchError",
      );
    const length = Reflect.apply(byteLength, array, []);
    if (length > RANDOM_BYTES_MAX)
      throw new (use("dom_exception").QuotaExceededError)(
        `Crypto.getRandomValues: ${length} bytes are more than the ${RANDOM_BYTES_MAX} of one call`,
      );
    op_crypto_random(array);
    return array;
  }

  randomUUID() {
    this.#brand;
    return op_crypto_uuid();
  }
}

finish(Crypto, "Crypto");

exports.Crypto = Crypto;
exports.crypto = new Crypto(INTERNAL);
