// FormData (WHATWG XHR 4.3) and its two wire forms: multipart/form-data (RFC 7578, HTML 4.10.22.7,
// Fetch "multipart/form-data parser") and application/x-www-form-urlencoded.

const { finish, iterable, need } = use("webidl");
const { decode, encode } = use("encoding");
const { File, bytesOf, isBlob, isFile } = use("blob");
const { op_crypto_random, op_encoding_decode_utf8 } = ops;

const PARTS_MAX = 10000;
const PART_HEAD_BYTES_MAX = 16384;
const CR = 13, LF = 10, DASH = 45;

// UTF-8 decode without BOM: it stays.
const decodeAll = (bytes) => op_encoding_decode_utf8(bytes, 0);
const usv = (value) => `${value}`.toWellFormed();

let listOf; // (form) => [name, value, name, value ...]

class FormData {
  #list = [];

  constructor(form) {
    if (form !== undefined)
      throw new TypeError("Failed to construct 'FormData': parameter 1 is not of type 'HTMLFormElement'");
  }
  append(name, value, filename) {
    const list = this.#list;
    const given = arguments.length;
    need(given, 2, "Failed to execute 'append' on 'FormData'");
    list.push(usv(name), entryValue(value, filename, given > 2, "append"));
  }
  delete(name) {
    const list = this.#list;
    need(arguments.length, 1, "Failed to execute 'delete' on 'FormData'");
    removeFrom(list, usv(name), 0);
  }
  get(name) {
    const list = this.#list;
    need(arguments.length, 1, "Failed to execute 'get' on 'FormData'");
    const at = find(list, usv(name));
    return at < 0 ? null : list[at + 1];
  }
  getAll(name) {
    const list = this.#list;
    need(arguments.length, 1, "Failed to execute 'getAll' on 'FormData'");
    name = usv(name);
    return list.filter((_, i) => i % 2 === 1 && list[i - 1] === name);
  }
  has(name) {
    const list = this.#list;
    need(arguments.length, 1, "Failed to execute 'has' on 'FormData'");
    return find(list, usv(name)) >= 0;
  }
  set(name, value, filename) {
    const list = this.#list;
    const given = arguments.length;
    need(given, 2, "Failed to execute 'set' on 'FormData'");
    name = usv(name);
    value = entryValue(value, filename, given > 2, "set");
    const at = find(list, name);
    if (at < 0) list.push(name, value);
    else {
      list[at + 1] = value;
      removeFrom(list, name, at + 2);
    }
  }
  static {
    listOf = (form) => form.#list;
  }
}
iterable(FormData, "FormData", (form) => listOf(form));
finish(FormData, "FormData");
for (const name of ["append", "set"])
  Object.defineProperty(FormData.prototype[name], "length", { value: 2, configurable: true });
Object.defineProperty(FormData, "length", { value: 0, configurable: true });
exports.FormData = FormData;

function find(list, name) {
  for (let i = 0; i < list.length; i += 2) if (list[i] === name) return i;
  return -1;
}

function removeFrom(list, name, from) {
  let to = from;
  for (let i = from; i < list.length; i += 2) {
    if (list[i] === name) continue;
    list[to++] = list[i];
    list[to++] = list[i + 1];
  }
  list.length = to;
}

// "Create an entry": a Blob becomes a File.
function entryValue(value, filename, named, method) {
  if (!isBlob(value)) {
    if (named) throw new TypeError(`Failed to execute '${method}' on 'FormData': parameter 2 is not of type 'Blob'`);
    return usv(value);
  }
  if (!named && isFile(value)) return value;
  const name = named ? usv(filename) : "blob";
  return new File([value], name, { type: value.type, lastModified: isFile(value) ? value.lastModified : Date.now() });
}

// ---- application/x-www-form-urlencoded ----

exports.parseUrlencoded = (bytes) => {
  const form = new FormData();
  const list = listOf(form);
  for (const text of use("url").parseForm(decodeAll(bytes))) list.push(text);
  return form;
};

// ---- multipart/form-data: writing ----

const ESCAPES = { __proto__: null, "\n": "%0A", "\r": "%0D", '"': "%22" };
const escape = (text) => text.replace(/[\n\r"]/g, (found) => ESCAPES[found]);
const newlines = (text) => text.replace(/\r\n?|\n/g, "\r\n");

// Sixteen random bytes, so that no content can hold the boundary.
function makeBoundary() {
  const random = new Uint8Array(16);
  op_crypto_random(random);
  return `----atollFormBoundary${random.toHex()}`;
}

exports.encodeMultipart = (form) => {
  const boundary = makeBoundary();
  const list = listOf(form);
  const chunks = [];
  for (let i = 0; i < list.length; i += 2) {
    const value = list[i + 1];
    const name = `--${boundary}\r\nContent-Disposition: form-data; name="${escape(newlines(list[i]))}"`;
    if (typeof value === "string") chunks.push(encode(`${name}\r\n\r\n${newlines(value)}\r\n`));
    else {
      const type = value.type || "application/octet-stream";
      chunks.push(encode(`${name}; filename="${escape(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`));
      chunks.push(bytesOf(value), encode("\r\n"));
    }
  }
  chunks.push(encode(`--${boundary}--\r\n`));
  const bytes = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { bytes, boundary };
};

// ---- multipart/form-data: reading ----
//
//   --boundary CRLF head CRLF CRLF body CRLF --boundary CRLF head ... CRLF --boundary--
//
// One pass: each step starts where the last one ended.

const bad = (why) => new TypeError(`The multipart/form-data body is malformed: ${why}`);

function startsAt(bytes, at, wanted) {
  if (at + wanted.length > bytes.length) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

// Where `wanted`, which starts with CR, is found from `at` on and before `end`; -1 when it is not.
function search(bytes, wanted, at, end) {
  for (at = bytes.indexOf(CR, at); at >= 0 && at < end; at = bytes.indexOf(CR, at + 1))
    if (startsAt(bytes, at, wanted)) return at;
  return -1;
}

const HEAD_END = [CR, LF, CR, LF];

exports.parseMultipart = (bytes, boundary) => {
  const form = new FormData();
  const list = listOf(form);
  const delimiter = encode(`\r\n--${boundary}`);
  if (!startsAt(bytes, 0, delimiter.subarray(2))) throw bad("it does not start with the boundary");
  for (let at = delimiter.length - 2; ; ) {
    if (bytes[at] === DASH && bytes[at + 1] === DASH) {
      if (at + 2 === bytes.length || (bytes[at + 2] === CR && bytes[at + 3] === LF)) return form;
      throw bad("something follows the last boundary");
    }
    if (bytes[at] !== CR || bytes[at + 1] !== LF) throw bad("a boundary is not followed by a line end");
    if (list.length >= PARTS_MAX * 2) throw bad(`it has more than ${PARTS_MAX} parts`);
    // A part without any header has CRLF CRLF right after the boundary.
    const headEnd = search(bytes, HEAD_END, at, at + PART_HEAD_BYTES_MAX);
    if (headEnd < 0) throw bad(`a part's head does not end within ${PART_HEAD_BYTES_MAX} bytes`);
    const head = parseHead(decode(bytes.subarray(Math.min(at + 2, headEnd), headEnd)));
    const start = headEnd + 4;
    const end = search(bytes, delimiter, start, bytes.length);
    if (end < 0) throw bad("the last part does not end with the boundary");
    list.push(head.name, partValue(head, bytes.subarray(start, end)));
    at = end + delimiter.length;
  }
};

function partValue({ filename, type }, bytes) {
  if (filename === undefined) return decodeAll(bytes);
  return new File([bytes], filename, { type: type ?? "text/plain" });
}

const PARAMETER = /;[ \t]*([A-Za-z0-9*_-]+)=(?:"([^"]*)"|([^;"\s]*))[ \t]*/y;

// { name, filename, type } of a part's header lines.
function parseHead(text) {
  const head = { name: undefined, filename: undefined, type: undefined };
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) throw bad("a header line has no name");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "content-disposition") parseDisposition(value, head);
    else if (name === "content-type") head.type = value;
  }
  if (head.name === undefined) throw bad("a part has no Content-Disposition with a name");
  return head;
}

function parseDisposition(value, head) {
  if (!/^form-data[ \t]*(?:;|$)/i.test(value)) throw bad("a part's Content-Disposition is not form-data");
  PARAMETER.lastIndex = value.indexOf(";");
  if (PARAMETER.lastIndex < 0) return;
  for (let found; PARAMETER.lastIndex < value.length && (found = PARAMETER.exec(value)) !== null; ) {
    const [, key, quoted, plain] = found;
    const text = unescape(quoted ?? plain);
    if (key.toLowerCase() === "name") head.name = text;
    else if (key.toLowerCase() === "filename") head.filename = text;
  }
  if (PARAMETER.lastIndex < value.length) throw bad("a part's Content-Disposition cannot be read");
}

const UNESCAPES = { __proto__: null, "%0A": "\n", "%0D": "\r", "%22": '"' };
const unescape = (text) => text.replace(/%0A|%0D|%22/gi, (found) => UNESCAPES[found.toUpperCase()]);
