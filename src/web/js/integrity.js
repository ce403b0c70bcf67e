// Subresource integrity (W3C SRI 3.3): what fetch's `integrity` demands of an answer's bytes.

const { responseInner } = use("response");
const STRENGTHS = ["sha256", "sha384", "sha512"];
const HASH = /^(sha256|sha384|sha512)-([A-Za-z0-9+/_-]+={0,2})(?:\?.*)?$/;

// The hashes of the strongest kind that is given, in base64 without padding.
function parse(text) {
  let strongest = -1;
  let hashes = [];
  for (const item of text.split(/[\t\n\f\r ]+/)) {
    const found = HASH.exec(item);
    if (found === null) continue;
    const strength = STRENGTHS.indexOf(found[1]);
    if (strength > strongest) {
      strongest = strength;
      hashes = [];
    }
    if (strength === strongest) hashes.push(found[2].replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/"));
  }
  return { strongest, hashes };
}

// The response again, with its body read and found to be what was asked for.
exports.check = async (response, integrity) => {
  const { strongest, hashes } = parse(integrity);
  if (strongest < 0) return response;
  const inner = responseInner(response);
  const bytes = await use("body").bytes(inner);
  const name = `SHA-${STRENGTHS[strongest].slice(3)}`;
  const digest = new Uint8Array(await use("crypto").crypto.subtle.digest(name, bytes));
  if (!hashes.includes(digest.toBase64().replace(/=+$/, "")))
    throw new TypeError(`fetch failed: the body of ${inner.url} is not what its integrity asks for`);
  if (inner.body !== null)
    inner.body = { kind: "bytes", value: bytes, type: null, length: bytes.length, used: false, stream: undefined };
  return response;
};
