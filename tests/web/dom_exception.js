// DOMException and QuotaExceededError.

test("has name, message and code", () => {
  const parts = ({ name, message, code }) => [name, message, code];
  assertEquals(parts(new DOMException()), ["Error", "", 0]);
  assertEquals(parts(new DOMException("m", "AbortError")), ["AbortError", "m", 20]);
  assertEquals(parts(new DOMException(null, "DataCloneError")), ["DataCloneError", "null", 25]);
  assertEquals(parts(new DOMException("m", "IndexSizeError")), ["IndexSizeError", "m", 1]);
  assertEquals(parts(new DOMException("m", "QuotaExceededError")), ["QuotaExceededError", "m", 22]);
  for (const name of ["EncodingError", "OperationError", "-", "anything"]) assertEquals(new DOMException("", name).code, 0, name);
  assertEquals([DOMException.ABORT_ERR, DOMException.prototype.INDEX_SIZE_ERR, DOMException.DATA_CLONE_ERR], [20, 1, 25]);
});

test("is an Error with a stack", () => {
  const thrower = () => {
    throw new DOMException("m", "n");
  };
  const error = assertThrows(thrower, DOMException);
  assert(error instanceof Error);
  assertEquals(`${error}`, "n: m");
  assertEquals(Object.prototype.toString.call(error), "[object DOMException]");
  assert(error.stack.includes("thrower"), error.stack);
  assert(!Object.hasOwn(error, "message") && !Object.hasOwn(error, "name"));
  assertEquals(Object.getPrototypeOf(DOMException.prototype), Error.prototype);
  assertEquals(Object.getPrototypeOf(DOMException), Function.prototype);
});

test("checks its brand and can be extended", () => {
  const { get } = Object.getOwnPropertyDescriptor(DOMException.prototype, "name");
  assertThrows(() => get.call(new Error("x")), TypeError);
  assertThrows(() => DOMException("x"), TypeError);
  class Mine extends DOMException {
    extra = 1;
  }
  const mine = new Mine("m", "AbortError");
  assertEquals([mine instanceof Mine, mine.code, mine.extra, mine.name], [true, 20, 1, "AbortError"]);
});
