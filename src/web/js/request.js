// Request (WHATWG Fetch 5.4).

const METHODS = ["", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
const FORBIDDEN = new Set(["CONNECT", "TRACE", "TRACK"]);
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NO_LENGTH = -2;

class Inner {
  method = "GET";
  url = "";
  text = null; // header lines of an incoming request, until somebody asks for `headers`
  headers = null;
  body = null;
  signal = null;
  redirect = "follow";
  cf = undefined;
  id = 0; // of the incoming request whose client this signal follows

  getHeaders() {
    if (this.headers === null) {
      const headers = use("headers");
      this.headers = this.text === null ? headers.fromList([]) : headers.freeze(headers.fromText(this.text));
      this.text = null;
    }
    return this.headers;
  }
}

const INTERNAL = Symbol("internal");

// Signals of requests that are being served, by request id: aborted when the client goes away.
const clients = new Map();

function methodOf(method) {
  method = `${method}`;
  if (!TOKEN.test(method)) throw new TypeError(`Invalid HTTP method string: ${method}`);
  const upper = method.toUpperCase();
  if (FORBIDDEN.has(upper)) throw new TypeError(`HTTP method ${method} is not supported`);
  return METHODS.includes(upper) && upper !== "PATCH" ? upper : method;
}

function fromInput(inner, input) {
  const from = requestInner(input);
  if (from === undefined) {
    const url = new (use("url").URL)(`${input}`);
    if (url.username || url.password)
      throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${input}`);
    inner.url = url.href;
    return undefined;
  }
  inner.url = from.url;
  inner.method = from.method;
  inner.redirect = from.redirect;
  inner.cf = from.cf;
  inner.signal = from.id === 0 ? from.signal : input.signal;
  return from;
}

function fill(inner, input, init) {
  const from = fromInput(inner, input);
  if (init === undefined || init === null) init = {};
  else if (typeof init !== "object" && typeof init !== "function")
    throw new TypeError("Failed to construct 'Request': init must be an object");

  if (init.method !== undefined) inner.method = methodOf(init.method);
  if (init.redirect !== undefined) {
    if (!["follow", "manual", "error"].includes(init.redirect))
      throw new TypeError(`Invalid redirect value: ${init.redirect}, must be "follow", "manual" or "error"`);
    inner.redirect = init.redirect;
  }
  if (init.signal !== undefined) {
    if (init.signal !== null && !(init.signal instanceof use("abort").AbortSignal))
      throw new TypeError("Failed to construct 'Request': signal is not an AbortSignal");
    inner.signal = init.signal;
  }
  if (init.cf !== undefined) inner.cf = init.cf;
  const headers = init.headers !== undefined ? init.headers : from?.getHeaders();
  inner.headers = new (use("headers").Headers)(headers);
  fillBody(inner, from, init);
}

function fillBody(inner, from, init) {
  if (init.body !== undefined && init.body !== null) {
    if (inner.method === "GET" || inner.method === "HEAD")
      throw new TypeError("Request with a GET or HEAD method cannot have a body.");
    inner.body = use("body").extract(init.body);
    if (inner.body.type !== null && !inner.headers.has("content-type"))
      inner.headers.append("content-type", inner.body.type);
    return;
  }
  if (from === undefined || from.body === null || init.body === null) return;
  const body = from.body;
  if (use("body").isUsed(body) || (body.stream !== undefined && body.stream.locked))
    throw new TypeError("Cannot construct a Request with a Request object that has already been used.");
  // The new request takes the body over; the old one counts as used.
  inner.body = { ...body };
  body.used = true;
}

class Request {
  #inner;

  constructor(input, init) {
    if (input === INTERNAL) {
      this.#inner = init;
      return;
    }
    if (arguments.length === 0)
      throw new TypeError("Failed to construct 'Request': 1 argument required, but only 0 present.");
    fill((this.#inner = new Inner()), input, init);
  }

  get method() {
    return this.#inner.method;
  }
  get url() {
    return this.#inner.url;
  }
  get headers() {
    return this.#inner.getHeaders();
  }
  get redirect() {
    return this.#inner.redirect;
  }
  get signal() {
    const inner = this.#inner;
    if (inner.signal === null) {
      const controller = new (use("abort").AbortController)();
      inner.signal = controller.signal;
      if (inner.id !== 0) clients.set(inner.id, controller);
    }
    return inner.signal;
  }
  get cf() {
    return this.#inner.cf;
  }
  get destination() {
    return "";
  }
  get referrer() {
    return "about:client";
  }
  get referrerPolicy() {
    return "";
  }
  get mode() {
    return "cors";
  }
  get credentials() {
    return "same-origin";
  }
  get cache() {
    return "default";
  }
  get integrity() {
    return "";
  }
  get keepalive() {
    return false;
  }
  get duplex() {
    return "half";
  }

  clone() {
    const from = this.#inner;
    const copy = Object.assign(new Inner(), from);
    copy.body = use("body").clone(from.body);
    copy.headers = new (use("headers").Headers)(from.getHeaders());
    copy.signal = this.signal;
    copy.id = 0;
    return new Request(INTERNAL, copy);
  }

  static innerOf(value) {
    return typeof value === "object" && value !== null && #inner in value ? value.#inner : undefined;
  }
}

const requestInner = Request.innerOf;
delete Request.innerOf;

function mustInner(value) {
  const inner = requestInner(value);
  if (inner === undefined) throw new TypeError("Illegal invocation: this is not a Request");
  return inner;
}

use("body").mixin(Request.prototype, mustInner, (inner) => inner.getHeaders().get("content-type"));
for (const name of Object.getOwnPropertyNames(Request.prototype))
  if (name !== "constructor") Object.defineProperty(Request.prototype, name, { enumerable: true });
Object.defineProperty(Request.prototype, Symbol.toStringTag, { value: "Request", configurable: true });

exports.Request = Request;
exports.requestInner = requestInner;

// A fetch event's request: `text` is the url and, from urlLength on, the header lines.
exports.requestFrom = (id, method, text, urlLength, bodyLength) => {
  const inner = new Inner();
  inner.method = typeof method === "number" ? METHODS[method] : method;
  inner.url = text.slice(0, urlLength);
  inner.text = text.slice(urlLength);
  inner.id = id;
  if (bodyLength !== -1) inner.body = use("incoming").bodyOf(id, bodyLength === NO_LENGTH ? undefined : bodyLength);
  return new Request(INTERNAL, inner);
};

exports.abortRequest = (id) => {
  const controller = clients.get(id);
  if (controller === undefined) return;
  clients.delete(id);
  controller.abort(new (use("dom_exception").DOMException)("The client disconnected", "AbortError"));
};
exports.forgetClient = (id) => clients.delete(id);
