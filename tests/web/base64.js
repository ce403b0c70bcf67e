// atob and btoa.

test("go there and back", () => {
  const all = String.fromCharCode(...Array(256).keys());
  for (const text of ["", "f", "fo", "foo", "foob", "\0", "\x80\xff", all, all.repeat(40)]) {
    assertEquals(atob(btoa(text)), text);
    assertEquals(btoa(text).length, Math.ceil(text.length / 3) * 4);
  }
  assertEquals([btoa("hello"), btoa(undefined), btoa(null), btoa(12)], ["aGVsbG8=", "dW5kZWZpbmVk", "bnVsbA==", "MTI="]);
  assertEquals(btoa("\xff\xfe\xfd"), "//79");
});

test("atob forgives whitespace and missing padding", () => {
  assertEquals([atob(" a G\tV\ns\fb\rG8 "), atob("aGVsbG8"), atob("ab"), atob("ab=="), atob("")], ["hello", "hello", "i", "i", ""]);
});

test("refuse what they cannot convert", () => {
  for (const bad of ["a", "ab=", "ab===", "abc==", "=", "a=b=", "ab==ab", "a-b_", "\u00e9abc", "\ud800abc", "\0abc"]) {
    const error = assertThrows(() => atob(bad), DOMException, bad);
    assertEquals([error.name, error.code], ["InvalidCharacterError", 5]);
  }
  for (const bad of ["\u0100", "abc\u20ac", "\ud800", "\u{1f4a9}"]) assertThrows(() => btoa(bad), "InvalidCharacterError", bad);
  assertThrows(() => atob(), TypeError);
  assertThrows(() => btoa(), TypeError);
  assertEquals([atob.name, btoa.name, atob.length], ["atob", "btoa", 1]);
});
