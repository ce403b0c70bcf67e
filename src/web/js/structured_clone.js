// structuredClone (HTML 2.7), also for messages and the details of performance marks. Serializing
// and deserializing are one walk: there is one realm, so what is not transferred is copied at once.
// A transferred buffer is copied too and its original detached at the end, so that a walk that
// throws has detached nothing.
//
// Platform objects belong to their files. A file in SERIALIZABLE may export
//   cloneSerializable(value) => a copy, or undefined when the value is not one of its objects
// and one in TRANSFERABLE
//   transferable(value) => { fresh, move() }, or undefined: `fresh` is what stands for the value in
//   the copy, move() makes it so and throws DataCloneError (exports.refuse) when it cannot.
// Such a value exists only when its file was loaded, so only loaded files are asked.

const { op_buffer_is } = ops;
const { getter, named, need, typedArrayPrototype } = use("webidl");
const { loaded, globals, natives } = use("core");

const SERIALIZABLE = ["blob", "crypto_key"];
const TRANSFERABLE = ["message_channel", "streams", "stream_writable", "stream_transform"];

const { apply, getPrototypeOf, getOwnPropertyDescriptor, defineProperty } = Reflect;
const { keys, hasOwn } = Object;
const { Uint8Array } = globalThis;
const tagOf = Object.prototype.toString;
const bufferLength = getter(ArrayBuffer.prototype, "byteLength");
const bufferDetached = getter(ArrayBuffer.prototype, "detached");
const bufferIsResizable = getter(ArrayBuffer.prototype, "resizable");
const mapSize = getter(Map.prototype, "size");
const setSize = getter(Set.prototype, "size");
const viewLength = getter(DataView.prototype, "byteLength");
const { keys: arrayKeys } = typedArrayPrototype;
const typedArrayTag = getter(typedArrayPrototype, Symbol.toStringTag);
const { resize, transfer } = ArrayBuffer.prototype;
const { forEach: mapForEach } = Map.prototype;
const { forEach: setForEach } = Set.prototype;
const { getTime } = Date.prototype;
const regExpSource = getter(RegExp.prototype, "source");
const ERRORS = { __proto__: null, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
const LANGUAGE = [Promise, WeakMap, WeakSet, WeakRef, natives.FinalizationRegistry, Symbol, Iterator, Function];

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

const refuse = (what) => {
  throw new (use("dom_exception").DOMException)(`${what} cannot be cloned`, "DataCloneError");
};
const refuseTransfer = (what) => {
  throw new (use("dom_exception").DOMException)(`${what} cannot be transferred`, "DataCloneError");
};
exports.refuse = refuseTransfer;

// Does `check` (a method or getter that looks at internal slots) accept the value?
function accepts(check, value, ...given) {
  try {
    apply(check, value, given);
    return true;
  } catch {
    return false;
  }
}

// A compiled module; there is none before the file behind WebAssembly was loaded.
const isModule = (value) => loaded("late") !== undefined && accepts(() => natives.WebAssembly.Module.exports(value));

// Is it the prototype of a class that the platform or the language offers, or of an object such as
// navigator, none of which is cloned as a plain object?
function isPlatformPrototype(prototype) {
  if (prototype === Object.prototype) return false;
  const isOf = (offered) =>
    typeof offered === "function" ? offered.prototype === prototype : isObject(offered) && getPrototypeOf(offered) === prototype;
  if (LANGUAGE.some(isOf)) return true;
  for (let i = 0; i < globals.length; i += 2) if (isOf(loaded(globals[i + 1])?.[globals[i]])) return true;
  return false;
}

// What the object is, as one of the words that cloneObject() knows; Object.prototype.toString looks
// at internal slots for the types that have no tag, and tags are believed only after a check.
function kindOf(value) {
  if (Array.isArray(value)) return "Array";
  if (ArrayBuffer.isView(value)) return "View";
  const tag = apply(tagOf, value, []);
  const prototype = getPrototypeOf(value);
  if (tag === "[object Object]" && (prototype === Object.prototype || prototype === null)) return "Object";
  if (tag === "[object Date]" && accepts(getTime, value)) return "Date";
  if (tag === "[object RegExp]" && accepts(regExpSource, value)) return "RegExp";
  if (tag === "[object Error]") return "Error";
  if (accepts(mapSize, value)) return "Map";
  if (accepts(setSize, value)) return "Set";
  if (op_buffer_is(value) && accepts(bufferLength, value)) return "ArrayBuffer"; // not a shared one
  if (tag === "[object SharedArrayBuffer]") return "Platform";
  for (const Class of [Boolean, Number, String, BigInt, Symbol])
    if (accepts(Class.prototype.valueOf, value)) return "Wrapper";
  if (accepts(getTime, value)) return "Date";
  for (let p = prototype; p !== null; p = getPrototypeOf(p)) if (isPlatformPrototype(p)) return "Platform";
  return isModule(value) ? "Module" : "Object";
}

function put(target, key, value) {
  if (key === "__proto__") defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  else target[key] = value;
}

// Does the view's length follow its resizable buffer's? Only resizing tells, so the buffer is
// resized by one item and back.
function tracksLength(view, buffer) {
  if (!apply(bufferIsResizable, buffer, [])) return false;
  const { byteLength: length, maxByteLength: max } = buffer;
  const item = view.BYTES_PER_ELEMENT ?? 1;
  const before = view.byteLength;
  const grows = length + item <= max;
  if (!grows && before < item) return false;
  const other = grows ? length + item : length - item;
  const saved = grows ? undefined : new Uint8Array(buffer, other, item).slice();
  apply(resize, buffer, [other]);
  const tracks = accepts(arrayKeys, view) || accepts(viewLength, view) ? view.byteLength !== before : false;
  apply(resize, buffer, [length]);
  if (saved !== undefined) new Uint8Array(buffer).set(saved, other);
  return tracks;
}

exports.kindOf = kindOf;
exports.put = put;

class Walk {
  #copies = new Map();

  // What stands for a transferred platform object.
  replace(value, fresh) {
    this.#copies.set(value, fresh);
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
        return this.#keep(value, new Date(apply(getTime, value, [])));
      case "RegExp":
        return this.#keep(value, new RegExp(value.source, value.flags));
      case "Wrapper":
        return this.#wrapper(value);
      case "Error":
        return use("dom_exception").isDOMException(value) ? this.#domException(value) : this.#error(value);
      case "Module":
        return value; // it cannot be changed
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
    if (apply(bufferDetached, value, [])) refuse("A detached ArrayBuffer");
    const options = apply(bufferIsResizable, value, []) ? { maxByteLength: value.maxByteLength } : undefined;
    const copy = new ArrayBuffer(value.byteLength, options);
    new Uint8Array(copy).set(new Uint8Array(value));
    return this.#keep(value, copy);
  }

  #view(value) {
    const name = apply(typedArrayTag, value, []);
    if (!accepts(name === undefined ? viewLength : arrayKeys, value)) refuse("A view beyond the end of its buffer");
    const buffer = this.clone(value.buffer);
    const Class = globalThis[name ?? "DataView"] ?? value.constructor;
    const length = tracksLength(value, value.buffer) ? undefined : name === undefined ? value.byteLength : value.length;
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

  #serializable(value) {
    if (use("dom_exception").isDOMException(value)) return this.#domException(value);
    for (const file of SERIALIZABLE) {
      const copy = loaded(file)?.cloneSerializable?.(value);
      if (copy !== undefined) return this.#keep(value, copy);
    }
    return refuse(`An object of type ${apply(tagOf, value, []).slice(8, -1)}`);
  }
}

function transferable(value) {
  if (op_buffer_is(value) && accepts(bufferLength, value)) {
    if (apply(bufferDetached, value, [])) refuseTransfer("A detached ArrayBuffer");
    return undefined;
  }
  for (const file of TRANSFERABLE) {
    const found = loaded(file)?.transferable?.(value);
    if (found !== undefined) return found;
  }
  return refuseTransfer(`An object of type ${apply(tagOf, value, []).slice(8, -1)}`);
}

function detach(buffer) {
  if (apply(bufferDetached, buffer, [])) refuseTransfer("A detached ArrayBuffer");
  try {
    apply(transfer, buffer, [0]);
  } catch {
    refuseTransfer("This ArrayBuffer"); // a WebAssembly memory's
  }
}

// StructuredSerializeWithTransfer and its counterpart: { value, transferred }, the latter a list of
// what became of the platform objects. Buffers that the value does not reach are detached too.
exports.clone = (value, transfers = []) => {
  const walk = new Walk();
  const seen = new Set();
  const fresh = [];
  const moves = [];
  for (const item of transfers) {
    const found = transferable(item);
    if (seen.has(item)) refuseTransfer("An object that is in the list twice");
    seen.add(item);
    if (found === undefined) moves.push(() => detach(item));
    else {
      walk.replace(item, found.fresh);
      fresh.push(found.fresh);
      moves.push(found.move);
    }
  }
  const copy = walk.clone(value);
  for (const move of moves) move();
  return { value: copy, transferred: fresh };
};

// The `transfer` member of StructuredSerializeOptions.
exports.transfersOf = (options, where) => {
  if (options === undefined || options === null) return [];
  if (!isObject(options)) throw new TypeError(`${where}: the options are not an object`);
  return options.transfer === undefined ? [] : exports.sequence(options.transfer, where);
};

// sequence<object>
exports.sequence = (value, where) => {
  if (!isObject(value) || typeof value[Symbol.iterator] !== "function")
    throw new TypeError(`${where}: the transfer list is not a sequence`);
  const items = [...value];
  for (const item of items)
    if (!isObject(item))
      throw new TypeError(`${where}: only objects can be transferred`);
  return items;
};

exports.structuredClone = function (value, options = undefined) {
  need(arguments.length, 1, "structuredClone");
  return exports.clone(value, exports.transfersOf(options, "structuredClone")).value;
};

named("structuredClone", exports.structuredClone);
