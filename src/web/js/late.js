// What the engine finishes by itself, between turns: each result waits until it can be delivered in
// a turn, so that tenant code runs in turns only.

const { completion, complete, later, natives } = use("core");

const { WebAssembly } = natives;
for (const name of ["compile", "instantiate"]) {
  const native = WebAssembly[name];
  WebAssembly[name] = {
    [name]: (...args) =>
      completion((id) => {
        native.apply(WebAssembly, args).then(
          (value) => later(() => complete(id, undefined, value)),
          (error) => later(() => complete(id, error)),
        );
      }),
  }[name];
}

const NativeFinalizationRegistry = natives.FinalizationRegistry;
exports.FinalizationRegistry = class FinalizationRegistry extends NativeFinalizationRegistry {
  constructor(cleanup) {
    if (typeof cleanup !== "function") throw new TypeError("FinalizationRegistry: cleanup must be a function");
    super((held) => later(() => cleanup(held)));
  }
};

exports.WebAssembly = WebAssembly;
