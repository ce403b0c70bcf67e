// HTMLRewriter in the real binary: streams of any length, errors in the middle, clients that leave.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { dev, root } from "./atoll.mjs";

const start = (t) => dev(t, join(root, "tests", "e2e", "workers", "rewriter"));
const page = '<p><a href="http://x/">link</a> and text</p>\n'.repeat(500);

test("a long page is rewritten as it streams", async (t) => {
  const server = await start(t);
  const answer = await server.fetch("/secure?pages=200");
  assert.equal(answer.headers.get("transfer-encoding"), "chunked");
  assert.equal(await answer.text(), page.replaceAll("http:", "https:").repeat(200));
});

test("what is not changed comes back byte for byte", async (t) => {
  const server = await start(t);
  const body = Buffer.alloc(300_000, (index) => (index * 31 + (index >> 8)) & 255);
  const answer = await server.fetch("/echo", { method: "POST", body });
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), body);
});

test("a handler that throws cuts the answer off, and the next one is whole", async (t) => {
  const server = await start(t);
  await assert.rejects(async () => (await server.fetch("/fail")).text());
  await server.shows("while the response was streamed: Error: boom");
  await server.shows("cancelled: boom");
  assert.equal(await server.text("/secure?pages=1"), page.replaceAll("http:", "https:"));
});

test("a client that leaves, and one that wants the head only, end the rewriting", async (t) => {
  const server = await start(t);
  const leave = new AbortController();
  const answer = await server.fetch("/slow?pages=1000", { signal: leave.signal });
  leave.abort();
  await assert.rejects(answer.text());
  assert.equal((await server.fetch("/slow", { method: "HEAD" })).status, 200);
  assert.equal(await server.text("/secure?pages=1"), page.replaceAll("http:", "https:"));
});
