// The global object as an EventTarget: its listeners, the handler attributes onerror,
// onunhandledrejection and onrejectionhandled, and the events behind them (HTML 8.1.4.6, 8.1.5).

const { ErrorEvent, EventTarget, PromiseRejectionEvent, defineHandlers, fire, globalTarget } = use("events");
const { later } = use("core");

const CURRENT = 3; // cells: see engine/isolate.h
const { getOwnPropertyDescriptor } = Reflect;
const define = Object.defineProperty;

const listeners = globalTarget(globalThis);

for (const name of ["addEventListener", "removeEventListener", "dispatchEvent"]) exports[name] = EventTarget.prototype[name];

// These stand in for the lazy accessors of core.js: what is assigned from there on reaches them.
for (const name of ["onerror", "onunhandledrejection", "onrejectionhandled"]) exports[name] = null;
defineHandlers(globalThis, "error", "unhandledrejection", "rejectionhandled");

// Is anybody told of events of this type?
const listensTo = (type) => listeners.get(type)?.length > 0;
exports.listensTo = listensTo;

// ---- error ----

const FRAME = /^(?:.*@)?(.+):(\d+):(\d+)$/;

// { filename, lineno, colno } of an error, or of the worker's innermost frame. Calls no getter.
function placeOf(error) {
  const own = (name) => {
    const found = typeof error === "object" && error !== null ? getOwnPropertyDescriptor(error, name) : undefined;
    return found === undefined || found.get !== undefined ? undefined : found.value;
  };
  const place = { filename: own("sourceURL"), lineno: own("line"), colno: own("column") };
  if (typeof place.filename === "string" && typeof place.lineno === "number") return place;
  for (const line of new Error().stack.split("\n")) {
    const [, filename, lineno, colno] = FRAME.exec(line) ?? [];
    if (filename !== undefined && !filename.startsWith("atoll:")) return { filename, lineno: +lineno, colno: +colno };
  }
  return undefined;
}

function messageOf(error) {
  const text = use("errors").describe(error)[0];
  return `Uncaught ${text}`;
}

let isReporting = false;

// Fires the event for an error that nobody caught. True when a listener has dealt with it.
exports.errorIsHandled = (error) => {
  if (isReporting || !listensTo("error")) return false;
  isReporting = true;
  try {
    const event = new ErrorEvent("error", { message: messageOf(error), ...placeOf(error), error, cancelable: true });
    return !fire(globalThis, event);
  } finally {
    isReporting = false;
  }
};

// ---- unhandledrejection, rejectionhandled ----

// Fires the event for a rejection that nobody handled. True when a listener has dealt with it.
exports.rejectionIsHandled = (promise, reason) => {
  const cancelled =
    listensTo("unhandledrejection") &&
    !fire(globalThis, new PromiseRejectionEvent("unhandledrejection", { promise, reason, cancelable: true }));
  if (listensTo("rejectionhandled")) watch(promise, reason);
  return cancelled;
};

// The engine does not tell that a promise got its handler late, but then(), catch(), await and their
// kin all read its `constructor`.
function watch(promise, reason) {
  const request = cells[CURRENT];
  const { constructor } = promise;
  const seen = () => {
    delete promise.constructor;
    later(() => {
      cells[CURRENT] = request;
      fire(globalThis, new PromiseRejectionEvent("rejectionhandled", { promise, reason }));
    });
  };
  try {
    define(promise, "constructor", {
      get() {
        seen();
        return constructor;
      },
      set(value) {
        define(promise, "constructor", { value, writable: true, enumerable: true, configurable: true });
      },
      configurable: true,
    });
  } catch {
    // It is frozen: nobody will be told.
  }
}
