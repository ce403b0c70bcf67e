// SubtleCrypto (Web Cryptography API 14): arguments as WebIDL converts them; what is done with them
// is in crypto_operations.js, crypto_digest.js and one file for each family of algorithms.

const { op_crypto_equal } = ops;
const { finish, need } = use("webidl");
const { isObject } = use("crypto_call");

const INTERNAL = Symbol("internal");
const FORMATS = ["raw", "spki", "pkcs8", "jwk"];

const operations = () => use("crypto_operations");
const identifier = (value) => (isObject(value) ? value : `${value}`);
const keyOf = (value, where) => use("crypto_key").slotsOf(value, where);

function bytesOf(value, where) {
  const bytes = use("encoding").bytesOf(value);
  if (bytes === undefined) throw new TypeError(`${where} is not an ArrayBuffer or a view of one`);
  return bytes;
}

function formatOf(value, where) {
  const format = `${value}`;
  if (!FORMATS.includes(format)) throw new TypeError(`${where}: '${format}' is not one of ${FORMATS.join(", ")}`);
  return format;
}

function usagesOf(value, where) {
  if (!isObject(value)) throw new TypeError(`${where}: the usages are not a sequence`);
  const usages = [];
  for (const item of value) {
    const usage = `${item}`;
    if (!use("crypto_key").isUsage(usage)) throw new TypeError(`${where}: '${usage}' is not a usage`);
    usages.push(usage);
  }
  return usages;
}

// Key data: bytes, or a JsonWebKey converted.
const keyDataOf = (value) => use("encoding").bytesOf(value) ?? use("crypto_jwk").toJwk(value);

function lengthOf(value) {
  return value === undefined || value === null ? null : Number(value) >>> 0;
}

class SubtleCrypto {
  #brand;
  constructor(token = undefined) {
    if (token !== INTERNAL) throw new TypeError("SubtleCrypto cannot be constructed: use crypto.subtle");
  }

  async encrypt(algorithm, key, data) {
    this.#brand;
    const where = "SubtleCrypto.encrypt";
    need(arguments.length, 3, where);
    return operations().crypt("encrypt", identifier(algorithm), keyOf(key, where + ": key"), bytesOf(data, where + ": data"));
  }

  async decrypt(algorithm, key, data) {
    this.#brand;
    const where = "SubtleCrypto.decrypt";
    need(arguments.length, 3, where);
    return operations().crypt("decrypt", identifier(algorithm), keyOf(key, where + ": key"), bytesOf(data, where + ": data"));
  }

  async sign(algorithm, key, data) {
    this.#brand;
    const where = "SubtleCrypto.sign";
    need(arguments.length, 3, where);
    return operations().sign(identifier(algorithm), keyOf(key, where + ": key"), bytesOf(data, where + ": data"));
  }

  async verify(algorithm, key, signature, data) {
    this.#brand;
    const where = "SubtleCrypto.verify";
    need(arguments.length, 4, where);
    return operations().verify(
      identifier(algorithm), keyOf(key, where + ": key"), bytesOf(signature, where + ": signature"),
      bytesOf(data, where + ": data"),
    );
  }

  async digest(algorithm, data) {
    this.#brand;
    need(arguments.length, 2, "SubtleCrypto.digest");
    algorithm = identifier(algorithm);
    const bytes = bytesOf(data, "SubtleCrypto.digest: data");
    const { digest, numberOf } = use("crypto_digest");
    return digest(numberOf(algorithm), bytes);
  }

  async generateKey(algorithm, extractable, keyUsages) {
    this.#brand;
    const where = "SubtleCrypto.generateKey";
    need(arguments.length, 3, where);
    return operations().generateKey(identifier(algorithm), Boolean(extractable), usagesOf(keyUsages, where));
  }

  async deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages) {
    this.#brand;
    const where = "SubtleCrypto.deriveKey";
    need(arguments.length, 5, where);
    return operations().deriveKey(
      identifier(algorithm), keyOf(baseKey, where + ": baseKey"), identifier(derivedKeyType), Boolean(extractable),
      usagesOf(keyUsages, where),
    );
  }

  async deriveBits(algorithm, baseKey, length = null) {
    this.#brand;
    const where = "SubtleCrypto.deriveBits";
    need(arguments.length, 2, where);
    return operations().deriveBits(identifier(algorithm), keyOf(baseKey, where + ": baseKey"), lengthOf(length));
  }

  async importKey(format, keyData, algorithm, extractable, keyUsages) {
    this.#brand;
    const where = "SubtleCrypto.importKey";
    need(arguments.length, 5, where);
    return operations().importKey(
      formatOf(format, where), keyDataOf(keyData), identifier(algorithm), Boolean(extractable), usagesOf(keyUsages, where),
    );
  }

  async exportKey(format, key) {
    this.#brand;
    const where = "SubtleCrypto.exportKey";
    need(arguments.length, 2, where);
    return operations().exportKey(formatOf(format, where), keyOf(key, where + ": key"));
  }

  async wrapKey(format, key, wrappingKey, wrapAlgorithm) {
    this.#brand;
    const where = "SubtleCrypto.wrapKey";
    need(arguments.length, 4, where);
    return operations().wrapKey(
      formatOf(format, where), keyOf(key, where + ": key"), keyOf(wrappingKey, where + ": wrappingKey"),
      identifier(wrapAlgorithm),
    );
  }

  async unwrapKey(format, wrappedKey, unwrappingKey, unwrapAlgorithm, unwrappedKeyAlgorithm, extractable, keyUsages) {
    this.#brand;
    const where = "SubtleCrypto.unwrapKey";
    need(arguments.length, 7, where);
    return operations().unwrapKey(
      { format: formatOf(format, where), wrapped: bytesOf(wrappedKey, where + ": wrappedKey") },
      keyOf(unwrappingKey, where + ": unwrappingKey"), identifier(unwrapAlgorithm), identifier(unwrappedKeyAlgorithm),
      Boolean(extractable), usagesOf(keyUsages, where),
    );
  }

  // As on Workers: not in the standard.
  timingSafeEqual(a, b) {
    this.#brand;
    const where = "SubtleCrypto.timingSafeEqual";
    need(arguments.length, 2, where);
    const first = bytesOf(a, where + ": a");
    const second = bytesOf(b, where + ": b");
    if (first.length !== second.length) throw new TypeError(`${where}: the two differ in length`);
    return op_crypto_equal(first, second);
  }
}

finish(SubtleCrypto, "SubtleCrypto");

exports.SubtleCrypto = SubtleCrypto;
exports.subtle = new SubtleCrypto(INTERNAL);
