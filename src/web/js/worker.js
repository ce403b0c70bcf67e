// The worker's script: loading it, finding its handler, what happens to its errors.

const CURRENT = 3; // cells: see engine/isolate.h
const core = use("core");
const { op_loaded, op_fail, op_module } = ops;

exports.navigator = { userAgent: "Cloudflare-Workers" };

exports.queueMicrotask = function queueMicrotask(callback) {
  if (typeof callback !== "function")
    throw new TypeError("Failed to execute 'queueMicrotask': the callback is not a function");
  Promise.resolve().then(() => {
    try {
      callback();
    } catch (error) {
      use("events").reportError(error);
    }
  });
};

// ---- loading ----

function moduleOf(name) {
  const { kind, value } = op_module(name);
  if (kind === "wasm") return new WebAssembly.Module(value);
  return kind === "data" ? value.buffer : value;
}

function requireOf(name) {
  if (name === "cloudflare:workers")
    return { env: core.env, waitUntil: (promise) => promise };
  throw new Error(`No such module: ${name}`);
}

function findHandler(namespace) {
  const main = namespace?.default;
  if (main !== undefined && main !== null) {
    if (typeof main === "object" && typeof main.fetch === "function")
      return (request, env, ctx) => main.fetch(request, env, ctx);
    throw new TypeError(
      `The default export has no fetch() method. Write: export default { async fetch(request, env, ctx) { return new Response("...") } }`,
    );
  }
  const serviceWorker = core.loaded("service_worker");
  if (serviceWorker?.listensTo("fetch")) return serviceWorker.fetch;
  throw new TypeError(
    `The worker has no fetch handler: it neither exports one (export default { fetch }) nor calls addEventListener("fetch", ...)`,
  );
}

exports.load = async (factory, settings, ready) => {
  // In service-worker syntax bindings are globals; whether this is one shows only afterwards.
  const bindings = Object.keys(settings.env).filter((name) => !(name in globalThis));
  for (const name of bindings) globalThis[name] = settings.env[name];
  try {
    let namespace;
    await factory((found) => (namespace = found), requireOf, moduleOf);
    if (namespace?.default !== undefined) for (const name of bindings) delete globalThis[name];
    ready(findHandler(namespace));
    op_loaded();
  } catch (error) {
    op_loaded(...describe(error));
  }
};

// ---- errors ----

// What C needs of an error: message, stack (JSC's form, unmapped).
function describe(error) {
  if (typeof error === "object" && error !== null && "stack" in error) {
    let message;
    try {
      message = `${error.name ?? "Error"}: ${error.message}`;
    } catch {
      message = "Error";
    }
    return [message, `${error.stack ?? ""}`];
  }
  return [`${use("inspect").inspect(error)}`, ""];
}

const rejected = new Map(); // request id -> the last reason nobody handled

exports.fail = (id, error) => {
  rejected.delete(id);
  op_fail(id, ...describe(error), "");
};

exports.logUncaught = (where, error, id) => op_fail(0, ...describe(error), where, id);

exports.rejection = (promise, reason) => {
  const id = cells[CURRENT];
  const serviceWorker = core.loaded("service_worker");
  if (serviceWorker?.listensTo("unhandledrejection")) {
    const init = { promise, reason, cancelable: true };
    const event = new (use("events").PromiseRejectionEvent)("unhandledrejection", init);
    if (!serviceWorker.dispatchEvent(event)) return;
  }
  if (id !== 0) rejected.set(id, reason);
  exports.logUncaught("unhandled rejection: ", reason, id);
};

// Nothing is left that request `id` could wait for.
exports.hung = (id) => {
  if (!rejected.has(id))
    return exports.fail(id, new Error("The worker's code hung: it waits for a promise that nothing can settle."));
  const why = rejected.get(id); // was logged when nobody handled it
  rejected.delete(id);
  op_fail(id, ...describe(why));
};
