// The files of the project as the rules of `make tidy` see them.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, extname } from "node:path";

const BLANK = /[^\n]/g;

/** C text with comments, or comments and literals, blanked out; offsets and lines stay. */
function mask(text, literalsToo) {
  const pattern = /\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;
  return text.replace(pattern, (part) =>
    part[0] === "/" ? part.replace(BLANK, " ")
      : literalsToo ? part[0] + " ".repeat(part.length - 2) + part[0] : part);
}

function read(path) {
  const text = readFileSync(path, "utf8");
  const file = { path, text, ext: extname(path), stem: basename(path, extname(path)), lines: text.split("\n") };
  if (file.ext === ".c" || file.ext === ".h") {
    file.code = mask(text, true);
    file.codeWithLiterals = mask(text, false);
  }
  file.room = path.match(/^src\/(?:(\w+)\/)?/)?.[1] ?? (path.startsWith("src/") ? "main" : undefined);
  return file;
}

/** Every tracked or new text file that is still there. */
export function readTree() {
  const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { encoding: "utf8" });
  const binary = /\.(wasm|png|ico|gz)$|^tests\/fuzz\/corpus\//;
  return listed.split("\n").filter((path) => path && !binary.test(path) && existsSync(path)).map(read);
}

export const lineAt = (text, offset) => text.slice(0, offset).split("\n").length;

/** The house writes a function's braces in the first column: {name, parameters, line, length}. */
export function functionsOf(file) {
  const lines = file.code.split("\n"), found = [];
  for (let open = 0; open < lines.length; open++) {
    if (lines[open] !== "{") continue;
    const close = lines.indexOf("}", open);
    let start = open;
    while (start > 0 && lines[start - 1].trim() && !/^[}#]|;\s*$/.test(lines[start - 1])) start--;
    const head = lines.slice(start, open).join(" ").replace(/__attribute__\s*\(\(.*?\)\)/g, "");
    const [, name, list] = head.match(/(\w+)\s*\((.*)\)/) ?? [];
    if (!name || close < 0) continue;
    const macro = /^(OP|Test)$/.test(name);
    found.push({
      name: macro ? list.split(",").at(-1).trim() : name,
      macro: macro ? name : undefined,
      parameters: macro || list.trim() === "void" ? 0 : splitTop(list).length,
      line: start + 1,
      length: close - start + 1,
    });
  }
  return found;
}

function splitTop(list) {
  let depth = 0, parts = [""];
  for (const c of list) {
    if (c === "(") depth++;
    if (c === ")") depth--;
    if (c === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += c;
  }
  return parts;
}
