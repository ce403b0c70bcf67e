// atoll dev: watching, swapping, failing, stopping.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { afterwards, dev, project, requestHost, run, runtimePid, says, sleep, until, write } from "./atoll.mjs";

const config = (name = "w", main = "src/index.js") => `name = "${name}"\nmain = "${main}"\n`;
const files = (text) => ({ "wrangler.toml": config(), "src/index.js": says(text) });

test("an edit is answered by the next version", async (t) => {
  const dir = project(t, files("one"));
  const server = await dev(t, dir);
  assert.equal(await server.text(), "one");
  write(dir, "src/index.js", says("two"));
  await until(async () => (await server.text()) === "two", "the new version");
  await server.shows("updated in ");
});

test("a file put in place by a rename is noticed, as is the next one", async (t) => {
  const dir = project(t, files("one"));
  const server = await dev(t, dir);
  for (const text of ["two", "three"]) {
    write(dir, "src/.index.js.tmp", says(text));
    renameSync(join(dir, "src/.index.js.tmp"), join(dir, "src/index.js"));
    await until(async () => (await server.text()) === text, text);
  }
});

test("a directory removed and made again is still watched", async (t) => {
  const dir = project(t, files("one"));
  const server = await dev(t, dir);
  rmSync(join(dir, "src"), { recursive: true });
  await sleep(100);
  write(dir, "src/index.js", says("two"));
  write(dir, "wrangler.toml", config());
  await until(async () => (await server.text()) === "two", "the new version");
});

test("imported files are watched wherever they are", async (t) => {
  const dir = project(t, {
    "wrangler.toml": config(),
    "src/index.js": 'import { text } from "../lib/deep/text.js";\nexport default { fetch: () => new Response(text) };\n',
    "lib/deep/text.js": 'export const text = "one";\n',
  });
  const server = await dev(t, dir);
  assert.equal(await server.text(), "one");
  write(dir, "lib/deep/text.js", 'export const text = "two";\n');
  await until(async () => (await server.text()) === "two", "the new version");
});

test("a version is swapped under load without a lost request", async (t) => {
  const dir = project(t, {
    "wrangler.toml": config(),
    "src/index.js": "export default { fetch: () => new Response('0') };\n",
  });
  const server = await dev(t, dir, { args: ["--quiet"] });
  let running = true;
  let answered = 0;
  const seen = new Set();
  const client = async () => {
    while (running) {
      const answer = await server.fetch();
      assert.equal(answer.status, 200);
      seen.add(await answer.text());
      answered++;
    }
  };
  const clients = Promise.all(Array.from({ length: 16 }, client));
  await until(() => seen.has("0"), "the first version");
  for (let version = 1; version <= 10; version++) {
    write(dir, "src/index.js", `export default { fetch: () => new Response('${version}') };\n`);
    await until(() => seen.has(String(version)), `version ${version}`);
  }
  running = false;
  await clients;
  assert.equal(seen.size, 11);
  assert.ok(answered > 100, `${answered} answers`);
});

test("requests that run while a version is swapped are finished by theirs", async (t) => {
  const dir = project(t, {
    "wrangler.toml": config(),
    "src/index.js":
      "export default { async fetch() { await new Promise((r) => setTimeout(r, 600)); return new Response('old'); } };\n",
  });
  const server = await dev(t, dir);
  const slow = server.text();
  await sleep(100);
  write(dir, "src/index.js", says("new"));
  await until(async () => (await server.text()) === "new", "the new version");
  assert.equal(await slow, "old");
});

test("a build error is shown with its place and the version before goes on", async (t) => {
  const dir = project(t, files("good"));
  const server = await dev(t, dir);
  write(dir, "src/index.js", "export default {\n  fetch() { return new Response('x' }\n};\n");
  await server.shows("src/index.js:2:");
  await server.shows("fetch() { return new Response('x' }");
  await server.shows("the version before goes on");
  assert.equal(await server.text(), "good");
  write(dir, "src/index.js", says("better"));
  await until(async () => (await server.text()) === "better", "the corrected version");
});

test("a first build that fails is answered with an error page until it is corrected", async (t) => {
  const dir = project(t, { "wrangler.toml": config(), "src/index.js": 'import "./missing.js";\n' + says("fixed") });
  const server = await dev(t, dir);
  const answer = await server.fetch();
  assert.equal(answer.status, 500);
  assert.match(await answer.text(), /does not build[^]*missing\.js/);
  write(dir, "src/missing.js", "");
  await until(async () => (await server.text()) === "fixed", "the corrected version");
});

test("a version that throws while it is loaded is refused and the one before goes on", async (t) => {
  const dir = project(t, files("good"));
  const server = await dev(t, dir);
  write(dir, "src/index.js", "throw new Error('at the start');\n");
  await server.shows("refused");
  await server.shows("at the start");
  assert.equal(await server.text(), "good");
});

test("a changed configuration is a new version, a broken one is not", async (t) => {
  const dir = project(t, {
    "wrangler.jsonc": '{ "name": "w", "main": "index.js", "vars": { "A": "1" } }',
    "index.js": "export default { fetch: (request, env) => new Response(env.A) };\n",
  });
  const server = await dev(t, dir);
  assert.equal(await server.text(), "1");
  write(dir, "wrangler.jsonc", '{ "name": "w", "main": "index.js", "vars": [] }');
  await server.shows('"vars" must be an object');
  assert.equal(await server.text(), "1");
  write(dir, "wrangler.jsonc", '{ "name": "w", "main": "index.js", "vars": { "A": "2" } }');
  await until(async () => (await server.text()) === "2", "the new variable");
  write(dir, ".dev.vars", "A=3\n");
  await until(async () => (await server.text()) === "3", "the variable of .dev.vars");
});

const BUILT = 'name = "w"\nmain = "out/w.js"\n[build]\ncommand = "sh build.sh"\n';
const COMMAND = 'echo built; mkdir -p out; [ -e fail ] && exit 3; sed s/NAME/built/ src/deep/w.txt > out/w.js\n';

test("build.command runs before each build, when what it reads has changed", async (t) => {
  const dir = project(t, { "wrangler.toml": BUILT, "build.sh": COMMAND, "src/deep/w.txt": says("NAME one") });
  const server = await dev(t, dir);
  assert.equal(await server.text(), "built one");
  assert.match(server.stderr, /^built$/m);
  write(dir, "src/deep/w.txt", says("NAME two"));
  await until(async () => (await server.text()) === "built two", "the second version");
  write(dir, "fail", "");
  write(dir, "src/deep/new.txt", "");
  await server.shows('build.command "sh build.sh" failed with status 3');
  assert.equal(await server.text(), "built two");
  rmSync(join(dir, "fail"));
  write(dir, "src/deep/w.txt", says("NAME three"));
  await until(async () => (await server.text()) === "built three", "the third version");
});

test("a build.command that writes what it reads does not run for ever", async (t) => {
  const dir = project(t, { "wrangler.toml": BUILT, "build.sh": `${COMMAND}date +%N > src/now\n`, "src/deep/w.txt": says("NAME one") });
  const server = await dev(t, dir);
  assert.equal(await server.text(), "built one");
  await server.shows("build.command changes files in build.watch_dir");
  write(dir, "src/deep/w.txt", says("NAME two"));
  await until(async () => (await server.text()) === "built two", "the second version");
});

test("a build.command that runs ends with atoll dev", async (t) => {
  const dir = project(t, { "wrangler.toml": BUILT, "build.sh": "echo $$ > pid; exec sleep 600\n" });
  const server = await dev(t, dir, { ready: false });
  const pid = await until(() => existsSync(join(dir, "pid")) && readFileSync(join(dir, "pid"), "utf8").trim(), "its pid");
  server.child.kill("SIGTERM");
  await until(() => !existsSync(`/proc/${pid}`), "its end");
});

test("several workers answer by host, the first one everywhere else", async (t) => {
  const dir = project(t, {
    "a/wrangler.toml": config("first"),
    "a/src/index.js": says("first"),
    "b/wrangler.toml": config("second"),
    "b/src/index.js": says("second"),
  });
  const server = await dev(t, [join(dir, "a"), join(dir, "b")]);
  const ask = (host) => requestHost(server.port, host);
  assert.equal((await ask("second.localhost")).body, "second");
  assert.equal((await ask(`second.localhost:${server.port}`)).body, "second");
  assert.equal((await ask("SECOND.localhost")).body, "second");
  assert.equal((await ask("first.localhost")).body, "first");
  assert.equal((await ask("example.com")).body, "first");
  assert.equal(await server.text(), "first");
  write(dir, "b/src/index.js", says("second, again"));
  await until(async () => (await ask("second.localhost")).body === "second, again", "the new version");
  assert.equal((await ask("example.com")).body, "first");
});

test("two workers of one name are refused", async (t) => {
  const dir = project(t, { "a.js": says("a"), "b/a.js": says("b") });
  const { status, stderr } = await run(["dev", join(dir, "a.js"), join(dir, "b/a.js"), "--port", "0"]);
  assert.equal(status, 1);
  assert.match(stderr, /both named "a"/);
});

test("a port in use is named, with what to do", async (t) => {
  const dir = project(t, files("x"));
  const other = createServer().listen(0, "127.0.0.1");
  afterwards(t, () => other.close());
  await once(other, "listening");
  const { port } = other.address();
  const { status, stderr } = await run(["dev", dir, "--port", String(port)]);
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`port ${port} .* in use`));
  assert.match(stderr, /--port/);
});

test("a runtime process that dies is replaced", async (t) => {
  const dir = project(t, files("alive"));
  const server = await dev(t, dir);
  assert.equal(await server.text(), "alive");
  for (let death = 0; death < 2; death++) {
    process.kill(runtimePid(server), "SIGKILL");
    await until(async () => (await server.text().catch(() => "")) === "alive", "the next process");
  }
  assert.match(server.stderr, /runtime process was ended by signal 9/);
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  test(`${signal} ends everything with status 0`, async (t) => {
    const server = await dev(t, project(t, files("x")));
    await server.text();
    const pid = runtimePid(server);
    const started = Date.now();
    assert.deepEqual(await server.stop(signal), { status: 0, signal: null });
    assert.ok(Date.now() - started < 5000);
    assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  });
}

test("a request that runs is finished before the end, a second signal does not wait", async (t) => {
  const dir = project(t, {
    "wrangler.toml": config(),
    "src/index.js":
      "export default { async fetch(r) { await new Promise((f) => setTimeout(f, Number(new URL(r.url).search.slice(1)))); return new Response('done'); } };\n",
  });
  const server = await dev(t, dir);
  const slow = server.text("/?500");
  await sleep(100);
  const stopped = server.stop();
  assert.equal(await slow, "done");
  assert.deepEqual(await stopped, { status: 0, signal: null });

  const again = await dev(t, dir);
  const lost = again.text("/?20000").catch(() => "lost");
  await sleep(100);
  again.stop();
  await sleep(200);
  assert.equal(again.ended, undefined);
  assert.deepEqual(await again.stop(), { status: 0, signal: null });
  assert.equal(await lost, "lost");
});

test("the runtime ends when the supervisor is killed", async (t) => {
  const server = await dev(t, project(t, files("x")));
  const pid = runtimePid(server);
  await server.stop("SIGKILL");
  await until(() => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  }, "the end of the runtime process");
});

test("the console of a worker and its uncaught errors are shown", async (t) => {
  const dir = project(t, {
    "wrangler.toml": config(),
    "src/index.ts": `interface Env { X: string }

const fail = (why: string): never => {
  throw new Error(why);
};

export default {
  fetch(request: Request, env: Env) {
    console.log("plain", { a: 1 });
    console.warn("careful");
    if (request.url.endsWith("/fail")) fail("on purpose");
    return new Response("ok");
  },
};
`,
  });
  write(dir, "wrangler.toml", config("w", "src/index.ts"));
  const server = await dev(t, dir);
  await server.text();
  await server.shows("warn careful");
  assert.equal((await server.fetch("/fail")).status, 500);
  await server.shows("on purpose");
  await server.shows("src/index.ts:4:");
  await server.shows("src/index.ts:11:");
  assert.doesNotMatch(server.stdout, /\x1b/);
});

test("--quiet prints no requests", async (t) => {
  const server = await dev(t, project(t, files("x")), { args: ["--quiet"] });
  await server.text("/seen-nowhere");
  await sleep(100);
  assert.doesNotMatch(server.stdout, /seen-nowhere/);
});

test("what comes over the network does not steer the terminal", async (t) => {
  const dir = project(t, {
    "wrangler.toml": config(),
    "src/index.js": "export default { fetch(r) { console.log(decodeURI(r.url)); return new Response(); } };\n",
  });
  const server = await dev(t, dir);
  await server.text("/%1b]0;title%07");
  await server.shows("log http");
  assert.doesNotMatch(server.stdout, /[\x1b\x07]/);
});
