// Connections that move between the processes of `atoll serve`: a tenant that computes without end
// holds up no neighbour, also none that asks on a connection of before.
import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { afterwards, until } from "./atoll.mjs";
import { serve } from "./serve.mjs";

const BUSY = `export default { fetch(request) {
  if (request.url.endsWith("/loop")) for (;;);
  return new Response("busy");
} }`;
const CALM = `export default { async fetch(request) {
  return new Response(request.method + " " + request.headers.get("cf-connecting-ip") + " " + await request.text());
} }`;

/** A connection that is kept: ask(host, path, body) one after the other. */
function connection(t, port) {
  const socket = connect(port, "127.0.0.1");
  afterwards(t, () => socket.destroy());
  let got = "";
  const kept = { ended: false, answers: 0 };
  socket.setEncoding("latin1").on("data", (data) => (got += data));
  socket.on("error", () => {}).on("close", () => (kept.ended = true));
  kept.send = (host, path, body) => {
    const head = body === undefined ? `GET ${path}` : `POST ${path}`;
    const length = body === undefined ? "" : `content-length: ${body.length}\r\n`;
    socket.write(`${head} HTTP/1.1\r\nhost: ${host}.localhost\r\n${length}\r\n${body ?? ""}`);
  };
  kept.answer = async (what) => {
    let end, length;
    await until(() => {
      assert.ok(!kept.ended, `the connection was closed: ${what} ${got}`);
      end = got.indexOf("\r\n\r\n") + 4;
      length = Number(/content-length: (\d+)/.exec(got)?.[1]);
      return end > 4 && got.length >= end + length;
    }, `an answer: ${what}`);
    const text = got.slice(end, end + length);
    const status = Number(got.slice(9, 12));
    got = got.slice(end + length);
    kept.answers++;
    return `${status} ${text}`;
  };
  kept.ask = (host, path, body) => {
    kept.send(host, path, body);
    return kept.answer(`${host} ${path}`);
  };
  return kept;
}

test("a worker that loops holds up no connection of its neighbours", async (t) => {
  const server = await serve(t, { config: "fast = 2\n" });
  assert.ok((await server.deploy("busy", BUSY, { metadata: { limits: { cpu_ms: 20_000 } } })).success);
  assert.ok((await server.deploy("calm", CALM)).success);
  const connections = Array.from({ length: 24 }, () => connection(t, server.port));
  for (const one of connections) assert.equal(await one.ask("calm", "/"), "200 GET 127.0.0.1 ");
  let looping = true;
  const loop = connection(t, server.port);
  assert.equal(await loop.ask("busy", "/"), "200 busy");
  loop.send("busy", "/loop");
  loop.answer("the loop").then(() => (looping = false), () => (looping = false));
  for (let round = 0; round < 5; round++) {
    const answers = connections.map((one, at) => one.ask("calm", `/${round}`, at % 2 ? "body" : undefined));
    for (const [at, answer] of (await Promise.all(answers)).entries())
      assert.equal(answer, at % 2 ? "200 POST 127.0.0.1 body" : "200 GET 127.0.0.1 ");
  }
  assert.ok(looping, "it still computes");
  server.stop();
  await server.line("server.stopping");
  await server.stop(); // the second signal does not wait for the loop
});

test("a slow worker's connection moves to the slow lane, and back for another worker", async (t) => {
  const server = await serve(t, {});
  const slow = `export default { fetch(request) {
    if (request.headers.get("upgrade")) {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept();
      server.send("hello from the slow lane");
      return new Response(null, { status: 101, webSocket: client });
    }
    for (let i = 0; i < 5e7; i++) if (i % 7 === 7) return;
    return new Response("slow");
  } }`;
  assert.ok((await server.deploy("slow", slow)).success);
  assert.ok((await server.deploy("calm", CALM)).success);
  const one = connection(t, server.port);
  await until(async () => {
    assert.equal(await one.ask("slow", "/"), "200 slow");
    return (await server.status("slow")).lane === "slow";
  }, "the slow lane");
  for (let round = 0; round < 3; round++) {
    assert.equal(await one.ask("slow", "/"), "200 slow");
    assert.equal(await one.ask("calm", "/", "a body"), "200 POST 127.0.0.1 a body");
  }
  const handed = (await server.status()).handed;
  assert.ok(handed >= 3);
  const socket = connect(server.port, "127.0.0.1").on("error", () => {});
  afterwards(t, () => socket.destroy());
  let got = "";
  socket.setEncoding("latin1").on("data", (data) => (got += data));
  socket.write(
    "GET / HTTP/1.1\r\nhost: slow.localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await until(() => got.startsWith("HTTP/1.1 101 ") && got.includes("hello from the slow lane"), "the WebSocket's message");
  assert.equal((await server.status()).handed, handed + 1);
});

test("thousands of connections that ask nothing keep nobody out", async (t) => {
  const server = await serve(t, {});
  assert.ok((await server.deploy("calm", CALM)).success);
  const sockets = [];
  afterwards(t, () => sockets.forEach((socket) => socket.destroy()));
  for (let i = 0; i < 4000; i++)
    sockets.push(connect(server.port, "127.0.0.1").on("error", () => {}));
  await until(() => sockets.every((socket) => !socket.connecting), "all connections");
  for (let i = 0; i < 20; i++) {
    const status = await new Promise((resolve, reject) => {
      request({ port: server.port, host: "127.0.0.1", headers: { host: "calm.localhost" }, agent: false }, (answer) => {
        answer.resume().on("end", () => resolve(answer.statusCode));
      })
        .on("error", reject)
        .end();
    });
    assert.equal(status, 200);
  }
});
