test("navigator tells what Workers tell", () => {
  assertEquals(navigator.userAgent, "Cloudflare-Workers");
  assertEquals(navigator.hardwareConcurrency, 1);
  assertEquals(navigator.language, "en");
  assertEquals(navigator.languages, ["en"]);
  assert(Object.isFrozen(navigator.languages));
  assertEquals(String(navigator), "[object Navigator]");
  assert(navigator === navigator && navigator === globalThis.navigator);
});

test("navigator has no more than that", () => {
  assertEquals(Object.keys(Object.getPrototypeOf(navigator)), ["userAgent", "hardwareConcurrency", "language", "languages"]);
  assertThrows(() => Object.getPrototypeOf(navigator).userAgent, TypeError);
  assertThrows(() => {
    "use strict";
    navigator.userAgent = "x";
  }, TypeError);
});
