// structuredClone (HTML 2.7). Serializing and deserializing are one walk: what is not transferred
// is copied at once. A transferred buffer is copied too and its original detached at the end, so
// that a walk that throws has detached nothing.

const { getter, named, need, typedArrayPrototype } = use("webidl");
const { loaded } = use("core");

const { apply, getPrototypeOf, getOwnPropertyDescriptor, defineProperty } = Reflect;
const { keys, hasOwn } = Object;
const tagOf = Object.prototype.toString;
const bufferLength = getter(ArrayBuffer.prototype, "byteLength");
const mapSize = getter(Map.prototype, "size");
const setSize = getter(Set.prototype, "size");
const viewLength = getter(DataView.prototype, "byteLength");
const { keys: arrayKeys } = typedArrayPrototype;
const typedArrayTag = getter(typedArrayPrototype, Symbol.toStringTag);
const { transfer } = ArrayBuffer.prototype;
const { forEach: mapForEach } = Map.prototype;
const { forEach: setForEach } = Set.prototype;

const ERRORS = { __proto__: null, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

// Files whose exported classes are platform objects; none of these can be cloned, but for the
// classes that cloneSerializable() knows.
const PLATFORM_FILES = [
  "abort", "blob", "cache", "console", "crypto", "dom_exception", "encoding", "events", "formdata", "headers",
  "performance", "request", "response", "service_worker", "streams", "timers", "url", "websocket",
];
const LANGUAGE = [Promise, WeakMap, WeakSet, WeakRef, FinalizationRegistry, Symbol, Iterator, Function];

const refuse = (what) => {
  throw new (use("dom_exception").DOMException)(`${what} cannot be cloned`, "DataCloneError");
};

// Does `check` (a method or getter that looks at internal slots) accept the value?
function accepts(check, value, ...given) {
  try {
    apply(check, value, given);
    return true;
  } catch {
    return false;
  }
}

function isPlatformPrototype(prototype) {
  const isOf = (Class) => typeof Class === "function" && Class.prototype === prototype;
  if (LANGUAGE.some(isOf)) return true;
  return PLATFORM_FILES.some((file) => {
    const found = loaded(file);
    return found !== undefined && keys(found).some((name) => isOf(found[name]));
  });
}

// What the object is, as one of the words that cloneObject() knows; Object.prototype.toString looks
// at internal slots for the types that have no tag, and tags are believed only after a check.
function kindOf(value) {
  if (Array.isArray(value)) return "Array";
  if (ArrayBuffer.isView(value)) return "View";
  const tag = apply(tagOf, value, []);
  const prototype = getPrototypeOf(value);
  if (tag === "[object Object]" && (prototype === Object.prototype || prototype === null)) return "Object";
  if (tag === "[object Date]" && accepts(Date.prototype.getTime, value)) return "Date";
  if (tag === "[object RegExp]" && accepts(getter(RegExp.prototype, "source"), value)) return "RegExp";
  if (tag === "[object Error]") return "Error";
  if (accepts(mapSize, value)) return "Map";
  if (accepts(setSize, value)) return "Set";
  if (accepts(bufferLength, value)) return "ArrayBuffer";
  for (const Class of [Boolean, Number, String, BigInt, Symbol])
    if (accepts(Class.prototype.valueOf, value)) return "Wrapper";
  if (accepts(Date.prototype.getTime, value)) return "Date";
  for (let p = prototype; p !== null; p = getPrototypeOf(p)) if (isPlatformPrototype(p)) return "Platform";
  return "Object";
}

function put(target, key, value) {
  if (key === "__proto__") defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  else target[key] = value;
}

class Walk {
  #copies = new Map();
  #transfers;
  constructor(transfers) {
    this.#transfers = transfers;
  }

  clone(value) {
    if (typeof value === "symbol") refuse(String(value));
    if (typeof value === "function") refuse(`The function '${value.name}'`);
    if (typeof value !== "object" || value === null) return value;
    const known = this.#copies.get(value);
    return known === undefined ? this.#cloneObject(value) : known;
  }

  #keep(value, copy) {
    this.#copies.set(value, copy);
    return copy;
  }

  #cloneObject(value) {
    switch (kindOf(value)) {
      case "Object":
        return this.#properties(value, this.#keep(value, {}));
      case "Array":
        return this.#properties(value, this.#keep(value, new Array(value.length)));
      case "View":
        return this.#view(value);
      case "ArrayBuffer":
        return this.#buffer(value);
      case "Map":
        return this.#map(value);
      case "Set":
        return this.#set(value);
      case "Date":
        return this.#keep(value, new Date(apply(Date.prototype.getTime, value, [])));
      case "RegExp":
        return this.#keep(value, new RegExp(value.source, value.flags));
      case "Wrapper":
        return this.#wrapper(value);
      case "Error":
        return use("dom_exception").isDOMException(value) ? this.#domException(value) : this.#error(value);
      default:
        return this.#serializable(value);
    }
  }

  #properties(value, copy) {
    for (const key of keys(value)) if (hasOwn(value, key)) put(copy, key, this.clone(value[key]));
    return copy;
  }

  #wrapper(value) {
    for (const Class of [Boolean, Number, String, BigInt])
      if (accepts(Class.prototype.valueOf, value))
        return this.#keep(value, Object(apply(Class.prototype.valueOf, value, [])));
    return refuse("A symbol");
  }

  #map(value) {
    const copy = this.#keep(value, new Map());
    const rows = [];
    apply(mapForEach, value, [(item, key) => rows.push(key, item)]);
    for (let i = 0; i < rows.length; i += 2) copy.set(this.clone(rows[i]), this.clone(rows[i + 1]));
    return copy;
  }

  #set(value) {
    const copy = this.#keep(value, new Set());
    const items = [];
    apply(setForEach, value, [(item) => items.push(item)]);
    for (let i = 0; i < items.length; i++) copy.add(this.clone(items[i]));
    return copy;
  }

  #buffer(value) {
    if (value.detached) refuse("A detached ArrayBuffer");
    const options = value.resizable ? { maxByteLength: value.maxByteLength } : undefined;
    const copy = new ArrayBuffer(value.byteLength, options);
    new Uint8Array(copy).set(new Uint8Array(value));
    return this.#keep(value, copy);
  }

  #view(value) {
    const name = apply(typedArrayTag, value, []);
    if (!accepts(name === undefined ? viewLength : arrayKeys, value)) refuse("A view beyond the end of its buffer");
    const buffer = this.clone(value.buffer);
    const Class = name === undefined ? DataView : globalThis[name];
    const length = name === undefined ? value.byteLength : value.length;
    return this.#keep(value, new Class(buffer, value.byteOffset, length));
  }

  #error(value) {
    const Class = ERRORS[`${value.name}`] ?? Error;
    const message = getOwnPropertyDescriptor(value, "message");
    const copy = this.#keep(value, new Class());
    const define = (key, item) => defineProperty(copy, key, { value: item, writable: true, configurable: true });
    if (message !== undefined && hasOwn(message, "value")) define("message", `${message.value}`);
    define("stack", `${value.stack}`);
    if (hasOwn(value, "cause")) define("cause", this.clone(value.cause));
    return copy;
  }

  #domException(value) {
    const { DOMException, QuotaExceededError } = use("dom_exception");
    const { name, message, quota, requested } = value;
    const copy =
      value instanceof QuotaExceededError
        ? new QuotaExceededError(message, { quota: quota ?? undefined, requested: requested ?? undefined })
        : new DOMException(message, name);
    defineProperty(copy, "stack", { value: `${value.stack}`, writable: true, configurable: true });
    return this.#keep(value, copy);
  }

  // The platform objects that can be cloned; each exists only when its file was loaded.
  #serializable(value) {
    if (use("dom_exception").isDOMException(value)) return this.#domException(value);
    const { Blob, File } = loaded("blob") ?? {};
    if (File !== undefined && value instanceof File) {
      const { name, type, lastModified } = value;
      return this.#keep(value, new File([value], name, { type, lastModified }));
    }
    if (Blob !== undefined && value instanceof Blob) return this.#keep(value, new Blob([value], { type: value.type }));
    return refuse(`An object of type ${apply(tagOf, value, []).slice(8, -1)}`);
  }

  // Detaches what was transferred; buffers that the value did not reach go too.
  finish() {
    for (const buffer of this.#transfers) apply(transfer, buffer, [0]);
  }
}

function transfersOf(options) {
  if (options === undefined || options === null) return [];
  if (typeof options !== "object" && typeof options !== "function")
    throw new TypeError("structuredClone: the options are not an object");
  if (options.transfer === undefined) return [];
  const transfers = [...options.transfer];
  for (const item of transfers)
    if ((typeof item !== "object" && typeof item !== "function") || item === null)
      throw new TypeError("structuredClone: only objects can be transferred");
  return transfers;
}

function checkTransfers(transfers) {
  const seen = new Set();
  for (const item of transfers) {
    if (!accepts(bufferLength, item)) refuse("structuredClone: an object that is not transferable");
    if (item.detached) refuse("A detached ArrayBuffer");
    if (seen.has(item)) refuse("A buffer that is transferred twice");
    seen.add(item);
  }
}

exports.structuredClone = function (value, options = undefined) {
  need(arguments.length, 1, "structuredClone");
  const transfers = transfersOf(options);
  checkTransfers(transfers);
  const walk = new Walk(transfers);
  const copy = walk.clone(value);
  walk.finish();
  return copy;
};

named("structuredClone", exports.structuredClone);
