// What the engine finishes by itself, between turns: each result waits until it can be delivered in
// a turn, so that tenant code runs in turns only.

const { completion, complete, later, natives } = use("core");

const { WebAssembly } = natives;
for (const name of ["compile", "instantiate"]) {
  const native = WebAssembly[name];
  const inTurns = {
    [name]: (...args) =>
      completion((id) => {
        native.apply(WebAssembly, args).then(
          (value) => later(() => complete(id, undefined, value)),
          (error) => later(() => complete(id, error)),
        );
      }),
  };
  WebAssembly[name] = Object.defineProperty(inTurns[name], "length", { value: 1 });
}

const streaming = {
  compileStreaming(source) {
    return use("wasm_stream").compile(source);
  },
  instantiateStreaming(source, imports = undefined) {
    return use("wasm_stream").instantiate(source, imports);
  },
};
for (const name in streaming)
  Object.defineProperty(WebAssembly, name, { value: streaming[name], writable: true, enumerable: true, configurable: true });

const NativeFinalizationRegistry = natives.FinalizationRegistry;
exports.FinalizationRegistry = class FinalizationRegistry extends NativeFinalizationRegistry {
  constructor(cleanup) {
    if (typeof cleanup !== "function") throw new TypeError("FinalizationRegistry: cleanup must be a function");
    super((held) => later(() => cleanup(held)));
  }
};

exports.WebAssembly = WebAssembly;
