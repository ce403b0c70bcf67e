// Request, Response, Headers, FormData, Blob and streams, as a request sees them.
import { is, ok, rejects, same, throws } from "./assert.js";

const bytes = (...values) => new Uint8Array(values);

export const checks = {
  async "request: what it is"(request) {
    is(request.method, "POST", "method");
    is(new URL(request.url).pathname, "/check", "path");
    is(request.headers.get("X-Check"), "yes", "header");
    is(request.headers.get("nope"), null);
    is(request.redirect, "manual");
    is(request.bodyUsed, false);
    ok(request.signal instanceof AbortSignal && !request.signal.aborted, "signal");
    ok(request instanceof Request);
    throws(() => request.headers.set("a", "b"), "TypeError", "headers are immutable");
    is(await request.text(), "body of the check");
    is(request.bodyUsed, true);
    await rejects(request.text(), "TypeError", "a second read");
  },
  async "request: clone and tee"(request) {
    const copy = request.clone();
    const [a, b] = request.body.tee();
    is(await new Response(a).text(), "body of the check", "first branch");
    is(await new Response(b).text(), "body of the check", "second branch");
    is(await copy.text(), "body of the check", "clone");
    is(request.bodyUsed, true);
    throws(() => request.clone(), "TypeError");
  },
  async "request: constructed from another"(request) {
    const other = new Request("https://example.com/a?b#c", request);
    is(other.url, "https://example.com/a?b#c");
    is(other.method, "POST");
    is(other.headers.get("x-check"), "yes");
    other.headers.set("x-check", "no");
    is(await other.text(), "body of the check");
    is(request.bodyUsed, true);
    const changed = new Request(other.url, { method: "patch", body: "x", headers: [["a", "1"], ["a", "2"]] });
    is(changed.method, "patch");
    is(changed.headers.get("a"), "1, 2");
    is(changed.headers.get("content-type"), "text/plain;charset=UTF-8");
    throws(() => new Request("/relative"), "TypeError");
    throws(() => new Request("https://a.b/", { body: "x" }), "TypeError", "GET with a body");
    throws(() => new Request("https://a.b/", { method: "CONNECT" }), "TypeError");
    throws(() => new Request("https://user:pass@a.b/"), "TypeError");
  },
  async "response: kinds of body"() {
    const kinds = [
      ["text", "text/plain;charset=UTF-8", "text"],
      [new URLSearchParams({ a: "b c" }), "application/x-www-form-urlencoded;charset=UTF-8", "a=b+c"],
      [new Blob(["blob"], { type: "x/y" }), "x/y", "blob"],
      [bytes(65, 66), null, "AB"],
      [bytes(64, 65, 66).subarray(1).buffer.slice(1), null, "AB"],
      [new DataView(bytes(64, 65, 66, 67).buffer, 1, 2), null, "AB"],
      [new Uint16Array(bytes(65, 66, 67, 68).buffer, 2), null, "CD"],
      [new Blob(["stream"]).stream(), null, "stream"],
      [7, "text/plain;charset=UTF-8", "7"],
      [null, null, ""],
      [undefined, null, ""],
    ];
    for (const [body, type, text] of kinds) {
      const response = new Response(body);
      is(response.headers.get("content-type"), type, text);
      is(await response.text(), text);
    }
    is(new Response("x", { headers: { "content-type": "a/b" } }).headers.get("content-type"), "a/b");
  },
  async "response: readers"() {
    same(await Response.json({ a: [1] }).json(), { a: [1] });
    is(Response.json(null).headers.get("content-type"), "application/json");
    is((await new Response("é").arrayBuffer()).byteLength, 2);
    is((await new Response("é").bytes()).length, 2);
    const blob = await new Response("x", { headers: { "content-type": "a/b" } }).blob();
    is(blob.type, "a/b");
    is(await new Response("\ufeffx").text(), "x", "the byte order mark");
    is(await new Response(bytes(0xff)).text(), "\ufffd");
    await rejects(new Response("{").json(), "SyntaxError");
    await rejects(new Response("x").formData(), "TypeError");
  },
  "response: status and statics"() {
    is(new Response().status, 200);
    is(new Response(null, { status: 204 }).ok, true);
    is(new Response(null, { status: 404, statusText: "No" }).statusText, "No");
    throws(() => new Response("x", { status: 204 }), "TypeError");
    throws(() => new Response("x", { status: 99 }), "RangeError");
    throws(() => new Response("x", { status: 101 }), "RangeError");
    const redirect = Response.redirect("https://a.b/c", 307);
    is(redirect.status, 307);
    is(redirect.headers.get("location"), "https://a.b/c");
    throws(() => Response.redirect("https://a.b/", 200), "RangeError");
    is(Response.error().type, "error");
    throws(() => Response.json(undefined), "TypeError");
  },
  async "response: clone"() {
    const response = new Response("cloned", { status: 201, headers: { a: "1" } });
    const copy = response.clone();
    copy.headers.set("a", "2");
    is(response.headers.get("a"), "1");
    is(copy.status, 201);
    is((await response.text()) + (await copy.text()), "clonedcloned");
    throws(() => response.clone(), "TypeError");
  },
  "headers"() {
    const headers = new Headers([["B", "1"], ["a", " 2 "], ["b", "3"], ["Set-Cookie", "x=1"], ["set-cookie", "y=2"]]);
    same([...headers], [["a", "2"], ["b", "1, 3"], ["set-cookie", "x=1"], ["set-cookie", "y=2"]]);
    same(headers.getSetCookie(), ["x=1", "y=2"]);
    headers.delete("B");
    is(headers.has("b"), false);
    same([...headers.keys()], ["a", "set-cookie", "set-cookie"]);
    throws(() => headers.set("a b", "c"), "TypeError");
    throws(() => headers.set("a", "b\nc"), "TypeError");
    throws(() => headers.set("a", "\u0100"), "TypeError");
    is(String(headers), "[object Headers]");
  },
  async "form data: built, sent and parsed"() {
    const form = new FormData();
    form.append("text", "line\nend \"quoted\" é");
    form.append("file", new File(["content"], "n\"ame.txt", { type: "text/x" }));
    form.append("file", new Blob(["second"]), "second.bin");
    const response = new Response(form);
    ok(/^multipart\/form-data; ?boundary=/.test(response.headers.get("content-type")), "type");
    const parsed = await response.formData();
    is(parsed.get("text"), "line\r\nend \"quoted\" é");
    const [first, second] = parsed.getAll("file");
    is(first.name, 'n"ame.txt');
    is(first.type, "text/x");
    is(await first.text(), "content");
    is(second.name, "second.bin");
    same([...parsed.keys()], ["text", "file", "file"]);
    const fields = await new Response(new URLSearchParams("a=1&a=2&b=%C3%A9+x")).formData();
    same([...fields], [["a", "1"], ["a", "2"], ["b", "é x"]]);
  },
  async "blob"() {
    const blob = new Blob(["ab", bytes(99, 100), new Blob(["ef"])], { type: "Text/Plain" });
    is(blob.size, 6);
    is(blob.type, "text/plain");
    is(await blob.slice(1, -1, "x/y").text(), "bcde");
    same([...(await blob.bytes())], [97, 98, 99, 100, 101, 102]);
    let text = "";
    for await (const chunk of blob.stream()) text += new TextDecoder().decode(chunk);
    is(text, "abcdef");
    is(new File([], "f", { lastModified: 5 }).lastModified, 5);
  },
  async "streams: transform, pipe, tee, cancel"() {
    const upper = new TransformStream({
      transform: (chunk, controller) => controller.enqueue(chunk.toUpperCase()),
    });
    const source = new Blob(["stream"]).stream();
    const text = source.pipeThrough(new TextDecoderStream()).pipeThrough(upper).pipeThrough(new TextEncoderStream());
    is(await new Response(text).text(), "STREAM");
    const [a, b] = new Response("tee").body.tee();
    is((await new Response(a).text()) + (await new Response(b).text()), "teetee");
    let reason;
    await new ReadableStream({ cancel: (why) => (reason = why) }).cancel("enough");
    is(reason, "enough");
    const chunks = [];
    await ReadableStream.from(["x", "y"]).pipeTo(new WritableStream({ write: (chunk) => void chunks.push(chunk) }));
    same(chunks, ["x", "y"]);
    const reader = new ReadableStream({ type: "bytes", pull: (c) => c.enqueue(bytes(1, 2, 3)) }).getReader({ mode: "byob" });
    same([...(await reader.read(new Uint8Array(2))).value], [1, 2]);
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const written = writer.write(bytes(1)).then(() => writer.close());
    same([...(await new Response(readable).bytes())], [1]);
    await written;
    await rejects(new Response(new ReadableStream({ pull: () => { throw new RangeError("no"); } })).text(), "RangeError");
  },
};
