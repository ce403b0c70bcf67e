// URL: parsing, attributes, setters, statics. The C parser has its own tests; these are about the class.

test("parses with and without a base", () => {
  assertEquals(new URL("HTTP://Example.com:80/a/../b c?q#f").href, "http://example.com/b%20c?q#f");
  assertEquals(new URL("../x?y", "https://h/a/b/c").href, "https://h/a/x?y");
  assertEquals(new URL("", new URL("https://h/a#f")).href, "https://h/a");
  assertEquals(new URL("http://m\u00fcnchen.de/\u00e9").href, "http://xn--mnchen-3ya.de/%C3%A9");
  assertEquals(new URL("http://h/\ud800").href, "http://h/%EF%BF%BD");
});

test("refuses what is no URL", () => {
  for (const input of ["", "x", "//h", "http://", "http://a b", "http://h:99999", "http://[::1"])
    assertThrows(() => new URL(input), TypeError, input);
  assertThrows(() => new URL("x", "y"), TypeError);
  assertThrows(() => new URL(), TypeError);
  assertThrows(() => new URL(Symbol("x")), TypeError);
  assertThrows(() => URL("http://h"), TypeError);
});

test("has attributes", () => {
  const url = new URL("https://u:p@h.x:81/a/b?q=1#f");
  const found = {};
  for (const name in url) if (typeof url[name] === "string") found[name] = url[name];
  assertEquals(found, {
    href: "https://u:p@h.x:81/a/b?q=1#f", origin: "https://h.x:81", protocol: "https:", username: "u", password: "p",
    host: "h.x:81", hostname: "h.x", port: "81", pathname: "/a/b", search: "?q=1", hash: "#f",
  });
  assertEquals(JSON.stringify({ url }), '{"url":"https://u:p@h.x:81/a/b?q=1#f"}');
  assertEquals(`${url}`, url.href);
});

test("parts that are missing are empty strings", () => {
  const url = new URL("web+x:/.//p");
  assertEquals([url.username, url.password, url.host, url.hostname, url.port, url.pathname], ["", "", "", "", "", "//p"]);
  assertEquals([url.search, url.hash, url.origin], ["", "", "null"]);
  assertEquals(new URL("http://h/?#").search + new URL("http://h/?#").hash, "");
  assertEquals(new URL("http://h/?#").href, "http://h/?#");
});

test("has an origin", () => {
  const origins = { "wss://h:443/": "wss://h", "file:///x": "null", "blob:https://h:8/x": "https://h:8", "data:x": "null" };
  for (const href in origins) assertEquals(new URL(href).origin, origins[href], href);
});

test("setters change one part", () => {
  const url = new URL("http://h/a?b#c");
  url.protocol = "https";
  url.username = "u@";
  url.password = "p:";
  url.hostname = "x.y";
  url.port = 8080;
  url.pathname = "p q";
  url.search = "s t";
  url.hash = "h i";
  assertEquals(url.href, "https://u%40:p%3A@x.y:8080/p%20q?s%20t#h%20i");
  assertEquals([url.host, url.pathname, url.search, url.hash], ["x.y:8080", "/p%20q", "?s%20t", "#h%20i"]);
  url.host = "z:443";
  url.search = url.hash = url.username = url.password = "";
  assertEquals(url.href, "https://z/p%20q");
});

test("setters ignore what does not fit, href throws", () => {
  const url = new URL("http://h/a");
  url.protocol = "mailto";
  url.host = "a b";
  url.port = "x";
  assertEquals(url.href, "http://h/a");
  assertThrows(() => (url.href = "nope"), TypeError);
  assertEquals(url.href, "http://h/a");
  url.href = "https://x/?y";
  assertEquals([url.protocol, url.search], ["https:", "?y"]);
});

test("static parse and canParse", () => {
  assertEquals(URL.parse("a", "http://h/").href, "http://h/a");
  assert(URL.parse("a", "http://h/") instanceof URL);
  assertEquals(URL.parse("a"), null);
  assertEquals([URL.canParse("a:b"), URL.canParse("a"), URL.canParse("a", "http://h"), URL.canParse("a", "b")], [true, false, true, false]);
});

test("is shaped as WebIDL says", () => {
  assertEquals([URL.name, URL.length, URL.parse.length], ["URL", 1, 1]);
  assertEquals(Object.prototype.toString.call(new URL("a:b")), "[object URL]");
  assertEquals(Object.keys(URL.prototype).includes("href"), true);
  assertEquals(Object.keys(new URL("a:b")), []);
  const { get, set } = Object.getOwnPropertyDescriptor(URL.prototype, "href");
  assertThrows(() => get.call({}), TypeError);
  assertThrows(() => set.call({}, "a:b"), TypeError);
});

test("URL: what is taken as it is written is what the parser makes of it", () => {
  const parts = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];
  const pieces = {
    scheme: ["http://", "https://", "https:/", "ftp://", "HTTP://"],
    host: ["a.example", "xn--a", "a.xn--mgba", "1.2.3", "a.1", "a1.b-c", "a..b", "-a-", "a.b.", "0x1", "a_b", "u@a", "", "A.b", "a.0x1"],
    port: ["", ":8080", ":80", ":443", ":0", ":08", ":65536", ":99999", ":", ":x"],
    path: ["/", "", "", "/a/b", "/a/../b", "/.a", "/a/.", "/%2e/b", "/a/%2E%2e", "//a", "/a//b/", "/a\\b", "/a b", "/ä", "/a|b[c]^", "/{}`", "/a;b=c,d@e:f", "/'\"", "/..."],
    query: ["", "?", "?a=b&c", "?'", "?\"<>", "?a?b/..", "?`{|}^\\", "?ä", "?a\tb"],
    hash: ["", "#", "#a", "#a#b", "#`", "#{}|^\\'", "# <>\"", "#\u{1f600}"],
  };
  let seed = 7;
  const pick = (list) => list[((seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 8) % list.length];
  const show = (make) => {
    try {
      const url = make();
      return parts.map((name) => url[name]).join(" ");
    } catch (error) {
      return error.name;
    }
  };
  for (let i = 0; i < 2500; i++) {
    const text = Object.values(pieces).map(pick).join("");
    // A blank in front is for the parser.
    assertEquals(show(() => new URL(text)), show(() => new URL(` ${text}`)), text);
    const relative = `${pick(pieces.path)}${pick(pieces.query)}${pick(pieces.hash)}`;
    const parsed = show(() => new URL(` ${relative}`, text));
    assertEquals(show(() => new URL(relative, text)), parsed, `${relative} on ${text}`);
    assertEquals(show(() => new URL(relative, text)), parsed, `${relative} on ${text} again`);
  }
});
