// The worker's script: loading it and finding its handler.

const core = use("core");
const { op_loaded, op_module } = ops;

function moduleOf(name) {
  const { kind, value } = op_module(name);
  if (kind === "wasm") return use("late").compile(value);
  return kind === "data" ? value.buffer : value;
}

function requireOf(name) {
  if (name === "cloudflare:workers") return use("service_class").module();
  if (name === "cloudflare:sockets") return { connect: use("sockets").connect };
  throw new Error(`No such module: ${name}`);
}

const listensTo = (type) => core.loaded("global_events")?.listensTo(type) === true;

function onlyScheduled() {
  throw new TypeError("The worker has no fetch handler: it answers no requests, it only has scheduled().");
}

function onlyEntrypoints() {
  throw new TypeError("The worker has no fetch handler: it answers no requests, other workers can call its entrypoints.");
}

function findHandler(main, namespace) {
  if (typeof main === "function" && core.loaded("service_class")?.isEntrypoint(main))
    return use("service_class").handlerOf(main);
  if (typeof main?.fetch === "function") return (request, env, ctx) => main.fetch(request, env, ctx);
  // A script without exports counts as CommonJS: its default export is an empty object.
  if (listensTo("fetch")) return use("service_worker").fetch;
  if (typeof main?.scheduled === "function" || listensTo("scheduled")) return onlyScheduled;
  if (core.loaded("service_class")?.hasEntrypoint(namespace)) return onlyEntrypoints;
  throw new TypeError(
    "The worker has no fetch handler: it neither exports one " +
      `(export default { async fetch(request, env, ctx) { ... } }) nor calls addEventListener("fetch", ...)`,
  );
}

exports.load = async (factory, settings, ready) => {
  if (settings.bindings !== undefined) use("bindings").bind(settings.env, settings.bindings);
  // In service-worker syntax bindings are globals; whether this is one shows only afterwards.
  let bindings; // the names that became globals
  for (const name in settings.env)
    if (!(name in globalThis)) {
      (bindings ??= []).push(name);
      Object.defineProperty(globalThis, name, Object.getOwnPropertyDescriptor(settings.env, name));
    }
  try {
    let namespace;
    await factory((found) => (namespace = found), requireOf, moduleOf);
    const main = (exports.main = namespace?.default);
    const handler = (exports.handler = findHandler(main, namespace));
    exports.namespace = namespace;
    const hasExports =
      typeof main === "function" || typeof main?.fetch === "function" || typeof main?.scheduled === "function";
    if (hasExports) bindings?.forEach((name) => delete globalThis[name]);
    if (settings.tried) use("tried").tell(namespace);
    ready(handler);
    op_loaded();
  } catch (error) {
    op_loaded(...use("errors").describe(error));
  }
};
