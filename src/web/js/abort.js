// AbortController and AbortSignal (WHATWG DOM 3).

const { finish, need } = use("webidl");
const { Event, EventTarget, defineHandlers, fire, onListen } = use("events");

const INTERNAL = {}; // lets only this file construct a signal
const TIMEOUT_MAX = Number.MAX_SAFE_INTEGER;

const failure = (name, message) => new (use("dom_exception").DOMException)(message, name);

let abortSignal; // (signal, reason)
let addAlgorithm; // (signal, callback) => a function that takes it off again
let isSignal;

class AbortSignal extends EventTarget {
  #aborted = false;
  #reason;
  #algorithms; // Set of functions, run once before the event
  #sources; // of a dependent signal: signals that are not dependent themselves
  #dependents; // of a source: Set of WeakRef, and Set of those that somebody listens to
  #kept;

  constructor(token) {
    if (token !== INTERNAL) throw new TypeError("Illegal constructor");
    super();
  }

  static abort(reason = failure("AbortError", "The operation was aborted")) {
    const signal = new AbortSignal(INTERNAL);
    signal.#aborted = true;
    signal.#reason = reason;
    return signal;
  }
  static timeout(milliseconds) {
    need(arguments.length, 1, "Failed to execute 'timeout' on 'AbortSignal'");
    const delay = Math.trunc(Number(milliseconds));
    if (!(delay >= 0 && delay <= TIMEOUT_MAX))
      throw new TypeError("Failed to execute 'timeout' on 'AbortSignal': the delay is not a number of milliseconds from 0 up");
    const signal = new AbortSignal(INTERNAL);
    use("timers").after(delay, () => abortSignal(signal, failure("TimeoutError", "The operation timed out")));
    return signal;
  }
  static any(signals) {
    need(arguments.length, 1, "Failed to execute 'any' on 'AbortSignal'");
    if (signals === null || typeof signals !== "object" || typeof signals[Symbol.iterator] !== "function")
      throw new TypeError("Failed to execute 'any' on 'AbortSignal': the signals are not a sequence");
    const list = [...signals];
    for (const signal of list)
      if (!isSignal(signal)) throw new TypeError("Failed to execute 'any' on 'AbortSignal': an item is not an AbortSignal");
    const first = list.find((signal) => signal.#aborted);
    if (first !== undefined) return AbortSignal.abort(first.#reason);
    const result = new AbortSignal(INTERNAL);
    result.#follow(list);
    return result;
  }

  get aborted() {
    return this.#aborted;
  }
  get reason() {
    return this.#reason;
  }
  throwIfAborted() {
    if (this.#aborted) throw this.#reason;
  }

  // A source knows its dependents weakly, so that signals made from a long-lived one can go; a
  // dependent that somebody listens to is held until then.
  #follow(signals) {
    const sources = (this.#sources = new Set());
    for (const signal of signals) for (const source of signal.#sources ?? [signal]) sources.add(source);
    for (const source of sources) (source.#dependents ??= new Set()).add(new WeakRef(this));
    onListen(this, (type) => {
      if (type === "abort") this.#keep();
    });
  }
  #keep() {
    for (const source of this.#sources ?? []) (source.#kept ??= new Set()).add(this);
  }
  #run() {
    const algorithms = this.#algorithms;
    this.#algorithms = undefined;
    for (const algorithm of algorithms ?? []) algorithm();
    fire(this, new Event("abort"));
  }
  #forget() {
    for (const source of this.#sources) {
      source.#kept?.delete(this);
      for (const ref of source.#dependents ?? []) {
        const found = ref.deref();
        if (found === undefined || found === this) source.#dependents.delete(ref);
      }
    }
    this.#sources = undefined;
  }

  static {
    isSignal = (value) => typeof value === "object" && value !== null && #aborted in value;

    // All dependents are aborted before anything of the tenant runs.
    abortSignal = (signal, reason = failure("AbortError", "The operation was aborted")) => {
      if (signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason = reason;
      const dependents = [];
      for (const ref of signal.#dependents ?? []) {
        const dependent = ref.deref();
        if (dependent === undefined || dependent.#aborted) continue;
        dependent.#aborted = true;
        dependent.#reason = reason;
        dependents.push(dependent);
      }
      signal.#dependents = signal.#kept = undefined;
      for (const dependent of dependents) dependent.#forget();
      signal.#run();
      for (const dependent of dependents) dependent.#run();
    };

    addAlgorithm = (signal, callback) => {
      if (signal.#aborted) return () => {};
      const algorithms = (signal.#algorithms ??= new Set());
      const entry = () => callback(signal.#reason);
      algorithms.add(entry);
      signal.#keep();
      return () => algorithms.delete(entry);
    };
  }
}
defineHandlers(AbortSignal.prototype, "abort");
finish(AbortSignal, "AbortSignal");
Object.defineProperty(AbortSignal, "length", { value: 0, configurable: true });
exports.AbortSignal = AbortSignal;
exports.isSignal = isSignal;

// A new signal that is aborted when `signal` is.
const { any } = AbortSignal;
exports.follow = (signal) => any([signal]);

// Calls `callback(reason)` once when `signal` is aborted, before its event; never when it is already.
// Returns a function that takes the callback off.
exports.onAbort = addAlgorithm;

class AbortController {
  #signal = new AbortSignal(INTERNAL);

  get signal() {
    return this.#signal;
  }
  abort(reason) {
    abortSignal(this.#signal, reason);
  }
}
finish(AbortController, "AbortController");
Object.defineProperty(AbortController.prototype.abort, "length", { value: 0 });
exports.AbortController = AbortController;
