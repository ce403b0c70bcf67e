// The worker's script: loading it and finding its handler.

const core = use("core");
const { op_loaded, op_module } = ops;

function moduleOf(name) {
  const { kind, value } = op_module(name);
  if (kind === "wasm") return new WebAssembly.Module(value);
  return kind === "data" ? value.buffer : value;
}

function requireOf(name) {
  if (name === "cloudflare:workers")
    return { env: core.env, waitUntil: core.waitUntil };
  if (name === "cloudflare:sockets") return { connect: use("sockets").connect };
  throw new Error(`No such module: ${name}`);
}

function findHandler(main) {
  if (typeof main?.fetch === "function") return (request, env, ctx) => main.fetch(request, env, ctx);
  // A script without exports counts as CommonJS: its default export is an empty object.
  if (core.loaded("global_events")?.listensTo("fetch")) return use("service_worker").fetch;
  throw new TypeError(
    "The worker has no fetch handler: it neither exports one " +
      `(export default { async fetch(request, env, ctx) { ... } }) nor calls addEventListener("fetch", ...)`,
  );
}

exports.load = async (factory, settings, ready) => {
  // In service-worker syntax bindings are globals; whether this is one shows only afterwards.
  let bindings; // the names that became globals
  for (const name in settings.env)
    if (!(name in globalThis)) {
      (bindings ??= []).push(name);
      globalThis[name] = settings.env[name];
    }
  try {
    let namespace;
    await factory((found) => (namespace = found), requireOf, moduleOf);
    const handler = findHandler(namespace?.default);
    if (handler !== core.loaded("service_worker")?.fetch) bindings?.forEach((name) => delete globalThis[name]);
    ready(handler);
    op_loaded();
  } catch (error) {
    op_loaded(...use("errors").describe(error));
  }
};
