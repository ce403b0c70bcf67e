// ECDSA and ECDH over P-256, P-384 and P-521 (Web Cryptography API 23 and 24).

const { fail, orFail, runAnywhere } = use("crypto_call");
const { agree, checkType, fromBytes, fromJwk, generate, halves, toBytes } = use("crypto_curve");
const { hashOf } = use("crypto_digest");

const COORDINATE_BYTES = { __proto__: null, "P-256": 32, "P-384": 48, "P-521": 66 };
const ALGS = { __proto__: null, "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" };

function kindOf({ name, namedCurve }) {
  if (COORDINATE_BYTES[namedCurve] === undefined) fail("NotSupportedError", `'${namedCurve}' is not a supported curve`);
  const signs = name === "ECDSA";
  return {
    name, curve: namedCurve, kty: "EC", purpose: signs ? "sig" : "enc", algorithm: { name, namedCurve },
    forPublic: signs ? ["verify"] : [], forPrivate: signs ? ["sign"] : ["deriveKey", "deriveBits"],
  };
}

const callOf = ({ hash }, key, data, first) => ({ hash: hashOf(hash.name), key: key.handle, data, first });

exports.sign = async (own, key, data) => {
  checkType(key, "private");
  return orFail(await runAnywhere("ECDSA_SIGN", callOf(own, key, data)), "The data cannot be signed");
};

exports.verify = async (own, key, signature, data) => {
  checkType(key, "public");
  const outcome = runAnywhere("ECDSA_VERIFY", callOf(own, key, data, signature));
  return orFail(await outcome, "The signature cannot be checked");
};

exports.deriveBits = agree;

exports.generateKey = (own, extractable, usages) => generate(kindOf(own), extractable, usages);

// An uncompressed point (SEC 1).
function pointOf(jwk) {
  const { bytesOf } = use("crypto_jwk");
  const size = COORDINATE_BYTES[jwk.crv];
  const x = bytesOf(jwk, "x"), y = bytesOf(jwk, "y");
  if (x.length !== size || y.length !== size) fail("DataError", `A coordinate of ${jwk.crv} has ${size} bytes`);
  const point = new Uint8Array(1 + 2 * size);
  point[0] = 4;
  point.set(x, 1);
  point.set(y, 1 + size);
  return point;
}

exports.importKey = (own, format, data, want) => {
  const kind = kindOf(own);
  if (format !== "jwk") return fromBytes(kind, format, data, want.usages);
  return fromJwk(kind, data, want, {
    publicOf: pointOf,
    checkAlg({ alg }) {
      if (own.name === "ECDSA" && alg !== undefined && alg !== ALGS[kind.curve])
        fail("DataError", `'alg' of the JSON Web Key is not '${ALGS[kind.curve]}'`);
    },
  });
};

exports.exportKey = (format, key) => {
  if (format !== "jwk") return toBytes(format, key);
  const { fromKey, textOf } = use("crypto_jwk");
  const { namedCurve } = key.algorithm;
  const { point, d } = halves(key);
  const size = COORDINATE_BYTES[namedCurve];
  const x = textOf(point.slice(1, 1 + size)), y = textOf(point.slice(1 + size));
  return fromKey({ kty: "EC", crv: namedCurve, x, y, ...d }, key);
};
