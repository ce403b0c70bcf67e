// Service-worker syntax: addEventListener("fetch", (event) => event.respondWith(...)), and the global
// as an EventTarget.

const { Event, EventTarget } = use("events");

const target = new EventTarget();
const types = new Set();
const fetchListeners = [];

exports.addEventListener = function addEventListener(type, callback, options) {
  types.add(`${type}`);
  // An exception of a fetch listener is the request's, so these are called without the target,
  // which would report it and go on.
  if (`${type}` === "fetch") fetchListeners.push(callback);
  else target.addEventListener(type, callback, options);
};
exports.removeEventListener = function removeEventListener(type, callback, options) {
  if (`${type}` === "fetch") {
    const at = fetchListeners.indexOf(callback);
    if (at >= 0) fetchListeners.splice(at, 1);
  } else target.removeEventListener(type, callback, options);
};
exports.dispatchEvent = function dispatchEvent(event) {
  return target.dispatchEvent(event);
};
exports.listensTo = (type) => types.has(type);

class ExtendableEvent extends Event {
  #ctx;
  constructor(type, init) {
    super(type, init);
    this.#ctx = init?.ctx;
  }
  waitUntil(promise) {
    this.#ctx?.waitUntil(promise);
  }
}

class FetchEvent extends ExtendableEvent {
  #request;
  #ctx;
  #response;
  constructor(type, init) {
    super(type, init);
    this.#request = init?.request;
    this.#ctx = init?.ctx;
  }
  get request() {
    return this.#request;
  }
  respondWith(response) {
    if (this.#response !== undefined) throw new TypeError("FetchEvent.respondWith() has already been called.");
    this.#response = Promise.resolve(response);
  }
  passThroughOnException() {
    this.#ctx?.passThroughOnException();
  }
  static responseOf(event) {
    return event.#response;
  }
}
const { responseOf } = FetchEvent;
delete FetchEvent.responseOf;
exports.ExtendableEvent = ExtendableEvent;
exports.FetchEvent = FetchEvent;

exports.fetch = (request, env, ctx) => {
  const event = new FetchEvent("fetch", { request, ctx });
  for (const listener of fetchListeners) {
    if (typeof listener === "function") listener.call(globalThis, event);
    else listener.handleEvent(event);
    const response = responseOf(event);
    if (response !== undefined) return response;
  }
  throw new TypeError("No listener of the fetch event called event.respondWith().");
};
