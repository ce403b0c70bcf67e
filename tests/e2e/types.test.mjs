// atoll types, and types/atoll.d.ts: workers written against @cloudflare/workers-types compile
// against it, and it declares what an isolate has, no less and no more.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dev, project, root, run, typeErrors, write } from "./atoll.mjs";

const platform = join(root, "types/atoll.d.ts");
const bindings = ["kv", "d1", "r2", "ratelimit", "analytics"].map((kind) => join(root, `src/bindings/${kind}/${kind}.d.ts`));
const everything = [platform, ...bindings];
const wranglerToml = (text) => ({ "wrangler.toml": `name = "typed"\nmain = "index.js"\n${text}`, "index.js": "" });

/** What tsc says to these files. */
function check(t, files, types = []) {
  const compilerOptions = {
    target: "esnext",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["esnext"],
    types,
    strict: true,
    noEmit: true,
    skipLibCheck: types.length > 0,
  };
  const directory = project(t, { "tsconfig.json": JSON.stringify({ compilerOptions, files }) });
  return typeErrors(directory);
}

// ---- the command ----

const output = "worker-configuration.d.ts";

/** The lines of Env. */
const envOf = (text) => text.match(/interface Env \{\n([^]*?)  \}\n/)[1].split("\n").map((line) => line.trim()).filter(Boolean);

async function typesOf(t, files, ...args) {
  const cwd = project(t, files);
  const { status, stdout, stderr } = await run(["types", ...args], { cwd });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, `wrote ${output}\n`);
  return readFileSync(join(cwd, output), "utf8");
}

const VARS = '[vars]\nTEXT = "a\\"b"\nNUMBER = 1.5\nFLAG = true\nLIST = ["a", 1]\nOBJECT = { a = [1], "b-c" = "d" }\n"odd-name" = "x"\n';

for (const [what, text, extra, args, expected] of [
  ["no variables", "", {}, [], []],
  ["literal values", VARS, {}, [],
    ['TEXT: "a\\"b";', "NUMBER: 1.5;", "FLAG: true;", 'LIST: ["a", 1];', 'OBJECT: {"a": [1], "b-c": "d"};', '"odd-name": "x";']],
  ["wide types", VARS, {}, ["--strict-vars", "false"],
    ["TEXT: string;", "NUMBER: number;", "FLAG: boolean;", "LIST: unknown[];", "OBJECT: Record<string, unknown>;", '"odd-name": string;']],
  ["secrets, which hide a value", '[vars]\nA = "1"\nB = "2"\n', { ".dev.vars": "B=secret\nC=secret\n" }, [],
    ['A: "1";', "B: string;", "C: string;"]],
  ["all environments together", '[vars]\nA = "1"\nB = "2"\nC = "3"\n[env.p.vars]\nA = "1"\nB = "4"\nD = "5"\n', {}, [],
    ['A: "1";', 'B: "2" | "4";', 'C?: "3";', 'D?: "5";']],
  ["bindings", '[[kv_namespaces]]\nbinding = "CACHE"\nid = "x"\n[[d1_databases]]\nbinding = "DB"\ndatabase_name = "d"\ndatabase_id = "y"\n' +
    '[[ratelimits]]\nname = "RL"\nnamespace_id = "1"\nsimple = { limit = 1, period = 10 }\n[[analytics_engine_datasets]]\nbinding = "AE"\n[version_metadata]\nbinding = "V"\n', {}, [],
    ["CACHE: KVNamespace;", "DB: D1Database;", "AE: AnalyticsEngineDataset;", "RL: RateLimit;", "V: WorkerVersionMetadata;"]],
  ["one environment", '[vars]\nA = "1"\n[env.p.vars]\nA = "2"\n', {}, ["--env", "p"], ['A: "2";']],
])
  test(`atoll types: ${what}`, async (t) => {
    const text_ = await typesOf(t, { ...wranglerToml(text), ...extra }, ...args);
    assert.deepEqual(envOf(text_), expected);
    assert.ok(text_.endsWith(everything.map((path) => readFileSync(path, "utf8")).join("\n")));
    const file = join(project(t, { "types.d.ts": text_ }), "types.d.ts");
    assert.equal(check(t, [file]), "");
  });

test("atoll types: what it writes types a worker, and cloudflare:workers", async (t) => {
  const cwd = project(t, {
    ...wranglerToml('[vars]\nGREETING = "Hello"\n'),
    "index.ts": `import { env } from "cloudflare:workers";
export default {
  fetch(request, own): Response {
    const greeting: "Hello" = own.GREETING;
    return new Response(greeting + env.GREETING);
  },
} satisfies ExportedHandler<Env>;
`,
    "wrong.ts": `import { env } from "cloudflare:workers";\nexport const missing = env.MISSING;\n`,
  });
  assert.equal((await run(["types"], { cwd })).status, 0);
  assert.equal(check(t, [join(cwd, output), join(cwd, "index.ts")]), "");
  assert.match(check(t, [join(cwd, output), join(cwd, "wrong.ts")]), /Property 'MISSING' does not exist/);
});

test("atoll types --check", async (t) => {
  const cwd = project(t, wranglerToml('[vars]\nA = "1"\n'));
  const missing = await run(["types", "--check"], { cwd });
  assert.deepEqual([missing.status, missing.stderr], [1, `error: ${output} is missing: run atoll types\n`]);
  assert.ok(!existsSync(join(cwd, output)));
  await run(["types"], { cwd });
  const same = await run(["types", "--check"], { cwd });
  assert.deepEqual([same.status, same.stdout], [0, `${output} is up to date\n`]);
  write(cwd, "wrangler.toml", wranglerToml('[vars]\nA = "2"\n')["wrangler.toml"]);
  const old = await run(["types", "--check"], { cwd });
  assert.deepEqual([old.status, old.stderr], [1, `error: ${output} is out of date: run atoll types\n`]);
});

test("atoll types: places and mistakes", async (t) => {
  const cwd = project(t, Object.fromEntries(Object.entries(wranglerToml("")).map(([name, text]) => [`sub/${name}`, text])));
  assert.equal((await run(["types", "sub"], { cwd })).stdout, `wrote sub/${output}\n`);
  assert.equal((await run(["types", "sub", "--output", "other.d.ts"], { cwd })).stdout, "wrote other.d.ts\n");
  for (const [args, status, expected] of [
    [[], 1, /no wrangler.jsonc, wrangler.json or wrangler.toml/],
    [["sub", "--env", "p"], 1, /there is no environment "p"/],
    [["sub", "--output", "no/such/place.d.ts"], 1, /no\/such\/place.d.ts: /],
    [["sub", "sub"], 2, /one PATH/],
    [["sub", "--strict-vars", "maybe"], 2, /--strict-vars takes true or false/],
  ]) {
    const got = await run(["types", ...args], { cwd });
    assert.equal(got.status, status, args.join(" "));
    assert.match(got.stderr, expected);
  }
});

// ---- the declarations ----

const sources = ["worker.ts", "service.ts", "kv.ts", "rpc.ts", "analytics.ts"].map((name) => join(root, "tests/types", name));

test("workers compile against ours and against @cloudflare/workers-types", (t) => {
  for (const source of sources) {
    assert.equal(check(t, [...everything, source]), "", "ours");
    assert.equal(check(t, [source], [join(root, "node_modules/@cloudflare/workers-types")]), "", "theirs");
  }
});

test("the examples compile against ours", (t) => {
  const examples = readdirSync(join(root, "examples"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of examples) {
    const entry = join(root, "examples", name, "src/index.ts");
    if (existsSync(entry)) assert.equal(check(t, [platform, entry]), "", name);
  }
});

// What is there only to say that it is not, or is the engine's.
const UNDECLARED = new Set([
  "Cache.add", "Cache.addAll", "Cache.keys", "Cache.matchAll",
  "CacheStorage.match", "CacheStorage.has", "CacheStorage.delete", "CacheStorage.keys",
]);
// Members of instances, which no prototype has.
const OF_INSTANCES = new Set(["Event.isTrusted", "WebSocketPair.0", "WebSocketPair.1"]);
const NOT_OURS = new Set(["Atomics", "Date", "FinalizationRegistry", "Intl", "WebAssembly"]);

/** The names of the list `globals` in core.js. */
function globalNames() {
  const list = readFileSync(join(root, "src/web/js/core.js"), "utf8").match(/const globals = \[([^]*?)\];/)[1];
  const words = list.match(/"[^"]+"/g).map((word) => word.slice(1, -1));
  return [...words.filter((_, i) => i % 2 === 0), "self"];
}

let reflected;
/** What an isolate has: see workers/reflect. */
async function reflection(t) {
  if (reflected) return reflected;
  const server = await dev(t, join(root, "tests/e2e/workers/reflect"));
  const answer = await server.fetch("/", { method: "POST", body: JSON.stringify(globalNames()) });
  assert.equal(answer.status, 200);
  return (reflected = await answer.json());
}

const keyOf = (name) => (name.startsWith("@@") ? `typeof Symbol.${name.slice(2)}` : JSON.stringify(name));

test("everything an isolate has is declared", async (t) => {
  const { globals, interfaces, modules } = await reflection(t);
  const uses = [];
  const use = (type, name, members) => {
    for (const member of members) if (!UNDECLARED.has(`${name}.${member}`)) uses.push(`(${type})[${keyOf(member)}]`);
  };
  for (const [name, { kind, statics, members }] of Object.entries(globals)) {
    if (NOT_OURS.has(name)) continue;
    uses.push(`typeof ${name}`);
    if (kind === "class") {
      use(`typeof ${name}`, name, statics);
      use(`(typeof ${name})["prototype"]`, name, members);
    } else if (kind === "object" && name !== "self") use(`typeof ${name}`, name, members);
  }
  for (const [name, members] of Object.entries(interfaces)) use(name, name, members);
  for (const [name, members] of Object.entries(modules)) use(`typeof import("${name}")`, name, members);
  assert.ok(uses.length > 500);
  const text = uses.map((type, i) => `export type _${i} = ${type};\n`).join("");
  const directory = project(t, { "uses.ts": text });
  const errors = check(t, [platform, join(directory, "uses.ts")]);
  const missing = [...errors.matchAll(/uses\.ts\((\d+),/g)].map(([, line]) => text.split("\n")[line - 1].replace(/^export type _\d+ = /, ""));
  assert.deepEqual(missing, [], errors);
});

/** What the file declares: { name: { statics, members, base } }. It is written in blocks: a line that
 * opens one at column 0, members at column 2, "}" at column 0. */
function declared() {
  const blocks = new Map();
  let block, isStatic;
  for (const line of readFileSync(platform, "utf8").split("\n")) {
    const open = line.match(/^(declare )?(?:abstract )?(class|interface|var|const) (\w+).*\{$/);
    if (open) {
      const [, , word, name] = open;
      if (!blocks.has(name)) blocks.set(name, { statics: new Set(), members: new Set() });
      block = blocks.get(name);
      isStatic = word === "var" || word === "const";
    } else if (line.startsWith("}")) block = undefined;
    const member = block && line.match(/^ {2}(static )?(?:readonly )?(?:get |set )?(\w+)[(<?:]/);
    if (member && !["constructor", "new", "prototype"].includes(member[2])) block[isStatic || member[1] ? "statics" : "members"].add(member[2]);
  }
  return blocks;
}

test("an isolate has everything that is declared", async (t) => {
  const { globals, interfaces } = await reflection(t);
  const blocks = declared();
  const shared = { Request: "Body", Response: "Body" };
  const lies = [];
  const compare = (name, wanted, found) => {
    for (const member of wanted) if (!found.includes(member) && !OF_INSTANCES.has(`${name}.${member}`)) lies.push(`${name}.${member}`);
  };
  for (const [name, { kind, statics, members }] of Object.entries(globals)) {
    if (kind !== "class" || NOT_OURS.has(name)) continue;
    const block = blocks.get(name);
    if (block === undefined) continue;
    compare(name, block.statics, statics);
    compare(name, block.members, members);
    if (shared[name]) compare(name, blocks.get(shared[name]).members, members);
  }
  for (const [name, members] of Object.entries(interfaces))
    if (name !== "IncomingRequestCfProperties") compare(name, blocks.get(name).members, members);
  for (const [name, type] of [["console", "Console"], ["navigator", "Navigator"]])
    if (globals[name].members.length > 0) compare(type, blocks.get(type).members, globals[name].members);
  assert.deepEqual(lies, []);
});
