// What "cloudflare:workers" offers to be called by other workers: WorkerEntrypoint and RpcTarget, and how a
// call finds its method.

const core = use("core");
const { bad } = use("service_wire");
const { apply, getPrototypeOf, has } = Reflect;
const { hasOwn, values, prototype: objectPrototype } = Object;
const { isArray } = Array;

class RpcTarget {}

class WorkerEntrypoint {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
}

const entrypointPrototype = WorkerEntrypoint.prototype;
const targetPrototype = RpcTarget.prototype;
const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

function descends(value, prototype) {
  for (let p = getPrototypeOf(value); p !== null; p = getPrototypeOf(p)) if (p === prototype) return true;
  return false;
}

exports.isTarget = (value) => isObject(value) && (descends(value, targetPrototype) || descends(value, entrypointPrototype));
exports.isEntrypoint = (value) =>
  typeof value === "function" && isObject(value.prototype) && descends(value.prototype, entrypointPrototype);
exports.hasEntrypoint = (namespace) => isObject(namespace) && values(namespace).some(exports.isEntrypoint);

let offered;
exports.module = () =>
  (offered ??= {
    env: core.env,
    waitUntil: core.waitUntil,
    WorkerEntrypoint,
    RpcTarget,
    get RpcStub() {
      return use("service_stub").RpcStub;
    },
    get RpcPromise() {
      return use("service_stub").RpcPromise;
    },
    get exports() {
      return use("service").own();
    },
  });

const noFetch = () =>
  new TypeError("Handler does not export a fetch() function: the entrypoint's class has no method of that name.");

function fetchOf(object) {
  if (!has(object, "fetch") || typeof object.fetch !== "function") throw noFetch();
  return object;
}

exports.handlerOf = (Class) => (request, env, ctx) => fetchOf(new Class(ctx, env)).fetch(request);

// ---- entrypoints by name ----

function exported(name) {
  const { namespace } = use("worker");
  const found = isObject(namespace) && hasOwn(namespace, name) ? namespace[name] : undefined;
  if (found === undefined && name !== "default")
    throw new TypeError(`The worker has no entrypoint "${name}": it exports nothing of that name.`);
  return found;
}

// { fetch(request), target }: the latter is what methods are called of; undefined when there are none.
exports.entrypoint = (given, ctx) => {
  const name = given === "" ? "default" : given;
  const found = exported(name);
  if (exports.isEntrypoint(found)) {
    const target = new found(ctx, core.env);
    return { fetch: (request) => fetchOf(target).fetch(request), target };
  }
  if (name === "default") return { fetch: (request) => use("worker").handler(request, core.env, ctx) };
  if (typeof found?.fetch === "function") return { fetch: (request) => found.fetch(request, core.env, ctx) };
  throw new TypeError(`The export "${name}" is no entrypoint: its class must extend WorkerEntrypoint.`);
};

// ---- methods ----

const missing = (name) => new TypeError(`The RPC receiver does not implement the method "${name}".`);

const isEnd = (prototype) =>
  prototype === targetPrototype || prototype === entrypointPrototype || prototype === objectPrototype;

// Of instances only what their classes have: what stands on the object itself is its own business.
function inherited(object, name) {
  if (name === "constructor" || hasOwn(object, name)) throw missing(name);
  for (let p = getPrototypeOf(object); p !== null && !isEnd(p); p = getPrototypeOf(p)) if (hasOwn(p, name)) return object[name];
  throw missing(name);
}

function member(object, name) {
  if (typeof name !== "string") return bad();
  if (core.loaded("service_stub")?.isStub(object)) return object[name];
  if (!isObject(object)) throw missing(name);
  if (exports.isTarget(object)) return inherited(object, name);
  const prototype = typeof object === "function" ? undefined : getPrototypeOf(object);
  const isPlain = prototype === objectPrototype || prototype === null || isArray(object);
  if (!isPlain || !hasOwn(object, name)) throw missing(name);
  return object[name];
}

// What stands at the path, called with the arguments if there are any. What a getter promises is waited for.
exports.perform = (base, path, args) => {
  let parent;
  let value = base;
  for (let i = 0; i < path.length; i++) {
    parent = value;
    value = member(parent, path[i]);
    if (value instanceof Promise && i < path.length - 1) {
      const rest = path.slice(i + 1);
      return value.then((found) => exports.perform(found, rest, args));
    }
  }
  if (args === undefined) return value;
  if (value instanceof Promise) return value.then((found) => call(found, undefined, args, path));
  return call(value, parent, args, path);
};

function call(value, parent, args, path) {
  if (typeof value === "function") return apply(value, parent, args);
  throw new TypeError(path.length === 0 ? "This RPC target is no function." : `"${path[path.length - 1]}" is not a function.`);
}

exports.RpcTarget = RpcTarget;
exports.WorkerEntrypoint = WorkerEntrypoint;
