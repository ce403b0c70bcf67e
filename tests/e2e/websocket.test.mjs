// WebSockets of the real binary: npm's ws as client and as server, and raw sockets for what no
// library sends.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createSecure } from "node:https";
import { createServer as createTcp } from "node:net";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { after, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { afterwards, dev, project, root, until, write } from "./atoll.mjs";
import { makeCertificates } from "./certificates.mjs";
import { connect } from "./socket.mjs";

const worker = join(root, "tests/e2e/workers/websocket");
const certificates = makeCertificates({ after });
const server = await dev({ after }, worker, { env: { ATOLL_CA_FILE: certificates.caFile } });
const address = (path) => `ws://127.0.0.1:${server.port}${path}`;

/** What happened on the worker's side since the last call, once there is something. */
const log = () =>
  until(async () => {
    const found = await (await server.fetch("/log")).json();
    return found.length > 0 ? found : undefined;
  }, "an entry of the worker's log");

/** The same, until a WebSocket was closed. */
async function logUntilClosed() {
  const entries = [];
  while (!entries.some(({ close }) => close)) entries.push(...(await log()));
  return entries;
}

/** An open client whose messages can be awaited: next() gives a string or an array of bytes. */
async function client(t, path, protocols = [], options = {}) {
  const socket = new WebSocket(address(path), protocols, { perMessageDeflate: false, ...options });
  const messages = [], waiting = [];
  const give = (value) => (waiting.length > 0 ? waiting.shift()(value) : messages.push(value));
  socket.on("message", (data, isBinary) => give(isBinary ? [...data] : data.toString()));
  const closed = once(socket, "close").then(([code, reason]) => [code, reason.toString()]);
  closed.catch(() => {});
  socket.next = () => (messages.length > 0 ? Promise.resolve(messages.shift()) : new Promise((resolve) => waiting.push(resolve)));
  socket.closed = closed;
  socket.on("error", () => {});
  afterwards(t, () => socket.terminate());
  await once(socket, "open");
  return socket;
}

// ---- messages ----

test("messages come back as they were", async (t) => {
  for (const path of ["/echo", "/echo-blob"]) {
    const socket = await client(t, path);
    const texts = ["a", "", "grüße \u{1f600} \0", "x".repeat(125), "x".repeat(126), "x".repeat(65535), "x".repeat(65536), "x".repeat(1 << 20)];
    for (const text of texts) socket.send(text);
    for (const text of texts) assert.equal(await socket.next(), text);
    for (const bytes of [[], [0, 1, 255], Array(70000).fill(7)]) {
      socket.send(Buffer.from(bytes));
      assert.deepEqual(await socket.next(), bytes);
    }
    socket.close();
    await socket.closed;
  }
});

test("a thousand messages keep their order", async (t) => {
  const socket = await client(t, "/echo");
  for (let i = 0; i < 1000; i++) socket.send(`${i}`);
  for (let i = 0; i < 1000; i++) assert.equal(await socket.next(), `${i}`);
});

test("kinds of data", async (t) => {
  const socket = await client(t, "/kinds");
  socket.send("text");
  assert.equal(await socket.next(), "string");
  socket.send(Buffer.from([1]));
  assert.equal(await socket.next(), "ArrayBuffer");
});

test("a message before the 101 was seen, and microtasks between messages", async (t) => {
  const first = await client(t, "/hello");
  assert.equal(await first.next(), "hello");
  const second = await client(t, "/microtasks");
  second.send("a");
  second.send("b");
  assert.equal(await second.next(), "a,after a,b,after b");
});

test("a handler may take its time, and may throw", async (t) => {
  const socket = await client(t, "/later");
  socket.send("x");
  assert.equal(await socket.next(), "later x");
  const thrower = await client(t, "/throws");
  thrower.send("one");
  assert.equal(await thrower.next(), "before");
  thrower.send("two");
  assert.equal(await thrower.next(), "before");
  await server.shows("Error: thrown for two");
});

test("pings are answered, with what they carried", async (t) => {
  const socket = await client(t, "/echo");
  socket.ping("payload");
  const [data] = await once(socket, "pong");
  assert.equal(data.toString(), "payload");
});

test("compressed messages, when the client offers it", async (t) => {
  const socket = await client(t, "/echo", [], { perMessageDeflate: { threshold: 0 } });
  assert.match(socket.extensions, /^permessage-deflate/);
  const texts = ["", "short", "grüße ".repeat(1000), "x".repeat(1 << 20)];
  for (const text of texts) socket.send(text);
  for (const text of texts) assert.equal(await socket.next(), text);
  socket.send(Buffer.alloc(5000, 1));
  assert.deepEqual(await socket.next(), Array(5000).fill(1));
});

test("few bytes that say much are taken one by one", async (t) => {
  const socket = await client(t, "/length", [], { perMessageDeflate: true });
  const big = Buffer.alloc(1 << 20);
  for (let i = 0; i < 100; i++) socket.send(big);
  for (let i = 0; i < 100; i++) assert.equal(await socket.next(), `${1 << 20}`);
  socket.send(Buffer.alloc((1 << 20) + 1));
  assert.deepEqual(await socket.closed, [1009, ""]);
});

// ---- the end ----

test("the client closes", async (t) => {
  await server.fetch("/log");
  for (const [args, seen] of [
    [[], [1005, "", true]],
    [[1000], [1000, "", true]],
    [[4321, "why ü"], [4321, "why ü", true]],
  ]) {
    const socket = await client(t, "/echo");
    socket.close(...args);
    assert.deepEqual(await socket.closed, seen.slice(0, 2));
    assert.deepEqual(await log(), [{ name: "/echo", close: seen }]);
  }
});

test("the worker closes", async (t) => {
  await server.fetch("/log");
  for (const [args, seen] of [
    [[], [1005, ""]],
    [[1000, "done"], [1000, "done"]],
    [[1011, "x".repeat(123)], [1011, "x".repeat(123)]],
    [[1013], [1013, ""]],
  ]) {
    const socket = await client(t, "/close");
    socket.send(JSON.stringify(args));
    assert.deepEqual(await socket.closed, seen);
    assert.deepEqual(await log(), [{ name: "/close", close: [...seen, true] }]);
  }
});

test("a client that vanishes", async (t) => {
  await server.fetch("/log");
  const socket = await client(t, "/echo");
  socket.terminate();
  const [error, close] = await logUntilClosed();
  assert.match(error.error, /connection was lost/);
  assert.deepEqual(close, { name: "/echo", close: [1006, "", false] });
});

test("a client that does not read", async (t) => {
  await server.fetch("/log");
  const raw = await connect(t, server.port);
  raw.socket.pause();
  await raw.send(request("/flood"));
  const entries = await logUntilClosed();
  assert.match(entries.find(({ error }) => error).error, /too much waits for the peer to read it/);
  assert.deepEqual(entries.find(({ close }) => close).close, [1006, "", false]);
});

// ---- the handshake ----

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const request = (path, fields = {}, line = `GET ${path} HTTP/1.1`) =>
  [line, ...Object.entries({
    host: "x", connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": KEY, ...fields,
  }).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n");

/** A masked frame. */
function frame(first, payload = "") {
  const data = Buffer.from(payload, typeof payload === "string" ? "latin1" : undefined);
  const length = data.length < 126 ? [0x80 | data.length] : [0x80 | 126, data.length >> 8, data.length & 255];
  const key = [1, 2, 3, 4];
  return Buffer.concat([Buffer.from([first, ...length, ...key]), data.map((byte, i) => byte ^ key[i % 4])]);
}

/** The opcode and the payload of the next frame; only short ones. */
async function readFrame(raw) {
  const [first, length] = await raw.take(2);
  return { first, payload: await raw.take(length) };
}

test("the answer to a handshake", async (t) => {
  const raw = await connect(t, server.port);
  // Frames that come right behind the request are not lost.
  await raw.send(Buffer.concat([
    Buffer.from(request("/echo?x-mine=1&sec-websocket-accept=wrong&sec-websocket-extensions=permessage-deflate&content-type=a/b")),
    frame(0x81, "early"),
  ]));
  const head = await raw.head();
  assert.equal(head.status, 101);
  assert.equal(head.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  assert.equal(head.headers.upgrade, "websocket");
  assert.match(head.headers.connection, /^upgrade$/i);
  assert.equal(head.headers["x-mine"], "1");
  for (const name of ["sec-websocket-extensions", "content-type", "content-length", "transfer-encoding"]) assert.equal(head.headers[name], undefined);
  const echo = await readFrame(raw);
  assert.equal(echo.first, 0x81);
  assert.equal(echo.payload.toString(), "early");
  await raw.send(frame(0x88));
  assert.equal((await readFrame(raw)).first, 0x88);
  assert.equal((await raw.rest()).length, 0);
});

for (const [what, text, status, version] of [
  ["no upgrade", request("/echo", { upgrade: undefined }), 426, "13"],
  ["no connection", request("/echo", { connection: "keep-alive" }), 426, "13"],
  ["another protocol", request("/echo", { upgrade: "h2c" }), 426, "13"],
  ["an old version", request("/echo", { "sec-websocket-version": "8" }), 426, "13"],
  ["no version", request("/echo", { "sec-websocket-version": undefined }), 426, "13"],
  ["no key", request("/echo", { "sec-websocket-key": undefined }), 400],
  ["a short key", request("/echo", { "sec-websocket-key": "eHg=" }), 400],
  ["POST", request("/echo", { "content-length": "0" }, "POST /echo HTTP/1.1"), 400],
  ["a body", request("/echo", { "content-length": "1" }), 400],
])
  test(`no handshake: ${what}`, async (t) => {
    const raw = await connect(t, server.port);
    await raw.send(text);
    const answer = await raw.answer();
    assert.equal(answer.status, status, answer.text);
    if (version) assert.equal(answer.headers["sec-websocket-version"], version);
    assert.match(answer.text, /WebSocket/);
    raw.close();
  });

test("the worker decides", async (t) => {
  const raw = await connect(t, server.port);
  await raw.send(request("/refuses"));
  assert.deepEqual(((answer) => [answer.status, answer.text])(await raw.answer()), [403, "not today"]);
  await raw.send(request("/bad-101")); // the connection still speaks HTTP
  assert.match((await raw.answer()).text, /status 101 takes a WebSocket/);
  await raw.send(request("/bad-200"));
  assert.match((await raw.answer()).text, /must have status code 101/);
  await raw.send(request("/reused"));
  assert.match((await raw.answer()).text, /after calling its accept/);
  await raw.send(request("/hangs"));
  assert.match((await raw.answer()).text, /code hung/);
});

test("subprotocols and headers", async (t) => {
  const socket = await client(t, "/echo", ["one", "two"]);
  assert.equal(socket.protocol, "two");
});

// ---- what the protocol forbids ----

for (const [what, bytes, code] of [
  ["an unmasked frame", Buffer.from([0x81, 1, 97]), 1002],
  ["a reserved bit", frame(0xc1, "x"), 1002],
  ["an unknown opcode", frame(0x83, "x"), 1002],
  ["a fragmented ping", frame(0x09, "x"), 1002],
  ["text that is not UTF-8", frame(0x81, "\xff"), 1007],
  ["half a character", Buffer.concat([frame(0x01, "\xe1"), frame(0x80, "\xbd")]), 1007],
  ["a Close with a bad code", frame(0x88, "\x03\xed"), 1002],
  ["a frame that says it has 1 TiB", Buffer.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5]), 1009],
])
  test(`refused: ${what}`, async (t) => {
    await server.fetch("/log");
    const raw = await connect(t, server.port);
    await raw.send(request("/echo"));
    assert.equal((await raw.head()).status, 101);
    await raw.send(bytes);
    const { first, payload } = await readFrame(raw);
    assert.equal(first, 0x88);
    assert.equal(payload.readUInt16BE(0), code);
    assert.equal((await raw.rest()).length, 0, "the connection ends");
    assert.deepEqual((await logUntilClosed()).at(-1), { name: "/echo", close: [1006, "", false] });
  });

test("fragments with a ping between them", async (t) => {
  const raw = await connect(t, server.port);
  await raw.send(request("/echo"));
  await raw.head();
  for (const byte of Buffer.concat([frame(0x01, "gr\xc3"), frame(0x89, "p"), frame(0x00, "\xbc"), frame(0x80, "n")])) await raw.send(Buffer.from([byte]));
  const pong = await readFrame(raw);
  assert.equal(pong.first, 0x8a);
  assert.equal(pong.payload.toString(), "p");
  assert.equal((await readFrame(raw)).payload.toString(), "grün");
});

// ---- limits and lives ----

test("each message has a CPU time of its own", async (t) => {
  const socket = await client(t, "/spend");
  for (let i = 0; i < 4; i++) {
    socket.send("120");
    assert.equal(await socket.next(), "spent");
  }
});

test("a message that never ends", async (t) => {
  const socket = await client(t, "/spend");
  socket.send("1e9");
  assert.deepEqual(await socket.closed, [1011, ""]);
  await server.shows("exceeded its CPU time limit");
  const next = await client(t, "/echo");
  next.send("goes on");
  assert.equal(await next.next(), "goes on");
});

const ECHO = (tag) => `export default { async fetch(request) {
  if (request.url.endsWith("/slow")) console.log("${tag} waits"), await scheduler.wait(300);
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.onmessage = ({ data }) => server.send("${tag} " + data);
  server.onclose = ({ code }) => console.log("${tag} closed", code);
  return new Response(null, { status: 101, webSocket: client });
} };`;

test("a new version and the end of the process say so", async (t) => {
  const directory = project(t, { "wrangler.toml": 'name = "reload"\nmain = "index.js"\n', "index.js": ECHO("one") });
  const own = await dev(t, directory);
  const open = async (path = "/") => {
    const socket = new WebSocket(`ws://127.0.0.1:${own.port}${path}`);
    afterwards(t, () => socket.terminate());
    const closed = once(socket, "close");
    await once(socket, "open");
    return { socket, closed };
  };
  const first = await open();
  first.socket.send("x");
  assert.equal((await once(first.socket, "message"))[0].toString(), "one x");
  const late = open("/slow"); // answered by the old version when there is a new one
  await own.shows("one waits");
  write(directory, "index.js", ECHO("two"));
  assert.equal((await first.closed)[0], 1012);
  assert.equal((await (await late).closed)[0], 1012);
  await own.shows("one closed 1012");
  const second = await open();
  second.socket.send("x");
  assert.equal((await once(second.socket, "message"))[0].toString(), "two x");
  const stopped = own.stop();
  assert.equal((await second.closed)[0], 1001);
  await stopped;
});

// ---- to other servers ----

async function origin(t, options = {}) {
  const http = createServer((incoming, response) => {
    response.writeHead(418, "Teapot", { "content-type": "text/plain" });
    response.end("no WebSocket here");
  });
  const sockets = new WebSocketServer({ server: http, ...options });
  sockets.on("headers", (headers) => headers.push("x-answer: ja"));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  afterwards(t, () => {
    for (const socket of sockets.clients) socket.terminate();
    http.close();
  });
  return { sockets, port: http.address().port, to: `to=${encodeURIComponent(`ws://127.0.0.1:${http.address().port}/path?query`)}` };
}

const ask = async (path) => (await server.fetch(path)).json();

test("new WebSocket()", async (t) => {
  const { sockets, to } = await origin(t, { handleProtocols: () => "two" });
  let seen;
  sockets.on("connection", (socket, incoming) => {
    seen = [incoming.url, incoming.headers["sec-websocket-protocol"], incoming.headers["sec-websocket-extensions"]];
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.send(Buffer.from([1, 2]));
  });
  const events = await ask(`/connect?${to}&protocol=one&protocol=two&send=${"x".repeat(300)}&close=[3333,"bye"]`);
  assert.deepEqual(events, ["open", "two", [1, 2], [3333, "bye", true]]);
  assert.deepEqual(seen, ["/path?query", "one, two", undefined]);
});

test("the other server closes, or breaks off", async (t) => {
  const { sockets, to } = await origin(t);
  sockets.once("connection", (socket) => socket.close(1003, "not for me"));
  assert.deepEqual(await ask(`/connect?${to}`), ["open", "", [1003, "not for me", true]]);
  sockets.once("connection", (socket) => socket.terminate());
  const events = await ask(`/connect?${to}`);
  assert.deepEqual(events.at(-1), [1006, "", false]);
});

/** A server that answers every connection with what `answer(key)` gives. */
async function liar(t, answer) {
  const tcp = createTcp((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => socket.write(answer(/sec-websocket-key: (.*)\r\n/i.exec(data)[1]), "latin1"));
  });
  tcp.listen(0, "127.0.0.1");
  await once(tcp, "listening");
  afterwards(t, () => tcp.close());
  return `to=${encodeURIComponent(`ws://127.0.0.1:${tcp.address().port}/`)}`;
}
const acceptOf = (key) => createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
const switching = (key, ...more) =>
  ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Accept: ${acceptOf(key)}`, ...more, "", ""].join("\r\n");

for (const [what, answer, message] of [
  ["another status", () => "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n", /status 302 instead of 101/],
  ["a wrong accept", (key) => switching(key).replace(/Accept: .*/, "Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), /Sec-WebSocket-Accept is wrong/],
  ["another upgrade", (key) => switching(key).replace("Upgrade: websocket", "Upgrade: h2c"), /another protocol/],
  ["an extension", (key) => switching(key, "Sec-WebSocket-Extensions: permessage-deflate"), /extension that was not offered/],
  ["a subprotocol", (key) => switching(key, "Sec-WebSocket-Protocol: other"), /subprotocol that was not offered/],
  ["no HTTP", () => "SSH-2.0-OpenSSH\r\n\r\n", /no HTTP/],
  ["a malformed header", (key) => switching(key, "no colon"), /no HTTP/],
  ["a masked frame", (key) => switching(key) + "\x81\x80\0\0\0\0", /masked frame/],
])
  test(`a server's answer is refused: ${what}`, async (t) => {
    const events = await ask(`/connect?${await liar(t, answer)}`);
    assert.match(events.find((event) => typeof event === "string" && event.startsWith("WebSocket")), message);
    assert.deepEqual(events.at(-1), [1006, "", false]);
  });

test("the other server does not read, and ends its side without a Close", async (t) => {
  let raw;
  const tcp = createTcp({ allowHalfOpen: true }, (socket) => {
    afterwards(t, () => socket.destroy());
    socket.on("error", () => {});
    socket.once("data", (data) => {
      raw = socket.pause();
      socket.write(switching(/sec-websocket-key: (.*)\r\n/i.exec(data)[1]));
    });
  });
  const full = createServer((incoming, response) => (raw.end(), response.end()));
  for (const each of [tcp, full]) {
    each.listen(0, "127.0.0.1");
    await once(each, "listening");
    afterwards(t, () => each.close());
  }
  const [to, told] = [tcp, full].map((each) => `127.0.0.1:${each.address().port}/`);
  const events = await ask(`/pour?to=ws://${to}&full=http://${told}`);
  assert.deepEqual(events.at(-1), [1006, "", false]);
});

test("nobody listens", async () => {
  const events = await ask(`/connect?to=${encodeURIComponent("ws://127.0.0.1:1/")}`);
  assert.match(events[0], /ECONNREFUSED/);
  assert.deepEqual(events.at(-1), [1006, "", false]);
});

test("over TLS, to those whose certificate is trusted", async (t) => {
  for (const kind of ["trusted", "untrusted"]) {
    const secure = createSecure(certificates[kind]);
    const sockets = new WebSocketServer({ server: secure });
    sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(`secure ${data}`)));
    secure.listen(0, "127.0.0.1");
    await once(secure, "listening");
    afterwards(t, () => (sockets.clients.forEach((socket) => socket.terminate()), secure.close()));
    const events = await ask(`/connect?to=https://localhost:${secure.address().port}/&send=x&close=[1000]`);
    if (kind === "trusted") assert.deepEqual(events, ["open", "", "secure x", [1000, "", true]]);
    else assert.match(events[0], /certificate/);
  }
});

test("fetch() with Upgrade", async (t) => {
  const { sockets, port, to } = await origin(t);
  let seen;
  sockets.on("connection", (socket, incoming) => {
    seen = incoming.headers["x-test"];
    socket.on("message", (data) => socket.send(`got ${data}`));
  });
  assert.deepEqual(await ask(`/fetch?${to}`), [101, "ja", "got from fetch", [1000, "enough", true]]);
  assert.equal(seen, "yes");
  sockets.close();
  const http = createServer((incoming, response) => response.writeHead(418, "Teapot").end("no WebSocket here"));
  http.on("upgrade", (incoming, socket) => socket.end("HTTP/1.1 418 Teapot\r\ntransfer-encoding: chunked\r\n\r\n5\r\nno Wb\r\n0\r\n\r\n"));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  afterwards(t, () => http.close());
  assert.notEqual(http.address().port, port);
  assert.equal(await server.text(`/fetch?to=http://127.0.0.1:${http.address().port}/`), "418 Teapot: no Wb");
});

test("a Response of fetch() passes its WebSocket through", async (t) => {
  const { sockets, to } = await origin(t);
  sockets.on("connection", (socket) => {
    socket.send("welcome");
    socket.on("message", (data, isBinary) => (data.toString() === "end" ? socket.close(4004, "over") : socket.send(data, { binary: isBinary })));
  });
  for (const path of ["/proxy", "/proxy-request"]) {
    const socket = await client(t, `${path}?${to.replace("ws%3A", "http%3A")}`);
    assert.equal(await socket.next(), "welcome");
    socket.send("through");
    assert.equal(await socket.next(), "through");
    socket.send(Buffer.from([1, 2, 3]));
    assert.deepEqual(await socket.next(), [1, 2, 3]);
    socket.send("end");
    assert.deepEqual(await socket.closed, [4004, "over"]);
  }
});
