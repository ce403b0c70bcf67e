// WebAssembly.compileStreaming and instantiateStreaming (WebAssembly Web API 4, "Streaming module
// compilation and instantiation"). The engine compiles bytes only, so the body is read first.

const { WebAssembly } = use("core").natives;
const { compile, instantiate } = WebAssembly; // late.js has made them deliver in turns
const { apply } = Reflect;

const STATUS_OK = [200, 299];

// "Compile a potential WebAssembly response", up to its bytes.
async function bytesOf(name, source) {
  const inner = use("response").responseInner(await source);
  if (inner === undefined) throw new TypeError(`WebAssembly.${name}: the source is not a Response`);
  const type = inner.getHeaders().get("content-type");
  if (type === null || type.toLowerCase() !== "application/wasm")
    throw new TypeError(`WebAssembly.${name}: the Content-Type must be application/wasm, not ${type ?? "missing"}`);
  const { status } = inner;
  if (status < STATUS_OK[0] || status > STATUS_OK[1])
    throw new TypeError(`WebAssembly.${name}: the response has status ${status}`);
  return use("body").arrayBuffer(inner);
}

exports.compile = async (source) => apply(compile, WebAssembly, [await bytesOf("compileStreaming", source)]);

exports.instantiate = async (source, imports) => {
  if (imports !== undefined && (typeof imports !== "object" || imports === null) && typeof imports !== "function")
    throw new TypeError("WebAssembly.instantiateStreaming: the imports must be an object");
  return apply(instantiate, WebAssembly, [await bytesOf("instantiateStreaming", source), imports]);
};
