// What request.js leaves to its first use: the constructor, headers, signal, clone.

const { Inner, Request, requestInner } = use("request");
use("core").finish(Request, "Request");
exports.Request = Request;
const headersFile = use("headers");
const { Headers } = headersFile;

const NORMALIZED = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);
const FORBIDDEN = new Set(["CONNECT", "TRACE", "TRACK"]);
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

exports.makeHeaders = (inner) => {
  inner.headers = headersFile.freeze(headersFile.fromText(inner.text, inner.urlLength));
  return inner.headers;
};

// Signals of requests that are being served, by request id: aborted when the client goes away,
// forgotten when the request is over.
const clients = new Map();
const { op_request_watch } = ops;

exports.makeSignal = (inner) => {
  const controller = new (use("abort").AbortController)();
  inner.signal = controller.signal;
  if (inner.id !== 0 && op_request_watch(inner.id)) clients.set(inner.id, controller);
  return inner.signal;
};

// A negative id: the request is over.
exports.abortRequest = (id) => {
  if (id < 0) clients.delete(-id);
  const controller = clients.get(id);
  if (controller === undefined) return;
  clients.delete(id);
  controller.abort(new (use("dom_exception").DOMException)("The client disconnected", "AbortError"));
};

function methodOf(method) {
  method = `${method}`;
  if (!TOKEN.test(method)) throw new TypeError(`Invalid HTTP method string: ${method}`);
  const upper = method.toUpperCase();
  if (FORBIDDEN.has(upper)) throw new TypeError(`HTTP method ${method} is not supported`);
  return NORMALIZED.has(upper) ? upper : method;
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
  inner.url = from.getUrl();
  inner.method = from.method;
  inner.redirect = from.redirect;
  inner.cf = from.cf;
  inner.signal = input.signal;
  return from;
}

// The constructor's steps (Fetch 5.4, "new Request(input, init)").
exports.construct = (given, input, init) => {
  if (given === 0)
    throw new TypeError("Failed to construct 'Request': 1 argument required, but only 0 present.");
  const inner = new Inner();
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
  inner.headers = new Headers(init.headers !== undefined ? init.headers : from?.getHeaders());
  fillBody(inner, from, init);
  return inner;
};

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

exports.clone = (from) => {
  const copy = Object.assign(new Inner(), from);
  copy.url = from.getUrl();
  copy.headers = new Headers(from.getHeaders());
  copy.text = null;
  copy.signal = from.signal ?? exports.makeSignal(from);
  copy.id = 0;
  copy.body = use("body").clone(from.body);
  return copy;
};
