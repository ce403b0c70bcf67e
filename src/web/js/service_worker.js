// Service-worker syntax: addEventListener("fetch", (event) => event.respondWith(...)). The global's
// other events are in global_events.js.

const { finish } = use("webidl");
const { Event, dictionary, fireOrThrow } = use("events");

const INTERNAL = {};
const EXTENDABLE = "Failed to construct 'ExtendableEvent'";
const FETCH = "Failed to construct 'FetchEvent'";

let attach; // (event, ctx)
let contextOf; // (event) => what attach() gave it

class ExtendableEvent extends Event {
  #ctx;

  constructor(type, init) {
    if (arguments.length === 0) throw new TypeError(`${EXTENDABLE}: 1 argument required`);
    super(type, init);
  }
  waitUntil(promise) {
    this.#ctx?.waitUntil(promise);
  }
  static {
    attach = (event, ctx) => (event.#ctx = ctx);
    contextOf = (event) => event.#ctx;
  }
}
finish(ExtendableEvent, "ExtendableEvent");
exports.attach = attach;
Object.defineProperty(ExtendableEvent, "length", { value: 1, configurable: true });
exports.ExtendableEvent = ExtendableEvent;

let responseOf;

class FetchEvent extends ExtendableEvent {
  #request;
  #response;

  constructor(type, init) {
    if (arguments.length < 2) throw new TypeError(`${FETCH}: 2 arguments required`);
    super(type, init);
    const { request } = dictionary(init, FETCH);
    if (request === undefined) throw new TypeError(`${FETCH}: 'request' is required`);
    this.#request = request;
  }
  get request() {
    return this.#request;
  }
  respondWith(response) {
    if (this.#response !== undefined) throw new TypeError("FetchEvent.respondWith() has already been called.");
    this.stopImmediatePropagation();
    this.#response = Promise.resolve(response);
  }
  passThroughOnException() {
    this.#request;
    contextOf(this)?.passThroughOnException();
  }
  static {
    responseOf = (event) => event.#response;
  }
}
finish(FetchEvent, "FetchEvent");
exports.FetchEvent = FetchEvent;

// The handler of a worker in this syntax. An exception of a listener is the request's.
exports.fetch = (request, env, ctx) => {
  const event = new FetchEvent("fetch", { request, cancelable: true });
  attach(event, ctx);
  fireOrThrow(globalThis, event);
  const response = responseOf(event);
  if (response !== undefined) return response;
  throw new TypeError("No listener of the fetch event called event.respondWith().");
};
