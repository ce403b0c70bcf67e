// Request (WHATWG Fetch 5.4): the part that every isolate needs; see response.js for why the rest
// is in request_init.js.

const METHODS = ["", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

class Inner {
  constructor() {
    this.method = "GET";
    this.url = null; // null until somebody asks: the first urlLength characters of `text`
    this.text = null; // of an incoming request: its url and header lines
    this.urlLength = 0;
    this.headers = null;
    this.body = null; // see body.js
    this.signal = null;
    this.redirect = "follow";
    this.cf = undefined;
    this.id = 0; // of the incoming request whose client the signal follows
  }
  getUrl() {
    return this.url ?? (this.url = this.text.slice(0, this.urlLength));
  }
  getHeaders() {
    return this.headers ?? use("request_init").makeHeaders(this);
  }
}

const INTERNAL = {};

class Request {
  #inner;

  constructor(input, init) {
    if (input === INTERNAL) this.#inner = init;
    else this.#inner = use("request_init").construct(arguments.length, input, init);
  }

  get method() {
    return this.#inner.method;
  }
  get url() {
    return this.#inner.getUrl();
  }
  get headers() {
    return this.#inner.getHeaders();
  }
  get redirect() {
    return this.#inner.redirect;
  }
  get signal() {
    return this.#inner.signal ?? use("request_init").makeSignal(this.#inner);
  }
  get cf() {
    return this.#inner.cf;
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
  get body() {
    return use("body").streamOf(this.#inner.body);
  }
  get bodyUsed() {
    return use("body").isUsed(this.#inner.body);
  }
  async arrayBuffer() {
    return use("body").arrayBuffer(this.#inner);
  }
  async blob() {
    return use("body").blob(this.#inner);
  }
  async bytes() {
    return use("body").bytes(this.#inner);
  }
  async formData() {
    return use("body").formData(this.#inner);
  }
  async json() {
    return use("body").json(this.#inner);
  }
  async text() {
    return use("body").text(this.#inner);
  }
  clone() {
    return make(use("request_init").clone(this.#inner));
  }
  static #of(value) {
    return typeof value === "object" && value !== null && #inner in value ? value.#inner : undefined;
  }
  static {
    exports.requestInner = this.#of;
  }
}

const make = (inner) => new Request(INTERNAL, inner);

// request_init.js finishes the class: nobody sees that it is not, before that is loaded.
exports.Request = Request;
exports.Inner = Inner;

// A fetch event's request: `text` is the url and, from urlLength on, the header lines; bodyLength
// is -1 for no body, -2 for one of unknown length.
exports.requestFrom = (id, method, text, urlLength, bodyLength) => {
  const inner = new Inner();
  inner.method = typeof method === "number" ? METHODS[method] : method;
  inner.text = text;
  inner.urlLength = urlLength;
  inner.id = id;
  if (bodyLength !== -1) inner.body = use("incoming").bodyOf(id, bodyLength < 0 ? undefined : bodyLength);
  return make(inner);
};
