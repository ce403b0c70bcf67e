// Events (WHATWG DOM 2) and their subclasses, and reportError (HTML 8.1.4). A target here has no
// parent, so the path of an event is the target alone.

const { constants, finish, named, need } = use("webidl");
const { now: timeNow } = use("time_origin");

const define = Object.defineProperty;
const CURRENT = 3; // cells: see engine/isolate.h
const NONE = 0, AT_TARGET = 2;

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

function dictionary(value, where) {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new TypeError(`${where}: the options are not an object`);
  return value;
}
exports.dictionary = dictionary;

const fail = (name, message) => new (use("dom_exception").DOMException)(message, name);

// ---- Event ----

// (event, target, listeners, trusted, onError) => false when the event was cancelled
let dispatch;

// isTrusted is [LegacyUnforgeable]: an own property of each event, with one getter.
let isTrusted;

class Event {
  #type;
  #bubbles;
  #cancelable;
  #composed;
  #target = null;
  #currentTarget = null;
  #phase = NONE;
  #stopped = false;
  #stoppedNow = false;
  #canceled = false;
  #passive = false;
  #dispatching = false;
  #trusted = false;
  #time = timeNow();

  constructor(type, init) {
    need(arguments.length, 1, "Failed to construct 'Event'");
    this.#type = `${type}`;
    const { bubbles, cancelable, composed } = dictionary(init, "Failed to construct 'Event'");
    this.#bubbles = !!bubbles;
    this.#cancelable = !!cancelable;
    this.#composed = !!composed;
    define(this, "isTrusted", { get: isTrusted, enumerable: true });
  }

  get type() {
    return this.#type;
  }
  get target() {
    return this.#target;
  }
  get srcElement() {
    return this.#target;
  }
  get currentTarget() {
    return this.#currentTarget;
  }
  composedPath() {
    return this.#currentTarget === null ? [] : [this.#currentTarget];
  }
  get eventPhase() {
    return this.#phase;
  }
  stopPropagation() {
    this.#stopped = true;
  }
  get cancelBubble() {
    return this.#stopped;
  }
  set cancelBubble(value) {
    if (value) this.#stopped = true;
    else this.#stopped; // a brand check
  }
  stopImmediatePropagation() {
    this.#stopped = this.#stoppedNow = true;
  }
  get bubbles() {
    return this.#bubbles;
  }
  get cancelable() {
    return this.#cancelable;
  }
  get returnValue() {
    return !this.#canceled;
  }
  set returnValue(value) {
    if (!value) this.preventDefault();
  }
  preventDefault() {
    if (this.#cancelable && !this.#passive) this.#canceled = true;
  }
  get defaultPrevented() {
    return this.#canceled;
  }
  get composed() {
    return this.#composed;
  }
  get timeStamp() {
    return this.#time;
  }
  initEvent(type, bubbles = false, cancelable = false) {
    need(arguments.length, 1, "Failed to execute 'initEvent' on 'Event'");
    if (this.#dispatching) return;
    this.#type = `${type}`;
    this.#bubbles = !!bubbles;
    this.#cancelable = !!cancelable;
    this.#stopped = this.#stoppedNow = this.#canceled = this.#trusted = false;
    this.#target = null;
  }

  static {
    isTrusted = Object.getOwnPropertyDescriptor(
      {
        get isTrusted() {
          return this.#trusted;
        },
      },
      "isTrusted",
    ).get;

    dispatch = (event, target, listeners, trusted, onError = reportError) => {
      if (!isObject(event) || !(#type in event))
        throw new TypeError("Failed to execute 'dispatchEvent' on 'EventTarget': parameter 1 is not of type 'Event'");
      if (event.#dispatching)
        throw fail("InvalidStateError", "Failed to execute 'dispatchEvent' on 'EventTarget': the event is being dispatched");
      event.#trusted = trusted;
      event.#dispatching = true;
      event.#target = event.#currentTarget = target;
      event.#phase = AT_TARGET;
      const list = listeners.get(event.#type);
      try {
        if (list !== undefined) {
          const now = list.slice();
          invoke(event, target, list, now, { capture: true, onError });
          invoke(event, target, list, now, { capture: false, onError });
        }
      } finally {
        event.#dispatching = event.#stopped = event.#stoppedNow = false;
        event.#phase = NONE;
        event.#currentTarget = null;
      }
      return !event.#canceled;
    };

    const invoke = (event, target, list, now, { capture, onError }) => {
      if (event.#stopped) return;
      for (const listener of now) {
        if (listener.capture !== capture || listener.removed) continue;
        if (listener.once) remove(list, listener);
        event.#passive = listener.passive;
        callListener(event, target, listener.callback, onError);
        event.#passive = false;
        if (event.#stoppedNow) return;
      }
    };
  }
}
finish(Event, "Event");
define(Event, "length", { value: 1, configurable: true });
constants(Event, { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 });
exports.Event = Event;

function callListener(event, target, callback, onError) {
  try {
    if (typeof callback === "function") return Reflect.apply(callback, target, [event]);
    const handle = callback.handleEvent;
    if (typeof handle !== "function") throw new TypeError("The event listener has no handleEvent() method");
    Reflect.apply(handle, callback, [event]);
  } catch (error) {
    onError(error);
  }
}

function remove(list, listener) {
  listener.removed = true;
  const at = list.indexOf(listener);
  if (at >= 0) list.splice(at, 1);
}

// ---- EventTarget ----

let globalObject; // with its listeners, once globalTarget() was called
let globalListeners;
let listenersOf; // (target) => Map of type -> list of listeners, in the order they were added
let onListen; // (target, callback): callback(type) is called for each listener that is added

class EventTarget {
  #listeners = new Map();
  #onListen;

  addEventListener(type, callback, options) {
    const listeners = listenersOf(this);
    need(arguments.length, 2, "Failed to execute 'addEventListener' on 'EventTarget'");
    type = `${type}`;
    callback = checkCallback(callback, "addEventListener");
    const { capture, once, passive, signal } = listenerOptions(options);
    if (signal?.aborted || callback === null) return;
    const list = listeners.get(type);
    const listener = { callback, capture, once, passive, removed: false };
    if (list === undefined) listeners.set(type, [listener]);
    else if (find(list, callback, capture) !== undefined) return;
    else list.push(listener);
    if (signal !== undefined) use("abort").onAbort(signal, () => remove(listeners.get(type), listener));
    if (this !== undefined && this !== null && #onListen in this) this.#onListen?.(type);
  }
  removeEventListener(type, callback, options) {
    const listeners = listenersOf(this);
    need(arguments.length, 2, "Failed to execute 'removeEventListener' on 'EventTarget'");
    const list = listeners.get(`${type}`);
    callback = checkCallback(callback, "removeEventListener");
    const capture = isObject(options) ? !!options.capture : !!options;
    const listener = list === undefined ? undefined : find(list, callback, capture);
    if (listener !== undefined) remove(list, listener);
  }
  dispatchEvent(event) {
    const listeners = listenersOf(this);
    need(arguments.length, 1, "Failed to execute 'dispatchEvent' on 'EventTarget'");
    return dispatch(event, this ?? globalObject, listeners, false);
  }

  static {
    listenersOf = (target) => {
      if (target === undefined || target === null || target === globalObject) {
        if (globalListeners !== undefined) return globalListeners;
        throw new TypeError("Illegal invocation");
      }
      return target.#listeners;
    };
    onListen = (target, callback) => (target.#onListen = callback);
  }
}
finish(EventTarget, "EventTarget");
define(EventTarget.prototype.addEventListener, "length", { value: 2 });
define(EventTarget.prototype.removeEventListener, "length", { value: 2 });
exports.EventTarget = EventTarget;
exports.onListen = onListen;

function checkCallback(callback, method) {
  if (callback === undefined || callback === null) return null;
  if (!isObject(callback))
    throw new TypeError(`Failed to execute '${method}' on 'EventTarget': parameter 2 is not of type 'Object'`);
  return callback;
}

function listenerOptions(options) {
  if (!isObject(options)) return { capture: !!options, once: false, passive: false, signal: undefined };
  const { capture, once, passive, signal } = options;
  if (signal !== undefined && !use("abort").isSignal(signal))
    throw new TypeError("Failed to execute 'addEventListener' on 'EventTarget': the signal is not an AbortSignal");
  return { capture: !!capture, once: !!once, passive: !!passive, signal };
}

const find = (list, callback, capture) =>
  list.find((listener) => listener.callback === callback && listener.capture === capture);

// Makes the global object a target: listeners get it as `this` and as the event's target. Returns
// its listeners.
exports.globalTarget = (object) => {
  globalObject = object;
  return (globalListeners ??= new Map());
};

// Dispatches an event that the platform made.
exports.fire = (target, event) => dispatch(event, target, listenersOf(target), true);

const rethrow = (error) => {
  throw error;
};
// The same, but the first exception of a listener ends it and is thrown.
exports.fireOrThrow = (target, event) => dispatch(event, target, listenersOf(target), true, rethrow);

// ---- handler attributes: onabort, onmessage ... (HTML 8.1.8.1) ----

const handlers = new WeakMap(); // target -> { type: the attribute's value }

// Defines the attributes `on<type>` on a prototype of a subclass of EventTarget.
exports.defineHandlers = (prototype, ...types) => {
  for (const type of types) {
    const get = function () {
      listenersOf(this);
      return handlers.get(this ?? globalObject)?.[type]?.value ?? null;
    };
    const set = function (value) {
      listenersOf(this);
      setHandler(this ?? globalObject, type, isObject(value) ? value : null);
    };
    named(`get on${type}`, get);
    named(`set on${type}`, set);
    define(prototype, `on${type}`, { get, set, enumerable: true, configurable: true });
  }
};

// The handler takes its turn where it was first set; setting null gives the place up.
function setHandler(target, type, value) {
  let own = handlers.get(target);
  if (own === undefined) handlers.set(target, (own = { __proto__: null }));
  const entry = own[type];
  if (entry !== undefined && value !== null) entry.value = value;
  else if (entry !== undefined) {
    EventTarget.prototype.removeEventListener.call(target, type, entry.listener);
    delete own[type];
  } else if (value !== null) {
    const listener = function (event) {
      const callback = own[type]?.value;
      if (typeof callback !== "function") return;
      if (type === "error" && target === globalObject && event instanceof exports.ErrorEvent) {
        const { message, filename, lineno, colno, error } = event;
        if (Reflect.apply(callback, this, [message, filename, lineno, colno, error]) === true) event.preventDefault();
      } else if (Reflect.apply(callback, this, [event]) === false) event.preventDefault();
    };
    own[type] = { value, listener };
    addEventListener.call(target, type, listener);
  }
}
const { addEventListener } = EventTarget.prototype;

// ---- subclasses: a dictionary's members are attributes ----

// Makes a subclass whose constructor takes the members in `defaults`: name -> the value when it is
// not given, and a function that converts what is. `add(prototype, valuesOf)` gives it methods.
function subclass(tag, defaults, { length = 1, add } = {}) {
  const names = Object.keys(defaults).sort();
  const slots = new WeakMap();
  const Class = {
    [tag]: class extends Event {
      constructor(type, init) {
        const where = `Failed to construct '${tag}'`;
        need(arguments.length, length, where);
        super(type, init);
        const given = dictionary(init, where);
        const values = {};
        for (const name of names) {
          const { value, convert } = defaults[name];
          const found = given[name];
          if (found === undefined && convert === required) throw new TypeError(`${where}: '${name}' is required`);
          values[name] = found === undefined ? value : convert(found);
        }
        slots.set(this, values);
      }
    },
  }[tag];
  const valuesOf = (event) => {
    const values = slots.get(event);
    if (values === undefined) throw new TypeError("Illegal invocation");
    return values;
  };
  for (const name of Object.keys(defaults)) {
    const get = function () {
      return valuesOf(this)[name];
    };
    define(Class.prototype, name, { get: named(`get ${name}`, get), configurable: true });
  }
  add?.(Class.prototype, valuesOf);
  finish(Class, tag);
  define(Class, "length", { value: length, configurable: true });
  exports[tag] = Class;
}

const any = (value) => ({ value, convert: (found) => found });
const text = { value: "", convert: String };
const count = { value: 0, convert: (found) => found >>> 0 };
const required = (found) => found;

subclass("CustomEvent", { detail: any(null) }, {
  add(prototype, valuesOf) {
    prototype.initCustomEvent = function initCustomEvent(type, bubbles = false, cancelable = false, detail = null) {
      const values = valuesOf(this);
      need(arguments.length, 1, "Failed to execute 'initCustomEvent' on 'CustomEvent'");
      if (this.eventPhase !== NONE) return;
      this.initEvent(type, bubbles, cancelable);
      values.detail = detail;
    };
    named("initCustomEvent", prototype.initCustomEvent);
  },
});
subclass("ErrorEvent", { message: text, filename: text, lineno: count, colno: count, error: any(undefined) });
subclass("CloseEvent", {
  wasClean: { value: false, convert: Boolean },
  code: { value: 0, convert: (found) => found & 0xffff },
  reason: { value: "", convert: (found) => `${found}`.toWellFormed() },
});
subclass("PromiseRejectionEvent", { promise: { convert: required }, reason: any(undefined) }, { length: 2 });

const portsOf = (found) => Object.freeze([...found]);
subclass("MessageEvent", {
  data: any(null),
  origin: text,
  lastEventId: text,
  source: any(null),
  ports: { value: Object.freeze([]), convert: portsOf },
});

// ---- reportError ----

// An error of a callback that nobody can catch: the global's "error" event, else the log.
function reportError(error) {
  need(arguments.length, 1, "Failed to execute 'reportError'");
  if (use("core").loaded("global_events")?.errorIsHandled(error)) return;
  use("errors").logUncaught("Uncaught ", error, cells[CURRENT]);
}
exports.reportError = named("reportError", reportError);
