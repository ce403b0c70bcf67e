// Runs the web-platform-tests of a checkout inside atoll's isolates: see README.md.
//   node tests/wpt/run.mjs WEBTEST WPT_DIR [--only=PREFIX] [--verbose] [--update] [--jobs=N]
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { fileDoesNotApply, readRates, recordRates, subtestDoesNotApply, unused, whyFailing } from "./expected.mjs";
import { startServer } from "./server.mjs";
import { DIRECTORIES, metaOf, testFiles } from "./suite.mjs";

const SECONDS = 20, SECONDS_LONG = 60, OUTPUT_MAX = 64 << 20;
const PASS = 0, PRECONDITION_FAILED = 4;
const PRELUDE = fileURLToPath(new URL("prelude.js", import.meta.url));
const WHOLE_FILE = "(the file)";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: "" },
    verbose: { type: "boolean", default: false },
    update: { type: "boolean", default: false },
    jobs: { type: "string", default: "2" },
  },
});
if (positionals.length !== 2) {
  console.error("usage: run.mjs WEBTEST WPT_DIR [--only=PREFIX] [--verbose] [--update] [--jobs=N]");
  process.exit(2);
}
const webtest = path.resolve(positionals[0]);
const root = path.resolve(positionals[1]);
const scratch = mkdtempSync(path.join(tmpdir(), "atoll-wpt-"));
let server;

// ---- one file in one isolate ----

const fetched = new Map(); // what the server fills in, by path

// A script's path on disk. Those with {{host}} and the like, and those that have another name there,
// are fetched once.
function scriptPath(script) {
  const local = path.join(root, script);
  if (!/\.sub\./.test(script) && existsSync(local)) return local;
  if (!fetched.has(script))
    fetched.set(script, (async () => {
      const response = await fetch(`${server.origin}/${script}`);
      if (!response.ok) throw new Error(`${script}: the suite's server answers ${response.status}`);
      const copy = path.join(scratch, `script-${fetched.size}.js`);
      writeFileSync(copy, await response.text());
      return copy;
    })());
  return fetched.get(script);
}

let generated = 0;

async function generate(file, meta, variant) {
  const scripts = await Promise.all([...meta.scripts, file].map(scriptPath));
  const href = `${server.origin}/${file.replace(/\.js$/, ".worker.js")}${variant}`;
  const target = path.join(scratch, `test-${generated++}.js`);
  const harness = path.join(root, "resources/testharness.js");
  writeFileSync(target, `__load(${[href, harness, scripts].map((each) => JSON.stringify(each)).join(", ")});\n`);
  return target;
}

function execute(script, seconds) {
  return new Promise((resolve, reject) => {
    const child = spawn(webtest, [PRELUDE, script], { stdio: ["ignore", "pipe", "pipe"], cwd: scratch, env: { ...process.env, ATOLL_CA_FILE: server.authority } });
    const lines = [];
    let output = "", bytes = 0, complaint = "", timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, seconds * 1000);
    child.stdout.setEncoding("utf8").on("data", (text) => {
      if ((bytes += text.length) > OUTPUT_MAX) return child.kill("SIGKILL");
      const parts = (output + text).split("\n");
      output = parts.pop();
      for (const line of parts) if (line.startsWith("\u0001")) lines.push(line.slice(1));
    });
    child.stderr.setEncoding("utf8").on("data", (text) => (complaint = (complaint + text).slice(-2000)));
    child.on("error", reject);
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      resolve({ lines, complaint, status, signal, timedOut, seconds });
    });
  });
}

function endOf({ complaint, status, signal, timedOut, seconds }) {
  if (timedOut) return `no end after ${seconds} s`;
  if (signal !== null) return `the process died of ${signal}: ${complaint.slice(-300)}`;
  if (complaint.includes("nothing can settle any more")) return "it waits for something that cannot come any more";
  return `ended with status ${status} before its tests did: ${complaint.slice(-300)}`;
}

// [{ name, status, message }] of one variant.
function resultsOf(run) {
  const results = [], open = new Set();
  let end, threw;
  for (const line of run.lines) {
    const bracket = line.indexOf("[");
    const kind = line.slice(0, bracket), values = JSON.parse(line.slice(bracket));
    if (kind === "begun") open.add(values[0]);
    else if (kind === "end") end = values;
    else if (kind === "threw") threw = values[0];
    else {
      const [name, status, message] = values;
      open.delete(name);
      results.push({ name, status, message });
    }
  }
  if (end === undefined) {
    const message = threw ?? endOf(run);
    for (const name of open) results.push({ name, status: 2, message });
    if (open.size === 0 || threw !== undefined || run.signal !== null) results.push({ name: WHOLE_FILE, status: 2, message });
  } else if (end[0] === PRECONDITION_FAILED && results.length === 0) results.push({ name: WHOLE_FILE, status: end[0], message: end[1] });
  else if (end[0] !== 0 && end[0] !== PRECONDITION_FAILED) results.push({ name: WHOLE_FILE, status: 1, message: end[1] });
  return results;
}

// ---- counting ----

// Adds a file's subtests to its directory's tally.
function count(tally, file, results) {
  let failed = 0;
  for (const { name, status, message } of results) {
    if (status === PRECONDITION_FAILED || subtestDoesNotApply(file, name, message) !== undefined) {
      tally.notApplicable++;
      continue;
    }
    tally.total++;
    if (status === PASS) {
      tally.passed++;
      continue;
    }
    failed++;
    const reason = whyFailing(file, name, message);
    if (reason === undefined) tally.unexplained++;
    if (options.verbose) console.log(`not ok  ${file} | ${name}\n        ${message}${reason === undefined ? "" : `\n        known: ${reason}`}`);
  }
  if (failed > 0) tally.files.push(`${file} (${failed})`);
}

async function runFile(tally, file) {
  const meta = metaOf(root, file);
  if (fileDoesNotApply(file) !== undefined || !meta.isOurs) {
    tally.notApplicableFiles++;
    return;
  }
  for (const variant of meta.variants) {
    let results;
    try {
      results = resultsOf(await execute(await generate(file, meta, variant), meta.isLong ? SECONDS_LONG : SECONDS));
    } catch (error) {
      results = [{ name: WHOLE_FILE, status: 1, message: error.message }];
    }
    count(tally, file, results);
  }
}

const percentOf = ({ passed, total }) => (total === 0 ? 100 : Math.floor((passed * 1000) / total) / 10);

function print(directory, tally) {
  const { passed, total, files, notApplicable, notApplicableFiles, unexplained } = tally;
  const apart = `not applicable: ${notApplicable} and ${notApplicableFiles} files`;
  const why = unexplained > 0 ? `; failing without a reason: ${unexplained}` : "";
  console.log(`${directory.padEnd(22)} ${`${passed}/${total}`.padStart(13)} ${percentOf(tally).toFixed(1).padStart(6)} %   ${apart}${why}`);
  for (const file of files) console.log(`    ${file}`);
}

async function runDirectory(directory) {
  const tally = { passed: 0, total: 0, unexplained: 0, notApplicable: 0, notApplicableFiles: 0, files: [] };
  const queue = testFiles(root, directory).filter((file) => file.startsWith(options.only));
  const lane = async () => {
    for (let file; (file = queue.shift()) !== undefined; ) await runFile(tally, file);
  };
  if (queue.length === 0) return undefined;
  await Promise.all(Array.from({ length: Number(options.jobs) }, lane));
  tally.files.sort();
  print(directory, tally);
  return tally;
}

// ---- all of it ----

// A directory's rate is compared and recorded only when all of it ran.
const isWhole = (directory) => directory.startsWith(options.only.replace(/\/$/, ""));
const isTouched = (directory) => isWhole(directory) || options.only.startsWith(`${directory}/`);

function compare(fresh) {
  const rates = readRates();
  const fallen = Object.keys(fresh).filter((name) => name in rates && percentOf(fresh[name]) < percentOf(rates[name]));
  for (const name of fallen) console.log(`FALLEN  ${name}: ${percentOf(fresh[name])} %, was ${percentOf(rates[name])} %`);
  return fallen.length === 0;
}

async function main() {
  if (!existsSync(path.join(root, "resources/testharness.js")))
    throw new Error(`${root} is no checkout of web-platform-tests; say where one is: make wpt WPT_DIR=path`);
  server = await startServer(root, scratch);
  const fresh = {}, sum = { passed: 0, total: 0 };
  for (const directory of DIRECTORIES.filter(isTouched)) {
    const tally = await runDirectory(directory);
    if (tally === undefined) continue;
    if (isWhole(directory)) fresh[directory] = tally;
    sum.passed += tally.passed;
    sum.total += tally.total;
  }
  console.log(`${"all".padEnd(22)} ${`${sum.passed}/${sum.total}`.padStart(13)} ${percentOf(sum).toFixed(1).padStart(6)} %`);
  if (sum.total === 0) throw new Error(`no test file of the directories in suite.mjs begins with "${options.only}"`);
  if (options.only === "") for (const entry of unused()) console.log(`matches nothing: ${entry}`);
  if (options.update) recordRates(fresh);
  return compare(fresh) ? 0 : 1;
}

function clean() {
  server?.stop();
  rmSync(scratch, { recursive: true, force: true });
}

process.on("exit", clean);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));
try {
  process.exit(await main());
} catch (error) {
  console.error(`wpt: ${error.message}`);
  process.exit(2);
}
