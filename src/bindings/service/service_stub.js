// Stubs: what stands for something in another isolate. Each is a proxy over a function, with a private member
// that says what it stands for:
//
//   root       a service binding: a call begins a session
//   import     a function or RpcTarget of the other side, counted: the last dispose() lets it go
//   local      new RpcStub(target): not sent anywhere yet
//   promise    of a call: what is called of it before it is settled is sent at once (pipelining)
//   property   a path under one of them; it is sent when somebody waits for it, or calls it

const core = use("core");
const { ANSWER, EXPORT, call } = use("service_session");
const { has, get, apply, setPrototypeOf, defineProperty } = Reflect;
const SymbolDispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");
const { then: promiseThen, catch: promiseCatch, finally: promiseFinally } = Promise.prototype;
const DISPOSED = "RPC stub used after being disposed.";

class Stamp extends (class {
  constructor(object) {
    return object;
  }
}) {
  #state;
  constructor(object, state) {
    super(object);
    this.#state = state;
  }
  static of(object) {
    return ((typeof object === "object" && object !== null) || typeof object === "function") && #state in object
      ? object.#state
      : undefined;
  }
}
const stateOf = Stamp.of;

class RpcStub {
  constructor(target) {
    if (!(typeof target === "function" || core.loaded("service_class")?.isTarget(target)))
      throw new TypeError("Failed to construct 'RpcStub': the value is neither an RpcTarget nor a function.");
    return make(new Local(target), RpcStub.prototype);
  }
  dup() {
    return exports.dup(this);
  }
  onRpcBroken(callback) {
    needState(this).onBroken(callback);
  }
  [SymbolDispose]() {
    exports.dispose(this);
  }
}

class RpcPromise {
  constructor() {
    throw new TypeError("Illegal constructor");
  }
  then(resolved, rejected) {
    return apply(promiseThen, needState(this).wait(), [resolved, rejected]);
  }
  catch(rejected) {
    return apply(promiseCatch, needState(this).wait(), [rejected]);
  }
  finally(callback) {
    return apply(promiseFinally, needState(this).wait(), [callback]);
  }
  [SymbolDispose]() {
    needState(this).dispose();
  }
}

function needState(object) {
  const state = stateOf(object);
  if (state === undefined) throw new TypeError("Illegal invocation");
  return state;
}

// ---- states: call(path, args) gives { session, id, promise }, and args of undefined reads ----

class Root {
  constructor(native) {
    this.native = native;
  }
  call(path, args) {
    return call(this.native, path, args);
  }
}

class Shared {
  count = 1;
  constructor(session, id) {
    this.session = session;
    this.id = id;
  }
  drop() {
    if (--this.count === 0 && !this.session.isOver) this.session.dropImport(this.id);
  }
}

class Import {
  #shared;
  isDisposed = false;
  constructor(shared) {
    this.#shared = shared;
  }
  call(path, args) {
    const { session, id } = this.#shared;
    if (this.isDisposed) return failed(new Error(DISPOSED));
    return { session, ...session.call(EXPORT, id, path, args) };
  }
  dup() {
    if (this.isDisposed) throw new Error(DISPOSED);
    this.#shared.count++;
    return new Import(this.#shared);
  }
  dispose() {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.#shared.drop();
  }
  onBroken(callback) {
    const { session } = this.#shared;
    if (session.isOver) Promise.resolve().then(() => callback(session.why ?? new Error("The call is over.")));
    else (session.broken ??= new Set()).add(callback);
  }
}

const failed = (error) => ({ session: undefined, id: 0, promise: Promise.reject(error) });

async function locally(value, path, args) {
  return use("service_class").perform(value, path, args);
}

class Local {
  #target;
  #count;
  isDisposed = false;
  constructor(target, count = { number: 1 }) {
    this.#target = target;
    this.#count = count;
  }
  call(path, args) {
    if (this.isDisposed) return failed(new Error(DISPOSED));
    return { session: undefined, id: 0, promise: locally(this.#target, path, args) };
  }
  dup() {
    if (this.isDisposed) throw new Error(DISPOSED);
    this.#count.number++;
    return new Local(this.#target, this.#count);
  }
  dispose() {
    if (this.isDisposed) return;
    this.isDisposed = true;
    if (--this.#count.number === 0) exports.disposeTarget(this.#target, true);
  }
  onBroken() {}
}

// The answer to a call. `settled` is what it became, for calls that come later.
class Answer {
  settled;
  constructor({ session, id, promise }) {
    this.session = session;
    this.id = id;
    this.promise = promise;
    apply(promiseThen, promise, [
      (value) => (this.settled = { value }),
      () => (this.settled = {}),
    ]);
  }
  wait() {
    return this.promise;
  }
  call(path, args) {
    const { session, id, promise, settled } = this;
    if (settled === undefined && session !== undefined && !session.isOver)
      return { session, ...session.call(ANSWER, id, path, args) };
    const later = apply(promiseThen, promise, [(value) => locally(value, path, args)]);
    return { session: undefined, id: 0, promise: later };
  }
  dispose() {
    apply(promiseThen, this.promise, [exports.disposeResult, () => {}]);
  }
  onBroken() {}
}

class Property {
  #read; // the promise of what stands there, once somebody asked
  constructor(base, path) {
    this.base = base;
    this.path = path;
  }
  wait() {
    return (this.#read ??= this.base.call(this.path, undefined).promise);
  }
  call(path, args) {
    return this.base.call([...this.path, ...path], args);
  }
  dispose() {}
  onBroken() {}
}

// ---- proxies ----

const member = (state, name) => {
  const isProperty = state instanceof Property;
  const property = new Property(isProperty ? state.base : state, isProperty ? [...state.path, name] : [name]);
  return make(property, RpcPromise.prototype);
};

function make(state, prototype) {
  const target = () => {};
  delete target.name;
  delete target.length;
  setPrototypeOf(target, prototype);
  const proxy = new Proxy(target, {
    get(_, name) {
      if (typeof name === "symbol" || has(target, name)) return get(target, name, proxy);
      return name === "then" ? undefined : member(state, name);
    },
    set: () => false,
    apply: (_target, _self, args) => make(new Answer(state.call([], args)), RpcPromise.prototype),
  });
  new Stamp(proxy, state);
  return proxy;
}

exports.methodOf = (native, name) => make(new Property(new Root(native), [name]), RpcPromise.prototype);
exports.stubOf = (session, id) => make(new Import(new Shared(session, id)), RpcStub.prototype);
exports.isStub = (value) => stateOf(value) !== undefined;

exports.dup = (stub) => {
  const state = needState(stub);
  if (state.dup === undefined) throw new TypeError("Only a stub can be sent or duplicated: await this promise first.");
  return make(state.dup(), RpcStub.prototype);
};

// ---- letting go ----

exports.dispose = (stub) => stateOf(stub)?.dispose();

// What was exported is needed no more.
exports.disposeTarget = (value, isTarget) => {
  try {
    if (exports.isStub(value)) exports.dispose(value);
    else if (isTarget) value[SymbolDispose]?.();
  } catch (error) {
    use("errors").logUncaught("", error, 0);
  }
};

// What a call gave lets go of all stubs in it.
exports.makeDisposable = (value, stubs) => {
  if (typeof value !== "object" || value === null || exports.isStub(value)) return;
  const dispose = () => stubs.forEach(exports.dispose);
  defineProperty(value, SymbolDispose, { value: dispose, writable: true, configurable: true });
};

exports.disposeResult = (value) => {
  if (exports.isStub(value)) exports.dispose(value);
  else if (typeof value === "object" && value !== null) value[SymbolDispose]?.();
};

exports.RpcStub = RpcStub;
exports.RpcPromise = RpcPromise;
if (Symbol.dispose === undefined) defineProperty(Symbol, "dispose", { value: SymbolDispose });
