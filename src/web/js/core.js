// The first script of every isolate: completions by number, lazy globals, the trip of a request.
// Everything else is loaded by use() when it is first needed, so keep this file small.

const PENDING = 0, WAITING = 1, ANSWERS = 2, CURRENT = 3, ANSWER_FIRST = 8, ANSWER_ROW = 4, ANSWER_ROWS = 128;
const TEXT_APART = 16384; // characters from which a body travels alone
const { op_builtin, op_wake } = ops;

const loadedFiles = { __proto__: null, core: exports };

function use(name) {
  const file = loadedFiles[name];
  if (file !== undefined) return file;
  const fresh = (loadedFiles[name] = { __proto__: null }); // no setter of a worker's sees what is exported
  try {
    op_builtin(name)(fresh, use, ops, cells);
  } catch (error) {
    delete loadedFiles[name]; // there was no stack left, perhaps: the next one may have more of it
    throw error;
  }
  return fresh;
}

exports.use = use;

// The exports of a file when something has loaded it already, else undefined: a value cannot be a
// Blob before blob.js was loaded.
exports.loaded = (name) => loadedFiles[name];

// ---- completions: a native operation settles its promise by number ----

let waiting; // made with the first completion: an isolate that never waits saves a Map's 14 KB
let lastId = 0;

exports.completion = (start) =>
  new Promise((resolve, reject) => {
    const id = ++lastId;
    start(id);
    waiting ??= new Map();
    waiting.set(id, { resolve, reject, request: cells[CURRENT] });
    cells[PENDING]++;
  });

exports.complete = (id, error, value) => {
  const entry = waiting?.get(id);
  if (entry === undefined) return;
  waiting.delete(id);
  cells[PENDING]--;
  cells[CURRENT] = entry.request;
  if (error !== undefined) entry.reject(error);
  else entry.resolve(value);
};

// What the engine finishes by itself, between turns, is kept until it can be delivered in one: see
// late.js.
const late = [];

exports.later = (deliver) => {
  late.push(deliver);
  op_wake();
};

exports.wake = () => {
  for (const deliver of late.splice(0)) deliver();
};

// ---- globals: name, file; loaded when first read ----

const globals = [
  "URL", "url", "URLSearchParams", "url", "URLPattern", "url_pattern", "TextEncoder", "encoding",
  "TextDecoder", "encoding", "atob", "base64", "btoa", "base64", "DOMException", "dom_exception",
  "QuotaExceededError", "dom_exception", "crypto", "crypto", "Crypto", "crypto",
  "SubtleCrypto", "crypto_subtle", "CryptoKey", "crypto_key", "performance", "performance",
  "Performance", "performance", "PerformanceEntry", "performance_entries",
  "PerformanceMark", "performance_entries", "PerformanceMeasure", "performance_entries",
  "PerformanceObserver", "performance_observer", "PerformanceObserverEntryList", "performance_observer",
  "structuredClone", "structured_clone", "Event", "events", "EventTarget", "events", "CustomEvent", "events",
  "ErrorEvent", "events", "MessageEvent", "events", "PromiseRejectionEvent", "events",
  "reportError", "events", "AbortController", "abort", "AbortSignal", "abort", "ReadableStream", "streams",
  "ReadableStreamDefaultReader", "streams", "ReadableStreamBYOBReader", "streams",
  "ReadableStreamDefaultController", "streams", "ReadableByteStreamController", "streams",
  "ReadableStreamBYOBRequest", "streams", "WritableStream", "streams",
  "WritableStreamDefaultWriter", "streams", "WritableStreamDefaultController", "streams",
  "TransformStream", "streams", "TransformStreamDefaultController", "streams",
  "CountQueuingStrategy", "streams", "ByteLengthQueuingStrategy", "streams",
  "IdentityTransformStream", "streams", "FixedLengthStream", "streams", "TextEncoderStream", "streams",
  "TextDecoderStream", "streams", "Blob", "blob", "File", "blob", "FormData", "formdata",
  "console", "console", "WebSocket", "websocket", "WebSocketPair", "websocket", "CloseEvent", "events",
  "MessageChannel", "message_channel", "MessagePort", "message_channel", "CompressionStream", "compression",
  "DecompressionStream", "compression", "setTimeout", "timers", "clearTimeout", "timers",
  "setInterval", "timers", "clearInterval", "timers", "scheduler", "timers", "fetch", "fetch",
  "Headers", "headers", "Request", "request_init", "Response", "response",
  "addEventListener", "global_events", "removeEventListener", "global_events",
  "dispatchEvent", "global_events", "onerror", "global_events", "onunhandledrejection", "global_events",
  "onrejectionhandled", "global_events", "FetchEvent", "service_worker", "ExtendableEvent", "service_worker",
  "navigator", "navigator", "HTMLRewriter", "html_rewriter", "EventSource", "eventsource", "caches", "cache",
  "Cache", "cache", "CacheStorage", "cache", "queueMicrotask", "global", "WebAssembly", "late",
  "Atomics", "global", "FinalizationRegistry", "late", "Date", "frozen_clock", "Intl", "frozen_clock",
];

const define = Object.defineProperty;
exports.globals = globals;
exports.natives = { WebAssembly, FinalizationRegistry, Atomics, Date, Intl };

// A name's getter and setter are one function, bound to its place in the list: half the memory of
// two closures. See docs/internals/performance.md.
function lazy(...given) {
  const name = globals[this];
  // global_events.js puts accessors of its own in the place of those that begin with "on".
  if (given.length === 0 || name.startsWith("on")) {
    const file = use(globals[this + 1]);
    return (globalThis[name] = given.length === 0 ? file[name] : given[0]);
  }
  define(globalThis, name, { value: given[0], writable: true, configurable: true, enumerable: false });
}

const accessor = { configurable: true, enumerable: false, get: undefined, set: undefined };
for (let i = 0; i < globals.length; i += 2) {
  accessor.get = accessor.set = lazy.bind(i);
  define(globalThis, globals[i], accessor);
}
define(globalThis, "self", { value: globalThis, writable: true, configurable: true });
delete globalThis.SharedArrayBuffer;

// What WebIDL asks of a class: enumerable members, static ones too, its name (the one in the source
// is lost in minification) and its tag.
exports.finish = (Class, tag) => {
  define(Class, "name", { value: tag, configurable: true });
  for (const name of Object.getOwnPropertyNames(Class))
    if (name !== "prototype" && name !== "length" && name !== "name") define(Class, name, { enumerable: true });
  for (const name of Object.getOwnPropertyNames(Class.prototype))
    if (name !== "constructor") define(Class.prototype, name, { enumerable: true });
  define(Class.prototype, Symbol.toStringTag, { value: tag, configurable: true });
};

// ---- the worker ----

let handler; // async (request, env, ctx) => Response
let env;

exports.load = (factory, settings) => {
  env = settings.env;
  exports.frozen = settings.frozen;
  exports.env = env;
  return use("worker").load(factory, settings, (found) => (handler = found));
};

const waits = { __proto__: null }; // how many promises a request waits for, when there are any

exports.isWaiting = (request) => request in waits;

// Keeps a version that is replaced until `promise` is settled. As ExtendableEvent.waitUntil().
exports.waitUntil = (promise, request = cells[CURRENT]) => {
  cells[WAITING]++;
  waits[request] = (waits[request] ?? 0) + 1;
  const done = () => {
    cells[WAITING]--;
    if (--waits[request] > 0) return;
    delete waits[request];
    loadedFiles.service_session?.released(request);
  };
  Promise.resolve(promise).then(done, (error) => {
    done();
    use("errors").logUncaught("waitUntil: ", error, request);
  });
};

class ExecutionContext {
  #request;
  #props;
  constructor(id, props) {
    this.#request = id;
    this.#props = props;
  }
  get props() {
    return (this.#props ??= {});
  }
  get exports() {
    return use("service").own();
  }
  waitUntil(promise) {
    exports.waitUntil(promise, this.#request);
  }
  // There is no origin behind a worker here, so there is nothing to pass through to: the error
  // page is the answer, as it is without this call.
  passThroughOnException() {}
}

exports.ExecutionContext = ExecutionContext;

const { requestFrom } = use("request");
const { Response, responseInner } = use("response");

exports.dispatch = (id, method, text, urlLength, bodyLength) => {
  cells[CURRENT] = id;
  run(id, requestFrom(id, method, text, urlLength, bodyLength), new ExecutionContext(id));
};

async function run(id, request, ctx) {
  try {
    answer(id, await handler(request, env, ctx));
  } catch (error) {
    fail(id, error);
  }
}

let out = "";

function answer(id, response) {
  const inner = responseInner(response);
  if (inner === undefined)
    throw new TypeError(
      `The fetch handler must answer with a Response, but it returned ${use("inspect").inspect(response)}`,
    );
  const body = inner.body;
  if (inner.status === 101 || (body !== null && (body.kind !== "text" || body.value.length > TEXT_APART || body.used)))
    return use("answer").answer(id, inner);
  const row = cells[ANSWERS];
  if (row === ANSWER_ROWS) return use("answer").answer(id, inner);
  const at = ANSWER_FIRST + row * ANSWER_ROW;
  cells[at] = id;
  cells[at + 1] = inner.status;
  if (inner.isPlainText()) cells[at + 2] = -1; // the head is known to C
  else {
    const head = inner.wireHead();
    cells[at + 2] = head.length;
    out += head;
  }
  if (body === null) cells[at + 3] = -1;
  else {
    body.used = true;
    cells[at + 3] = body.value.length;
    out += body.value;
  }
  cells[ANSWERS] = row + 1;
}

exports.flush = () => {
  const text = out;
  out = "";
  return text;
};

function fail(id, error) {
  use("errors").fail(id, error);
}

exports.timer = () => use("timers").fire();
exports.scheduled = (...event) => use("scheduled").run(...event);
exports.abort = (id) => {
  loadedFiles.request_init?.abortRequest(id);
  loadedFiles.service_session?.released(id < 0 ? -id : id);
};
exports.hung = (id) => loadedFiles.service_session?.hung(id) || use("errors").hung(id);
exports.serve = (...call) => use("service").serve(...call);
exports.service = (...message) => use("service_session").receive(...message);
exports.rejection = (promise, reason) => use("errors").rejection(promise, reason);

// Takes a request through an empty worker, so that what every worker needs is loaded and compiled
// before the isolate gets one: a cold start then pays for the worker's own script only.
exports.warm = async () => {
  const fetch = () => new Response("");
  await exports.load(async (main) => main({ default: { fetch } }), { env: {} });
  exports.dispatch(-1, 1, "http://localhost/", 17, -1);
};
