// KV namespaces: Cloudflare's KVNamespace. Keys, values and times are checked here, with Cloudflare's
// words; what is stored, and what is known without a look at the disk, is C's (op_kv.c).

const { completion, natives } = use("core");
const { finish, need } = use("webidl");
const { op_kv_hot, op_kv_get, op_kv_get_many, op_kv_read, op_kv_list } = ops;
const { op_kv_put, op_kv_write_all, op_kv_stage, op_kv_write, op_kv_unstage } = ops;
const { parse, stringify } = JSON;
const { isArray } = Array;
const { isView } = ArrayBuffer;
const Rows = Float64Array;
const { now } = natives.Date;
const { floor } = Math;

const KEY_BYTES = 512;
const VALUE_BYTES = 25 * 1024 * 1024;
const METADATA_BYTES = 1024;
const PART_BYTES = 256 * 1024;
const TTL_MIN = 60;
const CACHE_TTL_MIN = 30;
const KEYS_MAX = 100;
const LIST_MAX = 1000;
const ROWS = 256, ROW = 4; // of a batch, in op_kv_write_all()
const BATCH_CHARS = 65536; // with so many it is sent
const APART_CHARS = 16384; // a longer value travels alone

const TEXT = 0, BYTES = 1, METADATA = 2, PARTS = 4; // enum form of op_kv.c
const FORMS = { __proto__: null, text: TEXT, json: TEXT, arrayBuffer: BYTES, stream: PARTS };
const STATUS = { __proto__: null, "-6": 503, "-4": 410 }; // of an error's code; 500 for others

const NEW = {};
const NO_OPTIONS = { __proto__: null };

// ---- checks ----

const failure = (method, status, text) => new Error(`KV ${method} failed: ${status} ${text}`);

// What C says, in Cloudflare's form; what is about the worker itself stays as it is.
function explained(method, error) {
  const { code, message } = error;
  if (code === undefined || code === -13 || code === -2) return error;
  return failure(method, method === "GET_BULK" && code === -1 ? 413 : (STATUS[code] ?? 500), message);
}

async function ask(method, start) {
  try {
    return await completion(start);
  } catch (error) {
    throw explained(method, error);
  }
}

// At most three bytes come of a character: few texts are to be counted.
const isLonger = (text, bytes) => text.length * 3 > bytes && lengthOf(text) > bytes;
const lengthOf = (text) => use("encoding").encode(text).length;

function checkKeyLength(key, method) {
  if (isLonger(key, KEY_BYTES))
    throw failure(method, 414, `UTF-8 encoded length of ${lengthOf(key)} exceeds key length limit of ${KEY_BYTES}.`);
  return key;
}

function keyOf(given, method) {
  const key = typeof given === "string" ? given : `${given}`;
  if (key === "") throw new TypeError("Key name cannot be empty.");
  if (key === "." || key === "..") throw new TypeError(`"${key}" is not allowed as a key name.`);
  return key.length * 3 > KEY_BYTES ? checkKeyLength(key, method) : key;
}

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

function typeOf(options, method) {
  if (options === undefined || options === null) return "text";
  if (!isObject(options)) return `${options}`;
  const { type, cacheTtl } = options;
  if (cacheTtl !== undefined && cacheTtl !== null && !(Number(cacheTtl) >= CACHE_TTL_MIN))
    throw failure(method, 400, `Invalid cache_ttl of ${cacheTtl}. Cache TTL must be at least ${CACHE_TTL_MIN}.`);
  return type === undefined || type === null ? "text" : `${type}`;
}

// ---- get ----

// The rest of a value whose parts are read one by one.
function streamOf(native, body, length) {
  let index = 0;
  const count = Math.ceil(length / PART_BYTES);
  const pull = async () => (index < count ? ask("GET", (id) => op_kv_read(id, native, body, index++)) : undefined);
  const collect = async () => {
    const all = new Uint8Array(length);
    for (let at = 0, part; (part = await pull()) !== undefined; at += part.length) all.set(part, at);
    return all;
  };
  return use("streams").fromSource({ pull, collect, cancel: () => (index = count), length });
}

function wholeStreamOf(bytes) {
  const { extract, streamOf: bodyStream } = use("body");
  return bodyStream(extract(bytes));
}

function convert(value, type) {
  if (type === "text") return value;
  if (type === "json") return parse(value);
  return value.buffer;
}

async function streamed(native, key) {
  const hot = op_kv_hot(native, key, BYTES | METADATA);
  if (hot === null) return null;
  if (hot !== undefined) return { value: wholeStreamOf(hot[0]), metadata: hot[1] };
  const found = await ask("GET", (id) => op_kv_get(id, native, key, PARTS));
  if (found === null) return null;
  const [bytes, metadata, body, length] = found;
  return { value: bytes === undefined ? streamOf(native, body, length) : wholeStreamOf(bytes), metadata };
}

// In the form that is asked for, or null. What is hot is there at once.
function read(native, key, form) {
  const hot = op_kv_hot(native, key, form);
  return hot !== undefined ? hot : ask("GET", (id) => op_kv_get(id, native, key, form));
}

function formOf(type) {
  const form = FORMS[type];
  if (form === undefined)
    throw new TypeError('Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".');
  return form;
}

async function getOne(native, given, options) {
  const type = typeOf(options, "GET");
  const key = keyOf(given, "GET");
  const form = formOf(type);
  if (form === PARTS) return (await streamed(native, key))?.value ?? null;
  const value = await read(native, key, form);
  return value === null ? null : convert(value, type);
}

const metadataOf = (text) => (text === undefined ? null : parse(text));

async function getOneWithMetadata(native, given, options) {
  const type = typeOf(options, "GET");
  const key = keyOf(given, "GET");
  const form = formOf(type);
  if (form === PARTS) {
    const found = await streamed(native, key);
    return { value: found?.value ?? null, metadata: metadataOf(found?.metadata), cacheStatus: null };
  }
  const found = await read(native, key, form | METADATA);
  if (found === null) return { value: null, metadata: null, cacheStatus: null };
  return { value: convert(found[0], type), metadata: metadataOf(found[1]), cacheStatus: null };
}

function parseMany(text) {
  try {
    return parse(text);
  } catch {
    throw failure("GET_BULK", 400, "At least one of the requested keys corresponds to a non-json value");
  }
}

async function getMany(native, given, options, withMetadata) {
  const type = typeOf(options, "GET_BULK");
  if (type !== "text" && type !== "json")
    throw failure("GET_BULK", 400, `"${type}" is not a valid type. Use "json" or "text"`);
  if (given.length > KEYS_MAX) throw failure("GET_BULK", 400, `You can request a maximum of ${KEYS_MAX} keys`);
  if (given.length < 1) throw failure("GET_BULK", 400, "You must request a minimum of 1 key");
  const keys = [];
  for (let i = 0; i < given.length; i++) keys[i] = keyOf(given[i], "GET_BULK");
  const found = await ask("GET_BULK", (id) => op_kv_get_many(id, native, keys, TEXT | METADATA));
  const all = new Map();
  for (let i = 0; i < keys.length; i++) {
    const one = found[i];
    const value = one === null ? null : type === "json" ? parseMany(one[0]) : one[0];
    all.set(keys[i], withMetadata ? { value, metadata: metadataOf(one?.[1]), cacheStatus: null } : value);
  }
  return all;
}

// ---- put ----

// Seconds since 1970, or 0: never.
function expiryOf({ expiration, expirationTtl }) {
  const seconds = floor(now() / 1000);
  const bad = (name, value, text) => failure("PUT", 400, `Invalid ${name} of ${value}. ${text}`);
  if (expirationTtl !== undefined && expirationTtl !== null) {
    const ttl = floor(Number(expirationTtl));
    if (!(ttl > 0 && ttl < Infinity))
      throw bad("expiration_ttl", expirationTtl, "Please specify integer greater than 0.");
    if (ttl < TTL_MIN) throw bad("expiration_ttl", expirationTtl, `Expiration TTL must be at least ${TTL_MIN}.`);
    return seconds + ttl;
  }
  if (expiration === undefined || expiration === null) return 0;
  const time = floor(Number(expiration));
  if (!(time > seconds && time < Infinity))
    throw bad("expiration", expiration,
      "Please specify integer greater than the current number of seconds since the UNIX epoch.");
  if (time < seconds + TTL_MIN)
    throw bad("expiration", expiration, `Expiration times must be at least ${TTL_MIN} seconds in the future.`);
  return time;
}

function metadataText({ metadata }) {
  if (metadata === undefined || metadata === null) return undefined;
  const text = stringify(metadata);
  if (text !== undefined && isLonger(text, METADATA_BYTES))
    throw failure("PUT", 413, `Metadata length of ${lengthOf(text)} exceeds limit of ${METADATA_BYTES}.`);
  return text;
}

const tooLong = (length) => failure("PUT", 413, `Value length of ${length} exceeds limit of ${VALUE_BYTES}.`);

// A string or bytes; undefined for a stream.
function wholeValue(value) {
  if (!isObject(value)) {
    const text = typeof value === "string" ? value : `${value}`;
    if (isLonger(text, VALUE_BYTES)) throw tooLong(lengthOf(text));
    return text;
  }
  if (isView(value) || value instanceof ArrayBuffer) {
    if (value.byteLength > VALUE_BYTES) throw tooLong(value.byteLength);
    return value;
  }
  const { loaded } = use("core");
  if (loaded("streams") !== undefined && value instanceof use("streams").ReadableStream) return undefined;
  throw new TypeError("KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.");
}

// Takes chunks of any size to parts of one. What fits into one part is a value like any other.
class Parts {
  #native;
  #part = new Uint8Array(PART_BYTES);
  #filled = 0;
  #index = 0;
  body = 0;
  length = 0;
  constructor(native) {
    this.#native = native;
  }
  async add(chunk) {
    this.length += chunk.length;
    if (this.length > VALUE_BYTES) throw tooLong(this.length);
    for (let at = 0; at < chunk.length; ) {
      if (this.#filled === PART_BYTES) await this.#write();
      const piece = chunk.subarray(at, at + PART_BYTES - this.#filled);
      this.#part.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
    }
  }
  async #write() {
    const native = this.#native;
    if (this.body === 0) this.body = await ask("PUT", (id) => op_kv_stage(id, native));
    const bytes = this.#part.subarray(0, this.#filled);
    await ask("PUT", (id) => op_kv_write(id, native, this.body, this.#index++, bytes));
    this.#filled = 0;
  }
  // What is left: the whole value when nothing was staged.
  async end() {
    if (this.body === 0) return this.#part.subarray(0, this.#filled);
    await this.#write();
    return undefined;
  }
}

// ---- puts and deletes of one task go together ----

let rows; // of the open batch; made with the first one
let open; // {native, text, count, errors: a promise, settle}; undefined: nothing waits to be sent

// What one task does runs to its end before microtasks that were queued in it.
async function sendSoon(batch) {
  await undefined;
  if (open === batch) send();
}

function begin(native) {
  send();
  rows ??= new Rows(ROWS * ROW);
  open = { native, text: "", count: 0, errors: undefined, settle: undefined };
  open.errors = new Promise((settle) => (open.settle = settle));
  sendSoon(open);
}

// The errors of its rows, by their numbers; undefined when there are none.
async function send() {
  if (open === undefined) return;
  const { native, text, count, settle } = open;
  open = undefined;
  try {
    settle(await completion((id) => op_kv_write_all(id, native, text, rows, count)));
  } catch (error) {
    settle(Array.from({ length: count }, () => error));
  }
}

// Returns the row's number in the open batch. `value` is undefined for a delete.
function add(native, key, value, expires, metadata) {
  if (open === undefined || open.native !== native || open.count === ROWS || open.text.length > BATCH_CHARS)
    begin(native);
  const at = open.count * ROW;
  rows[at] = key.length;
  rows[at + 1] = value === undefined ? -1 : value.length;
  rows[at + 2] = metadata === undefined ? 0 : metadata.length;
  rows[at + 3] = expires;
  open.text += value === undefined ? key : metadata === undefined ? key + value : key + value + metadata;
  return open.count++;
}

// A value of any size, behind what was put before.
function putAlone(...given) {
  send();
  return ask("PUT", (id) => op_kv_put(id, ...given));
}

async function putStream(native, key, stream, expires, metadata) {
  const { extract, reader } = use("body");
  const { next, cancel } = reader(extract(stream));
  const parts = new Parts(native);
  try {
    for (let chunk; (chunk = await next()) !== undefined; ) await parts.add(chunk);
    const value = await parts.end();
    await putAlone(native, key, value, expires, metadata, parts.body, parts.length);
  } catch (error) {
    if (parts.body !== 0) op_kv_unstage(native, parts.body);
    try {
      await cancel(error);
    } catch {}
    throw error;
  }
}

// ---- the class ----

class KvNamespace {
  #native;
  constructor(token, native) {
    if (token !== NEW) throw new TypeError("Illegal constructor: KV namespaces are bindings, found in env");
    this.#native = native;
  }
  async get(key, options = undefined) {
    const native = this.#native;
    need(arguments.length, 1, "KvNamespace.get");
    return isArray(key) ? getMany(native, key, options, false) : getOne(native, key, options);
  }
  async getWithMetadata(key, options = undefined) {
    const native = this.#native;
    need(arguments.length, 1, "KvNamespace.getWithMetadata");
    return isArray(key) ? getMany(native, key, options, true) : getOneWithMetadata(native, key, options);
  }
  async put(key, value, options = undefined) {
    const native = this.#native;
    need(arguments.length, 2, "KvNamespace.put");
    const name = keyOf(key, "PUT");
    const given = options ?? NO_OPTIONS;
    const expires = expiryOf(given);
    const metadata = metadataText(given);
    const whole = wholeValue(value);
    if (whole === undefined) return putStream(native, name, value, expires, metadata);
    if (typeof whole !== "string" || whole.length > APART_CHARS) return putAlone(native, name, whole, expires, metadata);
    const row = add(native, name, whole, expires, metadata);
    const errors = await open.errors;
    if (errors?.[row] !== undefined) throw explained("PUT", errors[row]);
  }
  async delete(key) {
    const native = this.#native;
    need(arguments.length, 1, "KvNamespace.delete");
    const name = keyOf(key, "DELETE");
    const row = add(native, name, undefined, 0, undefined);
    const errors = await open.errors;
    if (errors?.[row] !== undefined) throw explained("DELETE", errors[row]);
  }
  async list(options = undefined) {
    const native = this.#native;
    const { prefix, cursor, limit } = options ?? {};
    const start = prefix === undefined || prefix === null ? "" : checkKeyLength(`${prefix}`, "GET");
    const from = cursor === undefined || cursor === null || cursor === "" ? undefined : `${cursor}`;
    const most = limit === undefined || limit === null ? LIST_MAX : floor(Number(limit));
    if (!(most > 0))
      throw failure("GET", 400, `Invalid key_count_limit of ${limit}. Please specify an integer greater than 0.`);
    if (most > LIST_MAX)
      throw failure("GET", 400, `Invalid key_count_limit of ${limit}. Please specify an integer less than ${LIST_MAX}.`);
    const [text, next] = await ask("GET", (id) => op_kv_list(id, native, start, from, most));
    const keys = parse(text);
    if (next === undefined) return { keys, list_complete: true, cacheStatus: null };
    return { keys, list_complete: false, cursor: next, cacheStatus: null };
  }
}
finish(KvNamespace, "KvNamespace");

exports.bind = (native) => new KvNamespace(NEW, native);
