const groupsOf = (pattern, input, name, base) => new URLPattern(pattern, base).exec(input)?.[name].groups;

test("URLPattern: a pattern as one string", () => {
  const pattern = new URLPattern("https://*.example.com/books/:id(\\d+)?/*");
  assertEquals(pattern.hostname, "*.example.com");
  assertEquals(pattern.pathname, "/books/:id(\\d+)?/*");
  assertEquals(pattern.port, "");
  assertEquals(pattern.search, "*");
  assert(pattern.hasRegExpGroups);
  const found = pattern.exec("https://cdn.example.com/books/12/a/b?c#d");
  assertEquals(found.hostname, { input: "cdn.example.com", groups: { 0: "cdn" } });
  assertEquals(found.pathname, { input: "/books/12/a/b", groups: { id: "12", 0: "a/b" } });
  assertEquals(found.inputs, ["https://cdn.example.com/books/12/a/b?c#d"]);
  assertEquals(pattern.test("https://example.com/books/12/a"), false);
  assertEquals(pattern.test("https://cdn.example.com/films/12/a"), false);
  assertEquals(pattern.test("not a url"), false);
});

test("URLPattern: components, a base, and what is left out", () => {
  assertEquals(groupsOf({ pathname: "/:a/:b?" }, "https://x.y/1", "pathname"), { a: "1", b: undefined });
  assertEquals(groupsOf({ pathname: "/:a+" }, "https://x.y/1/2/3", "pathname"), { a: "1/2/3" });
  assertEquals(new URLPattern({ pathname: "/a" }).test({ pathname: "/a" }), true);
  const relative = new URLPattern("../c?*", "https://x.y:8443/a/b#h");
  assertEquals([relative.protocol, relative.hostname, relative.port, relative.search], ["https", "x.y", "8443", "*"]);
  assertEquals(new URLPattern().test("ftp://any/thing"), true);
  assertEquals(new URLPattern({ protocol: "http{s}?", port: "" }).test("https://a:443/"), true);
});

test("URLPattern: fixed text is written as URL writes it", () => {
  assertEquals(new URLPattern({ hostname: "EXÄMPLE.com" }).hostname, "xn--exmple-cua.com");
  assertEquals(new URLPattern({ pathname: "/ä b" }).pathname, "/%C3%A4%20b");
  assertEquals(new URLPattern({ protocol: "https", port: "443" }).port, "");
  assertEquals(new URLPattern({ protocol: "data", pathname: "a {b}?" }).pathname, "a {b}?");
  assertEquals(new URLPattern({ hostname: "[AB\\:\\:1]" }).hostname, "[ab\\:\\:1]");
});

test("URLPattern: ignoreCase", () => {
  assertEquals(new URLPattern({ pathname: "/Ab/:c" }, { ignoreCase: true }).test("https://x/aB/1"), true);
  assertEquals(new URLPattern({ pathname: "/Ab" }).test("https://x/ab"), false);
  assertEquals(new URLPattern("/Ab", "https://x", { ignoreCase: true }).test("https://x/aB"), true);
});

test("URLPattern: what is refused", () => {
  for (const pathname of ["(", "(?:a", "/:a/:a", "{a", "a}", "(é)", "([)", ":", "/a\\"])
    assertThrows(() => new URLPattern({ pathname }), TypeError, pathname);
  for (const hostname of ["a b", "a<b", "a\\:b"]) assertThrows(() => new URLPattern({ hostname }), TypeError, hostname);
  assertThrows(() => new URLPattern({ port: "99999" }), TypeError);
  assertThrows(() => new URLPattern({ protocol: "1x" }), TypeError);
  assertThrows(() => new URLPattern("/relative"), TypeError);
  assertThrows(() => new URLPattern({}, "https://x"), TypeError);
  assertThrows(() => new URLPattern("https://x", {}, 1), TypeError);
  assertThrows(() => new URLPattern({ baseURL: "nothing" }), TypeError);
  assertThrows(() => new URLPattern().test({}, "https://x"), TypeError);
  assertThrows(() => URLPattern.prototype.test.call({}), TypeError);
  assertThrows(() => URLPattern(), TypeError);
});

test("URLPattern: a program that changes RegExp changes no match", () => {
  const pattern = new URLPattern({ pathname: "/:a" });
  const { exec } = RegExp.prototype;
  RegExp.prototype.exec = () => null;
  try {
    assertEquals(pattern.test("https://x/1"), true);
  } finally {
    RegExp.prototype.exec = exec;
  }
});
