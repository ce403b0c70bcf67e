// The surroundings that the suite expects of a worker, made inside a real isolate. webtest puts this
// file and a generated one (see generate() in run.mjs) into the worker's script: __load(href, scripts)
// evaluates the suite's scripts as global scripts, and every result leaves as one line of JSON.

const __evaluate = arguments[2]; // webtest's "modules" are global scripts
const __print = console.log.bind(console);
const __define = Object.defineProperty;
const __URL = URL;
let __finished;

const __say = (kind, ...values) => __print(`\u0001${kind}${JSON.stringify(values)}`);

function __global(name, value) {
  __define(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

// What a browser resolves against the page's URL. A worker has none, so atoll takes absolute ones only.
function __resolve(input) {
  if (typeof input !== "string") return input;
  try {
    new __URL(input);
    return input;
  } catch {}
  try {
    return new __URL(input, globalThis.location.href).href;
  } catch {
    return input;
  }
}

const __resolved = ([first, ...rest]) => [__resolve(first), ...rest];

function __wrap(name, minimum) {
  const target = globalThis[name];
  if (target === undefined) return;
  const proxy = new Proxy(target, {
    apply: (fn, self, args) => Reflect.apply(fn, self, args.length < minimum ? args : __resolved(args)),
    construct: (Class, args, newTarget) =>
      Reflect.construct(Class, args.length < minimum ? args : __resolved(args), newTarget === proxy ? Class : newTarget),
  });
  if (target.prototype !== undefined) __define(target.prototype, "constructor", { value: proxy, writable: true, configurable: true });
  __global(name, proxy);
}

function __surroundings(href) {
  const { origin, protocol, host, hostname, port, pathname, search, hash } = new __URL(href);
  const location = { href, origin, protocol, host, hostname, port, pathname, search, hash, toString: () => href };
  __global("location", Object.freeze(location));
  __global("GLOBAL", { isWindow: () => false, isWorker: () => true, isShadowRealm: () => false });
  for (const name of ["fetch", "Request", "WebSocket", "WebSocketStream", "EventSource"]) __wrap(name, 1);
  const { redirect } = Response;
  __define(Response, "redirect", {
    value: new Proxy(redirect, { apply: (fn, self, args) => Reflect.apply(fn, self, args.length < 1 ? args : __resolved(args)) }),
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

// idlharness asks which global this is. testharness.js must not find it: its environment for
// workers has timeouts, and webtest sees by itself when nothing can happen any more.
function __workerGlobal() {
  for (const name of ["WorkerGlobalScope", "DedicatedWorkerGlobalScope"])
    if (!(name in globalThis)) {
      const Scope = class {
        static [Symbol.hasInstance] = (value) => value === globalThis;
      };
      __global(name, __define(Scope, "name", { value: name }));
    }
}

// Tests that have begun and are not over are named, so that one that hangs is known by name.
function __listen() {
  const open = new Set();
  let evaluated = false;
  add_test_state_callback((test) => {
    if (open.has(test.name) || test.phase > 2) return;
    open.add(test.name);
    if (evaluated) __say("begun", test.name);
  });
  add_result_callback(({ name, status, message }) => {
    open.delete(name);
    __say("result", name, status, message == null ? "" : String(message).slice(0, 600));
  });
  __finished = new Promise((resolve) =>
    add_completion_callback((_, { status, message }) => {
      __say("end", status, message == null ? "" : String(message).slice(0, 600));
      resolve();
    }),
  );
  return () => {
    evaluated = true;
    for (const name of open) __say("begun", name);
  };
}

function __load(href, harness, scripts) {
  __surroundings(href);
  // idlharness wants the interfaces as data properties: here they are accessors until first read.
  if (scripts.some((script) => script.endsWith("idlharness.js")))
    for (const name of Object.getOwnPropertyNames(globalThis)) Reflect.get(globalThis, name);
  __evaluate(harness);
  const evaluated = __listen();
  __workerGlobal();
  try {
    for (const script of scripts) __evaluate(script);
  } catch (error) {
    __say("threw", String(error).slice(0, 600));
    throw error;
  }
  evaluated();
}

const __runTests = () => __finished;
