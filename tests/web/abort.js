test("abort() sets the reason, fires the event once and throws", () => {
  const controller = new AbortController();
  const { signal } = controller;
  let count = 0;
  signal.onabort = (event) => { count++; assert(event.isTrusted && event.target === signal, "the event"); };
  signal.throwIfAborted();
  controller.abort();
  controller.abort("again");
  assertEquals(count, 1);
  assertEquals([signal.aborted, signal.reason.name], [true, "AbortError"]);
  assertThrows(() => signal.throwIfAborted(), "AbortError");
});

test("onabort is replaced and removed", () => {
  const controller = new AbortController();
  const seen = [];
  controller.signal.onabort = () => seen.push(1);
  controller.signal.onabort = () => seen.push(2);
  const other = new AbortController();
  other.signal.onabort = () => seen.push(3);
  other.signal.onabort = null;
  controller.abort();
  other.abort();
  assertEquals(seen, [2]);
  assertEquals(other.signal.onabort, null);
});

test("a timeout aborts with a TimeoutError", async () => {
  const signal = AbortSignal.timeout(5);
  assertEquals(signal.aborted, false);
  await new Promise((resolve) => (signal.onabort = resolve));
  assertEquals(signal.reason.name, "TimeoutError");
  assertThrows(() => AbortSignal.timeout(-1), TypeError);
});

test("any() follows its sources, through dependent signals too", () => {
  const [a, b] = [new AbortController(), new AbortController()];
  const first = AbortSignal.any([a.signal, b.signal]);
  const second = AbortSignal.any([first]);
  const order = [];
  first.addEventListener("abort", () => order.push("first", second.aborted));
  second.addEventListener("abort", () => order.push("second"));
  b.abort("why");
  a.abort("late");
  assertEquals(order, ["first", true, "second"]);
  assertEquals([first.reason, second.reason], ["why", "why"]);
  assertEquals(AbortSignal.any([AbortSignal.abort(1), AbortSignal.abort(2)]).reason, 1);
  assertEquals(AbortSignal.any([]).aborted, false);
});

test("signals cannot be constructed and arguments are checked", () => {
  assertThrows(() => new AbortSignal(), TypeError);
  assertThrows(() => AbortSignal.any([{}]), TypeError);
  assertThrows(() => AbortSignal.any(), TypeError);
});
