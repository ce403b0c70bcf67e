// What keys of all curves share: ECDSA and ECDH (crypto_ec.js), Ed25519, X25519, Ed448 and X448
// (crypto_okp.js). A kind is { name, curve, forPublic, forPrivate, algorithm, kty, purpose }.

const { fail, kindOf, orFail, run } = use("crypto_call");
const { checkUsages, needUsage, only, pairFrom } = use("crypto_key");

exports.checkType = (key, type) => {
  if (key.type !== type) fail("InvalidAccessError", `This takes a ${type} key, and the key is ${key.type}`);
};

exports.generate = (kind, extractable, usages) => {
  const { name, curve, forPublic, forPrivate, algorithm } = kind;
  checkUsages(usages, [...forPublic, ...forPrivate], name);
  needUsage(only(usages, forPrivate));
  const pair = orFail(run("GENERATE_CURVE", { number: kindOf(curve) }), "No key could be made");
  return pairFrom(pair, { extractable, algorithm, usages, forPublic, forPrivate });
};

// ---- import ----

const damaged = (curve) => `The key is damaged, or not one of ${curve}`;

function checkHalf(kind, isPrivate, usages) {
  const half = isPrivate ? "private" : "public";
  checkUsages(usages, isPrivate ? kind.forPrivate : kind.forPublic, `a ${half} key of ${kind.name}`);
  return half;
}

const DER = { spki: "IMPORT_SPKI", pkcs8: "IMPORT_PKCS8" };

exports.fromBytes = (kind, format, data, usages) => {
  const type = checkHalf(kind, format === "pkcs8", usages);
  const call = { data, number: kindOf(kind.curve) };
  const handle = orFail(run(DER[format] ?? "IMPORT_CURVE", call), damaged(kind.curve), "DataError");
  return { handle, type, algorithm: kind.algorithm };
};

// publicOf(jwk): the bytes of the public half; checkAlg(jwk): looks at 'alg'.
exports.fromJwk = (kind, jwk, want, { publicOf, checkAlg }) => {
  const { bytesOf, check } = use("crypto_jwk");
  const isPrivate = jwk.d !== undefined;
  const type = checkHalf(kind, isPrivate, want.usages);
  check(jwk, { kty: kind.kty, use: kind.purpose, ...want });
  checkAlg(jwk);
  if (jwk.crv !== kind.curve) fail("DataError", `'crv' of the JSON Web Key is not '${kind.curve}'`);
  const call = { number: kindOf(kind.curve), data: publicOf(jwk), first: isPrivate ? bytesOf(jwk, "d") : undefined };
  if (call.first?.length === 0) fail("DataError", "'d' of the JSON Web Key is empty");
  const handle = orFail(run("IMPORT_CURVE", call), damaged(kind.curve), "DataError");
  return { handle, type, algorithm: kind.algorithm };
};

// ---- export ----

const FORMS = { raw: ["public", "EXPORT_PUBLIC"], spki: ["public", "EXPORT_SPKI"], pkcs8: ["private", "EXPORT_PKCS8"] };
const read = (name, key) => orFail(run(name, { key: key.handle }), "The key cannot be read");

exports.toBytes = (format, key) => {
  const [type, name] = FORMS[format];
  exports.checkType(key, type);
  return read(name, key);
};

// The bytes of the public half, and 'd' as text when the key is private.
exports.halves = (key) => ({
  point: read("EXPORT_PUBLIC", key),
  d: key.type === "private" ? { d: use("crypto_jwk").textOf(read("EXPORT_PRIVATE", key)) } : {},
});

// ---- agreement ----

// The shared secret's first `bits`; all of it for null.
exports.agree = async (own, key, bits) => {
  const peer = use("crypto_key").slotsOf(own.public);
  exports.checkType(key, "private");
  exports.checkType(peer, "public");
  if (peer.algorithm.name !== key.algorithm.name || peer.algorithm.namedCurve !== key.algorithm.namedCurve)
    fail("InvalidAccessError", "The two keys are not of the same algorithm and curve");
  const secret = orFail(await run("AGREE", { key: key.handle, peer: peer.handle }), "The two keys give no secret");
  if (bits === null) return secret;
  if (bits > secret.length * 8) fail("OperationError", `The secret has ${secret.length * 8} bits, and not ${bits}`);
  const cut = secret.slice(0, Math.ceil(bits / 8));
  if (bits % 8 > 0) cut[cut.length - 1] &= 0xff << (8 - (bits % 8));
  return cut;
};
