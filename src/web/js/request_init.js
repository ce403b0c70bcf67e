// What request.js leaves to its first use: the constructor, clone, and the members that are seldom
// read.

const { Inner, Request, make, requestInner } = use("request");
const { Headers } = use("headers");

const NORMALIZED = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);
const FORBIDDEN = new Set(["CONNECT", "TRACE", "TRACK"]);
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const CREDENTIALS_IN_URL = /^[^:]+:\/\/[^/?#@]*@/;

const WHERE = "Failed to construct 'Request'";
const CACHES = ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"];
const CREDENTIALS = ["omit", "same-origin", "include"];
const MODES = ["navigate", "same-origin", "no-cors", "cors"];
const POLICIES = [
  "", "no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin",
  "origin-when-cross-origin", "strict-origin-when-cross-origin", "unsafe-url",
];

// A server has no document, so most of these only keep what was given; fetch.js heeds redirect,
// integrity and cache.
const DEFAULTS = {
  cache: "default",
  credentials: "same-origin",
  integrity: "",
  keepalive: false,
  mode: "cors",
  redirect: "follow",
  referrer: "about:client",
  referrerPolicy: "",
};
// As on Workers: a redirect that an incoming request runs into is for the client to follow.
const OF_INCOMING = { ...DEFAULTS, redirect: "manual" };
const settingsOf = (inner) => inner.settings ?? (inner.id !== 0 ? OF_INCOMING : DEFAULTS);
exports.settingsOf = settingsOf;
exports.settingsWith = (redirect) => ({ ...DEFAULTS, redirect });

// ---- the rest of the class ----

function innerOf(request) {
  const inner = requestInner(request);
  if (inner === undefined) throw new TypeError("Illegal invocation: the receiver is not a Request");
  return inner;
}
const settings = (request) => settingsOf(innerOf(request));

class Rest {
  get destination() {
    innerOf(this);
    return "";
  }
  get referrer() {
    return settings(this).referrer;
  }
  get referrerPolicy() {
    return settings(this).referrerPolicy;
  }
  get mode() {
    return settings(this).mode;
  }
  get credentials() {
    return settings(this).credentials;
  }
  get cache() {
    return settings(this).cache;
  }
  get redirect() {
    return settings(this).redirect;
  }
  get integrity() {
    return settings(this).integrity;
  }
  get keepalive() {
    return settings(this).keepalive;
  }
  get isReloadNavigation() {
    innerOf(this);
    return false;
  }
  get isHistoryNavigation() {
    innerOf(this);
    return false;
  }
  get signal() {
    return signalOf(innerOf(this));
  }
  get duplex() {
    innerOf(this);
    return "half";
  }
  get cf() {
    return cfOf(innerOf(this));
  }
  get bodyUsed() {
    return use("body").isUsed(innerOf(this).body);
  }
  async arrayBuffer() {
    return use("body").arrayBuffer(innerOf(this));
  }
  async blob() {
    return use("body").blob(innerOf(this));
  }
  async bytes() {
    return use("body").bytes(innerOf(this));
  }
  async formData() {
    return use("body").formData(innerOf(this));
  }
  clone() {
    return make(clone(innerOf(this)));
  }
}

const { constructor: _, ...rest } = Object.getOwnPropertyDescriptors(Rest.prototype);
Object.defineProperties(Request.prototype, rest);
Object.setPrototypeOf(Request.prototype, Object.prototype);
use("core").finish(Request, "Request");
Object.defineProperty(Request, "length", { value: 1, configurable: true });
exports.Request = Request;

// ---- cf ----

// Of an incoming request it is made when somebody asks; so it is of a copy of one.
const INCOMING = {};
const cfFrom = ({ cf, id }) => cf ?? (id !== 0 ? INCOMING : undefined);

// What its maker gave, if that.
exports.cfGiven = ({ cf }) => (cf === INCOMING ? undefined : cf);

function cfOf(inner) {
  const cf = cfFrom(inner);
  return cf === INCOMING ? (inner.cf = use("request_cf").incoming()) : cf;
}

// ---- signals ----

// Signals of requests that are being served, by request id: aborted when the client goes away,
// forgotten when the request is over.
const clients = new Map();
const { op_request_watch } = ops;

function signalOf(inner) {
  if (inner.signal !== null) return inner.signal;
  if (inner.follows !== null) return (inner.signal = use("abort").follow(inner.follows));
  const controller = new (use("abort").AbortController)();
  inner.signal = controller.signal;
  if (inner.id !== 0 && op_request_watch(inner.id)) clients.set(inner.id, controller);
  return inner.signal;
}

// A negative id: the request is over.
exports.abortRequest = (id) => {
  if (id < 0) clients.delete(-id);
  const controller = clients.get(id);
  if (controller === undefined) return;
  clients.delete(id);
  controller.abort(new (use("dom_exception").DOMException)("The client disconnected", "AbortError"));
};

// ---- the constructor (Fetch 5.4, "new Request(input, init)") ----

function methodOf(method) {
  if (!TOKEN.test(method)) throw new TypeError(`Invalid HTTP method string: ${method}`);
  const upper = method.toUpperCase();
  if (FORBIDDEN.has(upper)) throw new TypeError(`HTTP method ${method} is not supported`);
  return NORMALIZED.has(upper) ? upper : method;
}

function choice(init, name, choices) {
  const value = init[name];
  if (value === undefined) return undefined;
  const text = `${value}`;
  if (choices.includes(text)) return text;
  throw new TypeError(`${WHERE}: ${name} is one of ${choices.map((one) => `"${one}"`).join(", ")}, not "${text}"`);
}

const textOf = (value) => (value === undefined ? undefined : `${value}`);

function signalIn(init) {
  const { signal } = init;
  if (signal === undefined || signal === null || use("abort").isSignal(signal)) return signal;
  throw new TypeError(`${WHERE}: signal is not an AbortSignal`);
}

// The members of a RequestInit, read in WebIDL's order.
function readInit(init) {
  if (typeof init !== "object" && typeof init !== "function") throw new TypeError(`${WHERE}: init must be an object`);
  const read = { body: init.body ?? undefined };
  read.cache = choice(init, "cache", CACHES);
  read.cf = init.cf;
  read.credentials = choice(init, "credentials", CREDENTIALS);
  choice(init, "duplex", ["half"]);
  read.headers = init.headers;
  read.integrity = textOf(init.integrity);
  const { keepalive } = init;
  read.keepalive = keepalive === undefined ? undefined : Boolean(keepalive);
  read.method = textOf(init.method);
  read.mode = choice(init, "mode", MODES);
  choice(init, "priority", ["high", "low", "auto"]);
  read.redirect = choice(init, "redirect", ["follow", "error", "manual"]);
  read.referrer = textOf(init.referrer);
  read.referrerPolicy = choice(init, "referrerPolicy", POLICIES);
  read.signal = signalIn(init);
  if ((init.window ?? null) !== null) throw new TypeError(`${WHERE}: window can only be null`);
  return read;
}

// There is no origin here that a referrer could be of: any URL is kept.
function referrerOf(referrer) {
  if (referrer === "" || referrer === "about:client") return referrer;
  const url = use("url").URL.parse(referrer);
  if (url === null) throw new TypeError(`${WHERE}: the referrer is not a URL: ${referrer}`);
  return url.href;
}

function takeSettings(inner, read) {
  let own;
  for (const name in DEFAULTS)
    if (read[name] !== undefined) (own ??= { ...(inner.settings ?? DEFAULTS) })[name] = read[name];
  if (own === undefined) return;
  inner.settings = own;
  if (read.referrer !== undefined) own.referrer = referrerOf(read.referrer);
  if (own.mode === "navigate") throw new TypeError(`${WHERE}: mode cannot be "navigate"`);
  if (own.cache === "only-if-cached" && own.mode !== "same-origin")
    throw new TypeError(`${WHERE}: cache "only-if-cached" needs mode "same-origin"`);
}

function fromInput(inner, input) {
  const from = requestInner(input);
  if (from === undefined) {
    const text = `${input}`;
    const url = use("url").hrefOf(text);
    if (url === undefined) throw new TypeError(`Invalid URL: '${text}'`);
    if (CREDENTIALS_IN_URL.test(url))
      throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${text}`);
    inner.url = url;
    if (url.startsWith("blob:")) inner.blob = use("fetch_local").blobOf(url);
    return undefined;
  }
  inner.url = from.getUrl();
  inner.blob = from.blob;
  inner.method = from.method;
  inner.settings = settingsOf(from);
  inner.cf = cfFrom(from);
  return from;
}

exports.construct = (given, input, init) => {
  if (given === 0) throw new TypeError(`${WHERE}: 1 argument required, but only 0 present.`);
  const inner = new Inner();
  const from = fromInput(inner, input);
  if (from === undefined && (init === undefined || init === null)) return inner;
  const read = init === undefined || init === null ? {} : readInit(init);
  takeSettings(inner, read);
  if (read.method !== undefined) inner.method = methodOf(read.method);
  if (inner.settings !== null && inner.settings.mode === "no-cors" && !["GET", "HEAD", "POST"].includes(inner.method))
    throw new TypeError(`${WHERE}: mode "no-cors" allows GET, HEAD and POST only`);
  if (read.signal !== undefined) inner.follows = read.signal;
  else if (from !== undefined) inner.follows = signalOf(from);
  if (read.cf !== undefined) inner.cf = read.cf;
  inner.headers = new Headers(read.headers !== undefined ? read.headers : from?.getHeaders());
  fillBody(inner, from, read);
  return inner;
};

function fillBody(inner, from, { body, keepalive }) {
  const inherited = from === undefined ? null : from.body;
  if (body === undefined && inherited === null) return;
  if (inner.method === "GET" || inner.method === "HEAD")
    throw new TypeError("Request with a GET or HEAD method cannot have a body.");
  if (body === undefined) {
    inner.body = use("body").handOver(inherited);
    return;
  }
  inner.body = use("body").extract(body);
  if (keepalive && inner.body.kind === "stream")
    throw new TypeError(`${WHERE}: a request with keepalive cannot have a stream as its body`);
  if (inner.body.type !== null && !inner.headers.has("content-type"))
    inner.headers.append("content-type", inner.body.type);
}

function clone(from) {
  const copy = new Inner();
  copy.body = use("body").clone(from.body);
  copy.method = from.method;
  copy.url = from.getUrl();
  copy.headers = new Headers(from.getHeaders());
  copy.follows = signalOf(from);
  copy.settings = settingsOf(from);
  copy.blob = from.blob;
  copy.cf = cfFrom(from);
  return copy;
}
