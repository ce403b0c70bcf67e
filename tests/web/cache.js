// The Cache API: what goes in, what comes out, for whom. The rules themselves are tested in
// tests/unit/store; restarts, several processes and damage in tests/e2e/cache.test.mjs.
const fresh = (body, headers) => new Response(body, { headers: { "cache-control": "max-age=1000", ...headers } });
let last = 0;
const newUrl = () => `https://cache.test/${++last}`;
const cached = async (body, headers) => {
  const url = newUrl();
  await caches.default.put(url, fresh(body, headers));
  return url;
};

test("a text comes back with its headers", async () => {
  const url = newUrl();
  assertEquals(await caches.default.put(url, new Response("hällo", { headers: { "x-a": "ü", "cache-control": "max-age=9" } })), undefined);
  const found = await caches.default.match(url);
  assert(found instanceof Response);
  assertEquals(found.status, 200);
  assertEquals(found.headers.get("x-a"), "ü");
  assertEquals(found.headers.get("content-type"), "text/plain;charset=UTF-8");
  assertEquals(found.headers.get("content-length"), "6");
  assertEquals(found.headers.get("cf-cache-status"), "HIT");
  assert(/^[0-9]$/.test(found.headers.get("age")));
  assertEquals(found.url, url);
  assertEquals(await found.text(), "hällo");
  assertThrows(() => found.headers.set("a", "b"), TypeError);
});

test("bodies of every kind and size", async () => {
  const large = new Uint8Array(3 * 1024 * 1024 + 7).map((_, i) => i * 31);
  const bodies = [["", 0], [new Uint8Array(1), 1], [new Uint8Array(32768), 32768], [new Uint8Array(32769), 32769], [large, large.length],
    [new Blob(["blob"]), 4], [new URLSearchParams("a=b"), 3]];
  for (const [body, length] of bodies) {
    const found = await caches.default.match(await cached(body));
    const bytes = await found.bytes();
    assertEquals(bytes.length, length);
    if (body === large) assert(bytes.every((byte, i) => byte === large[i]), "the bytes are the same");
  }
  const none = await caches.default.match(await cached(null));
  assertEquals(none.body, null);
});

test("a streamed body goes in and comes out as a stream", async () => {
  const url = newUrl();
  let count = 0;
  const body = new ReadableStream({ pull: (c) => (++count > 40 ? c.close() : c.enqueue(new Uint8Array(10000).fill(count))) });
  await caches.default.put(url, fresh(body));
  const found = await caches.default.match(url);
  assertEquals(found.headers.get("content-length"), "400000");
  let total = 0;
  for await (const chunk of found.body) total += chunk.length;
  assertEquals(total, 400000);
  assertEquals((await (await caches.default.match(url)).text()).length, 400000);
});

test("a stream that fails stores nothing and fails the put", async () => {
  const url = newUrl();
  const body = new ReadableStream({ start(c) { c.enqueue(new Uint8Array(100000)); }, pull(c) { c.error(new RangeError("broken")); } });
  await assertRejects(caches.default.put(url, fresh(body)), RangeError);
  assertEquals(await caches.default.match(url), undefined);
});

test("a body can be left unread, cancelled and cloned", async () => {
  const url = await cached(new Uint8Array(500000));
  for (let i = 0; i < 300; i++) await caches.default.match(url);
  await (await caches.default.match(url)).body.cancel();
  const found = await caches.default.match(url), copy = found.clone();
  assertEquals((await found.bytes()).length, 500000);
  assertEquals((await copy.bytes()).length, 500000);
});

test("put refuses what cannot be a key or an entry", async () => {
  const url = newUrl();
  const { default: cache } = caches;
  await assertRejects(cache.put(new Request(url, { method: "POST" }), fresh("a")), TypeError);
  await assertRejects(cache.put(new Request(url, { method: "HEAD" }), fresh("a")), TypeError);
  await assertRejects(cache.put(url, fresh("a", { vary: "accept, *" })), TypeError);
  await assertRejects(cache.put(url, new Response("a", { status: 206 })), TypeError);
  await assertRejects(cache.put(url, Response.error()), TypeError);
  await assertRejects(cache.put("ftp://a/", fresh("a")), TypeError);
  await assertRejects(cache.put("no url", fresh("a")), TypeError);
  await assertRejects(cache.put(url, "text"), TypeError);
  await assertRejects(cache.put(url), TypeError);
  const used = fresh("a");
  await used.text();
  await assertRejects(cache.put(url, used), TypeError);
  const locked = fresh(new ReadableStream());
  locked.body.getReader();
  await assertRejects(cache.put(url, locked), TypeError);
  await assertRejects(cache.put(url, fresh(new Uint8Array(33 << 20))), RangeError);
  assertEquals(await cache.match(url), undefined);
});

test("what Cache-Control, a cookie or the status forbids is not stored, and its body is used", async () => {
  for (const headers of [{ "cache-control": "no-store" }, { "cache-control": "private" }, { "cache-control": "max-age=0" }, { "set-cookie": "a=b" }]) {
    const url = newUrl(), response = new Response("a", { headers });
    await caches.default.put(url, response);
    assert(response.bodyUsed);
    assertEquals(await caches.default.match(url), undefined);
  }
  const url = newUrl();
  await caches.default.put(url, new Response("a", { headers: { "set-cookie": "a=b", "cache-control": "max-age=9, private=Set-Cookie" } }));
  assertEquals((await caches.default.match(url)).headers.get("set-cookie"), null);
});

test("match and delete heed the method unless told otherwise", async () => {
  const url = await cached("a"), post = () => new Request(url, { method: "POST", body: "x" });
  assertEquals(await caches.default.match(post()), undefined);
  assertEquals(await (await caches.default.match(post(), { ignoreMethod: true })).text(), "a");
  assertEquals(await caches.default.delete(post()), false);
  assertEquals(await caches.default.delete(post(), { ignoreMethod: true }), true);
  assertEquals(await caches.default.delete(url), false);
  assertEquals(await caches.default.match(url), undefined);
});

test("match leaves the request's body alone", async () => {
  const request = new Request(await cached("a"), { method: "POST", body: "x" });
  await caches.default.match(request, { ignoreMethod: true });
  assertEquals(await request.text(), "x");
});

test("the fragment does not count, the query does", async () => {
  const url = await cached("a");
  assertEquals(await (await caches.default.match(`${url}#b`)).text(), "a");
  assertEquals(await (await caches.default.match(new URL(`${url}#c`))).text(), "a");
  assertEquals(await caches.default.match(`${url}?b`), undefined);
});

test("a later put takes the place of an earlier one", async () => {
  const url = await cached("a");
  await caches.default.put(url, fresh(new Uint8Array(100000)));
  await caches.default.put(url, fresh("c"));
  assertEquals(await (await caches.default.match(url)).text(), "c");
});

test("Vary chooses by the request", async () => {
  const url = newUrl(), request = (language) => new Request(url, { headers: { "accept-language": language } });
  for (const language of ["de", "en"]) await caches.default.put(request(language), fresh(language, { vary: "Accept-Language" }));
  assertEquals(await (await caches.default.match(request("de"))).text(), "de");
  assertEquals(await (await caches.default.match(request("en"))).text(), "en");
  assertEquals(await caches.default.match(request("fr")), undefined);
  assertEquals(await caches.default.match(url), undefined);
  assertEquals(await caches.default.delete(url), true);
  assertEquals(await caches.default.match(request("de")), undefined);
});

test("conditional requests get 304", async () => {
  const url = await cached("a", { etag: '"x"', "last-modified": "Sun, 06 Nov 1994 08:49:37 GMT" });
  const ask = (headers) => caches.default.match(new Request(url, { headers }));
  const same = await ask({ "if-none-match": 'W/"x"' });
  assertEquals([same.status, same.body, same.headers.get("etag")], [304, null, '"x"']);
  assertEquals((await ask({ "if-none-match": '"y"' })).status, 200);
  assertEquals((await ask({ "if-modified-since": "Sun, 06 Nov 1994 08:49:37 GMT" })).status, 304);
  assertEquals((await ask({ "if-modified-since": "Sun, 06 Nov 1994 08:49:36 GMT" })).status, 200);
});

test("a range of a small and of a large body", async () => {
  for (const size of [1000, 100000]) {
    const url = await cached(new Uint8Array(size).map((_, i) => i), { "content-type": "image/png" });
    const ask = (range) => caches.default.match(new Request(url, { headers: { range } }));
    const part = await ask("bytes=10-19");
    assertEquals([part.status, part.headers.get("content-range"), part.headers.get("content-length")], [206, `bytes 10-19/${size}`, "10"]);
    assertEquals([...(await part.bytes())], [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    assertEquals((await (await ask("bytes=-5")).bytes()).length, 5);
    const wrong = await ask(`bytes=${size}-`);
    assertEquals([wrong.status, wrong.headers.get("content-range"), await wrong.text()], [416, `bytes */${size}`, ""]);
  }
});

test("caches that were opened are apart", async () => {
  const url = newUrl();
  const one = await caches.open("one"), two = await caches.open("two");
  await one.put(url, fresh("1"));
  assertEquals(await two.match(url), undefined);
  assertEquals(await caches.default.match(url), undefined);
  assertEquals(await (await (await caches.open("one")).match(url)).text(), "1");
  assertEquals(await caches.open("default").then((cache) => cache.match(url)), undefined);
});

test("what Workers does not have says so", async () => {
  const { default: cache } = caches;
  for (const call of [() => cache.add("https://a/"), () => cache.addAll([]), () => cache.keys(), () => cache.matchAll(), () => caches.match("https://a/"), () => caches.has("a"), () => caches.delete("a"), () => caches.keys()])
    await assertRejects(call(), "NotSupportedError");
});

test("the classes are WebIDL's", async () => {
  assertThrows(() => new Cache(), TypeError);
  assertThrows(() => new CacheStorage(), TypeError);
  assertEquals(Object.prototype.toString.call(caches), "[object CacheStorage]");
  assertEquals(Object.prototype.toString.call(caches.default), "[object Cache]");
  assert(caches.default === caches.default);
  await assertRejects(Cache.prototype.match.call({}, "https://a/"), TypeError);
  await assertRejects(CacheStorage.prototype.open.call({}, "a"), TypeError);
  assertEquals([Cache.prototype.match.length, Cache.prototype.put.length, Cache.prototype.delete.length], [1, 2, 1]);
  await assertRejects(caches.default.match("https://a/", 5), TypeError);
});

test("many at once", async () => {
  const url = newUrl();
  await Promise.all(Array.from({ length: 200 }, (_, i) => caches.default.put(`${url}?${i}`, fresh(`${i}`))));
  const texts = await Promise.all(Array.from({ length: 200 }, async (_, i) => (await caches.default.match(`${url}?${i}`)).text()));
  assertEquals(texts, Array.from({ length: 200 }, (_, i) => `${i}`));
});
