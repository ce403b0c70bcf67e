// The Cache API of Cloudflare Workers: Service Workers 5.4 (Cache) and 5.5 (CacheStorage) as far as
// Workers has them, with HTTP's rules of caching. What may be stored, for how long and for whom is
// decided in C (src/store); here requests and responses become texts, and bodies go in and out.

const { completion } = use("core");
const { finish, need } = use("webidl");
const { makeResponse, responseInner } = use("response");
const { requestInner } = use("request");
const { freeze, fromText, toText } = use("headers");
const { op_cache_abort, op_cache_append, op_cache_begin, op_cache_close, op_cache_commit } = ops;
const { op_cache_delete, op_cache_keep, op_cache_match, op_cache_read } = ops;

const APPEND_BYTES = 1024 * 1024;
const COLLECT_BYTES_MAX = 128 * 1024 * 1024;
const NEW = {};
const INDEX_METHODS = "Use match(), put() and delete(), each with the URL it is about.";

// ---- arguments ----

function requestOf(input) {
  const inner = requestInner(input) ?? requestInner(new (use("request_init").Request)(input));
  const text = inner.getUrl();
  const hash = text.indexOf("#");
  const url = hash < 0 ? text : text.slice(0, hash);
  if (!url.startsWith("http:") && !url.startsWith("https:"))
    throw new TypeError(`The cache holds responses to http: and https: URLs only, not to ${url}`);
  return { url, method: inner.method, headers: inner.getHeaders() };
}

function ignoresMethod(options) {
  if (options === undefined || options === null) return false;
  if (typeof options !== "object" && typeof options !== "function")
    throw new TypeError("The options of a cache query must be an object");
  return Boolean(options.ignoreMethod);
}

function storable(response) {
  const inner = responseInner(response);
  if (inner === undefined) throw new TypeError("Cache.put: the second argument is not a Response");
  if (inner.status === 0) throw new TypeError("Cache.put: Response.error() cannot be stored");
  if (use("body").isUsed(inner.body) || inner.body?.stream?.locked)
    throw new TypeError("Cache.put: the response's body has been used already; put(request, response.clone()) before it is");
  return inner;
}

// ---- in ----

async function append(put, bytes) {
  for (let at = 0; at < bytes.length; at += APPEND_BYTES) {
    const piece = bytes.subarray(at, at + APPEND_BYTES);
    if (!op_cache_keep(put, piece)) await completion((id) => op_cache_append(id, put, piece));
  }
}

async function appendAll(put, { next, cancel }) {
  try {
    for (let chunk; (chunk = await next()) !== undefined; ) await append(put, chunk);
  } catch (error) {
    quietly(cancel, error);
    throw error;
  }
}

async function quietly(cancel, reason) {
  try {
    await cancel(reason);
  } catch {}
}

// Takes the body: { bytes } when all of it is here, else { reader }.
function takeBody(body) {
  const { kind, value } = body;
  let taken;
  if (body.stream === undefined && kind === "text") taken = { bytes: use("encoding").encode(value) };
  else if (body.stream === undefined && (kind === "bytes" || kind === "blob")) taken = { bytes: value };
  else taken = { reader: use("body").reader(body) };
  body.used = true;
  return taken;
}

async function put(name, request, response) {
  const { url, method, headers } = requestOf(request);
  const inner = storable(response);
  if (method !== "GET")
    throw new TypeError(`Cache.put: only responses to GET can be stored, not to ${method}; make the key with new Request(url)`);
  const { body, status, statusText } = inner;
  const begun = op_cache_begin(name, url, toText(headers), status, statusText, toText(inner.getHeaders()), body !== null);
  const { bytes, reader } = body === null ? {} : takeBody(body);
  if (begun === undefined) {
    if (reader !== undefined) quietly(reader.cancel);
    return;
  }
  try {
    if (bytes !== undefined) await append(begun, bytes);
    else if (reader !== undefined) await appendAll(begun, reader);
  } catch (error) {
    op_cache_abort(begun);
    throw error;
  }
  await completion((id) => op_cache_commit(id, begun));
}

// ---- out ----

async function collect(pull, length) {
  if (length > COLLECT_BYTES_MAX) throw new RangeError("the body is larger than 128 MiB: read it as a stream");
  const all = new Uint8Array(length);
  let at = 0;
  for (let chunk; (chunk = await pull()) !== undefined; at += chunk.length) all.set(chunk, at);
  return all;
}

function streamed(native, length) {
  let isOpen = true;
  const pull = async () => {
    if (!isOpen) return undefined;
    return (await completion((id) => op_cache_read(id, native))) ?? undefined;
  };
  return use("body").fromSource(
    {
      pull,
      collect: () => collect(pull, length),
      text: async () => use("encoding").decode(await collect(pull, length)),
      cancel() {
        isOpen = false;
        op_cache_close(native);
      },
      length,
    },
    length,
  );
}

const whole = (value) => ({ kind: "bytes", value, type: null, length: value.length, used: false, stream: undefined });

async function match(name, input, options) {
  const { url, method, headers } = requestOf(input);
  if (!ignoresMethod(options) && method !== "GET") return undefined;
  const found = await completion((id) => op_cache_match(id, name, url, toText(headers)));
  if (found === undefined) return undefined;
  const [status, statusText, lines, bytes, native] = found;
  const answer = freeze(fromText(lines));
  let body = null;
  if (bytes !== null) body = whole(bytes);
  else if (native !== undefined) body = streamed(native, Number(answer.get("content-length")));
  return makeResponse({ status, statusText, headers: answer, body, url });
}

async function remove(name, input, options) {
  const { url, method } = requestOf(input);
  if (!ignoresMethod(options) && method !== "GET") return false;
  return completion((id) => op_cache_delete(id, name, url));
}

// ---- the classes ----

const missing = (what, instead) => {
  const { DOMException } = use("dom_exception");
  throw new DOMException(`${what} is not there, as on Cloudflare Workers. ${instead}`, "NotSupportedError");
};

class Cache {
  #name;
  constructor(token, name) {
    if (token !== NEW) throw new TypeError("Illegal constructor: a Cache comes from caches.default or caches.open()");
    this.#name = name;
  }
  async match(request, options = undefined) {
    const name = this.#name;
    need(arguments.length, 1, "Cache.match");
    return match(name, request, options);
  }
  async put(request, response) {
    const name = this.#name;
    need(arguments.length, 2, "Cache.put");
    return put(name, request, response);
  }
  async delete(request, options = undefined) {
    const name = this.#name;
    need(arguments.length, 1, "Cache.delete");
    return remove(name, request, options);
  }
  async matchAll() {
    this.#name;
    missing("Cache.matchAll()", INDEX_METHODS);
  }
  async add() {
    this.#name;
    missing("Cache.add()", "Use put(request, await fetch(request)).");
  }
  async addAll() {
    this.#name;
    missing("Cache.addAll()", "Use put(request, await fetch(request)) for each.");
  }
  async keys() {
    this.#name;
    missing("Cache.keys()", INDEX_METHODS);
  }
}
finish(Cache, "Cache");

class CacheStorage {
  #default = new Cache(NEW, "default");
  constructor(token) {
    if (token !== NEW) throw new TypeError("Illegal constructor: it is there as caches");
  }
  get default() {
    return this.#default;
  }
  async open(name) {
    this.#default;
    need(arguments.length, 1, "CacheStorage.open");
    return new Cache(NEW, `name:${name}`);
  }
  async match() {
    this.#default;
    missing("CacheStorage.match()", "Use match() of caches.default or of a cache that was opened.");
  }
  async has() {
    this.#default;
    missing("CacheStorage.has()", "caches.open() makes a cache that is not there.");
  }
  async delete() {
    this.#default;
    missing("CacheStorage.delete()", "What a cache holds expires, or is evicted when room is needed.");
  }
  async keys() {
    this.#default;
    missing("CacheStorage.keys()", "Caches are opened by name and not listed.");
  }
}
finish(CacheStorage, "CacheStorage");

exports.Cache = Cache;
exports.CacheStorage = CacheStorage;
exports.caches = new CacheStorage(NEW);
