// Response (WHATWG Fetch 5.5).

const NULL_BODY = new Set([101, 204, 205, 304]);
const REDIRECT = new Set([301, 302, 303, 307, 308]);
const REASON = /^[\t \x21-\x7e\x80-\xff]*$/;
const TEXT_HEAD = "content-type: text/plain;charset=UTF-8\r\n";
// Said by the server itself, never by a worker.
const SERVER_ONLY = new Set(["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"]);

class Inner {
  status = 200;
  statusText = "";
  headers = null; // a Headers once somebody asked for it or gave some
  body = null;
  url = "";
  redirected = false;
  type = "default";

  // Content-Type comes from the body as long as no Headers was made.
  getHeaders() {
    if (this.headers === null) {
      const type = this.body === null ? null : this.body.type;
      this.headers = use("headers").fromList(type === null ? [] : ["content-type", type]);
    }
    return this.headers;
  }

  // The header lines as they go over the wire.
  wireHead() {
    if (this.headers === null) {
      if (this.body === null || this.body.type === null) return "";
      return this.body.kind === "text" && this.body.type === "text/plain;charset=UTF-8"
        ? TEXT_HEAD
        : `content-type: ${this.body.type}\r\n`;
    }
    const list = use("headers").listOf(this.headers);
    let head = "";
    for (let i = 0; i < list.length; i += 2)
      if (!SERVER_ONLY.has(list[i])) head += `${list[i]}: ${list[i + 1]}\r\n`;
    return head;
  }
}

const INTERNAL = Symbol("internal");

function statusOf(status) {
  const number = Number(status);
  const integer = Math.trunc(number);
  if (!(integer === 101 || (integer >= 200 && integer <= 599)))
    throw new RangeError(
      `Responses may only be constructed with status codes in the range 200 to 599, inclusive, but ${status} was given.`,
    );
  return integer;
}

function fill(inner, body, init) {
  if (init !== undefined && init !== null) {
    if (typeof init !== "object" && typeof init !== "function")
      throw new TypeError("Failed to construct 'Response': init must be an object");
    if (init.status !== undefined) inner.status = statusOf(init.status);
    if (init.statusText !== undefined) {
      inner.statusText = `${init.statusText}`;
      if (!REASON.test(inner.statusText)) throw new TypeError("Invalid statusText");
    }
    if (init.headers !== undefined) inner.headers = new (use("headers").Headers)(init.headers);
  }
  if (body === undefined || body === null) return;
  if (NULL_BODY.has(inner.status))
    throw new TypeError(`Response with null body status (${inner.status}) cannot have a body.`);
  inner.body = typeof body === "string"
    ? { kind: "text", value: body, type: "text/plain;charset=UTF-8", used: false, stream: undefined }
    : use("body").extract(body);
  if (inner.headers !== null && inner.body.type !== null && !inner.headers.has("content-type"))
    inner.headers.append("content-type", inner.body.type);
}

class Response {
  #inner;

  constructor(body, init) {
    if (body === INTERNAL) this.#inner = init;
    else fill((this.#inner = new Inner()), body, init);
  }

  get type() {
    return this.#inner.type;
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

  clone() {
    const from = this.#inner;
    const copy = Object.assign(new Inner(), from);
    copy.body = use("body").clone(from.body);
    copy.headers = new (use("headers").Headers)(from.getHeaders());
    return new Response(INTERNAL, copy);
  }

  static error() {
    const inner = new Inner();
    inner.type = "error";
    inner.status = 0;
    inner.headers = use("headers").freeze(use("headers").fromList([]));
    return new Response(INTERNAL, inner);
  }

  static json(data, init) {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError("Response.json(): the value is not JSON serializable");
    const inner = new Inner();
    fill(inner, text, init);
    inner.body.type = "application/json";
    if (inner.headers !== null && !(init.headers !== undefined && new (use("headers").Headers)(init.headers).has("content-type")))
      inner.headers.set("content-type", "application/json");
    return new Response(INTERNAL, inner);
  }

  static redirect(url, status = 302) {
    const parsed = new (use("url").URL)(url);
    if (!REDIRECT.has(status))
      throw new RangeError(`Failed to execute 'redirect' on 'Response': invalid status code ${status}`);
    const inner = new Inner();
    inner.status = status;
    inner.headers = use("headers").freeze(use("headers").fromList(["location", parsed.href]));
    return new Response(INTERNAL, inner);
  }

  static innerOf(value) {
    return typeof value === "object" && value !== null && #inner in value ? value.#inner : undefined;
  }
}

const responseInner = Response.innerOf;
delete Response.innerOf;

function mustInner(value) {
  const inner = responseInner(value);
  if (inner === undefined) throw new TypeError("Illegal invocation: this is not a Response");
  return inner;
}

use("body").mixin(Response.prototype, mustInner, (inner) => inner.getHeaders().get("content-type"));
for (const name of ["type", "url", "redirected", "status", "ok", "statusText", "headers", "clone"])
  Object.defineProperty(Response.prototype, name, { enumerable: true });
for (const name of ["error", "json", "redirect"]) Object.defineProperty(Response, name, { enumerable: true });
Object.defineProperty(Response.prototype, Symbol.toStringTag, { value: "Response", configurable: true });

exports.Response = Response;
exports.responseInner = responseInner;

// A Response made by the platform: { status, statusText, headers, body, url, redirected }.
exports.makeResponse = (fields) => new Response(INTERNAL, Object.assign(new Inner(), fields));
