// Outbound fetch with the real binary: a worker that fetches from upstream servers of ours, over
// HTTP, HTTPS and HTTP/2, with certificates of a CA made for the run.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test as testOf } from "node:test";
import zlib from "node:zlib";
import { dev, project, sleep, until } from "./atoll.mjs";

// `/call` does one fetch as the JSON it is given says, and tells all about the answer.
const WORKER = `
async function describe(response, how = "text") {
  const { status, statusText, ok, url, redirected, type } = response;
  const hasBody = response.body !== null;
  const about = { status, statusText, ok, url, redirected, type, hasBody,
    headers: [...response.headers], cookies: response.headers.getSetCookie() };
  if (how === "text") about.text = await response.text();
  return about;
}
const failure = (error) => ({ name: error?.name, message: error?.message ?? String(error),
  cause: error?.cause?.message, isTypeError: error instanceof TypeError });

const parts = (list) => {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      const part = list.shift();
      if (part === undefined) controller.close();
      else if (part === "!") controller.error(new Error("the producer broke"));
      else controller.enqueue(encoder.encode(part));
    },
  });
};

const routes = {
  async "/call"(request) {
    const { url, init = {}, stream, how } = await request.json();
    if (stream) Object.assign(init, { body: parts(stream), duplex: "half" });
    return describe(await fetch(url, init), how);
  },
  async "/parallel"(request) {
    const { url, count } = await request.json();
    const all = await Promise.all(Array.from({ length: count }, async (_, i) => (await fetch(url + i)).text()));
    return { texts: all };
  },
  async "/sequence"(request) {
    const { url, count, init } = await request.json();
    for (let i = 0; i < count; i++) await (await fetch(url, init)).text();
    return { count };
  },
  async "/abort"(request) {
    const { url, when, reason } = await request.json();
    const controller = new AbortController();
    const abort = () => controller.abort(reason);
    const why = (error) => (reason === undefined ? failure(error) : { same: error === reason });
    if (when === "before") abort();
    if (when === "waiting") setTimeout(abort, 100);
    let response;
    try {
      response = await fetch(url, { signal: controller.signal });
    } catch (error) {
      return { at: "head", ...why(error) };
    }
    const reader = response.body.getReader();
    let bytes = (await reader.read()).value.length;
    setTimeout(abort, 50);
    try {
      for (let part; !(part = await reader.read()).done; ) bytes += part.value.length;
      return { at: "end", bytes };
    } catch (error) {
      return { at: "body", bytes: bytes > 0, ...why(error) };
    }
  },
  async "/text"(request) {
    const text = await request.text();
    return { length: text.length, first: text.slice(0, 3), last: text.slice(-3) };
  },
  async "/headers"(request) {
    return Object.fromEntries(request.headers);
  },
  async "/unread"(request) {
    const { url, count } = await request.json();
    const statuses = [];
    for (let i = 0; i < count; i++) {
      const response = await fetch(url);
      statuses.push(response.status);
      await response.body.cancel();
    }
    return { statuses };
  },
};

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const to = searchParams.get("to");
    if (pathname === "/proxy") return fetch(to, request);
    if (pathname === "/copy") {
      const response = await fetch(to, request);
      return new Response(response.body, response);
    }
    try {
      return Response.json(await routes[pathname](request));
    } catch (error) {
      return Response.json({ error: failure(error) });
    }
  },
};
`;

const MEGABYTE = 1024 * 1024;
const BLOCK = Buffer.alloc(64 * 1024, "atoll ");

// ---- the upstreams ----

const seen = { connections: 0, sent: 0, received: 0, closed: 0, hold: false };

function sendBlocks(response, bytes) {
  let left = bytes;
  const more = () => {
    while (left > 0) {
      left -= BLOCK.length;
      seen.sent += BLOCK.length;
      if (!response.write(BLOCK)) return response.once("drain", more);
    }
    response.end();
  };
  more();
}

// What has come of the body; a request that is aborted ends early.
async function bodyOf(request) {
  const pieces = [];
  try {
    for await (const piece of request) pieces.push(piece);
  } catch {}
  return Buffer.concat(pieces);
}

const plain = { "content-type": "text/plain" };
const upstream = {
  async "/echo"(request, response) {
    const body = await bodyOf(request);
    response.writeHead(200, { "content-type": "application/json" });
    const { method, url, httpVersion, rawHeaders } = request;
    response.end(JSON.stringify({ method, url, httpVersion, rawHeaders, headers: request.headers, body: body.toString() }));
  },
  "/hello": (_, response) => response.writeHead(200, plain).end("hello"),
  "/number": (request, response) => response.writeHead(200, plain).end(request.url.split("?")[1]),
  "/nothing": (_, response) => response.writeHead(204).end(),
  "/unchanged": (_, response) => response.writeHead(304, { etag: '"x"' }).end(),
  "/teapot": (_, response) => response.writeHead(418).end("short and stout"),
  "/cookies": (_, response) => response.writeHead(200, { "set-cookie": ["a=1; Path=/", "b=2, c"], "x-many": ["1", "2"] }).end(),
  "/latin1"(_, response) {
    response.socket.end("HTTP/1.1 200 Très bien\r\nX-Name: caf\xe9\r\nContent-Length: 0\r\n\r\n", "latin1");
  },
  "/gzip": (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(zlib.gzipSync("compressed")),
  "/br": (_, response) => response.writeHead(200, { "content-encoding": "br" }).end(zlib.brotliCompressSync("compressed")),
  "/deflate": (_, response) => response.writeHead(200, { "content-encoding": "deflate" }).end(zlib.deflateSync("compressed")),
  "/odd": (_, response) => response.writeHead(200, { "content-encoding": "gzip, odd" }).end("not decoded"),
  "/to"(request, response) {
    const query = new URLSearchParams(request.url.split("?")[1]);
    response.writeHead(Number(query.get("status")), query.has("location") ? { location: query.get("location") } : {});
    response.end("a redirect");
  },
  "/loop": (_, response) => response.writeHead(302, { location: "/loop" }).end(),
  "/large"(request, response) {
    response.writeHead(200);
    response.on("close", () => seen.closed++);
    sendBlocks(response, Number(request.url.split("?")[1]) * MEGABYTE);
  },
  async "/count"(request, response) {
    for await (const piece of request) {
      seen.received += piece.length;
      while (seen.hold) await sleep(20);
    }
    response.end(String(seen.received));
  },
  async "/slow"(_, response) {
    await sleep(1500);
    response.writeHead(200, plain);
    for (const part of ["one ", "two ", "three"]) {
      response.write(part);
      await sleep(300);
    }
    response.end();
  },
  "/trickle"(_, response) {
    const timer = setInterval(() => response.write("a little "), 10);
    response.on("close", () => {
      clearInterval(timer);
      seen.closed++;
    });
  },
  "/never": (_, response) => response.on("close", () => seen.closed++),
  "/reset"(_, response) {
    response.writeHead(200, { "content-length": 100 });
    response.write("a part");
    setTimeout(() => response.socket.destroy(), 50);
  },
  "/hangup": (_, response) => response.socket.destroy(),
  "/garbage": (_, response) => response.socket.end("220 mail.example ready\r\n"),
};

const onRequest = (request, response) => upstream[request.url.split("?")[0]](request, response);
const listen = (server) =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

const dir = mkdtempSync(join(tmpdir(), "atoll-fetch-"));
const openssl = (...args) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });

// A CA in ca.pem, and a certificate of it for localhost and 127.0.0.1.
function makeCertificates() {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  for (const name of ["ca", "other"])
    openssl("req", "-x509", ...key, "-keyout", `${name}.key`, "-out", `${name}.pem`, "-days", "2", "-subj", `/CN=${name} of a test`);
  writeFileSync(join(dir, "names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  openssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost");
  openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
    "-out", "server.pem", "-days", "2", "-extfile", "names");
  const read = (name) => readFileSync(join(dir, name));
  return {
    trusted: { key: read("server.key"), cert: read("server.pem") },
    untrusted: { key: read("other.key"), cert: read("other.pem") },
  };
}

const test = (name, run) => testOf(name, { timeout: 30_000 }, run);

const at = {};
const servers = [];
const suite = { after: (callback) => suite.ended.push(callback), ended: [] };
let worker;

before(async () => {
  const { trusted, untrusted } = makeCertificates();
  const add = async (name, scheme, server) => {
    servers.push(server);
    server.on("connection", () => seen.connections++);
    at[name] = `${scheme}://127.0.0.1:${await listen(server)}`;
  };
  await add("http", "http", http.createServer(onRequest));
  await add("other", "http", http.createServer(onRequest));
  await add("https", "https", https.createServer(trusted, onRequest));
  await add("h2", "https", http2.createSecureServer({ ...trusted, allowHTTP1: false }, onRequest));
  await add("untrusted", "https", https.createServer(untrusted, onRequest));
  const path = join(project(suite, { "worker.js": WORKER }), "worker.js");
  worker = await dev(suite, path, { args: ["--quiet"], env: { ATOLL_CA_FILE: join(dir, "ca.pem") } });
});

after(async () => {
  for (const end of suite.ended.reverse()) await end();
  for (const server of servers) {
    server.closeAllConnections?.();
    server.close();
  }
  rmSync(dir, { recursive: true });
});

const ask = async (path, message) =>
  (await fetch(`${worker.url}${path}`, { method: "POST", body: JSON.stringify(message) })).json();
const call = (url, init, more) => ask("/call", { url, init, ...more });

async function failureOf(url, init, more) {
  const { error } = await call(url, init, more);
  assert.ok(error, `${url} did not fail`);
  assert.equal(error.isTypeError, true, `${error.name}: ${error.message}`);
  return error.message;
}

// ---- answers ----

test("an answer over HTTP, HTTPS and HTTP/2", async () => {
  for (const name of ["http", "https", "h2"]) {
    const answer = await call(`${at[name]}/hello#part`);
    assert.equal(answer.status, 200, name + JSON.stringify(answer));
    assert.equal(answer.text, "hello");
    assert.equal(answer.url, `${at[name]}/hello`);
    assert.equal(answer.redirected, false);
    assert.equal(answer.type, "basic");
    assert.ok(answer.headers.some(([key, value]) => key === "content-type" && value === "text/plain"));
  }
  const echo = async (name) => JSON.parse((await call(`${at[name]}/echo`)).text).httpVersion;
  assert.equal(await echo("http"), "1.1");
  assert.equal(await echo("https"), "1.1");
  assert.equal(await echo("h2"), "2.0");
});

test("answers without a body, and with an error's status", async () => {
  for (const [path, init, status, hasBody, text] of [
    ["/nothing", {}, 204, false, ""],
    ["/unchanged", {}, 304, false, ""],
    ["/hello", { method: "HEAD" }, 200, false, ""],
    ["/teapot", {}, 418, true, "short and stout"],
  ]) {
    const answer = await call(at.http + path, init);
    assert.deepEqual([answer.status, answer.hasBody, answer.text], [status, hasBody, text], path);
  }
});

test("header values are bytes, and cookies stay apart", async () => {
  const latin1 = await call(`${at.http}/latin1`);
  assert.equal(latin1.statusText, "Tr\u00e8s bien");
  assert.ok(latin1.headers.some(([name, value]) => name === "x-name" && value === "caf\u00e9"));
  const cookies = await call(`${at.http}/cookies`);
  assert.deepEqual(cookies.cookies, ["a=1; Path=/", "b=2, c"]);
  assert.ok(cookies.headers.some(([name, value]) => name === "x-many" && value === "1, 2"));
});

test("compressed bodies arrive decoded", async () => {
  for (const path of ["/gzip", "/br", "/deflate"]) {
    const answer = await call(at.http + path);
    assert.equal(answer.text, "compressed", path);
    const through = await fetch(`${worker.url}/proxy?to=${at.http}${path}`);
    assert.equal(await through.text(), "compressed", `${path} through the worker`);
  }
});

// ---- requests ----

test("a coding that nobody knows is passed on", async () => {
  const answer = await call(`${at.http}/odd`);
  assert.equal(answer.text, "not decoded");
  assert.ok(answer.headers.some(([name, value]) => name === "content-encoding" && value === "gzip, odd"));
  assert.equal((await call(`${at.http}/gzip`)).text, "compressed", "and the next one is decoded again");
});

test("method, headers and body arrive as they were given", async () => {
  for (const name of ["http", "h2"]) {
    const answer = await call(`${at[name]}/echo?q=1`, {
      method: "POST",
      headers: { "X-Name": "caf\u00e9", "content-length": "1", connection: "x-name", host: "evil.example" },
      body: "h\u00e9llo",
    });
    const echo = JSON.parse(answer.text);
    assert.equal(echo.method, "POST");
    assert.equal(echo.url, "/echo?q=1");
    assert.equal(echo.body, "h\u00e9llo");
    assert.equal(echo.headers["x-name"], "caf\u00e9");
    assert.equal(echo.headers["content-type"], "text/plain;charset=UTF-8");
    assert.equal(echo.headers["content-length"], "6");
    assert.notEqual(echo.headers.connection, "x-name");
    assert.doesNotMatch(JSON.stringify(echo.headers), /evil/);
  }
});

test("a POST without a body says so, a GET does not", async () => {
  const post = JSON.parse((await call(`${at.http}/echo`, { method: "POST" })).text);
  assert.equal(post.headers["content-length"], "0");
  assert.equal(post.headers["content-type"], undefined);
  const get = JSON.parse((await call(`${at.http}/echo`)).text);
  assert.equal(get.headers["content-length"], undefined);
  assert.equal(get.headers.accept, "*/*");
});

test("a stream is sent as it comes", async () => {
  for (const name of ["http", "https", "h2"]) {
    const answer = await call(`${at[name]}/echo`, { method: "POST" }, { stream: ["one ", "two ", "", "three"] });
    const echo = JSON.parse(answer.text);
    assert.equal(echo.body, "one two three", name);
    if (name === "http") assert.equal(echo.headers["transfer-encoding"], "chunked");
  }
});

test("a stream that breaks fails the request", async () => {
  const { error } = await call(`${at.http}/echo`, { method: "POST" }, { stream: ["one ", "!"] });
  assert.equal(error.isTypeError, true);
  assert.match(error.message, /request's body could not be read/);
  assert.equal(error.cause, "the producer broke");
});

test("a request can be passed on", async () => {
  const response = await fetch(`${worker.url}/proxy?to=${at.https}/echo`, {
    method: "PUT",
    headers: { "x-mine": "yes", authorization: "Bearer x" },
    body: "passed on",
  });
  const echo = await response.json();
  assert.equal(echo.method, "PUT");
  assert.equal(echo.body, "passed on");
  assert.equal(echo.headers["x-mine"], "yes");
  assert.equal(echo.headers.authorization, "Bearer x");
  assert.equal(echo.headers.host, new URL(at.https).host);
});

// ---- redirects ----

const to = (name, status, location) =>
  `${at[name]}/to?status=${status}${location === undefined ? "" : `&location=${encodeURIComponent(location)}`}`;

test("an answer that is passed on is decoded, and without what was of the upstream's connection", async () => {
  for (const how of ["proxy", "copy"]) {
    const passed = await fetch(`${worker.url}/${how}?to=${at.http}/gzip`);
    assert.equal(await passed.text(), "compressed");
    assert.equal(passed.headers.get("content-encoding"), null);
    const counted = await fetch(`${worker.url}/${how}?to=${at.http}/hello`, { headers: { connection: "close" } });
    assert.equal(counted.headers.get("connection"), "close");
    assert.equal(counted.headers.get("transfer-encoding") ?? "", counted.headers.has("content-length") ? "" : "chunked");
    assert.equal(await counted.text(), "hello");
    assert.equal((await fetch(`${worker.url}/${how}?to=${at.http}/nothing`)).status, 204);
    const head = await fetch(`${worker.url}/${how}?to=${at.http}/hello`, { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    const cookies = await fetch(`${worker.url}/${how}?to=${at.http}/cookies`);
    assert.deepEqual(cookies.headers.getSetCookie(), ["a=1; Path=/", "b=2, c"]);
  }
});

test("a large body of a request is one text", async () => {
  const text = `\ufeffa\u00e9\u{1f600}${"b".repeat(3 * MEGABYTE)}\u20acyz`;
  const wanted = { length: text.length - 1, first: text.slice(1, 4), last: "\u20acyz" };
  const pieces = async function* () {
    const bytes = Buffer.from(text);
    for (let from = 0; from < bytes.length; from += 100_001) yield bytes.subarray(from, from + 100_001);
  };
  const whole = await fetch(`${worker.url}/text`, { method: "POST", body: text });
  assert.deepEqual(await whole.json(), wanted);
  const chunked = await fetch(`${worker.url}/text`, { method: "POST", body: pieces(), duplex: "half" });
  assert.deepEqual(await chunked.json(), wanted);
});

test("Cookie fields that come apart are one", async () => {
  const { port } = new URL(worker.url);
  const answer = await new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () =>
      socket.write("GET /headers HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\nX-A: 1\r\nCookie: b=2\r\nX-A: 2\r\nConnection: close\r\n\r\n"));
    let text = "";
    socket.on("data", (more) => { text += more; }).on("end", () => resolve(text)).on("error", reject);
  });
  const headers = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4));
  assert.deepEqual([headers.cookie, headers["x-a"]], ["a=1; b=2", "1, 2"]);
});

test("redirects rewrite the method as the standard says", async () => {
  for (const [status, method, becomes, body] of [
    [301, "GET", "GET", ""],
    [301, "POST", "GET", ""],
    [301, "PUT", "PUT", "data"],
    [302, "POST", "GET", ""],
    [302, "DELETE", "DELETE", ""],
    [303, "POST", "GET", ""],
    [303, "PUT", "GET", ""],
    [307, "POST", "POST", "data"],
    [308, "PATCH", "PATCH", "data"],
  ]) {
    const sends = method !== "GET" && method !== "DELETE";
    const init = { method, ...(sends && { body: "data" }) };
    const answer = await call(to("http", status, "/echo"), init);
    const echo = JSON.parse(answer.text);
    assert.deepEqual([echo.method, echo.body], [becomes, body], `${status} ${method}`);
    assert.equal(echo.headers["content-type"], body ? "text/plain;charset=UTF-8" : undefined, `${status} ${method}`);
    assert.deepEqual([answer.redirected, answer.url], [true, `${at.http}/echo`]);
  }
});

test("a HEAD stays a HEAD", async () => {
  const answer = await call(to("http", 303, "/hello"), { method: "HEAD" });
  assert.deepEqual([answer.status, answer.url, answer.text], [200, `${at.http}/hello`, ""]);
});

test("credentials stay with their origin", async () => {
  const init = { headers: { authorization: "secret", cookie: "a=b", "x-other": "c" } };
  const same = JSON.parse((await call(to("http", 302, "/echo"), init)).text);
  assert.deepEqual([same.headers.authorization, same.headers.cookie], ["secret", "a=b"]);
  const cross = JSON.parse((await call(to("http", 302, `${at.other}/echo`), init)).text);
  assert.deepEqual([cross.headers.authorization, cross.headers.cookie, cross.headers["x-other"]], [undefined, undefined, "c"]);
});

test("a redirect that an incoming request runs into is its client's", async () => {
  for (const how of ["proxy", "copy"]) {
    const answer = await fetch(`${worker.url}/${how}?to=${encodeURIComponent(to("http", 302, "/echo"))}`, { redirect: "manual" });
    assert.deepEqual([answer.status, await answer.text()], [302, "a redirect"]);
  }
});

test("redirect: manual gives the redirect itself, error fails", async () => {
  const manual = await call(to("http", 302, "/echo"), { redirect: "manual" });
  assert.deepEqual([manual.status, manual.redirected, manual.text], [302, false, "a redirect"]);
  assert.ok(manual.headers.some(([name, value]) => name === "location" && value === "/echo"));
  assert.match(await failureOf(to("http", 302, "/echo"), { redirect: "error" }), /redirect is "error"/);
});

test("redirects that cannot be followed", async () => {
  const without = await call(to("http", 302));
  assert.deepEqual([without.status, without.text], [302, "a redirect"]);
  assert.match(await failureOf(`${at.http}/loop`), /more than 20 redirects/);
  assert.match(await failureOf(to("http", 302, "file:///etc/passwd")), /cannot be fetched/);
  assert.match(await failureOf(to("http", 302, "http://[")), /invalid URL/);
  assert.match(await failureOf(to("http", 307, "/echo"), { method: "POST" }, { stream: ["x"] }), /cannot be sent again/);
  const seeOther = await call(to("http", 303, "/echo"), { method: "POST" }, { stream: ["x"] });
  assert.equal(JSON.parse(seeOther.text).method, "GET");
});

// ---- failures ----

test("failures are TypeErrors that say what happened", async () => {
  const closed = await listen(net.createServer().unref());
  for (const [url, message] of [
    ["http://127.0.0.1:1/", /^fetch failed: connect ECONNREFUSED 127\.0\.0\.1:1$/],
    ["http://nowhere.invalid/", /^fetch failed: getaddrinfo ENOTFOUND nowhere\.invalid/],
    [`${at.untrusted}/hello`, /certificate/],
    [`${at.http}/hangup`, /Empty reply/],
    [`${at.http}/garbage`, /HTTP\/0\.9/],
    [`${at.http}/reset`, /^fetch failed: /],
    [`http://127.0.0.1:${closed}/`.replace("http:", "ftp:"), /scheme ftp:/],
  ])
    assert.match(await failureOf(url), message, url);
});

test("a body that is cut off does not look complete", async () => {
  await assert.rejects(async () => {
    const response = await fetch(`${worker.url}/copy?to=${at.http}/reset`);
    await response.text();
  });
});

// ---- time ----

test("a slow upstream: parts are passed on when they come", async () => {
  const begun = Date.now();
  const response = await fetch(`${worker.url}/proxy?to=${at.http}/slow`);
  const times = [];
  for await (const _ of response.body) times.push(Date.now() - begun);
  assert.ok(times.length >= 3, `${times.length} parts`);
  assert.ok(times[0] >= 1400 && times[0] < times.at(-1) - 400, `parts came at ${times} ms`);
});

test("a slow upstream does not hold up other requests", async () => {
  const slow = call(`${at.http}/slow`);
  const begun = Date.now();
  for (let i = 0; i < 5; i++) assert.equal((await call(`${at.http}/hello`)).text, "hello");
  assert.ok(Date.now() - begun < 1000);
  assert.equal((await slow).text, "one two three");
});

test("abort before, while waiting for the head, and in the body", async () => {
  const large = `${at.http}/large?100`;
  assert.deepEqual((await ask("/abort", { url: large, when: "before" })).name, "AbortError");
  for (const name of ["http", "h2"]) {
    seen.closed = 0;
    const waiting = await ask("/abort", { url: `${at[name]}/never`, when: "waiting" });
    assert.deepEqual([waiting.at, waiting.name], ["head", "AbortError"]);
    // Node's HTTP/2 server does not always notice a reset while it has much to send.
    const path = name === "h2" ? "/trickle" : "/large?1000";
    const body = await ask("/abort", { url: at[name] + path, when: "body" });
    assert.deepEqual([body.at, body.bytes, body.name], ["body", true, "AbortError"]);
    await until(() => seen.closed === 2, `the upstream to notice over ${name}`);
  }
  assert.deepEqual(await ask("/abort", { url: large, when: "body", reason: "mine" }), { at: "body", bytes: true, same: true });
});

test("when the client goes away, so does the upstream's request", async () => {
  seen.closed = 0;
  const controller = new AbortController();
  const going = fetch(`${worker.url}/proxy?to=${at.http}/large?1000`, { signal: controller.signal });
  const reader = (await going).body.getReader();
  await reader.read();
  controller.abort();
  await until(() => seen.closed === 1, "the upstream to notice");
});

// ---- many, and much ----

test("many at the same time", async () => {
  const { texts } = await ask("/parallel", { url: `${at.http}/number?`, count: 100 });
  assert.deepEqual(texts, Array.from({ length: 100 }, (_, i) => String(i)));
  const secure = await ask("/parallel", { url: `${at.h2}/number?`, count: 20 });
  assert.equal(secure.texts.length, 20);
  const calls = Array.from({ length: 100 }, (_, i) => call(`${at.http}/number?${i}`));
  assert.deepEqual((await Promise.all(calls)).map(({ text }) => text), texts);
});

test("connections are used again", async () => {
  for (const name of ["http", "https", "h2"]) {
    await ask("/sequence", { url: `${at[name]}/hello`, count: 2 });
    seen.connections = 0;
    await ask("/sequence", { url: `${at[name]}/hello`, count: 25 });
    await ask("/sequence", { url: `${at[name]}/echo`, count: 25, init: { method: "POST", body: "x" } });
    assert.ok(seen.connections <= 1, `${name}: ${seen.connections} new connections for 50 requests`);
  }
});

test("more requests over HTTP/2 than a server lets one connection reset", async () => {
  seen.connections = 0;
  for (let i = 0; i < 2; i++)
    assert.deepEqual(await ask("/sequence", { url: `${at.h2}/hello`, count: 800 }), { count: 800 });
  assert.ok(seen.connections <= 4, `${seen.connections} connections`);
});

test("bodies that nobody reads can be cancelled", async () => {
  const { statuses } = await ask("/unread", { url: `${at.http}/large?1000`, count: 30 });
  assert.deepEqual(new Set(statuses), new Set([200]));
});

// Resident memory of a process and its children, in MiB.
function memoryOf(pid) {
  let pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
  for (const task of readdirSync(`/proc/${pid}/task`))
    for (const child of readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean))
      pages += memoryOf(child) * 256;
  return pages / 256;
}

// The most that was resident while `work` went on, above what was before.
async function growthDuring(work) {
  const before = memoryOf(worker.child.pid);
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, memoryOf(worker.child.pid))), 20);
  await work().finally(() => clearInterval(timer));
  return most - before;
}

async function* blocks(megabytes) {
  for (let i = 0; i < megabytes * 16; i++) yield BLOCK;
}

for (const name of ["http", "h2"])
  for (const way of ["/proxy", "/copy"]) {
    test(`100 MiB down over ${name} by ${way} in little memory`, async () => {
      let bytes = 0;
      const growth = await growthDuring(async () => {
        const response = await fetch(`${worker.url}${way}?to=${at[name]}/large?100`);
        for await (const piece of response.body) bytes += piece.length;
      });
      assert.equal(bytes, 100 * MEGABYTE);
      assert.ok(growth < 40, `${growth} MiB`);
    });
  }

for (const name of ["http", "h2"])
  test(`100 MiB up over ${name} in little memory`, async () => {
    seen.received = 0;
    let text;
    const growth = await growthDuring(async () => {
      const response = await fetch(`${worker.url}/proxy?to=${at[name]}/count`, { method: "POST", body: blocks(100), duplex: "half" });
      text = await response.text();
    });
    assert.equal(text, String(100 * MEGABYTE));
    assert.ok(growth < 40, `${growth} MiB`);
  });

test("a client that does not read holds the upstream back", async () => {
  seen.sent = 0;
  const response = await fetch(`${worker.url}/proxy?to=${at.http}/large?200`);
  const reader = response.body.getReader();
  await reader.read();
  await sleep(700);
  const held = seen.sent;
  await sleep(300);
  assert.equal(seen.sent, held, "the upstream could go on");
  assert.ok(held < 100 * MEGABYTE, `${held} bytes were sent`);
  let part;
  while (!(part = await reader.read()).done) assert.ok(part.value.length > 0);
  assert.equal(seen.sent, 200 * MEGABYTE);
});

test("an upstream that does not read holds the client back", async () => {
  seen.received = 0;
  seen.hold = true;
  let given = 0;
  async function* counted() {
    for await (const block of blocks(90)) {
      given += block.length;
      yield block;
    }
  }
  const going = fetch(`${worker.url}/proxy?to=${at.http}/count`, { method: "POST", body: counted(), duplex: "half" });
  await sleep(1000);
  const held = given;
  await sleep(300);
  assert.equal(given, held, "the client could go on");
  assert.ok(held < 60 * MEGABYTE, `${held} bytes were taken`);
  seen.hold = false;
  assert.equal(await (await going).text(), String(90 * MEGABYTE));
});
