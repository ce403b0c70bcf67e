// Request (WHATWG Fetch 5.4): the members that a plain handler reads. Every isolate pays for each of
// them, so the others are put on the prototype by request_init.js, which is loaded with the global
// `Request` or when somebody looks for a member that is not here.

const METHODS = ["", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

class Inner {
  constructor() {
    this.method = "GET";
    this.url = null; // null until somebody asks: the first urlLength characters of `text`
    this.text = null; // of an incoming request: its url and header lines
    this.urlLength = 0;
    this.headers = null;
    this.body = null; // see body.js
    this.signal = null; // the one that is shown, made when somebody asks
    this.follows = null; // the one that was given, which `signal` follows
    this.settings = null; // what is seldom set; see request_init.js
    this.cf = undefined;
    this.id = 0; // of the incoming request whose client the signal follows
  }
  getUrl() {
    return this.url ?? (this.url = this.text.slice(0, this.urlLength));
  }
  getHeaders() {
    return this.headers ?? (this.headers = use("headers").made(this.text, this.urlLength));
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
  get body() {
    return use("body").streamOf(this.#inner.body);
  }
  async json() {
    return use("body").json(this.#inner);
  }
  async text() {
    return use("body").text(this.#inner);
  }
  static #of(value) {
    return typeof value === "object" && value !== null && #inner in value ? value.#inner : undefined;
  }
  static {
    exports.requestInner = this.#of;
  }
}

// Stands behind the prototype until request_init.js has completed that.
const { prototype } = Request;
const { get, getOwnPropertyDescriptor, has, ownKeys, set } = Reflect;
const completed = () => (use("request_init"), prototype);
Object.setPrototypeOf(
  prototype,
  new Proxy({}, {
    get: (_, name, self) => get(completed(), name, self),
    getOwnPropertyDescriptor: (_, name) => getOwnPropertyDescriptor(completed(), name),
    has: (_, name) => has(completed(), name),
    ownKeys: () => ownKeys(completed()),
    set: (_, name, value, self) => set(completed(), name, value, self),
  }),
);

const make = (inner) => new Request(INTERNAL, inner);

exports.Request = Request;
exports.Inner = Inner;
exports.make = make;

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
