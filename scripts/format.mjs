// Formats C: format.mjs check|write [FILE...]; all sources when none is named.
// Functions are clang-format's; declarations and tables, where alignment says something, are left
// as they were written: also a table inside a function.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { functionsOf, readTree } from "./rules/tree.mjs";

const VERSION = "14"; // others break lines elsewhere

const TABLE = /\] *= *\{|^ +(static |const )*struct \{|^ +static .*= *\{/;

/** The parts of a function without its tables: [first line, last line] each. */
function partsOf(file, { line, length }) {
  const lines = file.code.split("\n"), parts = [], end = line + length - 1;
  let from = line;
  for (let at = line; at <= end; at++) {
    if (!TABLE.test(lines[at - 1])) continue;
    if (at > from) parts.push([from, at - 1]);
    while (at < end && !/\} *;/.test(lines[at - 1])) at++;
    from = at + 1;
  }
  if (from <= end) parts.push([from, end]);
  return parts;
}

function formatted(file) {
  const ranges = functionsOf(file).flatMap((f) => partsOf(file, f));
  if (ranges.length === 0) return file.text;
  const args = ranges.map(([from, to]) => `--lines=${from}:${to}`);
  return execFileSync("clang-format", [`--assume-filename=${file.path}`, ...args], { input: file.text, encoding: "utf8" });
}

const [mode, ...paths] = process.argv.slice(2);
const version = execFileSync("clang-format", ["--version"], { encoding: "utf8" }).match(/version (\d+)/)[1];
if (version !== VERSION) {
  console.error(`format: nothing is done: clang-format ${VERSION} is wanted, ${version} is here`);
  process.exit(0);
}
let different = 0;
for (const file of readTree().filter((f) => f.code && (paths.length === 0 || paths.includes(f.path)))) {
  const text = formatted(file);
  if (text === file.text) continue;
  different++;
  if (mode === "write") {
    writeFileSync(file.path, text);
  } else {
    const theirs = text.split("\n"), line = file.lines.findIndex((ours, index) => ours !== theirs[index]);
    console.log(`${file.path}:${line + 1}: format: clang-format writes: ${theirs[line]?.trim()}`);
  }
}
process.exitCode = mode === "check" && different ? 1 : 0;
