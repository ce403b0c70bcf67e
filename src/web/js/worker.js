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
  let bindings; // the names that became globals
  for (const name in settings.env)
    if (!(name in globalThis)) {
      (bindings ??= []).push(name);
      globalThis[name] = settings.env[name];
    }
  try {
    let namespace;
    await factory((found) => (namespace = found), requireOf, moduleOf);
    if (namespace?.default !== undefined) bindings?.forEach((name) => delete globalThis[name]);
    ready(findHandler(namespace));
    op_loaded();
  } catch (error) {
    op_loaded(...use("errors").describe(error));
  }
};
