// What esbuild and the wrapping around it make of a worker's modules.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dev, project, root } from "./atoll.mjs";

const wasm = readFileSync(join(root, "examples/wasm/src/add.wasm"));
const serve = (t, files, options) =>
  dev(t, project(t, { "wrangler.toml": 'name = "w"\nmain = "src/index.ts"\n', ...files }), options);
const answers = (body) => `export default { async fetch(request: Request) { ${body} } };\n`;

test("files of every kind are imported as what they are", async (t) => {
  const server = await serve(t, {
    "src/a.html": "<b>\n",
    "src/b.txt": "text",
    "src/c.sql": "SELECT 1",
    "src/d.json": '{"d":[1]}',
    "src/e.bin": "\u0001bytes",
    "src/index.ts":
      'import a from "./a.html"; import b from "./b.txt"; import c from "./c.sql"; import d from "./d.json"; import e from "./e.bin";\n' +
      answers("return Response.json([a, b, c, d, e instanceof ArrayBuffer, e.byteLength]);"),
  });
  assert.deepEqual(await (await server.fetch()).json(), ["<b>\n", "text", "SELECT 1", { d: [1] }, true, 6]);
});

test("every spelling of an import of WebAssembly gives the module", async (t) => {
  const server = await serve(t, {
    "src/add.wasm": wasm,
    "src/common.js": 'module.exports = require("./add.wasm");\n',
    "src/again.ts": 'export { default as again } from "./add.wasm";\nexport * from "./add.wasm";\n',
    "src/index.ts": `import plain from "./add.wasm";
import query from "./add.wasm?module";
import * as all from "./add.wasm";
import {
  default as named
} from "./add.wasm";
import both, * as spaces from "./add.wasm";
import "./add.wasm";
import common from "./common.js";
import { again } from "./again";
const dynamic = await import("./add.wasm");
const modules = [plain, query, all.default, named, both, spaces.default, common, again, dynamic.default];
${answers("return Response.json(modules.map((m) => new WebAssembly.Instance(m).exports.add(20, 22)));")}`,
  });
  assert.deepEqual(await (await server.fetch()).json(), Array(9).fill(42));
});

test("modules, cycles, top-level await, dynamic import and CommonJS", async (t) => {
  const server = await serve(t, {
    "src/cycle-a.ts": 'import { b } from "./cycle-b";\nexport const a = () => "a" + b();\nexport const end = () => "!";\n',
    "src/cycle-b.ts": 'import { end } from "./cycle-a";\nexport const b = () => "b" + end();\n',
    "src/late.ts": 'export const late = "late";\n',
    "src/common.cjs": "exports.require = typeof require; exports.value = 7;\n",
    "src/index.ts": `import { a } from "./cycle-a";
import common from "./common.cjs";
const waited = await new Promise((resolve) => queueMicrotask(() => resolve("waited")));
${answers('const { late } = await import("./late"); return Response.json([a(), common.value, waited, late, import.meta.url.slice(0, 8)]);')}`,
  });
  assert.deepEqual(await (await server.fetch()).json(), ["ab!", 7, "waited", "late", "file:///"]);
});

test("names that the wrapping uses are free for the worker", async (t) => {
  const server = await serve(t, {
    "src/index.ts": `const require = "r", module = "m", exports = "e", n = "n", worker = "w";
${answers("return Response.json([require, module, exports, n, worker, this === undefined]);")}`,
  });
  assert.deepEqual((await (await server.fetch()).json()).slice(0, 5), ["r", "m", "e", "n", "w"]);
});

test("define, alias, rules, jsx and minify are followed", async (t) => {
  const server = await serve(t, {
    "wrangler.jsonc": JSON.stringify({
      name: "w",
      main: "src/index.tsx",
      minify: true,
      define: { MADE_UP: '"defined"' },
      alias: { "no-such-package": "./src/instead.ts" },
      rules: [{ type: "Text", globs: ["**/*.md"] }, { type: "Data", globs: ["**/*.dat"] }],
      jsx_factory: "make",
    }),
    "src/instead.ts": 'export default "instead";\n',
    "src/a.md": "# a\n",
    "src/a.dat": "dat",
    "src/index.tsx": `import aliased from "no-such-package";
import text from "./a.md";
import data from "./a.dat";
declare const MADE_UP: string;
const make = (tag: string, attributes: object, ...children: string[]) => [tag, attributes, children];
class LongName {}
function longFunction() {}
export default { fetch: () => Response.json([aliased, text, data.byteLength, MADE_UP, <b id="x">y</b>, LongName.name, longFunction.name]) };
`,
  });
  assert.deepEqual(await (await server.fetch()).json(), [
    "instead", "# a\n", 3, "defined", ["b", { id: "x" }, ["y"]], "LongName", "longFunction",
  ]);
});

test("syntax newer than the engine's is lowered", async (t) => {
  const server = await serve(t, {
    "src/index.ts": `const log: string[] = [];
const twice = (value: any, _context: any) => class extends value { doubled = true; };
@twice class Decorated {}
${answers("{ using thing = { [Symbol.dispose]() { log.push('disposed'); } }; log.push('used'); } { await using thing = { async [Symbol.asyncDispose]() { await 0; log.push('disposed later'); } }; } return Response.json([log, (new Decorated() as any).doubled]);")}`,
  });
  assert.deepEqual(await (await server.fetch()).json(), [["used", "disposed", "disposed later"], true]);
});

test("a module of Node's is missing with a hint", async (t) => {
  const server = await serve(t, {
    "src/index.ts": 'import { readFile } from "node:fs";\nimport path from "path";\nconsole.log(readFile, path);\n' + answers("return new Response();"),
  });
  assert.match(server.stderr, /src\/index\.ts:1:26: error: Could not resolve "node:fs"/);
  assert.match(server.stderr, /modules of Node \(node:\*\) are not there yet/);
  assert.doesNotMatch(server.stderr, /--platform/);
  const page = await server.fetch();
  assert.equal(page.status, 500);
  assert.match(await page.text(), /node:fs/);
});

test("a package that is missing is told apart", async (t) => {
  const server = await serve(t, {
    "src/index.ts": 'import "no-such-package";\n' + answers("return new Response();"),
  });
  assert.match(server.stderr, /Could not resolve "no-such-package"/);
  assert.match(server.stderr, /is the package installed\?/);
});

test("errors of several files have their places, and warnings do not stop a build", async (t) => {
  const broken = await serve(t, {
    "src/index.ts": 'import "./a";\nimport "./b";\n',
    "src/a.ts": "const a = ;\n",
    "src/b.ts": "\n  let let = 1;\n",
  });
  assert.match(broken.stderr, /src\/a\.ts:1:11: error: /);
  assert.match(broken.stderr, /src\/b\.ts:2:\d+: error: /);
  const warned = await serve(t, {
    "src/index.ts": "if (({}) === -0) console.log();\n" + answers('return new Response("runs");'),
  });
  assert.match(warned.stderr, /src\/index\.ts:1:\d+: warning: /);
  assert.equal(await warned.text(), "runs");
});

test("a missing esbuild is said", async (t) => {
  const server = await serve(
    t,
    { "src/index.ts": answers("return new Response();") },
    { env: { ATOLL_ESBUILD: "/nonexistent/esbuild" } },
  );
  assert.match(server.stderr, /\/nonexistent\/esbuild cannot be run: no such file or directory/);
});

test("nothing is left in the temporary directory", async (t) => {
  const tmp = project(t);
  const server = await serve(t, { "src/index.ts": answers('return new Response("x");') }, { env: { TMPDIR: tmp } });
  assert.equal(await server.text(), "x");
  assert.deepEqual(readdirSync(tmp), []);
});
