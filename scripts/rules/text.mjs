// Text: what no file has, and whether scripts and JavaScript can be read at all.
import { spawnSync } from "node:child_process";
import { Script } from "node:vm";

const LATER = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`);
const CODE = /\.(c|h|js|mjs|ts|sh|lua)$/;

/** A comment's line that reads as a statement: ends like one, and has a call or an assignment. */
function readsAsCode(comment) {
  const line = comment.replace(/^\s*(\/\*+|\*|\/\/)\s?/, "").replace(/\*\/\s*$/, "").trim();
  return /^(if|for|while|return|const|let|var|int|char|static|struct)\b.*[;{]$/.test(line) ||
    /^[\w.>[\]*-]+\s*([-+|&]?=[^=].*|\(.*\));$/.test(line) || /^#\s*(include|define|ifdef|if) /.test(line);
}

function* comments(file) {
  let inside = false;
  for (const [index, line] of file.lines.entries()) {
    const begins = !inside && /^\s*\/\*/.test(line);
    if (inside || begins || /^\s*\/\//.test(line)) yield [index + 1, line];
    if (begins || inside) inside = !line.includes("*/");
  }
}

function* lines(file) {
  const tabsAllowed = /(^|\/)(Makefile|\.gitmodules)$|\.(go|lua)$/.test(file.path);
  for (const [index, line] of file.lines.entries()) {
    const at = { file, line: index + 1 };
    if (/[ \t\r]$/.test(line)) yield { ...at, message: "blanks at the end of the line" };
    if (!tabsAllowed && line.includes("\t")) yield { ...at, message: "a tab" };
    if (LATER.test(line)) yield { ...at, message: `${line.match(LATER)[0]}: do it or file it` };
  }
  if (file.text && !file.text.endsWith("\n")) yield { file, line: file.lines.length, message: "the last line has no end" };
  if (file.text.endsWith("\n\n")) yield { file, line: file.lines.length - 1, message: "blank lines at the end" };
  if (CODE.test(file.path))
    for (const [line, comment] of comments(file))
      if (readsAsCode(comment)) yield { file, line, message: "a comment that reads as code" };
}

/** Built-ins and web tests are bodies of functions; everything else of ours is a module. */
const WRAPS = [
  [/^src\/(web|node)\/js\//, "(function(exports,use,ops,cells){"],
  [/^tests\/web\//, "(async function(){"],
];

function syntaxError(file) {
  const head = WRAPS.find(([pattern]) => pattern.test(file.path))?.[1];
  if (head) {
    try {
      new Script(`${head}"use strict";${file.text}\n})`, { filename: file.path });
    } catch (error) {
      return { line: Number(error.stack.match(/:(\d+)\n/)?.[1] ?? 1), message: error.message };
    }
    return undefined;
  }
  const how = { input: file.text, encoding: "utf8" };
  const { status, stderr } = spawnSync("node", ["--input-type=module", "--check"], how);
  if (status === 0) return undefined;
  return { line: Number(stderr.match(/:(\d+)\n/)?.[1] ?? 1), message: stderr.match(/\w*Error: .*/)?.[0] ?? stderr };
}

function shellError(file) {
  const { status, stderr } = spawnSync("bash", ["-n", file.path], { encoding: "utf8" });
  return status ? { line: Number(stderr.match(/line (\d+)/)?.[1] ?? 1), message: stderr.trim().split("\n")[0] } : undefined;
}

export function* text(tree) {
  for (const file of tree) {
    if (/package-lock\.json$/.test(file.path)) continue;
    yield* lines(file);
    const error = /\.m?js$/.test(file.path) ? syntaxError(file)
      : file.text.startsWith("#!/usr/bin/env bash") ? shellError(file) : undefined;
    if (error) yield { file, ...error };
  }
}
