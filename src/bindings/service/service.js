// Service bindings: env.OTHER.fetch(request), env.OTHER.method(...). See service_session.js for what travels.

const core = use("core");
const { finish, need } = use("webidl");
const { requestInner } = use("request");
const { parse, stringify } = JSON;
const { has, get } = Reflect;
const REDIRECTS_MAX = 20;
const NEW = {};

let nativeOf; // (object) => what it calls, for a Fetcher

class Fetcher {
  #native;
  constructor(token, native) {
    if (token !== NEW) throw new TypeError("Illegal constructor");
    this.#native = native;
  }
  fetch(input, init = undefined) {
    return fetchOf(nativeOf(this), arguments.length, input, init);
  }
  connect() {
    throw new TypeError("connect() of a service binding is not supported: call fetch() or a method.");
  }
  static {
    nativeOf = (object) => states(object) ?? object.#native;
  }
}
finish(Fetcher, "Fetcher");

// A proxy carries its state as a private member of its own.
class Stamp extends (class {
  constructor(object) {
    return object;
  }
}) {
  #native;
  constructor(object, native) {
    super(object);
    this.#native = native;
  }
  static of(object) {
    return #native in object ? object.#native : undefined;
  }
}
const states = Stamp.of;

const traps = {
  get(target, name, proxy) {
    if (typeof name === "symbol" || name === "then" || has(target, name)) return get(target, name, proxy);
    return use("service_stub").methodOf(nativeOf(proxy), name);
  },
};

function make(native) {
  const proxy = new Proxy(new Fetcher(NEW, native), traps);
  new Stamp(proxy, native);
  return proxy;
}

// ---- fetch ----

function requestOf(given, input, init) {
  if (init === undefined) {
    const inner = requestInner(input);
    if (inner !== undefined) return inner;
  }
  return use("request_init").construct(given, input, init);
}

async function fetchOf(native, given, input, init) {
  need(given, 1, "Fetcher.fetch");
  const inner = requestOf(given, input, init);
  const signal = inner.signal ?? inner.follows;
  if (signal !== null && signal.aborted) throw signal.reason;
  const redirect = inner.settings === null && inner.id !== 0 ? "manual" : use("request_init").settingsOf(inner).redirect;
  const response = await ask(native, inner, signal);
  return redirect === "manual" || !isRedirect(response) ? response : follow(native, inner, response, redirect, signal);
}

function ask(native, inner, signal) {
  const { session, promise } = use("service_session").fetch(native, inner);
  if (signal === null) return promise;
  const forget = use("abort").onAbort(signal, () => session.close(signal.reason));
  const done = (value) => {
    forget?.();
    return value;
  };
  return promise.then(done, (error) => {
    done();
    throw error;
  });
}

const isRedirect = ({ status, headers }) => status >= 301 && status <= 308 && status !== 304 && headers.has("location");

// As fetch() does, but what is found there is asked of the same worker.
async function follow(native, inner, response, redirect, signal) {
  if (redirect === "error") throw new TypeError("fetch failed: the worker answered with a redirect");
  let { method } = inner;
  let url = inner.getUrl();
  for (let i = 0; isRedirect(response); i++) {
    const { status } = response;
    if (i === REDIRECTS_MAX) throw new TypeError("fetch failed: too many redirects");
    if (status === 303 || (method === "POST" && status < 303)) method = method === "HEAD" ? "HEAD" : "GET";
    else if (inner.body !== null) throw new TypeError("fetch failed: a body cannot be sent again for a redirect");
    url = new (use("url").URL)(response.headers.get("location"), url).href;
    response.body?.cancel();
    const next = use("request_init").construct(2, url, { method, headers: inner.getHeaders(), redirect: "manual" });
    response = await ask(native, next, signal);
  }
  return response;
}

// ---- for others ----

exports.bind = (handle) => make({ handle });

// ctx.exports: the entrypoints of this worker itself, each also a function of { props }.
exports.own = () => {
  const { namespace } = use("worker");
  const entries = {};
  for (const name of Object.keys(namespace ?? {})) {
    const native = { own: name === "default" ? "" : name, props: "" };
    const call = (options) => make({ ...native, props: options?.props === undefined ? "" : stringify(options.props) });
    const proxy = new Proxy(call, {
      get(target, key, self) {
        if (key === "fetch") return (...args) => fetchOf(native, args.length, ...args);
        if (typeof key === "symbol" || key === "then" || has(target, key)) return get(target, key, self);
        return use("service_stub").methodOf(native, key);
      },
    });
    entries[name] = proxy;
  }
  return entries;
};

// Another worker calls: for C.
exports.serve = (end, request, entrypoint, props) => {
  let entry;
  use("service_session").serve(end, request, () => {
    const ctx = new core.ExecutionContext(request, props === "" ? undefined : parse(props));
    return (entry ??= use("service_class").entrypoint(entrypoint, ctx));
  });
};
