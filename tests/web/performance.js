// performance: a clock that only goes forward, from an origin in wall time.

test("now() goes forward", async () => {
  let last = performance.now();
  assert(last > 0);
  for (let i = 0; i < 1000; i++) {
    const now = performance.now();
    assert(now >= last);
    last = now;
  }
});

test("origin and now() make up wall time", () => {
  assert(Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000);
  assertEquals(performance.toJSON(), { timeOrigin: performance.timeOrigin });
});

test("tells no time finer than its grain", () => {
  for (let i = 0; i < 100; i++) {
    const grains = performance.now() * 10;
    assert(Math.abs(grains - Math.round(grains)) < 1e-3, `${grains}`);
  }
});

test("is an event target and cannot be constructed", () => {
  let seen = 0;
  performance.addEventListener("x", () => seen++);
  performance.dispatchEvent(new Event("x"));
  assertEquals(seen, 1);
  assertThrows(() => new Performance(), TypeError);
  assertThrows(() => performance.now.call({}), TypeError);
  assertEquals(`${performance}`, "[object Performance]");
});
