// The web platform inside real requests, what is logged of it, and where errors are shown.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { dev, project, root, until, write } from "./atoll.mjs";

const workers = join(root, "tests/e2e/workers");
const start = (name, args = []) => dev({ after }, join(workers, name), { args });
const [platform, service, typescript] = await Promise.all(["platform", "service-worker", "typescript"].map((name) => start(name)));
const platformSource = readFileSync(join(workers, "platform/src/index.js"), "utf8").split("\n");
const curl = async (...args) => (await promisify(execFile)("curl", ["-sS", "--max-time", "10", ...args])).stdout;

for (const name of await (await platform.fetch("/names")).json())
  test(name, async () => {
    const answer = await platform.fetch(`/check?name=${encodeURIComponent(name)}`, {
      method: "POST",
      headers: { "x-check": "yes" },
      body: "body of the check",
    });
    assert.equal(await answer.text(), "ok");
  });

test("every check holds when all run at once, many times", async () => {
  const names = await (await platform.fetch("/names")).json();
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => names)
      .flat()
      .map(async (name) =>
        platform.text(`/check?name=${encodeURIComponent(name)}`, {
          method: "POST",
          headers: { "x-check": "yes" },
          body: "body of the check",
        }),
      ),
  );
  assert.deepEqual([...new Set(answers)], ["ok"]);
});

test("curl uploads a form with files", async (t) => {
  const dir = project(t, { "plain.txt": "two\r\nlines", "unicode é.bin": "x" });
  const big = Buffer.from(Array.from({ length: 300000 }, (_, i) => (i * 7) & 255));
  write(dir, "big.bin", big);
  const sum = (bytes) => bytes.reduce((a, b) => (a * 31 + b) % 65521, 0);
  const fields = JSON.parse(
    await curl(
      "--form-string", "text=a value; with=signs", "-F", `plain=@${dir}/plain.txt;type=text/x-mine`,
      "-F", `file=@${dir}/unicode é.bin`, "-F", `big=@${dir}/big.bin`, "-F", "empty=", `${platform.url}/form`,
    ),
  );
  assert.deepEqual(fields, [
    ["text", "a value; with=signs"],
    ["plain", "plain.txt", "text/x-mine", 10, sum(Buffer.from("two\r\nlines"))],
    ["file", "unicode é.bin", "application/octet-stream", 1, sum(Buffer.from("x"))],
    ["big", "big.bin", "application/octet-stream", 300000, sum(big)],
    ["empty", ""],
  ]);
  assert.equal(await curl("-d", "a=1", "-d", "b=%20", `${platform.url}/form`), '[["a","1"],["b"," "]]');
});

test("fetch() uploads a form with a file", async () => {
  const body = new FormData();
  body.append("field", "väl");
  body.append("file", new Blob(["content"], { type: "text/y" }), "näme.txt");
  const fields = await (await platform.fetch("/form", { method: "POST", body })).json();
  assert.deepEqual(fields.map((field) => field.slice(0, 4)), [["field", "väl"], ["file", "näme.txt", "text/y", 7]]);
});

test("a redirect goes out as one", async () => {
  const answer = await platform.fetch("/redirect", { redirect: "manual" });
  assert.equal(answer.status, 301);
  assert.equal(answer.headers.get("location"), "http://example.com/%C3%A9");
});

test("console output reaches the terminal with its level", async () => {
  assert.equal(await platform.text("/console"), "logged");
  await platform.shows("debug a debug line\n");
  await platform.shows("log a log line { a: [ 1, 'two' ] } 3n %s null\n");
  await platform.shows("info formatted text 4 { b: 1 }\n");
  await platform.shows("warn a warning\n");
  await platform.shows("error TypeError: an error in the console\n");
  const line = platformSource.findIndex((text) => text.includes("an error in the console")) + 1;
  await platform.shows(`at /console (src/index.js:${line}:`);
  await platform.shows("log after the nul");
  const printed = platform.stdout.match(/control .* end/)[0];
  assert.ok(![...printed].some((c) => c < " "), "no control characters reach the terminal");
});

test("waitUntil goes on after the answer", async () => {
  assert.equal(await platform.text("/wait-until"), "answered");
  await platform.shows("waitUntil is done");
});

test("passThroughOnException has nowhere to pass to: the error page is the answer", async () => {
  const answer = await platform.fetch("/pass-through");
  assert.equal(answer.status, 500);
  assert.match(await answer.text(), /nothing to pass through to/);
});

// ---- service workers ----

test("a service worker answers by events, with variables as globals", async () => {
  assert.equal(await service.text("/"), "fetch true");
  await service.shows("waited in a service worker");
  assert.deepEqual(await (await service.fetch("/vars")).json(), { GREETING: "hello from a global", SETTINGS: { loud: true } });
  assert.equal(await service.text("/pass"), "the second listener");
  assert.equal(await service.text("/twice"), "once");
  await service.shows("the second call: ");
});

test("what a listener throws is the request's error", async () => {
  for (const [path, message] of [["/throw", "thrown by a listener"], ["/reject", "rejected by a listener"]]) {
    const answer = await service.fetch(path);
    assert.equal(answer.status, 500);
    assert.ok((await answer.text()).includes(`RangeError: ${message}\n    at `), path);
  }
});

// ---- errors ----

const source = (name) => readFileSync(join(workers, "typescript/src", name), "utf8").split("\n");
/** "src/index.ts:12:" of the first line with this text. */
const place = (name, text) => `src/${name}:${source(name).findIndex((line) => line.includes(text)) + 1}:`;

test("a stack names TypeScript files and their lines, on the page and in the terminal", async () => {
  const answer = await typescript.fetch("/deep");
  assert.equal(answer.status, 500);
  assert.equal(answer.headers.get("content-type"), "text/plain;charset=UTF-8");
  assert.equal(answer.headers.get("cache-control"), "no-store");
  const text = await answer.text();
  const [first, second, ...rest] = text.split("\n").filter((line) => line.startsWith("    at "));
  assert.ok(text.startsWith("500 Internal Server Error: The worker threw an exception\n\nRangeError: level 3 is too high\n"), text);
  assert.ok(first.includes(`at risky (${place("lib/risky.ts", "throw new RangeError")}`), first);
  assert.ok(second.includes(place("index.ts", "risky(3)")), second);
  assert.deepEqual(rest, [], "frames of the platform");
  await typescript.shows("error RangeError: level 3 is too high");
  await typescript.shows(place("lib/risky.ts", "throw new RangeError"));
});

test("a browser gets the error as HTML, escaped", async () => {
  const answer = await typescript.fetch("/direct", { headers: { accept: "text/html,*/*;q=0.8" } });
  assert.equal(answer.headers.get("content-type"), "text/html;charset=UTF-8");
  const html = await answer.text();
  assert.match(html, /^<!doctype html>/);
  assert.ok(html.includes("TypeError: direct &lt;b&gt;&amp;amp; plain&lt;/b&gt;"), html);
  assert.ok(html.includes(place("index.ts", "throw new TypeError")), html);
  assert.ok(!html.includes("<b>"), "the worker's text is no markup");
});

test("an error after an await still says where it was thrown", async () => {
  const text = await typescript.text("/later");
  assert.ok(text.includes(`at risky (${place("lib/risky.ts", "throw new RangeError")}`), text);
});

test("a logged error shows its mapped stack, and so does one that a timer throws", async () => {
  assert.equal(await typescript.text("/logged"), "logged");
  await typescript.shows("error caught RangeError: level 5 is too high");
  await typescript.shows(place("index.ts", "risky(5)"));
  assert.equal(await typescript.text("/lost"), "went on");
  await typescript.shows("Error: in a timer");
  await typescript.shows(place("index.ts", 'throw new Error("in a timer")'));
});

test("the log shows each request with its status", async () => {
  await typescript.text("/fine?a=b");
  await until(() => /GET \/fine\?a=b 200 [\d.]+ ms/.test(typescript.stdout), "the line");
  assert.match(typescript.stdout, /GET \/deep 500 /);
});
