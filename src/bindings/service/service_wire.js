// Values between isolates: a JSON text and blobs. What structuredClone() copies travels by value; functions
// and RpcTargets as numbers of a session's table, streams as numbers of its streams (see service_session.js).
//
//   "text", 1.5, true, null      themselves
//   [0, word]                    undefined, NaN, Infinity, -Infinity, -0
//   [1, n]                       the n-th object of this text again
//   [TAG, ...]                   everything else; see the table TAGS
//
// What is read here was written by this file in another isolate, whose tenant may have changed what it is
// built on: it is outside input, and every member is checked before it is used. The writer makes the text
// itself: JSON.stringify() would call the toJSON() of a prototype.

const { kindOf, put } = use("structured_clone");
const { getter, typedArrayPrototype } = use("webidl");
const { loaded } = use("core");
const { parse, stringify } = JSON;
const { apply, defineProperty, getPrototypeOf } = Reflect;
const { hasOwn, keys, prototype: objectPrototype } = Object;
const { isArray } = Array;
const { Map, Set, Date, RegExp, BigInt, Uint8Array, ArrayBuffer, DataView, Number, String, Boolean } = globalThis;
const ERRORS = { __proto__: null, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
const VIEWS = {
  __proto__: null, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
  Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView,
};
if (globalThis.Float16Array !== undefined) VIEWS.Float16Array = globalThis.Float16Array;
const WORDS = { __proto__: null, u: undefined, n: NaN, i: Infinity, m: -Infinity, z: -0 };
const { forEach: mapForEach, set: mapSet, get: mapGet } = Map.prototype;
const { forEach: setForEach, add: setAdd } = Set.prototype;
const { getTime } = Date.prototype;
const { toString: bigIntText, valueOf: bigIntValue } = BigInt.prototype;
const { valueOf: numberValue } = Number.prototype;
const { valueOf: stringValue } = String.prototype;
const { valueOf: booleanValue } = Boolean.prototype;
const regExpSource = getter(RegExp.prototype, "source");
const regExpFlags = getter(RegExp.prototype, "flags");
const viewTag = getter(typedArrayPrototype, Symbol.toStringTag);
const bufferLength = getter(ArrayBuffer.prototype, "byteLength");
const bufferMax = getter(ArrayBuffer.prototype, "maxByteLength");
const bufferResizable = getter(ArrayBuffer.prototype, "resizable");
const bufferDetached = getter(ArrayBuffer.prototype, "detached");
const { op_error_stack } = ops;

const OBJECT = 2, ARRAY = 3, MAP = 4, SET = 5, DATE = 6, REGEXP = 7, BIGINT = 8, BOXED = 9, BUFFER = 10, VIEW = 11;
const ERROR = 12, DOM = 13, BLOB = 14, FUNCTION = 15, TARGET = 16, READABLE = 17, WRITABLE = 18;
const HEADERS = 19, REQUEST = 20, RESPONSE = 21;
const PLAIN_TYPE = "text/plain;charset=UTF-8"; // what response.js and C need no header lines for
const PLAIN = `content-type: ${PLAIN_TYPE}\n`;
const ARRAY_MAX = 1 << 26, BUFFER_MAX = 1 << 30;

const cannot = (what) => {
  throw new (use("dom_exception").DOMException)(
    `Could not serialize object of type "${what}". This type does not support serialization.`,
    "DataCloneError",
  );
};
const bad = () => {
  throw new TypeError("The other worker sent what cannot be read.");
};
exports.bad = bad;

const is = (check, value) => {
  try {
    apply(check, value, []);
    return true;
  } catch {
    return false;
  }
};

const typeName = (value) => {
  try {
    const name = getPrototypeOf(value)?.constructor?.name;
    return typeof name === "string" && name !== "" ? name : "Object";
  } catch {
    return "Object";
  }
};

// ---- writing ----

// One message's: `session` gives numbers to what stays here. After done() nothing more is written.
class Writer {
  blobs = [];
  #session;
  #seen; // object -> its number
  #count = 0;

  constructor(session) {
    this.#session = session;
  }

  blob(bytes) {
    return this.blobs.push(bytes) - 1;
  }

  value(value) {
    switch (typeof value) {
      case "string":
        return stringify(value);
      case "number":
        if (value !== value) return '[0,"n"]';
        if (value === Infinity) return '[0,"i"]';
        if (value === -Infinity) return '[0,"m"]';
        return value === 0 && 1 / value < 0 ? '[0,"z"]' : `${value}`;
      case "boolean":
        return value ? "true" : "false";
      case "undefined":
        return '[0,"u"]';
      case "bigint":
        return `[${BIGINT},"${apply(bigIntText, value, [])}"]`;
      case "symbol":
        return cannot("Symbol");
      case "function":
        return this.#remote(value);
      default:
        return value === null ? "null" : this.#object(value);
    }
  }

  #remote(value) {
    const id = this.#session.exportOf(value);
    return id === undefined ? cannot(typeof value === "function" ? "Function" : typeName(value)) : `[${id[0]},${id[1]}]`;
  }

  #object(value) {
    this.#seen ??= new Map();
    const known = apply(mapGet, this.#seen, [value]);
    if (known !== undefined) return `[1,${known}]`;
    const id = this.#session.exportOf(value);
    if (id !== undefined) return `[${id[0]},${id[1]}]`;
    apply(mapSet, this.#seen, [value, this.#count++]);
    return this.#platform(value) ?? this.#language(value);
  }

  #platform(value) {
    const { requestInner } = use("request");
    const { responseInner } = use("response");
    const inner = requestInner(value);
    if (inner !== undefined) return `[${REQUEST},${this.request(inner)}]`;
    const answer = responseInner(value);
    if (answer !== undefined) return `[${RESPONSE},${this.response(answer)}]`;
    const { Headers, toText } = use("headers");
    if (value instanceof Headers) return `[${HEADERS},${stringify(toText(value))}]`;
    if (loaded("streams")?.isReadableStream(value)) return `[${READABLE},${this.#session.sendStream(value)}]`;
    if (loaded("stream_writable")?.isWritableStream(value)) return `[${WRITABLE},${this.#session.sendSink(value)}]`;
    const blobs = loaded("blob");
    if (blobs?.isBlob(value)) return this.#blobOf(value, blobs);
    if (loaded("dom_exception")?.isDOMException(value))
      return `[${DOM},${stringify(`${value.name}`)},${stringify(`${value.message}`)},${stringify(stackOf(value))}]`;
    return undefined;
  }

  #blobOf(value, blobs) {
    const at = this.blob(blobs.bytesOf(value));
    const file = value instanceof blobs.File ? `,${stringify(`${value.name}`)},${Number(value.lastModified)}` : "";
    return `[${BLOB},${at},${stringify(`${value.type}`)}${file}]`;
  }

  #language(value) {
    switch (kindOf(value)) {
      case "Object":
        return this.#plain(value);
      case "Array":
        return this.#array(value);
      case "View":
        return this.#view(value);
      case "ArrayBuffer":
        return this.#buffer(value);
      case "Map":
        return this.#map(value);
      case "Set":
        return this.#set(value);
      case "Date":
        return `[${DATE},${this.value(apply(getTime, value, []))}]`;
      case "RegExp":
        return `[${REGEXP},${stringify(apply(regExpSource, value, []))},${stringify(apply(regExpFlags, value, []))}]`;
      case "Wrapper":
        return this.#boxed(value);
      case "Error":
        return this.#error(value);
      default:
        return cannot(typeName(value));
    }
  }

  #plain(value) {
    const prototype = getPrototypeOf(value);
    if (prototype !== objectPrototype && prototype !== null) return cannot(typeName(value));
    return `[${OBJECT}${this.#members(value)}]`;
  }

  #members(value) {
    let text = "";
    const names = keys(value);
    for (let i = 0; i < names.length; i++)
      if (hasOwn(value, names[i])) text += `,${stringify(names[i])},${this.value(value[names[i]])}`;
    return text;
  }

  #array(value) {
    const { length } = value;
    const names = keys(value);
    if (names.length !== length) return `[${ARRAY},${length}${this.#members(value)}]`;
    let text = `[${ARRAY},-1`;
    for (let i = 0; i < length; i++) text += `,${this.value(value[i])}`;
    return `${text}]`;
  }

  #buffer(value) {
    if (apply(bufferDetached, value, [])) return cannot("a detached ArrayBuffer");
    const max = apply(bufferResizable, value, []) ? apply(bufferMax, value, []) : -1;
    return `[${BUFFER},${this.blob(new Uint8Array(value))},${max}]`;
  }

  #view(value) {
    const name = apply(viewTag, value, []) ?? "DataView";
    const { buffer, byteOffset, byteLength } = value;
    return `[${VIEW},${stringify(name)},${this.value(buffer)},${Number(byteOffset)},${Number(byteLength)}]`;
  }

  #map(value) {
    const rows = [];
    apply(mapForEach, value, [(item, key) => rows.push(key, item)]);
    let text = `[${MAP}`;
    for (let i = 0; i < rows.length; i++) text += `,${this.value(rows[i])}`;
    return `${text}]`;
  }

  #set(value) {
    const items = [];
    apply(setForEach, value, [(item) => items.push(item)]);
    let text = `[${SET}`;
    for (let i = 0; i < items.length; i++) text += `,${this.value(items[i])}`;
    return `${text}]`;
  }

  #boxed(value) {
    for (const unbox of [booleanValue, numberValue, stringValue, bigIntValue])
      if (is(unbox, value)) return `[${BOXED},${this.value(apply(unbox, value, []))}]`;
    return cannot("Symbol");
  }

  #error(value) {
    const cause = hasOwn(value, "cause") ? this.value(value.cause) : '[0,"u"]';
    let more = "";
    for (const name of keys(value))
      if (name !== "cause" && name !== "stack" && name !== "message" && name !== "name" && hasOwn(value, name))
        more += `,${stringify(name)},${this.value(value[name])}`;
    return (
      `[${ERROR},${stringify(`${value.name}`)},${stringify(`${value.message}`)},` +
      `${stringify(stackOf(value))},${cause}${more}]`
    );
  }

  // ---- what fetch() sends ----

  // null, [text], [blob number, 0] or [stream number, length or -1, 1]
  body(body) {
    if (body === null) return "null";
    const file = use("body");
    if (file.isUsed(body) || (body.stream !== undefined && body.stream.locked))
      throw new TypeError("This body has already been used: it cannot be sent to another worker.");
    const { kind, value } = body;
    if (body.stream === undefined && kind !== "source") {
      body.used = true;
      return kind === "text" ? `[${stringify(value)}]` : `[${this.blob(value)},0]`;
    }
    const length = body.length ?? (body.stream === undefined ? undefined : use("streams").lengthOf(body.stream)) ?? -1;
    const pull = file.reader(body);
    body.used = true;
    return `[${this.#session.sendBody(pull)},${length},1]`;
  }

  // method, url, header lines, body, redirect, cf
  request(inner) {
    const { settingsOf, cfGiven } = use("request_init");
    const { toText } = use("headers");
    const cf = cfGiven(inner) === undefined ? undefined : stringify(inner.cf);
    const isRaw = inner.headers === null && inner.text !== null;
    const headers = isRaw ? inner.text.slice(inner.urlLength) : toText(inner.getHeaders());
    return (
      `${stringify(inner.method)},${stringify(inner.getUrl())},${stringify(headers)},${this.body(inner.body)},` +
      `${stringify(settingsOf(inner).redirect)},${cf ?? "null"}`
    );
  }

  // status, its text, header lines, body, number of a WebSocket or 0, url
  response(inner) {
    const { toText } = use("headers");
    if (inner.kind === "error") return cannot("Response.error()");
    const socket = inner.status === 101 ? this.#session.sendSocket(inner.webSocket) : 0;
    const headers = inner.isPlainText() ? PLAIN : toText(inner.getHeaders());
    return (
      `${inner.status},${stringify(inner.statusText)},${stringify(headers)},${this.body(inner.body)},${socket},` +
      `${stringify(inner.url)}`
    );
  }
}
exports.Writer = Writer;

// Frames as the author's files have them, for whoever reads them elsewhere.
function stackOf(error) {
  try {
    const { stack } = error;
    return typeof stack === "string" ? (stack.includes("    at ") ? stack : op_error_stack(stack)) : "";
  } catch {
    return "";
  }
}

// ---- reading ----

const text = (value) => (typeof value === "string" ? value : bad());
const integer = (value, least, most) =>
  typeof value === "number" && value % 1 === 0 && value >= least && value <= most ? value : bad();

class Reader {
  #session;
  #blobs;
  #objects = [];

  constructor(session, blobs) {
    this.#session = session;
    this.#blobs = blobs;
  }

  blob(at) {
    const bytes = this.#blobs[integer(at, 0, this.#blobs.length - 1)];
    return bytes instanceof Uint8Array ? bytes : bad();
  }

  #keep(object) {
    this.#objects.push(object);
    return object;
  }

  value(wire) {
    if (typeof wire !== "object" || wire === null) return wire;
    if (!isArray(wire)) return bad();
    switch (wire[0]) {
      case 0:
        return text(wire[1]) in WORDS ? WORDS[wire[1]] : bad();
      case 1:
        return this.#objects[integer(wire[1], 0, this.#objects.length - 1)];
      case OBJECT:
        return this.#members(this.#keep({}), wire, 1);
      case ARRAY:
        return this.#array(wire);
      case MAP:
        return this.#map(wire);
      case SET:
        return this.#set(wire);
      case DATE:
        return this.#keep(new Date(Number(this.value(wire[1]))));
      case REGEXP:
        return this.#keep(new RegExp(text(wire[1]), text(wire[2])));
      case BIGINT:
        return BigInt(text(wire[1]));
      case BOXED:
        return this.#boxed(wire);
      case BUFFER:
        return this.#buffer(wire);
      case VIEW:
        return this.#view(wire);
      case ERROR:
        return this.#error(wire);
      case DOM:
        return this.#domException(wire);
      case BLOB:
        return this.#blobOf(wire);
      case FUNCTION:
      case TARGET:
        return this.#session.importOf(integer(wire[1], -0x7fffffff, 0x7fffffff));
      case READABLE:
        return this.#keep(this.#session.receiveStream(integer(wire[1], 1, 0x7fffffff)));
      case WRITABLE:
        return this.#keep(this.#session.receiveSink(integer(wire[1], 1, 0x7fffffff)));
      case HEADERS:
        return this.#keep(new (use("headers").Headers)(use("headers").fromText(text(wire[1]), 0)));
      case REQUEST:
        return this.#later((wanted) => this.request(wired(wire), wanted));
      case RESPONSE:
        return this.#later((wanted) => this.response(wired(wire), wanted));
      default:
        return bad();
    }
  }

  // What holds no further values may be made after its number was given.
  #later(make) {
    return this.#keep(make());
  }

  #members(object, wire, from) {
    for (let i = from; i + 1 < wire.length; i += 2) put(object, text(wire[i]), this.value(wire[i + 1]));
    return object;
  }

  #array(wire) {
    const length = integer(wire[1], -1, 0xffffffff);
    if (length >= 0) {
      const sparse = this.#keep([]);
      sparse.length = length;
      return this.#members(sparse, wire, 2);
    }
    const array = this.#keep([]);
    for (let i = 2; i < wire.length; i++) put(array, `${i - 2}`, this.value(wire[i]));
    return array;
  }

  #map(wire) {
    const map = this.#keep(new Map());
    for (let i = 1; i + 1 < wire.length; i += 2) apply(mapSet, map, [this.value(wire[i]), this.value(wire[i + 1])]);
    return map;
  }

  #set(wire) {
    const set = this.#keep(new Set());
    for (let i = 1; i < wire.length; i++) apply(setAdd, set, [this.value(wire[i])]);
    return set;
  }

  #boxed(wire) {
    const value = this.value(wire[1]);
    if (value === null || value === undefined || typeof value === "object") return bad();
    return this.#keep(Object(value));
  }

  #buffer(wire) {
    const bytes = this.blob(wire[1]);
    const max = integer(wire[2], -1, BUFFER_MAX);
    if (max < 0) return this.#keep(bytes.buffer);
    if (max < bytes.length) return bad();
    const buffer = new ArrayBuffer(bytes.length, { maxByteLength: max });
    new Uint8Array(buffer).set(bytes);
    return this.#keep(buffer);
  }

  // Numbers are given in the writer's order: the view before its buffer.
  #view(wire) {
    const Class = VIEWS[text(wire[1])];
    const at = this.#objects.push(undefined) - 1;
    const buffer = this.value(wire[2]);
    if (Class === undefined || !is(bufferLength, buffer)) return bad();
    const size = Class === DataView ? 1 : Class.BYTES_PER_ELEMENT;
    const offset = integer(wire[3], 0, ARRAY_MAX * 16);
    return (this.#objects[at] = new Class(buffer, offset, integer(wire[4], 0, ARRAY_MAX * 16) / size));
  }

  #error(wire) {
    const Class = ERRORS[text(wire[1])] ?? Error;
    const error = this.#keep(new Class(text(wire[2])));
    const define = (name, value) => defineProperty(error, name, { value, writable: true, configurable: true });
    if (ERRORS[wire[1]] === undefined) define("name", wire[1]);
    define("stack", text(wire[3]));
    const cause = this.value(wire[4]);
    if (cause !== undefined) define("cause", cause);
    return this.#members(error, wire, 5);
  }

  #domException(wire) {
    const error = new (use("dom_exception").DOMException)(text(wire[2]), text(wire[1]));
    defineProperty(error, "stack", { value: text(wire[3]), writable: true, configurable: true });
    return this.#keep(error);
  }

  #blobOf(wire) {
    const { Blob, File } = use("blob");
    const parts = [this.blob(wire[1])];
    const options = { type: text(wire[2]) };
    if (wire.length < 5) return this.#keep(new Blob(parts, options));
    return this.#keep(new File(parts, text(wire[3]), { ...options, lastModified: Number(wire[4]) }));
  }

  // ---- what fetch() sends: the members from `at` on ----

  body(wire) {
    const fields = { type: null, length: undefined, used: false, stream: undefined };
    if (wire === null) return null;
    if (!isArray(wire)) return bad();
    if (wire.length === 1) return { kind: "text", value: text(wire[0]), ...fields };
    if (wire.length === 2) return { kind: "bytes", value: this.blob(wire[0]), ...fields };
    const length = integer(wire[1], -1, Number.MAX_SAFE_INTEGER);
    return this.#session.receiveBody(integer(wire[0], 1, 0x7fffffff), length < 0 ? undefined : length);
  }

  request(wire, at = 0) {
    const { Inner, make } = use("request");
    const inner = new Inner();
    const url = text(wire[at + 1]);
    inner.method = text(wire[at]);
    inner.text = url + text(wire[at + 2]);
    inner.urlLength = url.length;
    inner.body = this.body(wire[at + 3]);
    if (wire[at + 4] !== "manual") inner.settings = use("request_init").settingsWith(text(wire[at + 4]));
    if (wire[at + 5] !== null && typeof wire[at + 5] === "object") inner.cf = wire[at + 5];
    inner.id = this.#session.request;
    return make(inner);
  }

  response(wire, at = 0) {
    const status = integer(wire[at], 101, 599);
    const body = this.body(wire[at + 3]);
    const fields = { status, statusText: text(wire[at + 1]), body, url: text(wire[at + 5]) };
    if (wire[at + 2] === PLAIN && body !== null && body.kind === "text") body.type = PLAIN_TYPE;
    else fields.headers = use("headers").fromText(text(wire[at + 2]), 0);
    if (status === 101) fields.webSocket = this.#session.receiveSocket(integer(wire[at + 4], 1, 0x7fffffff));
    return use("response").makeResponse(fields);
  }
}
const wired = (wire) => wire.slice(1);
exports.Reader = Reader;
exports.parse = parse;
exports.FUNCTION = FUNCTION;
exports.TARGET = TARGET;
