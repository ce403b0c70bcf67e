// fetch without a server: what is refused before or at the wire, and data: URLs.
// tests/e2e/fetch.test.mjs has the rest.

test("a refused connection rejects with a TypeError that says where", async () => {
  const error = await assertRejects(fetch("http://127.0.0.1:1/"), TypeError);
  assertEquals(error.message, "fetch failed: connect ECONNREFUSED 127.0.0.1:1");
});

test("an unknown host rejects with a TypeError", async () => {
  const error = await assertRejects(fetch("http://nowhere.invalid/"), TypeError);
  assertEquals(error.message, "fetch failed: getaddrinfo ENOTFOUND nowhere.invalid:80");
});

test("fetch answers with a promise, whatever it is given", async () => {
  for (const bad of ["", "/relative", "http://", "http://user:secret@127.0.0.1:1/"])
    await assertRejects(fetch(bad), TypeError, bad);
  await assertRejects(fetch(), TypeError);
  await assertRejects(fetch("http://127.0.0.1:1/", { method: "CONNECT" }), TypeError);
  await assertRejects(fetch("http://127.0.0.1:1/", { body: "x" }), TypeError);
  await assertRejects(fetch("http://127.0.0.1:1/", { headers: { "a b": "c" } }), TypeError);
});

test("other schemes are refused", async () => {
  for (const url of ["file:///etc/passwd", "ftp://127.0.0.1/", "about:blank", "gopher://127.0.0.1/"]) {
    const error = await assertRejects(fetch(url), TypeError, url);
    assert(error.message.startsWith("fetch failed: cannot fetch a URL of the scheme "), error.message);
  }
});

test("it is a function of one argument called fetch", () => {
  assertEquals(fetch.name, "fetch");
  assertEquals(fetch.length, 1);
});

test("data: URLs", async () => {
  for (const [url, type, text] of [
    ["data:,hello%20there", "text/plain;charset=US-ASCII", "hello there"],
    ["data:text/html,<p>x</p>", "text/html", "<p>x</p>"],
    ["data:;charset=utf-8,%C3%A9", "text/plain;charset=utf-8", "\u00e9"],
    ["data:text/plain;base64,aGVsbG8=", "text/plain", "hello"],
    ["data:text/plain; base64,aGVs bG8", "text/plain", "hello"],
    ["data:nonsense,100%", "text/plain;charset=US-ASCII", "100%"],
    ["data:,before#after", "text/plain;charset=US-ASCII", "before"],
    ["data:,", "text/plain;charset=US-ASCII", ""],
  ]) {
    const response = await fetch(url);
    assertEquals(response.status, 200, url);
    assertEquals(response.headers.get("content-type"), type, url);
    assertEquals(await response.text(), text, url);
  }
  for (const url of ["data:text/plain", "data:;base64,!"]) await assertRejects(fetch(url), TypeError, url);
});

test("an aborted signal rejects with its reason at once", async () => {
  assertEquals((await assertRejects(fetch("http://127.0.0.1:1/", { signal: AbortSignal.abort() }))).name, "AbortError");
  const reason = { mine: true };
  const caught = await fetch("data:,x", { signal: AbortSignal.abort(reason) }).catch((error) => error);
  assert(caught === reason);
});

test("a request whose body was used cannot be fetched", async () => {
  const request = new Request("http://127.0.0.1:1/", { method: "POST", body: "x" });
  await request.text();
  await assertRejects(fetch(request), TypeError);
});

test("a fetched request's body is used", async () => {
  const request = new Request("http://127.0.0.1:1/", { method: "POST", body: "x" });
  await assertRejects(fetch(request), TypeError);
  assertEquals(request.bodyUsed, true);
});

test("more than 256 requests at the same time are refused", async () => {
  const all = Array.from({ length: 300 }, () => fetch("http://127.0.0.1:1/").catch((error) => error.message));
  const messages = await Promise.all(all);
  assertEquals(messages.filter((message) => message.includes("more than 256")).length, 44);
  await assertRejects(fetch("http://127.0.0.1:1/"), TypeError, "and it works again afterwards");
});

test("a blob: URL gives the blob until it is revoked", async () => {
  const blob = new Blob(["hello"], { type: "text/x" });
  const url = URL.createObjectURL(blob);
  const response = await fetch(url);
  assertEquals([response.status, response.headers.get("content-type"), response.headers.get("content-length")], [200, "text/x", "5"]);
  assertEquals(await response.text(), "hello");
  const part = await fetch(url, { headers: { range: "bytes=1-2" } });
  assertEquals([part.status, part.headers.get("content-range"), await part.text()], [206, "bytes 1-2/5", "el"]);
  await assertRejects(fetch(url, { method: "POST" }), TypeError);
  const early = new Request(url);
  URL.revokeObjectURL(url);
  assertEquals(await (await fetch(early)).text(), "hello");
  await assertRejects(fetch(url), TypeError);
  assertThrows(() => URL.createObjectURL("x"), TypeError);
});

test("integrity is checked", async () => {
  const good = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="; // of "hello"
  assertEquals(await (await fetch("data:,hello", { integrity: `md5-x ${good}` })).text(), "hello");
  await assertRejects(fetch("data:,hallo", { integrity: good }), TypeError);
  assertEquals(await (await fetch("data:,hallo", { integrity: "md5-x" })).text(), "hallo", "nothing that is known");
});

test("a Request's members, and what cannot be asked for", () => {
  const plain = new Request("http://a/");
  for (const [name, value] of Object.entries({
    cache: "default", credentials: "same-origin", destination: "", duplex: "half", integrity: "", keepalive: false,
    mode: "cors", redirect: "follow", referrer: "about:client", referrerPolicy: "", isReloadNavigation: false,
  })) assertEquals(plain[name], value, name);
  const set = { cache: "no-store", credentials: "omit", integrity: "x", keepalive: true, redirect: "manual", referrerPolicy: "origin" };
  const copy = new Request(new Request("http://a/", set)).clone();
  for (const name in set) assertEquals(copy[name], set[name], name);
  for (const init of [
    { mode: "navigate" }, { mode: "x" }, { cache: "only-if-cached" }, { credentials: "x" }, { duplex: "full" }, { priority: "x" },
    { redirect: "x" }, { referrer: "http://:x" }, { window: 1 }, { signal: {} }, { method: "GET", body: "x" }, { method: "a b" },
  ]) assertThrows(() => new Request("http://a/", init), TypeError, JSON.stringify(init));
  assertThrows(() => new Request("http://me:secret@a/"), TypeError);
});

test("a Request's signal follows the one that was given", () => {
  const controller = new AbortController();
  const request = new Request("http://a/", { signal: controller.signal });
  const copy = request.clone();
  assert(request.signal !== controller.signal && copy.signal !== request.signal);
  controller.abort("why");
  assertEquals([request.signal.reason, copy.signal.reason], ["why", "why"]);
});

test("a Request made of another takes its body over", async () => {
  const first = new Request("http://a/", { method: "POST", body: "x" });
  const { body } = first;
  const second = new Request(first);
  assertEquals([first.bodyUsed, first.body === body, second.body !== body], [true, true, true]);
  assertEquals(await second.text(), "x");
  assertThrows(() => new Request(first), TypeError);
  const third = new Request("http://a/", { method: "POST", body: "x" });
  assertThrows(() => new Request(third, { method: "GET" }), TypeError);
  assertEquals(third.bodyUsed, false);
});

test("bytes that are handed out are nobody else's", async () => {
  const blob = new Blob(["abc"]);
  (await new Response(blob).bytes())[0] = 0;
  new Uint8Array(await new Response(blob).arrayBuffer())[0] = 0;
  (await new Response(blob).body.getReader().read()).value[0] = 0;
  assertEquals(await blob.text(), "abc");
});

test("a body that was read has a stream that nobody can read", async () => {
  const response = new Response("x");
  await response.text();
  assertEquals([response.bodyUsed, response.body.locked], [true, true]);
  await assertRejects(response.text(), TypeError);
});

test("a clone's chunks are copies", async () => {
  const chunk = new Uint8Array([1, 2]);
  const response = new Response(new ReadableStream({ start(own) { own.enqueue(chunk); own.close(); } }));
  const copy = response.clone();
  const [mine, theirs] = [(await response.body.getReader().read()).value, (await copy.body.getReader().read()).value];
  assert(mine === chunk && theirs !== chunk);
  assertEquals(theirs, chunk);
});

test("records and sequences of headers are read as WebIDL says", () => {
  assertEquals([...new Headers([["b", "1"], ["A", " 2 "], ["b", "3"]])], [["a", "2"], ["b", "1, 3"]]);
  for (const init of [null, 1, [["a"]], [["a", "b", "c"]], { "\u0100": "x" }, { a: "\u0100" }, { "a b": "x" }, { [Symbol("x")]: "y" }])
    assertThrows(() => new Headers(init), TypeError);
  const headers = new Headers({ a: "1" });
  headers[Symbol.iterator] = function* () { yield ["b", "2"]; };
  assertEquals([...new Headers(headers).keys()], ["b"]);
});

test("the type of blob() is the Content-Type's essence and parameters", async () => {
  for (const [header, type] of [
    ["Text/HTML; CHARSET=\"UTF-8\"", "text/html;charset=UTF-8"], ["text/plain, text/x;a=\"b c\"", "text/x;a=\"b c\""],
    ["text/html;charset=gbk, text/html;x=y", "text/html;x=y;charset=gbk"], ["text/html;charset=\",\", text/html", "text/html;charset=\",\""],
    ["text", ""], ["a/b/c", ""], ["*/*", ""], ["text/x;;a==;b", "text/x;a=\"=\""], ["", ""],
  ]) assertEquals((await new Response("x", { headers: { "content-type": header } }).blob()).type, type, header);
});
