// Ed25519 and X25519 (Web Cryptography API 25 and 26), and Ed448 and X448 in the same way.

const { fail, orFail, runAnywhere } = use("crypto_call");
const { agree, checkType, fromBytes, fromJwk, generate, halves, toBytes } = use("crypto_curve");

function kindOf({ name }) {
  const signs = name.startsWith("Ed");
  return {
    name, curve: name, kty: "OKP", purpose: signs ? "sig" : "enc", algorithm: { name },
    forPublic: signs ? ["verify"] : [], forPrivate: signs ? ["sign"] : ["deriveKey", "deriveBits"],
  };
}

exports.sign = async (own, key, data) => {
  checkType(key, "private");
  return orFail(await runAnywhere("EDDSA_SIGN", { key: key.handle, data }), "The data cannot be signed");
};

exports.verify = async (own, key, signature, data) => {
  checkType(key, "public");
  const outcome = runAnywhere("EDDSA_VERIFY", { key: key.handle, data, first: signature });
  return orFail(await outcome, "The signature cannot be checked");
};

exports.deriveBits = agree;

exports.generateKey = (own, extractable, usages) => generate(kindOf(own), extractable, usages);

exports.importKey = (own, format, data, want) => {
  const kind = kindOf(own);
  if (format !== "jwk") return fromBytes(kind, format, data, want.usages);
  return fromJwk(kind, data, want, {
    publicOf: (jwk) => use("crypto_jwk").bytesOf(jwk, "x"),
    checkAlg({ alg }) {
      if (kind.purpose === "sig" && alg !== undefined && alg !== kind.name && alg !== "EdDSA")
        fail("DataError", `'alg' of the JSON Web Key is neither '${kind.name}' nor 'EdDSA'`);
    },
  });
};

exports.exportKey = (format, key) => {
  if (format !== "jwk") return toBytes(format, key);
  const { fromKey, textOf } = use("crypto_jwk");
  const { name } = key.algorithm;
  const { point, d } = halves(key);
  const alg = name.startsWith("Ed") ? { alg: name } : {};
  return fromKey({ kty: "OKP", crv: name, x: textOf(point), ...d, ...alg }, key);
};
