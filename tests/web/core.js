// Built-in files are loaded at first touch, which may be anywhere and after a worker changed things.

test("a file that ran out of stack while it was loaded is loaded again", () => {
  const names = ["URLPattern", "CompressionStream", "HTMLRewriter", "PerformanceObserver", "TransformStream"];
  const touch = () => {
    for (const name of names) globalThis[name];
  };
  const dig = () => {
    try {
      dig();
    } catch {}
    try {
      touch(); // with a little more stack each time
    } catch {}
  };
  dig();
  for (const name of names) assertEquals(typeof globalThis[name], "function", name);
  assert(new URLPattern({ pathname: "/:a" }).test("https://example.com/b"));
});

test("setters on Object.prototype see nothing of what is loaded", () => {
  const names = ["MessageChannel", "EventSource", "Cache", "finish", "makeResponse", "subtle", "crypt"];
  const seen = [];
  for (const name of names)
    Object.defineProperty(Object.prototype, name, { configurable: true, set() { seen.push(name); } });
  try {
    new MessageChannel().port1.close();
    EventSource, Cache, crypto.subtle;
  } finally {
    for (const name of names) delete Object.prototype[name];
  }
  assertEquals(seen, []);
});
