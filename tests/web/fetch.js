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
  for (const url of ["file:///etc/passwd", "ftp://127.0.0.1/", "about:blank", "blob:x", "gopher://127.0.0.1/"]) {
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
