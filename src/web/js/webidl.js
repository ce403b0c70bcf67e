// What WebIDL asks of every class, in one place: enumerable members, a tag, checked arguments,
// and the iterators of classes that are lists of pairs.

const define = Object.defineProperty;
const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));

exports.finish = use("core").finish;

// Constants such as DOMException.ABORT_ERR, on the class and on its prototype.
exports.constants = (Class, values) => {
  for (const name in values)
    for (const holder of [Class, Class.prototype]) define(holder, name, { value: values[name], enumerable: true });
};

// The getter of a built-in accessor, to look at internal slots: getter(Map.prototype, "size").
exports.getter = (prototype, name) => Reflect.getOwnPropertyDescriptor(prototype, name).get;
exports.typedArrayPrototype = Object.getPrototypeOf(Uint8Array).prototype;

exports.named = (name, value) => define(value, "name", { value: name, configurable: true });

exports.need = (given, wanted, where) => {
  if (given < wanted)
    throw new TypeError(`${where}: ${wanted} argument${wanted > 1 ? "s" : ""} required, but only ${given} present`);
};

// Adds entries, keys, values, forEach and the iterator. `listOf(object)` gives the flat list
// [name, value, name, value ...] at this moment, and throws when the object is of another class.
exports.iterable = (Class, tag, listOf) => {
  class PairIterator {
    #target;
    #kind;
    #index = 0;
    constructor(target, kind) {
      this.#target = target;
      this.#kind = kind;
    }
    next() {
      const list = listOf(this.#target);
      const at = this.#index;
      if (at >= list.length) return { value: undefined, done: true };
      this.#index = at + 2;
      const kind = this.#kind;
      return { value: kind === 2 ? [list[at], list[at + 1]] : list[at + kind], done: false };
    }
  }
  exports.finish(PairIterator, `${tag} Iterator`);
  delete PairIterator.prototype.constructor;
  Object.setPrototypeOf(PairIterator.prototype, iteratorPrototype);

  const start = (target, kind) => {
    listOf(target);
    return new PairIterator(target, kind);
  };
  const members = {
    entries() {
      return start(this, 2);
    },
    forEach(callback, thisArg) {
      const list = listOf(this);
      exports.need(arguments.length, 1, `${tag}.forEach`);
      if (typeof callback !== "function") throw new TypeError(`${tag}.forEach: the callback is not a function`);
      for (let i = 0, now = list; i < now.length; i += 2, now = listOf(this))
        Reflect.apply(callback, thisArg, [now[i + 1], now[i], this]);
    },
    keys() {
      return start(this, 0);
    },
    values() {
      return start(this, 1);
    },
  };
  define(members.forEach, "length", { value: 1, configurable: true });
  for (const name in members)
    define(Class.prototype, name, { value: members[name], writable: true, enumerable: true, configurable: true });
  define(Class.prototype, Symbol.iterator, { value: members.entries, writable: true, configurable: true });
};
