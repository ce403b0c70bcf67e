test("a listener gets the event, once when asked, in capture order", () => {
  const target = new EventTarget();
  const seen = [];
  target.addEventListener("a", () => seen.push("bubble"));
  target.addEventListener("a", () => seen.push("once"), { once: true });
  target.addEventListener("a", () => seen.push("capture"), true);
  const object = { handleEvent(event) { seen.push(this === object && event.type); } };
  target.addEventListener("a", object);
  target.dispatchEvent(new Event("a"));
  target.dispatchEvent(new Event("a"));
  assertEquals(seen, ["capture", "bubble", "once", "a", "capture", "bubble", "a"]);
});

test("the same listener is added once and removed by its capture flag", () => {
  const target = new EventTarget();
  let count = 0;
  const listener = () => count++;
  target.addEventListener("a", listener);
  target.addEventListener("a", listener);
  target.removeEventListener("a", listener, true);
  target.dispatchEvent(new Event("a"));
  assertEquals(count, 1);
  target.removeEventListener("a", listener);
  target.dispatchEvent(new Event("a"));
  assertEquals(count, 1);
});

test("preventDefault works only on cancelable events and not in passive listeners", () => {
  const target = new EventTarget();
  target.addEventListener("a", (event) => event.preventDefault());
  assertEquals(target.dispatchEvent(new Event("a")), true);
  assertEquals(target.dispatchEvent(new Event("a", { cancelable: true })), false);
  const passive = new EventTarget();
  passive.addEventListener("a", (event) => event.preventDefault(), { passive: true });
  assertEquals(passive.dispatchEvent(new Event("a", { cancelable: true })), true);
});

test("stopImmediatePropagation keeps later listeners from running", () => {
  const target = new EventTarget();
  let ran = false;
  target.addEventListener("a", (event) => event.stopImmediatePropagation());
  target.addEventListener("a", () => (ran = true));
  target.dispatchEvent(new Event("a"));
  assertEquals(ran, false);
});

test("an aborted signal takes its listener off", () => {
  const target = new EventTarget();
  const controller = new AbortController();
  let count = 0;
  target.addEventListener("a", () => count++, { signal: controller.signal });
  target.dispatchEvent(new Event("a"));
  controller.abort();
  target.dispatchEvent(new Event("a"));
  assertEquals(count, 1);
});

test("an error of a listener is reported and does not stop the others", () => {
  const errors = [];
  addEventListener("error", (event) => {
    errors.push(event.message);
    event.preventDefault();
  }, { once: true });
  const target = new EventTarget();
  let ran = false;
  target.addEventListener("a", () => { throw new Error("boo"); });
  target.addEventListener("a", () => (ran = true));
  assertEquals(target.dispatchEvent(new Event("a")), true);
  assertEquals(ran, true);
  assertEquals(errors, ["Uncaught Error: boo"]);
});

test("attributes while and after an event is dispatched", () => {
  const target = new EventTarget();
  let inside;
  target.addEventListener("a", (event) => {
    inside = [event.eventPhase, event.currentTarget === target, event.composedPath().length, event.isTrusted];
    assertThrows(() => target.dispatchEvent(event), "InvalidStateError");
  });
  const event = new Event("a");
  target.dispatchEvent(event);
  assertEquals(inside, [2, true, 1, false]);
  assertEquals([event.eventPhase, event.currentTarget, event.composedPath().length], [0, null, 0]);
  assert(event.target === target, "the target stays");
});

test("subclasses carry their members", () => {
  assertEquals(new CustomEvent("a", { detail: { x: 1 } }).detail, { x: 1 });
  const error = new ErrorEvent("error", { message: "m", lineno: 3, error: 7 });
  assertEquals([error.message, error.filename, error.lineno, error.error], ["m", "", 3, 7]);
  assertEquals(new MessageEvent("message", { data: "d" }).data, "d");
  assertThrows(() => new PromiseRejectionEvent("x", {}), TypeError);
  assertEquals(Object.prototype.toString.call(new CustomEvent("a")), "[object CustomEvent]");
});

test("arguments and brands are checked", () => {
  assertThrows(() => new Event(), TypeError);
  assertThrows(() => new EventTarget().addEventListener("a"), TypeError);
  assertThrows(() => new EventTarget().addEventListener("a", 1), TypeError);
  assertThrows(() => new EventTarget().dispatchEvent({}), TypeError);
  assertThrows(() => Object.getOwnPropertyDescriptor(Event.prototype, "type").get.call({}), TypeError);
});
