// Normalizing an algorithm (Web Cryptography API 18.4): which algorithms an operation knows, which
// parameters they take, and the file that does it.

const { fail, isObject } = use("crypto_call");
const { normalizeHash } = use("crypto_digest");
const { getter } = use("webidl");

const { apply } = Reflect;
const { floor, abs } = Math;
const { slice } = Uint8Array.prototype;
const { toUpperCase } = String.prototype;

// ---- kinds of parameters: (value, name of the member) -> converted (WebIDL) ----

const integer = (bits) => (value, name) => {
  const number = Number(value);
  const whole = number < 0 ? -floor(abs(number)) : floor(number);
  if (!(whole >= 0 && whole <= 2 ** bits - 1))
    throw new TypeError(`algorithm.${name} is not a whole number from 0 to ${2 ** bits - 1}`);
  return whole + 0;
};
const octet = integer(8), short = integer(16), long = integer(32);
const string = (value) => `${value}`;
const identifier = (value) => (isObject(value) ? value : `${value}`);
const hash = (value) => identifier(value);

const buffer = (value, name) => {
  const bytes = use("encoding").bytesOf(value);
  if (bytes === undefined) throw new TypeError(`algorithm.${name} is not an ArrayBuffer or a view of one`);
  return bytes;
};
const typedArrayTag = getter(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);
const bigInteger = (value, name) => {
  if (!ArrayBuffer.isView(value) || apply(typedArrayTag, value, []) !== "Uint8Array")
    throw new TypeError(`algorithm.${name} is not a Uint8Array`);
  return value;
};
const key = (value, name) => {
  use("crypto_key").slotsOf(value, `algorithm.${name}`);
  return value;
};

// ---- dictionaries: [member, conversion, required] in the order in which WebIDL reads them ----

const NONE = [];
const HASHED = [["hash", hash, true]];
const HASHED_LENGTH = [["hash", hash, true], ["length", long, false]];
const CURVE = [["namedCurve", string, true]];
const AES_LENGTH = [["length", short, true]];
const RSA_GENERATE = [["modulusLength", long, true], ["publicExponent", bigInteger, true], ["hash", hash, true]];
const RSA_OAEP = [["label", buffer, false]];
const RSA_PSS = [["saltLength", long, true]];
const AES_CBC = [["iv", buffer, true]];
const AES_CTR = [["counter", buffer, true], ["length", octet, true]];
const AES_GCM = [["additionalData", buffer, false], ["iv", buffer, true], ["tagLength", octet, false]];
const PEER = [["public", key, true]];
const HKDF = [["hash", hash, true], ["info", buffer, true], ["salt", buffer, true]];
const PBKDF2 = [["hash", hash, true], ["iterations", long, true], ["salt", buffer, true]];

// ---- the registry: algorithm -> { file, operation -> dictionary } ----

const sign = { sign: NONE, verify: NONE };
const crypt = (parameters) => ({ encrypt: parameters, decrypt: parameters });
const aes = (parameters) => ({
  file: "crypto_aes", ...crypt(parameters), generateKey: AES_LENGTH, importKey: NONE, exportKey: NONE, getKeyLength: AES_LENGTH,
});
const rsa = (operations) => ({
  file: "crypto_rsa", ...operations, generateKey: RSA_GENERATE, importKey: HASHED, exportKey: NONE,
});
const ec = (operations) => ({ file: "crypto_ec", ...operations, generateKey: CURVE, importKey: CURVE, exportKey: NONE });
const okp = (operations) => ({ file: "crypto_okp", ...operations, generateKey: NONE, importKey: NONE, exportKey: NONE });
const derived = (parameters) => ({ file: "crypto_kdf", deriveBits: parameters, importKey: NONE, getKeyLength: NONE });

const ALGORITHMS = {
  __proto__: null,
  HMAC: {
    file: "crypto_hmac", ...sign, generateKey: HASHED_LENGTH, importKey: HASHED_LENGTH, exportKey: NONE,
    getKeyLength: HASHED_LENGTH,
  },
  "AES-CBC": aes(AES_CBC), "AES-CTR": aes(AES_CTR), "AES-GCM": aes(AES_GCM),
  "AES-KW": {
    file: "crypto_aes", wrapKey: NONE, unwrapKey: NONE, generateKey: AES_LENGTH, importKey: NONE, exportKey: NONE,
    getKeyLength: AES_LENGTH,
  },
  "RSA-OAEP": rsa(crypt(RSA_OAEP)), "RSA-PSS": rsa({ sign: RSA_PSS, verify: RSA_PSS }), "RSASSA-PKCS1-v1_5": rsa(sign),
  ECDSA: ec({ sign: HASHED, verify: HASHED }), ECDH: ec({ deriveBits: PEER }),
  Ed25519: okp(sign), Ed448: okp(sign), X25519: okp({ deriveBits: PEER }), X448: okp({ deriveBits: PEER }),
  HKDF: derived(HKDF), PBKDF2: derived(PBKDF2),
};
const byUpperCase = { __proto__: null };
for (const name in ALGORITHMS) byUpperCase[apply(toUpperCase, name, [])] = name;
byUpperCase["NODE-ED25519"] = "Ed25519"; // what Workers called it before the standard had it

// ---- the procedure ----

function nameOf(algorithm) {
  const { name } = algorithm;
  if (name === undefined) throw new TypeError("The algorithm has no name");
  return `${name}`;
}

function convert(algorithm, parameters) {
  const own = { __proto__: null };
  nameOf(algorithm);
  for (const [member, conversion, required] of parameters) {
    const value = algorithm[member];
    if (value !== undefined) own[member] = conversion(value, member);
    else if (required) throw new TypeError(`algorithm.${member} is missing`);
  }
  for (const [member, conversion] of parameters) {
    if (own[member] === undefined) continue;
    if (conversion === hash) own[member] = normalizeHash(own[member]);
    else if (conversion === buffer || conversion === bigInteger) own[member] = apply(slice, own[member], []);
  }
  return own;
}

// The converted algorithm with its standard name; `algorithm` is an object or a string.
exports.normalize = (operation, algorithm) => {
  if (typeof algorithm === "string") algorithm = { name: algorithm };
  const given = nameOf(algorithm);
  const name = byUpperCase[apply(toUpperCase, given, [])];
  const parameters = name === undefined ? undefined : ALGORITHMS[name][operation];
  if (parameters === undefined) fail("NotSupportedError", `'${given}' is not an algorithm for ${operation}`);
  const own = convert(algorithm, parameters);
  own.name = name;
  return own;
};

// The file that does what algorithm `name` can.
exports.familyOf = (name) => use(ALGORITHMS[name].file);

exports.knows = (name, operation) => ALGORITHMS[name][operation] !== undefined;
