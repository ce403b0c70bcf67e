// What workers may not do with WebAssembly, as on Cloudflare Workers: make code of bytes (modules come
// with the deployment, where they were looked at), and share memory.

const { apply, construct } = Reflect;
const { toString } = Object.prototype;

// Takes the place of a class whose objects stay what they are.
function replace(WebAssembly, name, Class) {
  const Native = WebAssembly[name];
  for (const key of Reflect.ownKeys(Native))
    Object.defineProperty(Class, key, Object.getOwnPropertyDescriptor(Native, key));
  Object.defineProperty(Native.prototype, "constructor", { value: Class, writable: true, configurable: true });
  Object.defineProperty(WebAssembly, name, { value: Class, writable: true, configurable: true });
}

exports.apply = (WebAssembly) => {
  const { CompileError, Memory, Module, instantiate } = WebAssembly;
  const { exports: exportsOf } = Module; // throws for what is no module
  const refusal = (name) => new CompileError(`WebAssembly.${name}: Wasm code generation disallowed by embedder`);

  replace(WebAssembly, "Module", function () {
    if (new.target === undefined) throw new TypeError("calling WebAssembly.Module constructor without new is invalid");
    throw refusal("Module()");
  });
  replace(WebAssembly, "Memory", function (...args) {
    if (new.target === undefined) throw new TypeError("calling WebAssembly.Memory constructor without new is invalid");
    const memory = construct(Memory, args, new.target);
    if (apply(toString, memory.buffer, []) === "[object SharedArrayBuffer]")
      throw new TypeError("WebAssembly.Memory(): shared memory is not available");
    return memory;
  });
  const members = {
    async compile() {
      throw refusal("compile()");
    },
    async instantiate(source, ...imports) {
      try {
        exportsOf(source);
      } catch {
        throw refusal("instantiate()");
      }
      return apply(instantiate, WebAssembly, [source, ...imports]);
    },
    async compileStreaming() {
      throw refusal("compileStreaming()");
    },
    async instantiateStreaming() {
      throw refusal("instantiateStreaming()");
    },
  };
  for (const name in members) {
    Object.defineProperty(members[name], "length", { value: 1 });
    WebAssembly[name] = members[name];
  }
};
