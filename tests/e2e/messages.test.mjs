// Compression, message ports and the global's error events, over real sockets.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { dev, root } from "./atoll.mjs";

const server = await dev({ after }, join(root, "tests/e2e/workers/messages"));

test("an answer through CompressionStream, a body through DecompressionStream", async () => {
  const packed = await server.fetch("/gzip");
  assert.ok((await packed.text()) === "some words ".repeat(3000));
  const body = Buffer.from("a body that was packed");
  assert.equal(await (await server.fetch("/gunzip", { method: "POST", body: gzipSync(body) })).text(), `${body}`);
});

test("what unpacks to much is read in pieces, and ends at the memory limit when it is kept", async () => {
  assert.equal(await server.text("/bomb-counted"), `${100 << 20}`);
  const kept = await server.fetch("/bomb-collected");
  assert.match(await kept.text(), /exceeded its memory limit|Out of memory/);
  assert.ok(kept.status >= 500);
  assert.equal(await server.text("/port"), "[2,4,6]", "the next request is served");
});

test("ports deliver within a request; one that nobody writes to does not hold it for ever", async () => {
  assert.equal(await server.text("/port"), "[2,4,6]");
  assert.match(await server.text("/open-port"), /The worker's code hung/);
});

test("what listeners of error and unhandledrejection cancel is not logged", async () => {
  assert.deepEqual(JSON.parse(await server.text("/errors")).sort(), [
    "Uncaught Error: cancelled on purpose",
    "Uncaught Error: cancelled on purpose, in a timer",
    "rejection: cancelled rejection",
  ]);
  await server.shows("this one is logged");
  assert.doesNotMatch(server.stdout + server.stderr, /cancelled (on purpose|rejection)/);
});
