// Blob and File (W3C File API). A blob is one Uint8Array that nobody changes; slices share it.

const { finish, need } = use("webidl");
const { bytesOf: viewOf, encode, decode } = use("encoding");

const INTERNAL = {};
const CHUNK_BYTES = 1 << 18; // of a blob's stream
const NOT_A_TYPE = /[^\x20-\x7e]/;

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

const typeOf = (type) => (NOT_A_TYPE.test(type) ? "" : type.toLowerCase());

let bytesOf; // (blob) => its bytes, which must not be changed or handed out

// ---- parts ----

const newlines = (text) => text.replace(/\r\n?/g, "\n");

// The parts as strings and Uint8Arrays, converted as they are iterated over (WebIDL sequence).
function partsOf(parts, where) {
  const iterate = isObject(parts) ? parts[Symbol.iterator] : undefined;
  if (typeof iterate !== "function") throw new TypeError(`${where}: the parts are not a sequence`);
  const iterator = Reflect.apply(iterate, parts, []);
  const { next } = iterator;
  const found = [];
  for (let step; !(step = Reflect.apply(next, iterator, [])).done; ) found.push(partOf(step.value));
  return found;
}

function partOf(part) {
  if (!isObject(part)) return `${part}`;
  return isBlob(part) ? part : viewOf(part) ?? `${part}`;
}

function optionsOf(options, where) {
  if (options === undefined || options === null) return { native: false, type: "" };
  if (!isObject(options)) throw new TypeError(`${where}: the options are not an object`);
  let { endings } = options;
  if (endings !== undefined && (endings = `${endings}`) !== "transparent" && endings !== "native")
    throw new TypeError(`${where}: endings is 'transparent' or 'native', not '${endings}'`);
  const { type } = options;
  return { native: endings === "native", type: type === undefined ? "" : typeOf(`${type}`) };
}

// One Uint8Array that nobody else can change: a lone blob's is shared.
function join(parts, native) {
  if (parts.length === 1 && isBlob(parts[0])) return bytesOf(parts[0]);
  const chunks = parts.map((part) => {
    if (typeof part === "string") return encode(native ? newlines(part) : part);
    return isBlob(part) ? bytesOf(part) : part;
  });
  if (chunks.length === 1 && typeof parts[0] === "string") return chunks[0];
  const all = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

// [Clamp] long long: to the nearest integer, the even one of two; counted from the end when negative.
function clamp(value, size, fallback) {
  if (value === undefined) return fallback;
  value = +value || 0;
  let whole = Math.round(value);
  if (whole - value === 0.5 && whole % 2 !== 0) whole--;
  return whole < 0 ? Math.max(size + whole, 0) : Math.min(whole, size);
}

// ---- Blob ----

let isBlob;

class Blob {
  #bytes;
  #type;

  constructor(blobParts, options) {
    if (blobParts === INTERNAL) {
      this.#bytes = options.bytes;
      this.#type = options.type;
      return;
    }
    const where = "Failed to construct 'Blob'";
    const parts = blobParts === undefined ? [] : partsOf(blobParts, where);
    const { native, type } = optionsOf(options, where);
    this.#bytes = join(parts, native);
    this.#type = type;
  }
  get size() {
    return this.#bytes.length;
  }
  get type() {
    return this.#type;
  }
  slice(start, end, contentType) {
    const bytes = this.#bytes;
    const size = bytes.length;
    const from = clamp(start, size, 0);
    const to = Math.max(clamp(end, size, size), from);
    const type = contentType === undefined ? "" : typeOf(`${contentType}`);
    return new Blob(INTERNAL, { bytes: bytes.subarray(from, to), type });
  }
  stream() {
    const bytes = this.#bytes;
    let at = 0;
    const take = (count) => bytes.slice(at, (at += count));
    return use("streams").fromSource({
      pull: async () => (at < bytes.length ? take(CHUNK_BYTES) : undefined),
      collect: async () => take(bytes.length),
      cancel() {},
      length: bytes.length,
    });
  }
  async text() {
    return decode(this.#bytes);
  }
  async arrayBuffer() {
    return this.#bytes.slice().buffer;
  }
  async bytes() {
    return this.#bytes.slice();
  }
  static {
    isBlob = (value) => isObject(value) && #bytes in value;
    bytesOf = (blob) => blob.#bytes;
  }
}
finish(Blob, "Blob");
Object.defineProperty(Blob, "length", { value: 0, configurable: true });
Object.defineProperty(Blob.prototype.slice, "length", { value: 0, configurable: true });
exports.Blob = Blob;
exports.isBlob = isBlob;
exports.bytesOf = bytesOf;

// A Blob of bytes that nobody else holds.
exports.fromBytes = (bytes, type) => new Blob(INTERNAL, { bytes, type });

// ---- File ----

class File extends Blob {
  #name;
  #lastModified;

  constructor(fileBits, fileName, options) {
    need(arguments.length, 2, "Failed to construct 'File'");
    if (!isObject(fileBits)) throw new TypeError("Failed to construct 'File': the parts are not a sequence");
    super(fileBits, options);
    this.#name = `${fileName}`.toWellFormed();
    const lastModified = options?.lastModified;
    this.#lastModified = lastModified === undefined ? Date.now() : Math.trunc(+lastModified) || 0;
  }
  get name() {
    return this.#name;
  }
  get lastModified() {
    return this.#lastModified;
  }
  static {
    exports.isFile = (value) => isObject(value) && #name in value;
  }
}
finish(File, "File");
Object.defineProperty(File, "length", { value: 2, configurable: true });
exports.File = File;

exports.cloneSerializable = (value) => {
  if (!isBlob(value)) return undefined;
  const { type } = value;
  if (!exports.isFile(value)) return new Blob([value], { type });
  return new File([value], value.name, { type, lastModified: value.lastModified });
};
