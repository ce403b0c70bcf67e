// R2 buckets: Cloudflare's R2Bucket, R2Object, R2ObjectBody, R2MultipartUpload. What is given is
// checked and becomes JSON here; what holds of an object, and its bytes, are C's (op_r2.c).

const { completion, loaded, natives } = use("core");
const { finish, need } = use("webidl");
const { op_r2_ask, op_r2_get, op_r2_read, op_r2_file, op_r2_close } = ops;
const { op_r2_stage, op_r2_keep, op_r2_write, op_r2_end, op_r2_drop } = ops;
const { parse, stringify } = JSON;
const { isArray } = Array;
const { isView } = ArrayBuffer;
const { Date } = natives;

const KEY_BYTES = 1024;
const SMALL_BYTES = 32 * 1024; // of a value that is asked for at once
const PIECE_BYTES = 1024 * 1024;
const SIZE_MAX = 5 * 1024 ** 3;
const COLLECT_BYTES_MAX = 128 * 1024 * 1024;
const KEYS_MAX = 1000;

const DIGEST_BYTES = { __proto__: null, md5: 16, sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
const HTTP_FIELDS = [
  ["contentType", "content-type"],
  ["contentLanguage", "content-language"],
  ["contentDisposition", "content-disposition"],
  ["contentEncoding", "content-encoding"],
  ["cacheControl", "cache-control"],
];
const STORAGE_CLASSES = ["Standard", "InfrequentAccess"];
const NEW = {};

// ---- errors ----

const failure = (method, text) => new Error(`${method}: ${text}`);

// What C says, as Cloudflare does: with the method before and a number behind. What is about the worker
// itself stays as it is.
function explained(method, error) {
  const { code, message } = error;
  if (code === undefined || code === -13 || message.startsWith('The R2 bucket "')) return error;
  return failure(method, /\(\d+\)$/.test(message) ? message : `${message} (10001)`);
}

async function ask(method, start) {
  try {
    return await completion(start);
  } catch (error) {
    throw explained(method, error);
  }
}

const request = (method, native, word, args, bytes) =>
  ask(method, (id) => op_r2_ask(id, native, word, stringify(args), bytes));

// ---- arguments ----

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";
const isNone = (value) => value === undefined || value === null;
const encode = (text) => use("encoding").encode(text);
const isInstance = (file, name, value) => loaded(file) !== undefined && value instanceof use(file)[name];
const isHeaders = (value) => isInstance("headers", "Headers", value);

function keyOf(given, method) {
  const key = `${given}`;
  if (key === "" || (key.length * 3 > KEY_BYTES && encode(key).length > KEY_BYTES))
    throw failure(method, "The specified object name is not valid. (10020)");
  return key.isWellFormed() ? key : key.toWellFormed();
}

function optionsOf(options, where) {
  if (isNone(options)) return {};
  if (!isObject(options)) throw new TypeError(`${where}: the options must be an object`);
  return options;
}

const timeOf = (value, name) => {
  const ms = value instanceof Date ? value.getTime() : Number(value);
  if (!Number.isFinite(ms)) throw new TypeError(`${name} must be a valid Date`);
  return ms;
};

function tagsOf(value, name) {
  if (isNone(value)) return undefined;
  const tags = isArray(value) ? value.map(String) : [`${value}`];
  for (const tag of tags)
    if (/^(W\/)?".*"$/.test(tag))
      throw new TypeError(`Conditional ETag should not be wrapped in quotes (${tag}), in ${name}.`);
  return tags;
}

const tagsOfField = (text) =>
  (text?.match(/\*|(?:W\/)?"[^"]*"|[^\s,"]+/g) ?? undefined)?.map((tag) => tag.replace(/^(W\/)?"(.*)"$/, "$2"));

function timeOfField(text) {
  const ms = text === null ? NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

function conditionOf(given) {
  if (isNone(given)) return undefined;
  if (!isObject(given)) throw new TypeError("onlyIf must be an R2Conditional or Headers");
  if (isHeaders(given))
    return {
      etagMatches: tagsOfField(given.get("if-match")),
      etagDoesNotMatch: tagsOfField(given.get("if-none-match")),
      uploadedBefore: timeOfField(given.get("if-unmodified-since")),
      uploadedAfter: timeOfField(given.get("if-modified-since")),
      secondsGranularity: true,
    };
  const { etagMatches, etagDoesNotMatch, uploadedBefore, uploadedAfter, secondsGranularity } = given;
  return {
    etagMatches: tagsOf(etagMatches, "etagMatches"),
    etagDoesNotMatch: tagsOf(etagDoesNotMatch, "etagDoesNotMatch"),
    uploadedBefore: isNone(uploadedBefore) ? undefined : timeOf(uploadedBefore, "uploadedBefore"),
    uploadedAfter: isNone(uploadedAfter) ? undefined : timeOf(uploadedAfter, "uploadedAfter"),
    secondsGranularity: Boolean(secondsGranularity),
  };
}

// "bytes=a-b", "bytes=a-", "bytes=-n"; what is none of these, or several, is no range.
function rangeOfField(text) {
  const found = text === null ? null : text.match(/^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i);
  if (found === null || (found[1] === "" && found[2] === "")) return undefined;
  if (found[1] === "") return { suffix: Number(found[2]) };
  const offset = Number(found[1]);
  if (found[2] === "") return { offset };
  return Number(found[2]) < offset ? undefined : { offset, length: Number(found[2]) - offset + 1 };
}

function countOf(value, name, least) {
  if (isNone(value)) return undefined;
  const count = Math.trunc(Number(value));
  if (!(count >= least && count <= Number.MAX_SAFE_INTEGER))
    throw new RangeError(`Invalid range. ${name} (${value}) must be greater than or equal to ${least}.`);
  return count;
}

function rangeOf(given) {
  if (isNone(given)) return undefined;
  if (!isObject(given)) throw new TypeError("range must be an R2Range or Headers");
  if (isHeaders(given)) return rangeOfField(given.get("range"));
  const { offset, length, suffix } = given;
  if (!isNone(suffix)) {
    if (!isNone(offset)) throw new TypeError("Suffix is incompatible with offset.");
    if (!isNone(length)) throw new TypeError("Suffix is incompatible with length.");
    return { suffix: countOf(suffix, "Suffix", 1) };
  }
  return { offset: countOf(offset, "Starting offset", 0), length: countOf(length, "Length", 1) };
}

function httpOf(given) {
  if (isNone(given)) return undefined;
  if (!isObject(given)) throw new TypeError("httpMetadata must be an R2HTTPMetadata or Headers");
  const http = {};
  const fromHeaders = isHeaders(given);
  for (const [name, field] of HTTP_FIELDS) {
    const value = fromHeaders ? given.get(field) : given[name];
    if (!isNone(value)) http[name] = `${value}`;
  }
  const expires = fromHeaders ? timeOfField(given.get("expires")) : given.cacheExpiry;
  if (!isNone(expires)) http.cacheExpiry = timeOf(expires, "cacheExpiry");
  return http;
}

function customOf(given) {
  if (isNone(given)) return undefined;
  if (!isObject(given)) throw new TypeError("customMetadata must be an object of strings");
  const custom = {};
  for (const name of Object.keys(given)) define(custom, name, `${given[name]}`);
  return custom;
}

const define = (object, name, value) =>
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });

const hexOf = (bytes) => {
  let hex = "";
  for (let i = 0; i < bytes.length; i++) hex += bytes[i].toString(16).padStart(2, "0");
  return hex;
};
const bytesOfHex = (hex) => {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
};

function viewOf(value) {
  if (isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined;
}

function checksumOf(options) {
  let found;
  for (const name in DIGEST_BYTES) {
    const value = options[name];
    if (isNone(value)) continue;
    if (found !== undefined) throw new TypeError("You cannot specify multiple hashing algorithms.");
    const view = viewOf(value);
    const hex = view === undefined ? `${value}`.toLowerCase() : hexOf(view);
    const bytes = DIGEST_BYTES[name];
    if (view !== undefined && view.length !== bytes)
      throw new TypeError(`${name.toUpperCase()} is ${bytes} bytes, not ${view.length}`);
    if (hex.length !== 2 * bytes)
      throw new TypeError(`${name.toUpperCase()} is ${2 * bytes} hex characters, not ${hex.length}`);
    if (!/^[0-9a-f]*$/.test(hex)) throw new TypeError(`Provided ${name.toUpperCase()} wasn't a valid hex string`);
    found = { name, hex };
  }
  return found;
}

function classOf(given) {
  if (isNone(given)) return undefined;
  if (!STORAGE_CLASSES.includes(given))
    throw new TypeError(`storageClass must be "Standard" or "InfrequentAccess", not "${given}"`);
  return given;
}

const saidOf = ({ httpMetadata, customMetadata, storageClass }) => ({
  http: httpOf(httpMetadata),
  custom: customOf(customMetadata),
  storageClass: classOf(storageClass),
});

// ---- values on their way in ----

const isStream = (value) => isInstance("streams", "ReadableStream", value);

// A body (body.js) of what is put, and how long it is.
function valueOf(value, where) {
  if (value === null) return { bytes: new Uint8Array(0) };
  if (typeof value === "string") return { bytes: encode(value) };
  if (isStream(value)) {
    const length = use("streams").lengthOf(value);
    if (length === undefined)
      throw new TypeError(
        "Provided readable stream must have a known length (request/response body or readable half of FixedLengthStream)",
      );
    return { stream: value, length };
  }
  const view = viewOf(value);
  if (view !== undefined) return { bytes: view.slice() };
  if (isInstance("blob", "Blob", value)) return { bytes: use("blob").bytesOf(value) };
  throw new TypeError(`${where}: the value must be a ReadableStream, ArrayBuffer, ArrayBufferView, string, Blob or null`);
}

async function* piecesOf(bytes) {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

async function* chunksOf(stream, length) {
  const { extract, reader } = use("body");
  const { next, cancel } = reader(extract(stream));
  let seen = 0;
  try {
    for (let chunk; (chunk = await next()) !== undefined; ) {
      seen += chunk.length;
      yield chunk;
    }
  } finally {
    if (seen < length) quietly(cancel);
  }
  if (seen !== length) throw new TypeError(`The stream gave ${seen} bytes, but its length was said to be ${length}`);
}

async function quietly(cancel) {
  try {
    await cancel();
  } catch {}
}

// Sends what is put, or a part; gives the result's JSON.
async function send(method, native, word, args, { bytes, stream, length = bytes.length }) {
  if (length > SIZE_MAX)
    throw failure(method, "Your proposed upload exceeds the maximum allowed object size. (100100)");
  if (bytes !== undefined && length <= SMALL_BYTES) return request(method, native, word, args, bytes);
  const text = stringify(args);
  const upload = op_r2_stage(native, word, text);
  try {
    for await (const chunk of stream === undefined ? piecesOf(bytes) : chunksOf(stream, length))
      if (!op_r2_keep(upload, chunk)) await ask(method, (id) => op_r2_write(id, upload));
    return await ask(method, (id) => op_r2_end(id, upload, text));
  } catch (error) {
    op_r2_drop(upload);
    throw error;
  }
}

// ---- objects ----

class R2Checksums {
  constructor(token, sums) {
    if (token !== NEW) throw new TypeError("Illegal constructor");
    for (const name in DIGEST_BYTES) if (sums[name] !== undefined) this[name] = bytesOfHex(sums[name]).buffer;
  }
  toJSON() {
    const json = {};
    for (const name in DIGEST_BYTES) if (this[name] !== undefined) json[name] = hexOf(new Uint8Array(this[name]));
    return json;
  }
}
finish(R2Checksums, "R2Checksums");

const httpMetadataOf = ({ cacheExpiry, ...http }) => {
  if (cacheExpiry !== undefined) http.cacheExpiry = new Date(cacheExpiry);
  return http;
};

class R2Object {
  #isObject = true;
  constructor(token, meta, range) {
    if (token !== NEW) throw new TypeError("Illegal constructor");
    this.key = meta.key;
    this.version = meta.version;
    this.size = meta.size;
    this.etag = meta.etag;
    this.httpEtag = `"${meta.etag}"`;
    this.checksums = new R2Checksums(NEW, meta.checksums);
    this.uploaded = new Date(meta.uploaded);
    this.httpMetadata = httpMetadataOf(meta.http);
    this.customMetadata = meta.custom;
    if (range !== undefined) this.range = range;
    this.storageClass = meta.storageClass;
  }
  writeHttpMetadata(headers) {
    void this.#isObject;
    need(arguments.length, 1, "R2Object.writeHttpMetadata");
    const http = this.httpMetadata;
    for (const [name, field] of HTTP_FIELDS) if (http[name] !== undefined) headers.set(field, http[name]);
    if (http.cacheExpiry !== undefined) headers.set("expires", http.cacheExpiry.toUTCString());
  }
}
finish(R2Object, "R2Object");

// A native source (body.js): what came with the answer first, then what is read from the disk.
class Source {
  #first;
  #native;
  #isOpen;
  length;
  constructor(first, native, length, isOpen) {
    this.#first = first;
    this.#native = native;
    this.length = length;
    this.#isOpen = isOpen;
  }
  async pull() {
    const first = this.#first;
    if (first !== undefined) {
      this.#first = undefined;
      if (first.length > 0) return first;
    }
    const native = this.#native;
    if (native === undefined) return undefined;
    const bytes = await ask("get", (id) => op_r2_read(id, native));
    if (bytes === undefined) this.cancel();
    return bytes;
  }
  collect() {
    const first = this.#first;
    if (this.#native !== undefined || first === undefined) return this.#collect();
    this.#first = undefined;
    return first;
  }
  async #collect() {
    if (this.length > COLLECT_BYTES_MAX)
      throw new RangeError("get: the object is larger than 128 MiB: read it as a stream, or a range of it");
    const all = new Uint8Array(this.length);
    let at = 0;
    for (let chunk; (chunk = await this.pull()) !== undefined; at += chunk.length) all.set(chunk, at);
    return at === all.length ? all : all.slice(0, at);
  }
  // What is left may go from its file to the client without coming by here: see answer.js.
  file() {
    const native = this.#native;
    if (native === undefined || this.#first?.length > 0) return undefined;
    return { native, open: this.#isOpen ? undefined : () => ask("get", (id) => op_r2_file(id, native)) };
  }
  cancel() {
    if (this.#native !== undefined) op_r2_close(this.#native);
    this.#native = this.#first = undefined;
  }
}

class R2ObjectBody extends R2Object {
  #inner;
  constructor(token, meta, range, source) {
    super(token, meta, range);
    const type = meta.http.contentType ?? null;
    this.#inner = { body: use("body").fromSource(source, source.length), getHeaders: () => ({ get: () => type }) };
  }
  get body() {
    return use("body").streamOf(this.#inner.body);
  }
  get bodyUsed() {
    return use("body").isUsed(this.#inner.body);
  }
  async arrayBuffer() {
    return use("body").arrayBuffer(this.#inner);
  }
  async bytes() {
    return use("body").bytes(this.#inner);
  }
  async text() {
    return use("body").text(this.#inner);
  }
  async json() {
    return use("body").json(this.#inner);
  }
  async blob() {
    return use("body").blob(this.#inner);
  }
}
finish(R2ObjectBody, "R2ObjectBody");

const objectOf = (text) => {
  const meta = parse(text);
  return meta === null ? null : new R2Object(NEW, meta);
};

// What is not there is null.
async function orNull(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error.message?.endsWith("(10007)")) return null;
    throw error;
  }
}

// ---- uploads in parts ----

class R2MultipartUpload {
  #native;
  constructor(token, native, key, uploadId) {
    if (token !== NEW) throw new TypeError("Illegal constructor");
    this.#native = native;
    this.key = key;
    this.uploadId = uploadId;
  }
  async uploadPart(partNumber, value, options = undefined) {
    const native = this.#native;
    need(arguments.length, 2, "R2MultipartUpload.uploadPart");
    optionsOf(options, "uploadPart");
    const number = Math.trunc(Number(partNumber));
    if (!(number >= 1 && number <= 10000))
      throw new TypeError(`Part number must be between 1 and 10000 (inclusive), but was ${partNumber}.`);
    const given = valueOf(value, "uploadPart");
    const args = { key: this.key, uploadId: this.uploadId, partNumber: number };
    return parse(await send("uploadPart", native, "part", args, given));
  }
  async abort() {
    await request("abortMultipartUpload", this.#native, "abort", { key: this.key, uploadId: this.uploadId });
  }
  async complete(uploadedParts) {
    const native = this.#native;
    need(arguments.length, 1, "R2MultipartUpload.complete");
    const parts = [];
    for (const { partNumber, etag } of uploadedParts) parts.push({ partNumber: Number(partNumber), etag: `${etag}` });
    const args = { key: this.key, uploadId: this.uploadId, parts };
    return objectOf(await request("completeMultipartUpload", native, "complete", args));
  }
}
finish(R2MultipartUpload, "R2MultipartUpload");

// ---- the bucket ----

function listLimit(limit) {
  if (isNone(limit)) return undefined;
  const count = Math.trunc(Number(limit));
  if (!(count >= 1 && count <= KEYS_MAX))
    throw failure("list", "MaxKeys params must be positive integer <= 1000. (10022)");
  return count;
}

const textOf = (value) => (isNone(value) ? undefined : `${value}`);

// What is not asked for is not told.
function listed(meta, include) {
  if (!include.includes("httpMetadata")) meta.http = {};
  if (!include.includes("customMetadata")) meta.custom = {};
  return new R2Object(NEW, meta);
}

class R2Bucket {
  #native;
  constructor(token, native) {
    if (token !== NEW) throw new TypeError("Illegal constructor: R2 buckets are bindings, found in env");
    this.#native = native;
  }
  async head(key) {
    const native = this.#native;
    need(arguments.length, 1, "R2Bucket.head");
    const text = await orNull(request("head", native, "head", { key: keyOf(key, "head") }));
    return text === null ? null : objectOf(text);
  }
  async get(key, options = undefined) {
    const native = this.#native;
    need(arguments.length, 1, "R2Bucket.get");
    const name = keyOf(key, "get");
    const { onlyIf, range } = optionsOf(options, "get");
    const args = stringify({ key: name, onlyIf: conditionOf(onlyIf), range: rangeOf(range) });
    const found = await orNull(ask("get", (id) => op_r2_get(id, native, args)));
    if (found === null) return null;
    const [text, holds, offset, length, first, isOpen, reader] = found;
    const meta = parse(text);
    if (!holds) return new R2Object(NEW, meta);
    return new R2ObjectBody(NEW, meta, { offset, length }, new Source(first, reader, length, isOpen));
  }
  async put(key, value, options = undefined) {
    const native = this.#native;
    need(arguments.length, 2, "R2Bucket.put");
    const name = keyOf(key, "put");
    const given = optionsOf(options, "put");
    const args = { key: name, ...saidOf(given), onlyIf: conditionOf(given.onlyIf), checksum: checksumOf(given) };
    return objectOf(await send("put", native, "put", args, valueOf(value, "put")));
  }
  async delete(keys) {
    const native = this.#native;
    need(arguments.length, 1, "R2Bucket.delete");
    const names = (isArray(keys) ? keys : [keys]).map((key) => keyOf(key, "delete"));
    if (names.length > KEYS_MAX) throw failure("delete", `At most ${KEYS_MAX} keys can be deleted at once. (10029)`);
    await request("delete", native, "delete", { keys: names });
  }
  async list(options = undefined) {
    const native = this.#native;
    const { limit, prefix, cursor, delimiter, startAfter, include } = optionsOf(options, "list");
    const wanted = isNone(include) ? [] : Array.from(include);
    const args = {
      limit: listLimit(limit),
      prefix: textOf(prefix),
      cursor: textOf(cursor),
      delimiter: textOf(delimiter),
      startAfter: textOf(startAfter),
    };
    const found = parse(await request("list", native, "list", args));
    const objects = found.objects.map((meta) => listed(meta, wanted));
    const { delimitedPrefixes, truncated } = found;
    if (!truncated) return { objects, truncated, delimitedPrefixes };
    return { objects, truncated, cursor: found.cursor, delimitedPrefixes };
  }
  async createMultipartUpload(key, options = undefined) {
    const native = this.#native;
    need(arguments.length, 1, "R2Bucket.createMultipartUpload");
    const args = {
      key: keyOf(key, "createMultipartUpload"),
      ...saidOf(optionsOf(options, "createMultipartUpload")),
    };
    const made = parse(await request("createMultipartUpload", native, "create", args));
    return new R2MultipartUpload(NEW, native, made.key, made.uploadId);
  }
  resumeMultipartUpload(key, uploadId) {
    const native = this.#native;
    need(arguments.length, 2, "R2Bucket.resumeMultipartUpload");
    return new R2MultipartUpload(NEW, native, keyOf(key, "resumeMultipartUpload"), `${uploadId}`);
  }
}
finish(R2Bucket, "R2Bucket");

exports.bind = (native) => new R2Bucket(NEW, native);
