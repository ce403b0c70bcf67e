// (module (func (export "add") (param i32 i32) (result i32) ...)) and one that imports m.f.
const ADD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7,
  0, 32, 0, 32, 1, 106, 11,
]);
const IMPORTS = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 7, 1, 1, 109, 1, 102, 0, 0]);

const WASM = "application/wasm";
const answer = (body, type = WASM, status = 200) => new Response(body, { status, headers: type === null ? {} : { "content-type": type } });

test("compileStreaming gives a module", async () => {
  for (const source of [answer(ADD), Promise.resolve(answer(ADD)), answer(new Blob([ADD]).stream())]) {
    const module = await WebAssembly.compileStreaming(source);
    assert(module instanceof WebAssembly.Module);
    assertEquals(new WebAssembly.Instance(module).exports.add(2, 3), 5);
  }
});

test("instantiateStreaming gives both", async () => {
  const { module, instance } = await WebAssembly.instantiateStreaming(answer(ADD));
  assert(module instanceof WebAssembly.Module && instance instanceof WebAssembly.Instance);
  assertEquals(instance.exports.add(40, 2), 42);
  const imported = await WebAssembly.instantiateStreaming(answer(IMPORTS), { m: { f() {} } });
  assert(imported.instance instanceof WebAssembly.Instance);
});

test("the Content-Type must be that of wasm", async () => {
  for (const type of [WASM, "APPLICATION/wasm", ` ${WASM}\t`]) await WebAssembly.compileStreaming(answer(ADD, type));
  for (const type of [null, "", "text/plain", `${WASM};`, `${WASM}; x=y`, `${WASM}, ${WASM}`])
    for (const name of ["compileStreaming", "instantiateStreaming"]) {
      const error = await assertRejects(WebAssembly[name](answer(ADD, type)), TypeError, type);
      assert(error.message.includes("application/wasm"), error.message);
    }
});

test("the status must be ok, the body unused", async () => {
  await WebAssembly.compileStreaming(answer(ADD, WASM, 299));
  await assertRejects(WebAssembly.compileStreaming(answer(ADD, WASM, 404)), TypeError);
  await assertRejects(WebAssembly.compileStreaming(answer(ADD, WASM, 300)), TypeError);
  const used = answer(ADD);
  await used.arrayBuffer();
  await assertRejects(WebAssembly.compileStreaming(used), TypeError);
  const locked = answer(ADD);
  locked.body.getReader();
  await assertRejects(WebAssembly.compileStreaming(locked), TypeError);
  const response = answer(ADD);
  await WebAssembly.compileStreaming(response);
  assert(response.bodyUsed);
});

test("what is no response, and what breaks, is rejected", async () => {
  for (const source of [undefined, null, 1, "x", {}, ADD, ADD.buffer, new Request("http://a/")])
    for (const name of ["compileStreaming", "instantiateStreaming"]) {
      await assertRejects(WebAssembly[name](source), TypeError);
      await assertRejects(WebAssembly[name](Promise.resolve(source)), TypeError);
    }
  const reason = new Error("mine");
  const failing = new ReadableStream({ pull: (controller) => controller.error(reason) });
  assert((await assertRejects(WebAssembly.compileStreaming(Promise.reject(reason)))) === reason);
  assert((await assertRejects(WebAssembly.compileStreaming(answer(failing)))) === reason);
});

test("code and imports that do not fit are rejected", async () => {
  await assertRejects(WebAssembly.compileStreaming(answer(new Uint8Array(8))), WebAssembly.CompileError);
  await assertRejects(WebAssembly.compileStreaming(answer(null)), WebAssembly.CompileError);
  await assertRejects(WebAssembly.instantiateStreaming(answer(IMPORTS)), TypeError);
  await assertRejects(WebAssembly.instantiateStreaming(answer(IMPORTS), {}), TypeError);
  await assertRejects(WebAssembly.instantiateStreaming(answer(ADD), 1), TypeError);
  await assertRejects(WebAssembly.instantiateStreaming(answer(ADD), null), TypeError);
});

test("the functions look like the standard's", () => {
  for (const name of ["compile", "compileStreaming", "instantiate", "instantiateStreaming"]) {
    assertEquals([WebAssembly[name].name, WebAssembly[name].length], [name, 1]);
    assertThrows(() => new WebAssembly[name](), TypeError);
  }
});
