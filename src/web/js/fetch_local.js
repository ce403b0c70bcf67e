// fetch of what needs no network: data: and blob: URLs (Fetch 4.2 "scheme fetch", 6 "data: URL
// processor"), and the blob: URLs themselves (File API 8).

const { bytesOf, isBlob } = use("blob");
const { freeze, fromList } = use("headers");
const { op_crypto_uuid } = ops;

const URLS_MAX = 10000;
const ORIGIN = "null"; // of an isolate: it has none

const failed = (why) => new TypeError(`fetch failed: ${why}`);
const withoutHash = (url) => url.split("#", 1)[0];

function respond(url, type, bytes, fields) {
  return use("response").makeResponse({
    statusText: "OK",
    headers: freeze(fromList(["content-type", type])),
    body: { kind: "blob", value: bytes, type: null, length: bytes.length, used: false, stream: undefined },
    url,
    kind: "basic",
    ...fields,
  });
}

exports.open = (inner) => {
  const url = inner.getUrl();
  if (url.startsWith("data:")) return fromData(withoutHash(url), inner.method);
  if (url.startsWith("blob:")) return fromBlob(withoutHash(url), inner);
  throw failed(`cannot fetch a URL of the scheme ${url.slice(0, url.indexOf(":") + 1)}`);
};

// ---- data: ----

const hexAt = (text, at) => {
  const hex = text.slice(at, at + 2);
  return /^[0-9A-Fa-f]{2}$/.test(hex) ? parseInt(hex, 16) : -1;
};

function percentDecode(text) {
  const out = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text[i] === "%" ? hexAt(text, i + 1) : -1;
    out[length++] = code < 0 ? text.charCodeAt(i) : code;
    if (code >= 0) i += 2;
  }
  return out.subarray(0, length);
}

function fromBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  try {
    return Uint8Array.from(use("base64").atob(text), (c) => c.charCodeAt(0));
  } catch {
    throw failed("the data: URL is not valid base64");
  }
}

function fromData(url, method) {
  const comma = url.indexOf(",");
  if (comma < 0) throw failed("the data: URL has no comma");
  let type = url.slice(5, comma).replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, "");
  let bytes = percentDecode(url.slice(comma + 1));
  const base64 = /; *base64$/i.exec(type);
  if (base64 !== null) {
    type = type.slice(0, base64.index);
    bytes = fromBase64(bytes);
  }
  if (type.startsWith(";")) type = `text/plain${type}`;
  const parsed = use("mime").parse(type);
  return respond(
    url,
    parsed === null ? "text/plain;charset=US-ASCII" : use("mime").serialize(parsed),
    bytes,
    method === "HEAD" ? { body: null } : undefined,
  );
}

// ---- blob: ----

const blobs = new Map(); // by URL

exports.createObjectURL = (blob) => {
  if (!isBlob(blob)) throw new TypeError("Failed to execute 'createObjectURL' on 'URL': parameter 1 is not of type 'Blob'");
  if (blobs.size >= URLS_MAX)
    throw new (use("dom_exception").DOMException)(
      `Failed to execute 'createObjectURL' on 'URL': there are ${URLS_MAX} already; revoke what is not needed any more`,
      "QuotaExceededError",
    );
  const url = `blob:${ORIGIN}/${op_crypto_uuid()}`;
  blobs.set(url, blob);
  return url;
};

exports.revokeObjectURL = (url) => {
  blobs.delete(`${url}`);
};

// What a Range header asks for, as [from, to): "bytes=from-to" with one range only.
function rangeOf(value, size) {
  const found = /^bytes[\t ]*=[\t ]*([0-9]*)[\t ]*-[\t ]*([0-9]*)$/.exec(value);
  if (found === null || (found[1] === "" && found[2] === "")) throw failed(`the range "${value}" cannot be read`);
  const [, first, last] = found;
  const from = first === "" ? Math.max(size - Number(last), 0) : Number(first);
  const to = first === "" || last === "" ? size : Math.min(Number(last) + 1, size);
  if (from >= size || to <= from) throw failed(`the blob has no bytes in the range "${value}"`);
  return [from, to];
}

exports.blobOf = (url) => blobs.get(withoutHash(url));

// The blob is the one that had the URL when the request was made.
function fromBlob(url, inner) {
  const { blob } = inner;
  if (inner.method !== "GET") throw failed("a blob: URL can be fetched with GET only");
  if (blob === undefined) throw failed(`no blob has the URL ${url}`);
  const bytes = bytesOf(blob);
  const { type } = blob;
  const range = inner.getHeaders().get("range");
  const head = (length, ...more) => freeze(fromList(["content-length", `${length}`, "content-type", type, ...more]));
  if (range === null) return respond(url, type, bytes, { headers: head(bytes.length) });
  const [from, to] = rangeOf(range, bytes.length);
  return respond(url, type, bytes.subarray(from, to), {
    status: 206,
    statusText: "Partial Content",
    headers: head(to - from, "content-range", `bytes ${from}-${to - 1}/${bytes.length}`),
  });
}
