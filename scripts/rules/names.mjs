// Names are addresses: symbols by stem, stems unique, ops the same in C and JavaScript, guards.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { functionsOf, lineAt } from "./tree.mjs";

/** The stem, or the room and the stem: http/head.c may say head_ or http_head_. */
const isAddress = (name, { stem, room }) =>
  [stem, `${room}_${stem}`].some((prefix) => name === prefix || name.startsWith(`${prefix}_`));

function exportsOf(object) {
  return execFileSync("nm", ["-g", "--defined-only", "-f", "posix", object], { encoding: "utf8" })
    .split("\n").map((line) => line.split(" ")[0]).filter(Boolean);
}

function* symbols(sources, objects) {
  for (const file of sources.filter((source) => source.ext === ".c")) {
    const object = file.path.replace(/^src/, objects).replace(/c$/, "o");
    if (!existsSync(object)) continue;
    for (const name of exportsOf(object)) {
      if (isAddress(name, file) || name === "main") continue;
      const line = lineAt(file.code, Math.max(0, file.code.search(new RegExp(`^\\w.*\\b${name}\\b`, "m"))));
      yield { file, line, name, message: `${name} is exported and does not start with ${file.stem}_` };
    }
  }
}

function* stems(sources) {
  const seen = new Map();
  for (const file of sources) {
    const key = file.stem + file.ext, other = seen.get(key);
    if (other) yield { file, line: 1, message: `the stem is also that of ${other.path}` };
    seen.set(key, file);
  }
}

function* headers(sources) {
  for (const file of sources.filter((source) => source.ext === ".h")) {
    const guard = `ATOLL_${file.room}_${file.stem}_H`.toUpperCase();
    if (!file.text.includes(`#ifndef ${guard}\n#define ${guard}\n`) || !file.text.endsWith("#endif\n"))
      yield { file, line: 1, message: `the guard is ${guard}, up to the last line` };
    if (!file.text.startsWith("/* ")) yield { file, line: 1, message: "a header begins with its contract" };
  }
  for (const file of sources)
    for (const found of file.code.matchAll(/^typedef\b[^;{]*(?:\{[^}]*\})?[^;]*?\b(\w+)\s*;/gm))
      yield { file, line: lineAt(file.code, found.index), name: found[1], message: `no typedef: struct ${found[1]}` };
}

/** Ops: in the table under their own name, and spoken of on both sides. */
function* ops(tree, sources) {
  const offered = new Map(), asked = new Map();
  for (const file of sources.filter((source) => source.ext === ".c")) {
    for (const f of functionsOf(file)) if (f.macro === "OP") offered.set(f.name, { file, line: f.line, listed: false });
    for (const row of file.codeWithLiterals.matchAll(/\{"(op_\w+)",\s*(\w+)\b/g)) {
      if (row[1] !== row[2])
        yield { file, line: lineAt(file.code, row.index), message: `the op "${row[1]}" is the function ${row[2]}` };
      if (offered.has(row[1])) offered.get(row[1]).listed = true;
    }
    for (const row of file.codeWithLiterals.matchAll(/\{"(op_\w+)",\s*\1,\s*kJS/g)) offered.get(row[1]).listed = true;
  }
  for (const file of tree.filter((f) => /^src\/.*\.js$/.test(f.path)))
    for (const found of file.text.matchAll(/\bop_\w+\b(?!\.)/g))
      if (!asked.has(found[0])) asked.set(found[0], { file, line: lineAt(file.text, found.index) });
  for (const [name, { file, line, listed }] of offered) {
    if (!listed) yield { file, line, name, message: `${name} stands in no table` };
    if (!asked.has(name)) yield { file, line, name, message: `${name} is called by no JavaScript` };
  }
  for (const [name, { file, line }] of asked)
    if (!offered.has(name)) yield { file, line, name, message: `there is no op ${name}` };
}

export function* names(tree, { objects }) {
  const sources = tree.filter((file) => file.room && file.code);
  yield* symbols(sources, objects);
  yield* stems(sources);
  yield* headers(sources);
  yield* ops(tree, sources);
}
