// Every example runs in the real binary and does what it says.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { WebSocket } from "ws";
import { afterwards, dev, project, root, typeErrors, until } from "./atoll.mjs";

const example = (t, name, args) => dev(t, join(root, "examples", name), { args });

test("hello", async (t) => {
  const server = await example(t, "hello");
  const answer = await server.fetch("/");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "text/plain;charset=UTF-8");
  assert.equal(await answer.text(), "Hello World!");
  await server.shows("GET / 200");
});

test("hello-ts", async (t) => {
  const server = await example(t, "hello-ts");
  assert.equal(await server.text("/"), "Hello, World!");
  assert.equal(await server.text("/?name=Ada"), "Hello, Ada!");
});

test("hello-ts in another environment", async (t) => {
  const server = await example(t, "hello-ts", ["--env", "polite"]);
  assert.equal(await server.text("/"), "Good day, World!");
});

test("hono", async (t) => {
  const server = await example(t, "hono");
  assert.equal(await server.text("/"), "Hello Hono!");
  assert.deepEqual(await (await server.fetch("/books/7?format=epub")).json(), { id: "7", format: "epub" });
  const added = await server.fetch("/books", { method: "POST", body: '{"title":"T"}' });
  assert.equal(added.status, 201);
  assert.deepEqual(await added.json(), { added: { title: "T" } });
  const missing = await server.fetch("/nowhere");
  assert.equal(missing.status, 404);
  assert.equal(await missing.text(), "no such page");
});

test("streaming sends lines as they are written", async (t) => {
  const server = await example(t, "streaming");
  const answer = await server.fetch("/?lines=4");
  const times = [];
  let text = "";
  for await (const chunk of answer.body) {
    times.push(performance.now());
    text += new TextDecoder().decode(chunk);
  }
  assert.equal(text, "line 1\nline 2\nline 3\nline 4\n");
  assert.ok(times.at(-1) - times[0] > 100, `the lines came within ${times.at(-1) - times[0]} ms`);
});

test("cached: the second answer is the first one", async (t) => {
  const server = await example(t, "cached", ["--persist-to", project(t)]);
  const first = await server.fetch("/a");
  assert.equal(first.headers.get("cf-cache-status"), null);
  const text = await first.text();
  assert.match(text, /^The report of \/a, made at /);
  const second = await until(async () => {
    const answer = await server.fetch("/a");
    return answer.headers.get("cf-cache-status") === "HIT" ? answer : undefined;
  }, "a hit");
  assert.match(await second.text(), /^The report of \/a, made at /);
});

test("websocket: rooms hear of each other", async (t) => {
  const server = await example(t, "websocket");
  assert.match(await server.text("/room"), /<title>Chat/);
  const enter = async (path) => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`);
    afterwards(t, () => socket.terminate());
    const said = [];
    socket.on("message", (data) => said.push(data.toString()));
    await once(socket, "open");
    socket.hears = (text) => until(() => said.includes(text), `"${text}" in ${JSON.stringify(said)}`);
    socket.said = said;
    return socket;
  };
  const ada = await enter("/room?name=Ada");
  await ada.hears("Ada joined, 1 here");
  const bob = await enter("/room?name=Bob");
  const eve = await enter("/elsewhere?name=Eve");
  await ada.hears("Bob joined, 2 here");
  bob.send("hello");
  await ada.hears("Bob: hello");
  await bob.hears("Bob: hello");
  bob.send("x".repeat(1001));
  assert.equal((await once(bob, "close"))[0], 1008);
  await ada.hears("Bob left, 1 here");
  assert.deepEqual(eve.said, ["Eve joined, 1 here"]);
});

test("rewriter changes a page on its way", async (t) => {
  const server = await example(t, "rewriter");
  const answer = await server.fetch("/");
  assert.equal(answer.headers.get("content-type"), "text/html; charset=utf-8");
  const page = await answer.text();
  assert.match(page, /<a href="https:\/\/en\.wikipedia\.org\/wiki\/Owl" rel="external">More \(elsewhere\)<\/a>/);
  assert.match(page, /<a href="\/all">all birds<\/a>/);
  assert.match(page, /<img src="\/owl.jpg" alt="An owl" loading="lazy">/);
  assert.ok(page.endsWith("<ol><li>Owls</li><li>Ducks &amp; geese</li></ol>\n"), page);
});

test("fetch-proxy", async (t) => {
  const origin = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      response.writeHead(request.url === "/missing" ? 404 : 200, { "x-origin": "yes" });
      response.end(`${request.method} ${request.url} ${body}`);
    });
  }).listen(0, "127.0.0.1");
  afterwards(t, () => origin.close());
  await once(origin, "listening");
  const server = await example(t, "fetch-proxy", ["--var", `ORIGIN=http://127.0.0.1:${origin.address().port}`]);
  const answer = await server.fetch("/a?b=c");
  assert.equal(answer.headers.get("x-proxied-by"), "atoll");
  assert.equal(answer.headers.get("x-origin"), "yes");
  assert.equal(await answer.text(), "GET /a?b=c ");
  assert.equal((await server.fetch("/missing")).status, 404);
  assert.equal(await server.text("/p", { method: "POST", body: "hello" }), "POST /p hello");
});

test("wasm", async (t) => {
  const server = await example(t, "wasm");
  assert.deepEqual(await (await server.fetch("/?a=40&b=2")).json(), { a: 40, b: 2, sum: 42 });
});

test("get-or-not", async (t) => {
  const server = await example(t, "get-or-not");
  const get = await server.fetch("/any/path");
  assert.match(get.headers.get("content-type"), /^application\/json/);
  assert.deepEqual(await get.json(), { message: "you sent a get request" });
  for (const method of ["POST", "PUT", "DELETE"]) {
    const other = await server.fetch("/", { method });
    assert.deepEqual(await other.json(), { message: "you did not send a get request" });
  }
  await server.shows("log ");
});

test("routes-ts", async (t) => {
  const server = await example(t, "routes-ts");
  assert.deepEqual(await (await server.fetch("/user")).json(), { msg: "This is a get request" });
  assert.equal(await server.text("/user", { method: "POST" }), "This is a post request on route /user");
  assert.equal(await server.text("/other", { method: "POST" }), "This is a post request not on route /user");
});

test("hono-auth", async (t) => {
  const server = await example(t, "hono-auth");
  const headers = { Authorization: "Bearer x", "content-type": "application/json" };
  assert.equal(await server.text("/"), "Unauthorized!!");
  assert.equal(await server.text("/", { headers }), "Hello Hono!");
  const created = await server.fetch("/user?userId=7", { method: "POST", headers, body: '{"name":"Ada"}' });
  assert.deepEqual(await created.json(), { message: "Created" });
  await server.shows("Ada");
});

test("the examples fit Cloudflare's types", () => {
  assert.equal(typeErrors(join(root, "examples")), "");
});

test("every example is tested here", () => {
  const tested = [
    "cached", "fetch-proxy", "get-or-not", "hello", "hello-ts", "hono", "hono-auth", "rewriter", "routes-ts", "streaming", "wasm",
    "websocket",
  ];
  const there = readdirSync(join(root, "examples"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  assert.deepEqual(there.sort(), tested);
});
