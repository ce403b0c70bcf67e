// What all kinds of streams share: a queue, promises that a changed Promise.prototype cannot
// disturb, callbacks of the tenant, and queuing strategies (WHATWG Streams 7 and 8).

const { finish, named } = use("webidl");

const { apply } = Reflect;
const { then: promiseThen, constructor: Promise_ } = Promise.prototype;
const resolve = Promise.resolve;

const then = (promise, onValue, onError) => apply(promiseThen, promise, [onValue, onError]);
const resolved = (value) => apply(resolve, Promise_, [value]);
const rejected = (reason) => new Promise_((_, reject) => reject(reason));
const noop = () => {};
const handled = (promise) => then(promise, undefined, noop);

// "A promise resolved with": where `value` is a promise it is followed, which takes its ticks.
exports.resolvedWith = (value) => new Promise_((onValue) => onValue(value));

exports.then = then;
exports.resolved = resolved;
exports.rejected = rejected;
exports.noop = noop;
exports.handled = handled;

// { promise, resolve, reject }
exports.deferred = () => {
  const own = { promise: undefined, resolve: undefined, reject: undefined };
  own.promise = new Promise_((onValue, onError) => {
    own.resolve = onValue;
    own.reject = onError;
  });
  return own;
};

// Runs `callback` and makes a promise of whatever comes of it.
exports.promised = (callback) => {
  try {
    return exports.resolvedWith(callback());
  } catch (error) {
    return rejected(error);
  }
};

// A queue whose shift() does not move what stays.
exports.Queue = class {
  #items = [];
  #head = 0;
  get length() {
    return this.#items.length - this.#head;
  }
  push(item) {
    this.#items.push(item);
  }
  peek() {
    return this.#items[this.#head];
  }
  shift() {
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) this.clear();
    else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
  // Empties the queue and returns what was in it.
  clear() {
    const rest = this.#items.slice(this.#head);
    this.#items = [];
    this.#head = 0;
    return rest;
  }
};

// ---- arguments ----

exports.isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

exports.dictionary = (value, what) => {
  if (value === undefined || value === null) return {};
  if (!exports.isObject(value)) throw new TypeError(`${what} is not an object`);
  return value;
};

// The method `name` of a source, sink or transformer, bound to it; undefined when it has none.
exports.method = (holder, name) => {
  const found = holder[name];
  if (found === undefined) return undefined;
  if (typeof found !== "function") throw new TypeError(`${name} is not a function`);
  return (...args) => apply(found, holder, args);
};

// The `length` of functions with optional arguments, by WebIDL.
exports.lengths = (length, ...functions) => {
  for (const found of functions) Object.defineProperty(found, "length", { value: length, configurable: true });
};

exports.illegal = (tag) => {
  throw new TypeError(`Illegal constructor of ${tag}`);
};

// ---- strategies ----

const one = () => 1;

// { highWaterMark, size } of a strategy, read and checked in the standard's order.
exports.readStrategy = (strategy) => {
  const { highWaterMark, size } = exports.dictionary(strategy, "The queuing strategy");
  if (size !== undefined && typeof size !== "function") throw new TypeError("The strategy's size is not a function");
  return { highWaterMark: highWaterMark === undefined ? undefined : +highWaterMark, size };
};

exports.highWaterMarkOf = ({ highWaterMark }, fallback) => {
  if (highWaterMark === undefined) return fallback;
  if (!(highWaterMark >= 0)) throw new RangeError("The highWaterMark is not a number from 0 up");
  return highWaterMark;
};

exports.sizeOf = ({ size }) => (size === undefined ? one : (chunk) => size(chunk));

// A chunk's size as a number; throws RangeError for one that no queue can hold.
exports.checkSize = (size) => {
  size = Number(size);
  if (!(size >= 0 && size < Infinity)) throw new RangeError("A chunk's size is not a finite number from 0 up");
  return size;
};

function strategyClass(tag, size) {
  named("size", size);
  let markOf;
  const Class = class {
    #highWaterMark;
    constructor(init) {
      if (arguments.length === 0) throw new TypeError(`Failed to construct '${tag}': 1 argument required`);
      const mark = exports.dictionary(init, "The init").highWaterMark;
      if (mark === undefined) throw new TypeError(`Failed to construct '${tag}': highWaterMark is required`);
      this.#highWaterMark = +mark;
    }
    get highWaterMark() {
      return this.#highWaterMark;
    }
    get size() {
      markOf(this);
      return size;
    }
    static {
      markOf = (own) => own.#highWaterMark;
    }
  };
  finish(Class, tag);
  return Class;
}
exports.CountQueuingStrategy = strategyClass("CountQueuingStrategy", () => 1);
exports.ByteLengthQueuingStrategy = strategyClass("ByteLengthQueuingStrategy", (chunk) => chunk.byteLength);
