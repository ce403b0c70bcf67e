const through = (html, ...rules) => {
  const rewriter = new HTMLRewriter();
  for (const [selector, handlers] of rules)
    if (selector === null) rewriter.onDocument(handlers);
    else rewriter.on(selector, typeof handlers === "function" ? { element: handlers } : handlers);
  return rewriter.transform(html instanceof Response ? html : new Response(html));
};
const rewrite = (html, ...rules) => through(html, ...rules).text();
const encoder = new TextEncoder();
// A body that comes in chunks of `size` bytes.
const inChunks = (html, size = 1) => {
  const bytes = typeof html === "string" ? encoder.encode(html) : html;
  let at = 0;
  return new Response(
    new ReadableStream({
      pull(controller) {
        if (at >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(at, at + size));
        at += size;
      },
    }),
  );
};
const streamOf = (...parts) =>
  new ReadableStream({
    async start(controller) {
      for (const part of parts) {
        await scheduler.wait(1);
        controller.enqueue(typeof part === "string" ? encoder.encode(part) : part);
      }
      controller.close();
    },
  });
const GONE = /^This content token is no longer valid/;

test("the class is as WebIDL wants it", () => {
  assertEquals(Object.prototype.toString.call(new HTMLRewriter()), "[object HTMLRewriter]");
  assertEquals([HTMLRewriter.name, HTMLRewriter.length], ["HTMLRewriter", 0]);
  assertEquals(Object.keys(HTMLRewriter.prototype), ["on", "onDocument", "transform"]);
  assertThrows(() => HTMLRewriter.prototype.on.call({}, "a", {}), TypeError);
  assertThrows(() => new HTMLRewriter().on("a"), TypeError);
  assertThrows(() => new HTMLRewriter().on("a", null), TypeError);
  assertThrows(() => new HTMLRewriter().on("a", { element: 1 }), TypeError);
  assertThrows(() => new HTMLRewriter().onDocument(), TypeError);
  assertThrows(() => new HTMLRewriter().transform("<p>"), TypeError);
  const error = assertThrows(() => new HTMLRewriter().on("a:hover", {}), TypeError);
  assert(/'a:hover' is not valid: at character 2, this pseudo-class is not supported/.test(error.message), error.message);
  const rewriter = new HTMLRewriter();
  assert(rewriter.on("a", {}) === rewriter && rewriter.onDocument({}) === rewriter, "they chain");
});

test("the response keeps what is not its body", async () => {
  const init = { status: 404, statusText: "No", headers: { "content-type": "text/html", "content-length": "3", "x-y": "z" } };
  const response = new Response("abc", init);
  const other = through(response);
  assert(other !== response, "a new one");
  assertEquals([other.status, other.statusText, other.headers.get("x-y")], [404, "No", "z"]);
  assertEquals([other.headers.get("content-length"), response.headers.get("content-length")], [null, "3"]);
  assertEquals([response.bodyUsed, other.bodyUsed], [true, false]);
  assertEquals(await other.text(), "abc");
  assertThrows(() => through(response), TypeError);
  assertEquals(through(new Response(null, { status: 204 })).body, null);
});

test("untouched bytes come out as they came in, however they are cut", async () => {
  const parts = [];
  for (let i = 0; i < 4096; i++) parts.push("<p a=b >\0&amp;\xe9\u20ac\u{1f600}<!--c--></p ><", "/x><![CDATA[a]]><?b>", "<script><!--</script>");
  const text = parts.join("");
  assert((await rewrite(text)) === text, "whole");
  assert((await rewrite(text, ["p", () => {}], [null, { text() {}, comments() {} }])) === text, "with handlers");
  const bytes = new Uint8Array(20000);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7919 + (i >> 5)) & 255;
  const seen = [["*", { element() {}, text() {}, comments() {} }]];
  assertEquals(await through(inChunks(bytes, 7), ...seen).bytes(), bytes);
  const html = "<div class='a'>\u20ac<b>\u00e9</b><!-- \u{1f600} --></div>";
  for (let size = 1; size < 12; size++)
    assertEquals(await rewrite(inChunks(html, size), ["b", (b) => { b.setAttribute("x", "\u20ac"); }]), html.replace("<b>", '<b x="\u20ac">'));
});

test("attributes are read and changed", async () => {
  const seen = [];
  const html = `<a HREF='/x?a&amp;b' Class="c d" checked href=2>t</a>`;
  const text = await rewrite(html, ["a", (a) => {
    seen.push([...a.attributes], a.getAttribute("Href"), a.getAttribute("none"), a.hasAttribute("CHECKED"), a.getAttribute("checked"));
    assert(a.setAttribute("Title", 'q"<&>') === a, "chains");
    a.setAttribute("class", "e").removeAttribute("href");
    seen.push(a.getAttribute("title"), a.hasAttribute("href"), [...a.attributes]);
    assertThrows(() => a.setAttribute("", "x"), TypeError);
    assertThrows(() => a.setAttribute("a b", "x"), TypeError);
    assertThrows(() => a.setAttribute("a"), TypeError);
    assertThrows(() => a.getAttribute(), TypeError);
  }]);
  assertEquals(seen.slice(0, 5), [[["href", "/x?a&amp;b"], ["class", "c d"], ["checked", ""]], "/x?a&amp;b", null, true, ""]);
  assertEquals(seen.slice(5), ['q"<&>', false, [["class", "e"], ["checked", ""], ["title", 'q"<&>']]]);
  assertEquals(text, `<a Class="e" checked title="q&quot;<&>">t</a>`);
});

test("changes are seen at once, by the same handler and by the next", async () => {
  const seen = [];
  const text = await rewrite("<a x=1><a x=1>", ["a", (a) => {
    seen.push(a.getAttribute("x"));
    a.setAttribute("x", "2");
    seen.push(a.getAttribute("x"), a.getAttribute("X"));
    a.setAttribute("x", "3").setAttribute("y", { toString: () => { a.setAttribute("z", "4").before("b"); return a.getAttribute("x"); } });
  }], ["a", (a) => { seen.push(a.getAttribute("x"), a.getAttribute("y"), a.hasAttribute("z")); a.removeAttribute("x"); seen.push(a.hasAttribute("x")); a.prepend("p"); }]);
  assertEquals(seen, ["1", "2", "2", "3", "3", true, false, "1", "2", "2", "3", "3", true, false]);
  assertEquals(text, 'b<a z="4" y="3">pb<a z="4" y="3">p');
});

test("the attributes iterate like any list", async () => {
  await rewrite("<a b=c>", ["a", (a) => {
    const { attributes } = a;
    assert(attributes[Symbol.iterator]() === attributes, "it is its own iterator");
    assertEquals([attributes.next(), attributes.next(), attributes.next()], [
      { value: ["b", "c"], done: false }, { value: undefined, done: true }, { value: undefined, done: true },
    ]);
  }]);
});

test("names are read and changed", async () => {
  const text = await rewrite("<Foo-Bar x>1</Foo-Bar><br>", ["*", (e) => {
    if (e.tagName !== "br") assertEquals(e.tagName, "foo-bar");
    for (const bad of ["", "1a", "a b", "a>", "a/"]) assertThrows(() => (e.tagName = bad), TypeError);
    e.tagName = "new";
    assertEquals(e.tagName, "new");
  }]);
  assertEquals(text, "<new x>1</new><new>");
});

test("content is inserted around, inside and instead", async () => {
  const at = (...calls) => rewrite("<i><b>t</b></i>", ["b", (b) => { for (const [name, ...args] of calls) assert(b[name](...args) === b, name); }]);
  const html = { html: true };
  assertEquals(await at(["before", "<1>"], ["before", "<2>", html]), "<i>&lt;1&gt;<2><b>t</b></i>");
  assertEquals(await at(["after", "1"], ["after", "2"]), "<i><b>t</b>21</i>");
  assertEquals(await at(["prepend", "1"], ["prepend", "2", html]), "<i><b>21t</b></i>");
  assertEquals(await at(["append", "1&", {}], ["append", "2", null]), "<i><b>t1&amp;2</b></i>");
  assertEquals(await at(["prepend", "1"], ["setInnerContent", "<2>", html], ["append", "3"]), "<i><b><2>3</b></i>");
  assertEquals(await at(["before", "1"], ["replace", "x"], ["replace", "<2>", html], ["after", 3]), "<i>1<2>3</i>");
  assertEquals(await at(["remove"]), "<i></i>");
  assertEquals(await at(["removeAndKeepContent"]), "<i>t</i>");
  await assertRejects(at(["before"]), TypeError);
  await assertRejects(at(["before", "x", 1]), TypeError);
});

test("void elements have no content", async () => {
  const text = await rewrite("<br>x", ["br", (br) => {
    br.before("1").after("2").prepend("3").append("4").setInnerContent("5");
    assertThrows(() => br.onEndTag(() => {}), TypeError);
  }]);
  assertEquals(text, "1<br>2x");
  assertEquals(await rewrite("<svg><a/><a></a></svg><a/>x</a>", ["a", (a) => a.append("!")]), "<svg><a/><a>!</a></svg><a/>x!</a>");
});

test("removed tells, and what is in removed content is seen but not written", async () => {
  const seen = [];
  const text = await rewrite("<div>a<p>b<!--c--></p></div>d", [
    "div", (div) => { seen.push(div.removed); div.remove(); seen.push(div.removed); },
  ], ["p", { element(p) { seen.push(p.tagName, p.removed); p.before("x"); }, text: (t) => { seen.push(t.text); }, comments(c) { seen.push(c.text, c.removed); } }]);
  assertEquals(seen, [false, true, "p", true, "b", "", "c", true]);
  assertEquals(text, "d");
});

test("end tags", async () => {
  const seen = [];
  const text = await rewrite("<div><p>a</p></div><p>b", ["div", (div) => {
    div.onEndTag((end) => { seen.push(end.name); end.before("1").after("2"); });
    div.onEndTag(async (end) => { await scheduler.wait(1); end.name = "new"; seen.push(end.name); });
    div.append("0").after("3");
  }], ["p", (p) => { assertEquals(p.onEndTag((end) => end.remove()), undefined); assertThrows(() => p.onEndTag(1), TypeError); }]);
  assertEquals(seen, ["div", "new"]);
  assertEquals(text, "<div><p>a01</new>23<p>b");
});

test("text comes in pieces that end with an empty one", async () => {
  const seen = [];
  const handlers = { text(t) { seen.push([t.text, t.lastInTextNode, t.removed]); } };
  assertEquals(await rewrite("a<p>b&amp;<b>c</b></p>d", ["p", handlers]), "a<p>b&amp;<b>c</b></p>d");
  assertEquals(seen, [["b&amp;", false, false], ["", true, false], ["c", false, false], ["", true, false]]);
  seen.length = 0;
  const upper = { text(t) { if (!t.lastInTextNode) t.replace(t.text.toUpperCase()); else t.after("<", { html: false }); } };
  assertEquals(await rewrite(inChunks("<p>\u00e9\u20ac\u{1f600}</p>x"), ["p", upper]), "<p>\u00c9\u20ac\u{1f600}&lt;</p>x");
  assertEquals(await rewrite("<p>a</p>", ["p", { text(t) { if (t.lastInTextNode) return; t.before("1").after("2"); assertEquals([t.text, t.lastInTextNode], ["a", false]); t.remove(); assert(t.removed); } }]), "<p>12</p>");
});

test("comments", async () => {
  const seen = [];
  const text = await rewrite("<!--a--><p><!-- b --></p><!c>", ["p", { comments(c) { seen.push(c.text); c.text = "<new>"; seen.push(c.text); } }],
    [null, { comments(c) { seen.push(c.text); for (const bad of [">", "->x", "a-->", "a--!>b"]) assertThrows(() => (c.text = bad), TypeError); if (c.text === "a") c.replace("<r>").before("1").after("2"); } }]);
  assertEquals(seen, ["a", " b ", " b ", "<new>", "c"]);
  assertEquals(text, "1&lt;r&gt;2<p><!--<new>--></p><!c>");
});

test("the document", async () => {
  const seen = [];
  const one = (html) => rewrite(html, [null, { doctype(d) { seen.push(d.name, d.publicId, d.systemId); }, end(e) { assert(e.append("<e>", { html: true }) === e); e.append("&"); } }]);
  assertEquals(await one('<!DOCTYPE HTML PUBLIC "-//W3C//DTD" \'sys\'>x'), '<!DOCTYPE HTML PUBLIC "-//W3C//DTD" \'sys\'>x<e>&amp;');
  await one("<!doctype html>");
  await one("<!doctype>");
  await one("<!doctype a SYSTEM 's'>");
  await one("<!doctype a public 'p'>");
  assertEquals(seen, ["html", "-//W3C//DTD", "sys", "html", null, null, null, null, null, "a", null, "s", "a", "p", null]);
  assertEquals(await one(""), "<e>&amp;");
});

test("namespaces", async () => {
  const seen = [];
  await rewrite("<a><svg><a /><foreignObject><a></a></foreignObject></svg><math><a>", ["a", (a) => { seen.push(a.namespaceURI.slice(-10)); }]);
  assertEquals(seen, ["1999/xhtml", "g/2000/svg", "1999/xhtml", "ath/MathML"]);
});

test("handlers are called in order, each with its own object and its own this", async () => {
  const seen = [];
  class Handlers {
    #name;
    constructor(name) { this.#name = name; }
    async element(e) { await null; assert(e.mark === undefined); e.mark = 1; seen.push(this.#name); e.setAttribute(this.#name, (e.getAttribute("n") ?? "") + "x"); }
    comments() { seen.push(this.#name + "!"); }
  }
  assertEquals(await rewrite("<p><!----></p>", ["p", new Handlers("a")], [null, new Handlers("d")], ["*", new Handlers("b")], ["p, p, p", new Handlers("c")]), '<p a="x" b="x" c="x"><!----></p>');
  assertEquals(seen, ["a", "b", "c", "d!", "a!", "b!", "c!"]);
});

test("asynchronous handlers hold everything up", async () => {
  const seen = [];
  const slow = { async element(e) { seen.push(`${e.getAttribute("n")} in`); await scheduler.wait(3); e.setInnerContent(e.getAttribute("n")); seen.push(`${e.getAttribute("n")} out`); } };
  assertEquals(await rewrite("<p n=1>a</p><p n=2>b</p>", ["p", slow]), "<p n=1>1</p><p n=2>2</p>");
  assertEquals(seen, ["1 in", "1 out", "2 in", "2 out"]);
});

test("what comes before a slow handler's element is not held up, and it may be left alone", async () => {
  const boom = new Error("boom");
  let token, go;
  const gate = new Promise((resolve) => (go = resolve));
  const html = "<i>before</i><p a=b>x</p>after";
  const slow = { async element(p) { token = p; await gate; p.append("!"); } };
  const reader = through(html, ["p", slow]).body.getReader();
  assertEquals(new TextDecoder().decode((await reader.read()).value), "<i>before</i>");
  go();
  assertEquals(new TextDecoder().decode((await reader.read()).value), "<p a=b>x!</p>after");
  const failing = through(html, ["p", { async element() { await null; throw boom; } }]).body.getReader();
  await failing.read();
  await scheduler.wait(2);
  assert((await assertRejects(failing.read())) === boom);
  const left = through(html, ["p", { async element(p) { token = p; await scheduler.wait(5); p.append("x"); } }]).body.getReader();
  await left.read();
  const late = { toString() { left.cancel(boom); return "a"; } };
  for (const use of [() => token.getAttribute(late), () => token.setAttribute(late, "b"), () => token.before(late), () => token.tagName])
    assert(GONE.test(assertThrows(use, TypeError).message));
  await scheduler.wait(10);
});

test("tokens are refused after their handler", async () => {
  const kept = [];
  const keep = (t) => { kept.push(t); };
  await rewrite("<!doctype a><p b=c>d<!--e--></p>", [null, { doctype: keep, end: keep }], ["p", { element(p) { keep(p); kept.push(p.attributes); p.onEndTag(keep); }, text: keep, comments: keep }]);
  const uses = [(d) => d.name, (p) => p.getAttribute("b"), (a) => a.next(), (t) => t.text, (t) => t.lastInTextNode, (c) => c.text, (e) => e.remove(), (e) => e.append("x")];
  assertEquals(kept.length, uses.length);
  kept.forEach((token, i) => assert(GONE.test(assertThrows(() => uses[i](token), TypeError).message), `${i}`));
  assertThrows(() => new kept[1].constructor(), TypeError);
  assertThrows(() => kept[1].constructor.prototype.getAttribute.call(kept[3], "b"), TypeError);
});

test("a handler that throws ends the body", async () => {
  const boom = new Error("boom");
  for (const handlers of [{ element() { throw boom; } }, { async element() { throw boom; } }, { text() { throw boom; } }, { async comments() { await null; throw boom; } }]) {
    let cancelled;
    const body = new ReadableStream({ pull(c) { c.enqueue(encoder.encode("<p>a<!--b-->")); }, cancel(reason) { cancelled = reason; } });
    const error = await assertRejects(through(new Response(body), ["p", handlers]).text());
    assert(error === boom && cancelled === boom, "the error goes both ways");
  }
  const response = through("<p>", ["p", () => { throw boom; }]);
  const reader = response.body.getReader();
  assert((await assertRejects(reader.read())) === boom);
});

test("errors and cancels of the streams around go through", async () => {
  const boom = new Error("boom");
  const failing = new Response(new ReadableStream({ pull(c) { c.error(boom); } }));
  assert((await assertRejects(through(failing).text())) === boom);
  let cancelled;
  const endless = new Response(new ReadableStream({ pull(c) { c.enqueue(encoder.encode("<p>a</p>")); }, cancel(reason) { cancelled = reason; } }));
  let token;
  const body = through(endless, ["p", async (p) => { token = p; await scheduler.wait(5); assertThrows(() => p.append("x"), TypeError); }]).body;
  const reader = body.getReader();
  const reading = reader.read();
  await scheduler.wait(1);
  await reader.cancel(boom);
  assert(cancelled === boom, "the source is told");
  assertEquals(await reading, { value: undefined, done: true });
  assert(GONE.test(assertThrows(() => token.tagName, TypeError).message));
  await scheduler.wait(10);
  await assertRejects(through(new Response(new ReadableStream({ start(c) { c.enqueue("text"); } }))).text(), TypeError);
});

test("content may be a stream or a Response", async () => {
  const text = await rewrite("<i>a<b>b</b>c</i>", ["b", (b) => {
    b.before(streamOf("<1>", "\xff"), { html: true }).append(streamOf("<", "2>")).after(new Response("<3>"), { html: true });
    b.prepend(new Response(streamOf(encoder.encode("\u20ac").slice(0, 1), encoder.encode("\u20ac").slice(1))));
    b.append(new Response(null)).append("4");
  }], [null, { end(e) { e.append(streamOf("<e>")); } }]);
  assertEquals(text, "<i>a<1>\xff<b>\u20acb&lt;2&gt;4</b><3>c</i>&lt;e&gt;");
  assertEquals(await rewrite("<b>x</b>", ["b", (b) => { b.replace(streamOf("1", "2")); }]), "12");
  assertEquals(await rewrite("<b>x</b>", ["b", (b) => { b.setInnerContent(new Response(new Uint8Array([60, 61])), { html: true }); }]), "<b><=</b>");
  const used = new Response("x");
  await used.text();
  await assertRejects(rewrite("<b>", ["b", (b) => { b.append(used); }]), TypeError);
  let cancelled = false;
  const unused = new ReadableStream({ cancel() { cancelled = true; } });
  assertEquals(await rewrite("<i><b></b></i>", ["i", (i) => { i.remove(); }], ["b", (b) => { b.append(unused); }]), "");
  assert(cancelled, "what is not written is cancelled");
  const bad = await assertRejects(rewrite("<b>", ["b", (b) => { b.append("x").before(streamOf(new Uint8Array([0xe2, 0x28]))); }]), TypeError);
  assertEquals(bad.message, "Parser error: Invalid UTF-8");
  const boom = new Error("boom");
  const failing = new ReadableStream({ pull(c) { c.error(boom); } });
  assert((await assertRejects(rewrite("<b>", ["b", (b) => { b.before(failing); }]))) === boom);
});

test("one rewriter serves many responses, and changes later ones only", async () => {
  const rewriter = new HTMLRewriter().on("p", { element(p) { p.append("1"); } });
  const first = rewriter.transform(inChunks("<p></p>"));
  rewriter.on("p", { element(p) { p.append("2"); } });
  const second = rewriter.transform(new Response("<p></p>"));
  assertEquals(await Promise.all([first.text(), second.text()]), ["<p>1</p>", "<p>12</p>"]);
});

test("rewriters can be chained, and work inside of handlers", async () => {
  const exclaim = (response) => new HTMLRewriter().on("p", { element(p) { p.append("!"); } }).transform(response);
  assertEquals(await exclaim(exclaim(inChunks("<p>a</p>"))).text(), "<p>a!!</p>");
  assertEquals(await rewrite("<i></i>", ["i", async (i) => { i.append(await exclaim(new Response("<p></p>")).text(), { html: true }); }]), "<i><p>!</p></i>");
  assertEquals(await rewrite("<i></i>", ["i", (i) => { i.append(exclaim(new Response("<p></p>")), { html: true }); }]), "<i><p>!</p></i>");
});

test("encodings", async () => {
  const of = (type, bytes) => new Response(new Uint8Array(bytes), { headers: { "content-type": type } });
  const seen = [];
  const see = ["p", { element(p) { seen.push(p.getAttribute("a")); p.setAttribute("b", "\u20ac\u00e9"); }, text(t) { if (t.text) seen.push(t.text); } }];
  const bytes = [..."<p a=", ].map((c) => c.charCodeAt(0)).concat(0xe9, 62, 0x80);
  const out = await through(of("text/html; charset=windows-1252", bytes), see).bytes();
  assertEquals(seen, ["\u00e9", "\u20ac"]);
  assertEquals([...out].map((c) => String.fromCharCode(c)).join(""), '<p a=\xe9 b="&#8364;&#233;">\x80');
  seen.length = 0;
  await through(of('text/html;charset="Shift_JIS"', [..."<p a=x>"].map((c) => c.charCodeAt(0)).concat(0x93, 0xfa)), see).text();
  assertEquals(seen, ["x", "\u65e5"]);
  const unknown = assertThrows(() => through(of("text/html; charset=invalid", [])), TypeError);
  assertEquals(unknown.message, "Parser error: Unknown character encoding has been provided.");
  assertThrows(() => through(of("text/html; charset=utf-16le", [])), TypeError);
  assertEquals(await through(of("text/html; charset=UTF8", [120])).text(), "x");
});

test("limits are errors that say so", async () => {
  const tooLong = await assertRejects(rewrite(`<p a="${"x".repeat(2 ** 20 + 70000)}`, ["p", () => {}]), RangeError);
  assert(/longer than 1 MiB/.test(tooLong.message), tooLong.message);
  const tooDeep = await assertRejects(rewrite("<p>".repeat(40000)), RangeError);
  assert(/open at the same time/.test(tooDeep.message), tooDeep.message);
  const many = new HTMLRewriter();
  for (let i = 0; i < 1025; i++) many.on("p", {});
  assertThrows(() => many.transform(new Response("")), RangeError);
  assertEquals((await rewrite("<p>".repeat(2000), ["p", (p) => { p.prepend("x".repeat(10000)); }])).length, 2000 * 10003);
});

test("streams whose place is the end of the output", async () => {
  for (const length of [0, 1000, 60000, 65531, 131000]) {
    const text = "x".repeat(length);
    const once = ["img", (img) => { img.after(streamOf("S")); }];
    assertEquals(await rewrite(`${text}<img>`, once), `${text}<img>S`);
    const twice = ["img", (img) => { img.after(streamOf("2")).after(streamOf("1")); }];
    assertEquals(await rewrite(`${text}<img>${text}`, twice), `${text}<img>12${text}`);
  }
});

test("matching has limits", async () => {
  const many = (count, selector) => {
    const rewriter = new HTMLRewriter();
    for (let i = 0; i < count; i++) rewriter.on(selector, { comments() {} });
    return (html) => rewriter.transform(new Response(html)).text();
  };
  const deep = "<a>".repeat(6000);
  assertEquals(await many(600, "*")(deep), deep);
  await assertRejects(many(1000, "*")(deep), RangeError);
  const long = `<a x="${"b".repeat(1000000)}">`;
  assertEquals(await many(100, "[x$=c]")(long), long);
  await assertRejects(many(1000, "[x$=c]")(long), RangeError);
  const worst = `[x*="${"b".repeat(16000)}c" i]`; // by comparing at each place it would take seconds
  assertEquals(await many(10, worst)(long), long);
  const busy = "<a b>".repeat(20000); // handed back many times, and nothing is lost
  assertEquals(await many(1000, "[c]")(busy), busy);
});

test("the memory of all rewriters together has a maximum", async () => {
  const large = "x".repeat(10 << 20);
  const begin = () => {
    const handler = (p) => {
      p.append(large);
      p.getAttribute("a");
      return new Promise(() => {});
    };
    const reader = through("<p>", ["p", handler]).body.getReader();
    return { reader, error: Promise.race([reader.read().then(() => {}, (error) => error), new Promise((done) => setTimeout(done, 20))]) };
  };
  const begun = [];
  const errors = [];
  while (errors.length < 20 && errors.at(-1) === undefined) {
    begun.push(begin());
    errors.push(await begun.at(-1).error);
  }
  assert(errors.length > 1 && errors.at(-1) instanceof RangeError, `${errors}`);
  for (const { reader } of begun) reader.cancel().catch(() => {});
  assertEquals(await rewrite("<p>", ["p", (p) => { p.before("a"); }]), "a<p>");
});

test("a large body is streamed, not collected", async () => {
  let pulled = 0;
  const chunk = encoder.encode("<p>text</p>".repeat(1000));
  const source = new Response(new ReadableStream({ pull(c) { if (++pulled > 50) c.close(); else c.enqueue(chunk); } }, { highWaterMark: 0 }));
  const reader = through(source, ["p", (p) => { p.append("!"); }]).body.getReader();
  assertEquals((await reader.read()).value.length, 12000);
  assert(pulled <= 2, `${pulled} chunks were read for one`);
  let total = 12000;
  for (let r; !(r = await reader.read()).done; ) total += r.value.length;
  assertEquals(total, 50 * 12000);
});
