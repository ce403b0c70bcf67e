// Failures that a tick brings: rejections are told at the end of the task that made them.
const tick = () => scheduler.wait(1);
const collected = (type) => {
  const events = [];
  const listener = (event) => {
    events.push(event);
    event.preventDefault();
  };
  addEventListener(type, listener);
  return { events, stop: () => removeEventListener(type, listener) };
};

test("the global is a target", () => {
  const seen = [];
  function listener(event) {
    seen.push(this, event.target, event.currentTarget, event.type);
  }
  self.addEventListener("thing", listener);
  assert(dispatchEvent(new Event("thing")));
  globalThis.removeEventListener("thing", listener);
  EventTarget.prototype.addEventListener.call(globalThis, "thing", { handleEvent: () => seen.push("object") }, { once: true });
  dispatchEvent(new Event("thing"));
  dispatchEvent(new Event("thing"));
  assertEquals(seen, [globalThis, globalThis, globalThis, "thing", "object"]);
});

test("reportError fires error with message, place and error", () => {
  const { events, stop } = collected("error");
  const error = new TypeError("of my own");
  reportError(error);
  reportError(7);
  stop();
  assertEquals(events.length, 2);
  const [first, second] = events;
  assert(first instanceof ErrorEvent && first.isTrusted && first.cancelable);
  assertEquals(first.message, "Uncaught TypeError: of my own");
  assertEquals(first.error, error);
  assert(first.lineno > 0 && first.colno > 0 && first.filename.endsWith("global_events.js"), first.filename);
  assertEquals(second.message, "Uncaught 7");
  assertEquals(second.error, 7);
  assert(second.lineno > 0 && second.filename.endsWith("global_events.js"), second.filename);
});

test("what a timer, a listener or a microtask throws is an error event", async () => {
  const { events, stop } = collected("error");
  setTimeout(() => {
    throw new Error("timer");
  });
  queueMicrotask(() => {
    throw new Error("microtask");
  });
  const target = new EventTarget();
  target.addEventListener("x", () => {
    throw new Error("listener");
  });
  target.dispatchEvent(new Event("x"));
  await tick();
  stop();
  assertEquals(events.map((event) => event.error.message).sort(), ["listener", "microtask", "timer"]);
});

test("onerror takes five arguments, and true is enough", () => {
  const calls = [];
  assertEquals(onerror, null);
  self.onerror = (...args) => {
    calls.push(args);
    return true;
  };
  const other = collected("error");
  const error = new Error("one");
  reportError(error);
  self.onerror = null;
  other.stop();
  assertEquals(calls.length, 1);
  const [message, filename, lineno, colno, given] = calls[0];
  assertEquals([message, given], ["Uncaught Error: one", error]);
  assert(filename.length > 0 && lineno > 0 && colno > 0);
  assert(other.events[0].defaultPrevented);
});

test("handler attributes keep functions and objects, and drop the rest", () => {
  for (const name of ["onerror", "onunhandledrejection", "onrejectionhandled"]) {
    assert(name in globalThis);
    assertEquals(globalThis[name], null);
    globalThis[name] = 5;
    assertEquals(globalThis[name], null);
    const handler = () => {};
    globalThis[name] = handler;
    assertEquals(globalThis[name], handler);
    globalThis[name] = undefined;
    assertEquals(globalThis[name], null);
  }
});

test("an error in a listener of error is not reported to it again", () => {
  let calls = 0;
  const listener = (event) => {
    calls++;
    event.preventDefault();
    throw new Error("thrown by the listener of error; this line in the log is wanted");
  };
  addEventListener("error", listener);
  reportError(new Error("x"));
  removeEventListener("error", listener);
  assertEquals(calls, 1);
});

test("unhandledrejection has promise and reason, and can be cancelled", async () => {
  const { events, stop } = collected("unhandledrejection");
  const reason = new Error("nobody handles it");
  const promise = Promise.reject(reason);
  const handled = Promise.reject(new Error("handled at once"));
  handled.catch(() => {});
  await tick();
  stop();
  assertEquals(events.length, 1);
  assert(events[0] instanceof PromiseRejectionEvent && events[0].cancelable && events[0].isTrusted);
  assert(events[0].promise === promise && events[0].reason === reason);
});

test("rejectionhandled comes when a handler comes late", async () => {
  const unhandled = collected("unhandledrejection");
  const late = collected("rejectionhandled");
  const byThen = Promise.reject(1);
  const byAwait = Promise.reject(2);
  const never = Promise.reject(3);
  await tick();
  assertEquals(unhandled.events.length, 3);
  assertEquals(late.events.length, 0);
  byThen.catch(() => {});
  try {
    await byAwait;
  } catch {}
  await tick();
  unhandled.stop();
  late.stop();
  assertEquals(late.events.map((event) => event.reason), [1, 2]);
  assert(late.events[0].promise === byThen && late.events[1].promise === byAwait);
  assert(!Object.hasOwn(byThen, "constructor"));
  assert(never.constructor === Promise);
});

test("onunhandledrejection gets the event", async () => {
  let seen;
  globalThis.onunhandledrejection = (event) => {
    seen = event;
    return false;
  };
  Promise.reject("why");
  await tick();
  globalThis.onunhandledrejection = null;
  assertEquals(seen.reason, "why");
  assert(seen.defaultPrevented);
});

test("FetchEvent and ExtendableEvent", () => {
  const request = new Request("http://localhost/");
  const event = new FetchEvent("fetch", { request });
  assert(event instanceof ExtendableEvent && event instanceof Event);
  assert(event.request === request);
  event.respondWith(new Response());
  assertThrows(() => event.respondWith(new Response()), TypeError);
  assertThrows(() => new FetchEvent("fetch"), TypeError);
  assertThrows(() => new FetchEvent("fetch", {}), TypeError);
  assertThrows(() => new ExtendableEvent(), TypeError);
  assertEquals(Object.prototype.toString.call(event), "[object FetchEvent]");
});
