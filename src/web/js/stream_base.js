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

// The functions of the promise that is being made: an executor that is made once.
let resolveIt;
let rejectIt;
const capture = (onValue, onError) => {
  resolveIt = onValue;
  rejectIt = onError;
};

const done = resolved(undefined);

// "A promise resolved with": where `value` is a promise it is followed, which takes its ticks. The
// one for undefined is shared: it is for reactions of this room only.
const resolvedWith = (value) => {
  if (value === undefined) return done;
  const promise = new Promise_(capture);
  resolveIt(value);
  return promise;
};

exports.resolvedWith = resolvedWith;
exports.then = then;
exports.resolved = resolved;
exports.rejected = rejected;
exports.noop = noop;
exports.handled = handled;

// { promise, resolve, reject }
exports.deferred = () => {
  const promise = new Promise_(capture);
  return { promise, resolve: resolveIt, reject: rejectIt };
};

// A promise for nothing but its settling, which is made when somebody asks for it: most are never
// asked for. One that is rejected counts as handled. What react() is given runs as a reaction would
// if it is fulfilled; there can be one.
exports.Outcome = class {
  #own;
  #error;
  #failed = false;
  #reaction;
  settled = false;
  get promise() {
    if (this.#own !== undefined) return this.#own.promise;
    const own = (this.#own = exports.deferred());
    if (this.#failed) this.#refuse(own);
    else if (this.settled) own.resolve(undefined);
    return own.promise;
  }
  react(reaction) {
    if (!this.settled) this.#reaction = reaction;
    else if (!this.#failed) then(done, reaction);
  }
  resolve() {
    this.settled = true;
    if (this.#own !== undefined) this.#own.resolve(undefined);
    if (this.#reaction !== undefined) then(done, this.#reaction);
  }
  reject(error) {
    this.settled = this.#failed = true;
    this.#error = error;
    if (this.#own !== undefined) this.#refuse(this.#own);
  }
  #refuse({ promise, reject }) {
    reject(this.#error);
    handled(promise);
  }
};

// Calls `callback` with `a` and `b` and makes a promise of whatever comes of it.
const promised = (callback, a, b) => {
  try {
    return resolvedWith(callback(a, b));
  } catch (error) {
    return rejected(error);
  }
};

exports.promised = promised;

// A queue of links: what stays is not moved, and one that is emptied over and over costs no array.
exports.Queue = class {
  #first;
  #last;
  length = 0;
  push(item) {
    const link = { item, next: undefined };
    if (this.length++ === 0) this.#first = link;
    else this.#last.next = link;
    this.#last = link;
  }
  peek() {
    return this.#first?.item;
  }
  shift() {
    const first = this.#first;
    if (first === undefined) return undefined;
    this.#first = first.next;
    if (--this.length === 0) this.#last = undefined;
    return first.item;
  }
  // Empties the queue and returns what was in it.
  clear() {
    const items = [];
    for (let link = this.#first; link !== undefined; link = link.next) items.push(link.item);
    this.#first = this.#last = undefined;
    this.length = 0;
    return items;
  }
};

// ---- arguments ----

exports.isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

exports.dictionary = (value, what) => {
  if (value === undefined || value === null) return {};
  if (!exports.isObject(value)) throw new TypeError(`${what} is not an object`);
  return value;
};

// The method `name` of a source, sink or transformer, bound to it, for `count` arguments; undefined
// when it has none.
exports.method = (holder, name, count = 1) => {
  const found = holder[name];
  if (found === undefined) return undefined;
  if (typeof found !== "function") throw new TypeError(`${name} is not a function`);
  if (count === 0) return () => apply(found, holder, []);
  return count === 1 ? (a) => apply(found, holder, [a]) : (a, b) => apply(found, holder, [a, b]);
};

// The same, but what the method gives becomes a promise; for none it gives undefined's.
exports.promising = (holder, name, count = 1) => {
  const found = holder[name];
  if (found === undefined) return () => done;
  if (typeof found !== "function") throw new TypeError(`${name} is not a function`);
  if (count === 0) return () => promised(() => apply(found, holder, []));
  return (a, b) => {
    let value;
    try {
      value = apply(found, holder, count === 1 ? [a] : [a, b]);
    } catch (error) {
      return rejected(error);
    }
    return value === undefined ? done : resolvedWith(value);
  };
};

// The `length` of functions with optional arguments, by WebIDL.
exports.lengths = (length, ...functions) => {
  for (const found of functions) Object.defineProperty(found, "length", { value: length, configurable: true });
};

exports.illegal = (tag) => {
  throw new TypeError(`Illegal constructor of ${tag}`);
};

// ---- strategies ----

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

// undefined when each chunk counts as 1.
exports.sizeOf = ({ size }) => (size === undefined ? undefined : (chunk) => size(chunk));

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
