// Cryptographic jobs on other threads: what becomes of them when their isolate goes, and of others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dev, project, requestHost } from "./atoll.mjs";

const worker = (name) => ({
  [`${name}/wrangler.json`]: JSON.stringify({ name, main: "index.js", limits: { cpu_ms: 100 } }),
  [`${name}/index.js`]: `
const { subtle } = crypto;
let done = 0;
const RSA = { name: "RSA-PSS", modulusLength: 4096, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
async function stretch(iterations) {
  const key = await subtle.importKey("raw", new Uint8Array(8), "PBKDF2", false, ["deriveBits"]);
  return subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt: new Uint8Array(8), iterations }, key, 256);
}
export default {
  async fetch(request) {
    switch (new URL(request.url).pathname) {
      case "/die":
        for (let i = 0; i < 8; i++) subtle.generateKey(RSA, false, ["sign"]);
        for (let i = 0; i < 8; i++) stretch(200000);
        for (;;);
      case "/much":
        for (let i = 0; i < 4; i++) stretch(4000000).then(() => done++);
        return new Response("begun");
      case "/long":
        await stretch(4000000);
        return new Response("not reached");
      case "/done":
        return new Response(done + " done");
      default: {
        const digest = await subtle.digest("SHA-256", new Uint8Array(1 << 20));
        return new Response(new Uint8Array(digest).toHex());
      }
    }
  },
};
`,
});
const ZEROS = "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58";

test("an isolate that ends leaves its jobs behind, and nothing else is disturbed", async (t) => {
  const server = await dev(t, project(t, worker("one")) + "/one");
  for (let i = 0; i < 3; i++) {
    assert.equal((await server.fetch("/die")).status, 503);
    assert.equal(await server.text("/"), ZEROS);
  }
  assert.equal((await server.stop()).status, 0);
});

test("a worker with many long jobs leaves a thread to the others", async (t) => {
  const directory = project(t, { ...worker("hog"), ...worker("other") });
  const server = await dev(t, [`${directory}/hog`, `${directory}/other`]);
  const ask = async (name, path) => (await requestHost(server.port, `${name}.localhost`, path)).body;
  assert.equal(await ask("hog", "/much"), "begun");
  for (let i = 0; i < 3; i++) assert.equal(await ask("other", "/"), ZEROS);
  assert.equal(await ask("hog", "/done"), "0 done");
  assert.equal((await server.stop()).status, 0);
});

test("time on another thread is the request's CPU time", async (t) => {
  const server = await dev(t, project(t, worker("one")) + "/one");
  assert.match(await server.text("/long"), /503 Service Unavailable: .*exceeded its CPU time limit/);
  assert.equal(await server.text("/"), ZEROS);
  assert.equal((await server.stop()).status, 0);
});
