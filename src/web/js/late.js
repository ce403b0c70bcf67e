// What the engine finishes by itself, between turns: each result waits until it can be delivered in
// a turn, so that tenant code runs in turns only.

const { completion, complete, later, natives } = use("core");
const { op_buffer_makes_wasm } = ops;

const { WebAssembly } = natives;
const { Module } = WebAssembly;

// Of a module that was deployed; what scripts get is below.
exports.compile = (bytes) => new Module(bytes);

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

if (!op_buffer_makes_wasm()) use("wasm_rules").apply(WebAssembly);
exports.WebAssembly = WebAssembly;
