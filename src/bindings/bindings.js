// What a worker's bindings are in `env`: C gives [name, module, handle, name, ...], each module makes
// its object, when somebody first looks for it: a start is not to wait for classes it does not use.

const define = Object.defineProperty;

function add(env, name, module, handle) {
  let value;
  define(env, name, {
    get: () => (value ??= use(module).bind(handle)),
    set(other) {
      define(this, name, { value: other, writable: true, enumerable: true, configurable: true });
    },
    enumerable: true,
    configurable: true,
  });
}

exports.bind = (env, list) => {
  for (let i = 0; i < list.length; i += 3) add(env, list[i], list[i + 1], list[i + 2]);
};
