// Values and modules that a project brings along, and bindings without a page of their own: the same
// worker by wrangler deploy, by atoll deploy, and in atoll dev.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dev, project, run } from "./atoll.mjs";
import { serve, TOKEN } from "./serve.mjs";
import { wrangler } from "./wrangler.mjs";

// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const WASM = Buffer.from("AGFzbQEAAAABBwFgAn9/AX8DAgEABwcBA2FkZAAACgkBBwAgACABags=", "base64");

const MODULE = `
  import add from "./add.wasm";
  import page from "./page.html";
  import words from "./words.text";
  import bytes from "./bytes.blob";
  import query from "./query.sql";
  export default { async fetch(request, env) {
    env.AE.writeDataPoint({ blobs: ["a"] });
    const { V } = env;
    return Response.json({
      sum: new WebAssembly.Instance(add).exports.add(2, 3), page, words, query, bytes: [...new Uint8Array(bytes)],
      text: env.TEXT, json: env.JSON, number: env.NUMBER, limits: [await env.RL.limit({ key: "a" }), typeof env.OLD?.limit],
      version: [/^[0-9a-f-]{36}$/.test(V.id), V.tag, Date.now() - Date.parse(V.timestamp) < 600000],
    });
  } };`;

const FILES = {
  "src/index.js": MODULE, "src/page.html": "<p>", "src/words.text": "words", "src/bytes.blob": "\u0001é", "src/query.sql": "SELECT 1",
  "src/add.wasm": WASM,
  "wrangler.toml": `
    name = "all"
    main = "src/index.js"
    compatibility_date = "2025-01-01"
    rules = [{ type = "Text", globs = ["**/*.text"], fallthrough = true }, { type = "Data", globs = ["**/*.blob"] }]
    [vars]
    TEXT = "text"
    JSON = { a = [1, "b"] }
    NUMBER = 4.5
    [[ratelimits]]
    name = "RL"
    namespace_id = "1001"
    simple = { limit = 100, period = 60 }
    [[unsafe.bindings]]
    name = "OLD"
    type = "ratelimit"
    namespace_id = "1002"
    simple = { limit = 5, period = 10 }
    [[analytics_engine_datasets]]
    binding = "AE"
    dataset = "all"
    [version_metadata]
    binding = "V"`,
};

const EXPECTED = {
  sum: 5, page: "<p>", words: "words", query: "SELECT 1", bytes: [...Buffer.from("\u0001é")], text: "text",
  json: { a: [1, "b"] }, number: 4.5, limits: [{ success: true }, "function"],
};

const SCRIPT = `addEventListener("fetch", (event) => event.respondWith(Response.json([
  new WebAssembly.Instance(ADD).exports.add(2, 3), WORDS, [...new Uint8Array(BYTES)], TEXT, JSON_VAR.a])));`;

const SCRIPT_FILES = {
  "index.js": SCRIPT, "words.txt": "words", "bytes.bin": "\u0001é", "add.wasm": WASM,
  "wrangler.toml": `
    name = "script"
    main = "index.js"
    compatibility_date = "2025-01-01"
    [wasm_modules]
    ADD = "add.wasm"
    [text_blobs]
    WORDS = "words.txt"
    [data_blobs]
    BYTES = "bytes.bin"
    [vars]
    TEXT = "text"
    JSON_VAR = { a = 1 }`,
};

const SCRIPT_EXPECTED = [5, "words", [...Buffer.from("\u0001é")], "text", 1];

const settings = (server, directory) => ({
  cwd: directory,
  env: { ...process.env, NO_COLOR: "1", HOME: directory, CLOUDFLARE_API_BASE_URL: server.base, CLOUDFLARE_API_TOKEN: TOKEN },
});

function checkModule({ version, ...rest }, tag) {
  assert.deepEqual(rest, EXPECTED);
  assert.deepEqual(version, [true, tag, true]);
}

test("a module worker with all of it, by wrangler and by atoll deploy", { timeout: 120000 }, async (t) => {
  const server = await serve(t);
  const directory = project(t, FILES);
  await wrangler(server, directory, ["deploy", "--tag", "first"]);
  checkModule(JSON.parse((await server.ask("all", "/")).body), "first");
  const { status, stderr } = await run(["deploy", "--tag", "second"], settings(server, directory));
  assert.equal(status, 0, stderr);
  checkModule(JSON.parse((await server.ask("all", "/")).body), "second");
});

test("the same in atoll dev", async (t) => {
  const server = await dev(t, [project(t, FILES)]);
  checkModule(await (await server.fetch("/")).json(), "");
});

test("a script in service-worker format with blobs, by wrangler and by atoll deploy", { timeout: 120000 }, async (t) => {
  const server = await serve(t);
  const directory = project(t, SCRIPT_FILES);
  await wrangler(server, directory, ["deploy"]);
  assert.deepEqual(JSON.parse((await server.ask("script", "/")).body), SCRIPT_EXPECTED);
  const { status, stderr } = await run(["deploy"], settings(server, directory));
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse((await server.ask("script", "/")).body), SCRIPT_EXPECTED);
});

test("the same script in atoll dev", async (t) => {
  const server = await dev(t, [project(t, SCRIPT_FILES)]);
  assert.deepEqual(await (await server.fetch("/")).json(), SCRIPT_EXPECTED);
});

test("what is not here is refused by its name, and nothing changes", { timeout: 60000 }, async (t) => {
  const server = await serve(t);
  const source = "export default { fetch: () => new Response('one') }";
  assert.equal((await server.deploy("w", source)).status, 200);
  for (const [section, type] of [
    ['send_email = [{ name = "X" }]', "send_email"],
    ['hyperdrive = [{ binding = "X", id = "1" }]', "hyperdrive"],
    ['vectorize = [{ binding = "X", index_name = "i" }]', "vectorize"],
    ['ai = { binding = "X" }', "ai"],
    ['browser = { binding = "X" }', "browser"],
    ['mtls_certificates = [{ binding = "X", certificate_id = "1" }]', "mtls_certificate"],
    ['dispatch_namespaces = [{ binding = "X", namespace = "n" }]', "dispatch_namespace"],
    ['pipelines = [{ binding = "X", pipeline = "p" }]', "pipelines"],
  ]) {
    const directory = project(t, {
      "index.js": source, "wrangler.toml": `name = "w"\nmain = "index.js"\ncompatibility_date = "2025-01-01"\n${section}\n`,
    });
    const { status, stderr } = await run(["deploy"], settings(server, directory));
    assert.equal(status, 1, section);
    assert.match(stderr, new RegExp(`The binding "X" has the type "${type}", which does not exist here`));
    assert.equal((await server.ask("w", "/")).body, "one");
  }
});
