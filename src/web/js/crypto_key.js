// CryptoKey (Web Cryptography API 13). A key's slots are { handle, type, extractable, algorithm,
// usages }: `handle` is the native key, `algorithm` and `usages` are never given out themselves.

const { finish } = use("webidl");
const { fail } = use("crypto_call");

const INTERNAL = Symbol("internal");
const USAGES = ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"];

// A copy of a KeyAlgorithm for a worker to look at.
function copyOf({ ...algorithm }) {
  if (algorithm.hash !== undefined) algorithm.hash = { name: algorithm.hash.name };
  if (algorithm.publicExponent !== undefined) algorithm.publicExponent = new Uint8Array(algorithm.publicExponent);
  return algorithm;
}

let slotsOf, isKey;

class CryptoKey {
  #slots;
  #algorithm;
  #usages;
  constructor(token = undefined, slots = undefined) {
    if (token !== INTERNAL) throw new TypeError("CryptoKey cannot be constructed: use crypto.subtle");
    this.#slots = slots;
  }
  get type() {
    return this.#slots.type;
  }
  get extractable() {
    return this.#slots.extractable;
  }
  get algorithm() {
    return (this.#algorithm ??= copyOf(this.#slots.algorithm));
  }
  get usages() {
    return (this.#usages ??= [...this.#slots.usages]);
  }
  static {
    isKey = (value) => typeof value === "object" && value !== null && #slots in value;
    slotsOf = (value, where) => {
      if (!isKey(value)) throw new TypeError(`${where} is not a CryptoKey`);
      return value.#slots;
    };
  }
}

finish(CryptoKey, "CryptoKey");
exports.CryptoKey = CryptoKey;
exports.isKey = isKey;

// The slots of a CryptoKey; throws a TypeError for anything else.
exports.slotsOf = slotsOf;

exports.keyFrom = (handle, type, extractable, algorithm, usages) =>
  new CryptoKey(INTERNAL, { handle, type, extractable, algorithm, usages });

// For structured_clone.js: another object for the same key.
exports.cloneSerializable = (value) => (isKey(value) ? new CryptoKey(INTERNAL, slotsOf(value)) : undefined);

exports.isUsage = (word) => USAGES.includes(word);

// ---- usages ----

// Refuses usages that are not for this kind of key.
exports.checkUsages = (usages, allowed, what) => {
  for (const usage of usages)
    if (!allowed.includes(usage)) fail("SyntaxError", `The usage '${usage}' is not for ${what}`);
};

// Secret and private keys have a usage.
exports.needUsage = (usages) => {
  if (usages.length === 0) fail("SyntaxError", "A secret or private key needs a usage");
};

// Those of `usages` that are in `allowed`, each once, in the standard's order.
exports.only = (usages, allowed) => USAGES.filter((usage) => usages.includes(usage) && allowed.includes(usage));
exports.normalUsages = (usages) => exports.only(usages, USAGES);

// A pair: the usages of each half are those of the pair that it is for.
exports.pairFrom = (handles, { extractable, algorithm, usages, forPublic, forPrivate }) => ({
  publicKey: exports.keyFrom(handles[1], "public", true, algorithm, exports.only(usages, forPublic)),
  privateKey: exports.keyFrom(handles[0], "private", extractable, algorithm, exports.only(usages, forPrivate)),
});
