// Response (WHATWG Fetch 5.5): the part that every isolate needs. Every line here is parsed and
// compiled in each new isolate, so what a plain `new Response("text")` does not need is in
// response_init.js and body.js.

const TEXT = "text/plain;charset=UTF-8";

class Inner {
  constructor() {
    this.status = 200;
    this.statusText = "";
    this.headers = null; // a Headers once somebody asked for it or gave some
    this.body = null; // see body.js
    this.url = "";
    this.redirected = false;
    this.kind = "default"; // its type, by a name that Object.prototype has no use for
  }
  getHeaders() {
    return this.headers ?? use("response_init").makeHeaders(this);
  }
  // True when Content-Type, that of a string, is the one header.
  isPlainText() {
    return this.headers === null && this.body !== null && this.body.type === TEXT;
  }
  // The header lines as they go over the wire.
  wireHead() {
    return use("response_init").wireHead(this);
  }
}

const INTERNAL = {};

class Response {
  #inner;

  constructor(body = null, init = undefined) {
    if (body === INTERNAL) {
      this.#inner = init;
      return;
    }
    const inner = (this.#inner = new Inner());
    if (init === undefined && typeof body === "string")
      inner.body = { kind: "text", value: body, type: TEXT, length: undefined, used: false, stream: undefined };
    else use("response_init").fill(inner, body, init);
  }

  get type() {
    return this.#inner.kind;
  }
  get url() {
    return this.#inner.url;
  }
  get redirected() {
    return this.#inner.redirected;
  }
  get status() {
    return this.#inner.status;
  }
  get ok() {
    return this.#inner.status >= 200 && this.#inner.status < 300;
  }
  get statusText() {
    return this.#inner.statusText;
  }
  get headers() {
    return this.#inner.getHeaders();
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
    return make(use("response_init").clone(this.#inner));
  }
  static error() {
    return make(use("response_init").error());
  }
  static json(data, init = undefined) {
    return make(use("response_init").json(data, init));
  }
  static redirect(url, status = 302) {
    return make(use("response_init").redirect(url, status));
  }
  static #of(value) {
    return typeof value === "object" && value !== null && #inner in value ? value.#inner : undefined;
  }
  static {
    exports.responseInner = this.#of;
  }
}

const make = (inner) => new Response(INTERNAL, inner);

exports.Response = Response;
exports.wrap = make;
exports.Inner = Inner;

// A Response made by the platform: { status, statusText, headers, body, url, redirected }.
exports.makeResponse = (fields) => make(Object.assign(new Inner(), fields));

use("core").finish(Response, "Response");
