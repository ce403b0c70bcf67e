// URLSearchParams: construction, list operations, serialization, the link to its URL.

test("is made from each kind of value", () => {
  const made = (...given) => new URLSearchParams(...given).toString();
  assertEquals(made(), "");
  assertEquals(made("?a=1&b=2&a=3"), "a=1&b=2&a=3");
  assertEquals(made("??a"), "%3Fa=");
  assertEquals(made({ a: 1, b: "x y" }), "a=1&b=x+y");
  assertEquals(made([["a", 1], ["a", 2]]), "a=1&a=2");
  assertEquals(made(new Map([["m", "n"]])), "m=n");
  assertEquals(made(new URLSearchParams("x=y")), "x=y");
  assertEquals(made(null), "null=");
  assertEquals(made({ "\ud835x": "1", xx: "2", "\ud83dx": "3" }), "%EF%BF%BDx=3&xx=2");
  for (const bad of [[["a"]], [["a", "b", "c"]], [1], { [Symbol.iterator]: 1 }]) assertThrows(() => made(bad), TypeError);
});

test("decodes and encodes the form format", () => {
  const pairs = (text) => [...new URLSearchParams(text)];
  assertEquals(pairs("a+b=c%20d&&=&e"), [["a b", "c d"], ["", ""], ["e", ""]]);
  assertEquals(pairs("a=b=c&%zz=%"), [["a", "b=c"], ["%zz", "%"]]);
  assertEquals(pairs("a=%C3%A9%ff%EF%BB%BF"), [["a", "\u00e9\ufffd\ufeff"]]);
  assertEquals(pairs("\ufeffa=\ud800"), [["\ufeffa", "\ufffd"]]);
  const all = " !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~\u00e9";
  assertEquals(
    new URLSearchParams([[all, ""]]).toString(),
    "+%21%22%23%24%25%26%27%28%29*%2B%2C-.%2F09%3A%3B%3C%3D%3E%3F%40AZ%5B%5C%5D%5E_%60az%7B%7C%7D%7E%C3%A9=",
  );
  assertEquals(pairs(new URLSearchParams([[all, all]]).toString()), [[all, all]]);
});

test("reads and changes its list", () => {
  const params = new URLSearchParams("a=1&b=2&a=3");
  assertEquals([params.get("a"), params.get("x"), params.getAll("a"), params.has("b"), params.size], ["1", null, ["1", "3"], true, 3]);
  assertEquals([params.has("a", "3"), params.has("a", "4"), params.has("a", undefined)], [true, false, true]);
  params.set("a", 9);
  params.set("n", "m");
  assertEquals(params.toString(), "a=9&b=2&n=m");
  params.append("a", "10");
  params.delete("a", "9");
  assertEquals(params.toString(), "b=2&n=m&a=10");
  params.delete("b");
  params.delete("n", undefined);
  assertEquals(params.toString(), "a=10");
});

test("sorts by code units and keeps the order of equals", () => {
  const params = new URLSearchParams("z=b&\ufb03=1&\u{1f308}=2&a=y&z=a&a=x");
  params.sort();
  assertEquals([...params.keys()], ["a", "a", "z", "z", "\u{1f308}", "\ufb03"]);
  assertEquals(params.getAll("a"), ["y", "x"]);
});

test("iterates, also while it changes", () => {
  const params = new URLSearchParams("a=1&b=2&c=3");
  assertEquals([[...params.keys()], [...params.values()]], [["a", "b", "c"], ["1", "2", "3"]]);
  const seen = [];
  for (const [name] of params) {
    seen.push(name);
    params.delete(name);
  }
  assertEquals(seen, ["a", "c"]);
  const calls = [];
  params.forEach(function (value, name, whole) {
    calls.push([value, name, whole === params, this.x]);
  }, { x: 7 });
  assertEquals(calls, [["2", "b", true, 7]]);
  assertThrows(() => params.forEach(1), TypeError);
  assertEquals(URLSearchParams.prototype[Symbol.iterator], URLSearchParams.prototype.entries);
  const iterator = params.entries();
  assertEquals(Object.prototype.toString.call(iterator), "[object URLSearchParams Iterator]");
  assert(iterator[Symbol.iterator]() === iterator);
  assertThrows(() => iterator.next.call({}), TypeError);
});

test("is linked to its URL both ways", () => {
  const url = new URL("http://h/p?a=1#f");
  const params = url.searchParams;
  assert(url.searchParams === params);
  params.append("b", "\u00e9 ");
  assertEquals(url.href, "http://h/p?a=1&b=%C3%A9+#f");
  assertEquals([url.search, url.hash], ["?a=1&b=%C3%A9+", "#f"]);
  url.search = "x=y";
  assertEquals(params.toString(), "x=y");
  url.href = "http://h/?z";
  assertEquals([...params], [["z", ""]]);
  params.delete("z");
  assertEquals(url.href, "http://h/");
  url.hash = "q";
  params.set("k", "v");
  assertEquals(url.href, "http://h/?k=v#q");
});

test("checks arguments and its brand", () => {
  const params = new URLSearchParams();
  assertThrows(() => params.append("a"), TypeError);
  assertThrows(() => params.get(), TypeError);
  assertThrows(() => URLSearchParams.prototype.get.call({}, "a"), TypeError);
  assertThrows(() => URLSearchParams.prototype.keys.call({}), TypeError);
  assertEquals(URLSearchParams.name, "URLSearchParams");
});
