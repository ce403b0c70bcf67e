// Uploads in all forms a client can send, through the API into isolates, and those that are refused.
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { serve } from "./serve.mjs";

const ESM = "application/javascript+module";
const CLASSIC = "application/javascript";

// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const wasm = Buffer.from("AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=", "base64");

/** Uploads `parts` ([name, type, contents]); the first is the main one. */
function upload(server, name, parts, metadata = {}) {
  const body = new FormData();
  const main = parts[0][1] === CLASSIC ? { body_part: parts[0][0] } : { main_module: parts[0][0] };
  body.set("metadata", JSON.stringify({ ...main, compatibility_date: "2026-04-01", ...metadata }));
  for (const [part, type, contents] of parts) body.set(part, new Blob([contents], { type }), part);
  return server.api("PUT", `/accounts/default/workers/scripts/${name}`, body);
}

async function good(server, name, parts, metadata) {
  const answer = await upload(server, name, parts, metadata);
  assert.equal(answer.success, true, JSON.stringify(answer.errors));
  return (await server.ask(name, "/")).body;
}

async function refused(server, parts, text, metadata) {
  const answer = await upload(server, "refused", parts, metadata);
  assert.equal(answer.success, false);
  assert.equal(answer.errors[0].code, 10021);
  assert.match(answer.errors[0].message, text);
  return answer.errors[0].message;
}

test("modules of all types come into one worker", async (t) => {
  const server = await serve(t);
  const source = `
    import add from "./f2f4-add.wasm";
    import text from "./words.html";
    import data from "./bytes.bin";
    import json from "./data.json";
    import { sum } from "./lib/sum.js";
    import legacy from "lib/legacy.cjs";
    import { env } from "cloudflare:workers";
    export default { fetch: () => Response.json([
      new WebAssembly.Instance(add).exports.add(2, 3), text, new Uint8Array(data)[1], json.a, sum(1, 2), legacy.name, env.WHO,
    ]) };`;
  const body = await good(server, "all", [
    ["index.js", ESM, source],
    ["./f2f4-add.wasm", "application/wasm", wasm],
    ["./words.html", "text/plain", "<p>words</p>"],
    ["./bytes.bin", "application/octet-stream", Buffer.from([1, 2, 3])],
    ["data.json", "application/json", '{"a": [4]}'],
    ["lib/sum.js", ESM, 'export * from "../adds.js"'],
    ["adds.js", ESM, "export const sum = (a, b) => a + b"],
    ["lib/legacy.cjs", CLASSIC, 'exports.name = require("../words.html").length'],
  ], { bindings: [{ name: "WHO", type: "plain_text", text: "me" }] });
  assert.deepEqual(JSON.parse(body), [5, "<p>words</p>", 2, [4], 3, 12, "me"]);
});

test("a script in service-worker syntax has its bindings as globals", async (t) => {
  const server = await serve(t);
  const source = `addEventListener("fetch", (event) => event.respondWith(Response.json(
    [WHO, TEXT, DATA.byteLength, new WebAssembly.Instance(ADD).exports.add(1, 1)])))`;
  const bindings = [
    { name: "WHO", type: "plain_text", text: "me" },
    { name: "TEXT", type: "text_blob", part: "./text" },
    { name: "DATA", type: "data_blob", part: "./data" },
    { name: "ADD", type: "wasm_module", part: "./add" },
  ];
  const parts = [
    ["worker.js", CLASSIC, source],
    ["./text", "text/plain", "words"],
    ["./data", "application/octet-stream", Buffer.alloc(7)],
    ["./add", "application/wasm", wasm],
  ];
  assert.deepEqual(JSON.parse(await good(server, "classic", parts, { bindings })), ["me", "words", 7, 2]);
});

test("a start that fails is refused with the author's line, and what ran goes on", async (t) => {
  const server = await serve(t);
  const body = "export default { fetch: () => new Response('first') }";
  assert.equal(await good(server, "refused", [["index.js", ESM, body]]), "first");
  await refused(server, [["index.js", ESM, "export default {\n  fetch() {\n"]], /SyntaxError.*\n {2}at index\.js:3:1/);
  await refused(server, [["index.js", ESM, "import './gone.js'"]], /No such module "\.\/gone\.js"\.\n {2}at index\.js:1:8/);
  await refused(server, [["index.js", ESM, "const a = 1;\nnull.boom;\nexport default {}"]], /Uncaught TypeError.*\n.*index\.js:2/);
  await refused(server, [["index.js", ESM, "import 'node:nothing-like-it'"]], /No such module/);
  await refused(server, [["index.js", ESM, "for (;;);"]], /CPU time/);
  await refused(server, [["index.js", ESM, "export default {}"]], /no (fetch )?handler/);
  // "boom" at line 2 of what was uploaded is line 1 of the author's file.
  const map = { version: 3, sources: ["../src/author.ts"], names: [], mappings: ";AAAA" };
  await refused(server, [
    ["index.js", ESM, "/* bundled */\nnull.boom;\nexport default {}\n//# sourceMappingURL=index.js.map"],
    ["index.js.map", "application/source-map", JSON.stringify(map)],
  ], /src\/author\.ts:1/);
  assert.equal((await server.ask("refused", "/")).body, "first");
});

test("an upload reads and writes nothing but its own modules", async (t) => {
  const server = await serve(t);
  const secret = join(server.own, "secret.json");
  writeFileSync(secret, '{"password": "hunter2"}');
  writeFileSync(join(server.own, "broken.js"), "let let = hunter2");
  const up = "../".repeat(12);
  const imports = [
    `import s from ${JSON.stringify(secret)}; export default { fetch: () => Response.json(s) }`,
    `import s from ${JSON.stringify(secret)} with { type: "text" }; export default { fetch: () => new Response(s) }`,
    `import s from ${JSON.stringify(up + secret.slice(1))} with { type: "text" }; export default { fetch: () => new Response(s) }`,
    `import ${JSON.stringify(join(server.own, "broken.js"))}`,
    `import s from "/proc/self/environ" with { type: "text" }; export default { fetch: () => new Response(s) }`,
    `import s from "/dev/zero" with { type: "text" }; export default { fetch: () => new Response(s) }`,
  ];
  for (const source of imports) {
    const message = await refused(server, [["index.js", ESM, source]], /No such module/);
    assert.doesNotMatch(message, /hunter2|password|ATOLL_/);
  }
  const escapes = `${up}${server.own}/escaped.js`;
  for (const name of [escapes, join(server.own, "escaped.js"), "a/../../escaped.js"])
    await refused(server, [["index.js", ESM, "export default {}"], [name, ESM, "1"]], /The module name/);
  assert.equal(existsSync(join(server.own, "escaped.js.atoll.mjs")), false);
  assert.equal(existsSync(join(server.own, "escaped.js")), false);
  // A map comment names files, too.
  const own = `export default { fetch: () => new Response("own") }\n//# sourceMappingURL=${secret}`;
  assert.equal(await good(server, "own", [["index.js", ESM, own]]), "own");
});
