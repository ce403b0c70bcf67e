// Turns files into C arrays, ASCII only; JavaScript is minified by esbuild.
//   embed.mjs builtins ESBUILD OUT.c FILE.js...   the web platform's files, one `struct builtin` each
//   embed.mjs library ESBUILD OUT.c FILE.js       one bundled library: `const char <name>_js[]`
//   embed.mjs text NAME OUT.c FILE                a text as it is: `const char NAME[]`
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

const [mode, esbuild, out, ...files] = process.argv.slice(2);

function run(args, input) {
  const done = spawnSync(esbuild, [...args, "--log-level=warning"], { input, encoding: "utf8" });
  if (done.error || done.status !== 0) {
    console.error(done.error?.message ?? done.stderr);
    process.exit(1);
  }
  if (/[^\x00-\x7f]/.test(done.stdout)) throw new Error(`${args}: output is not ASCII`);
  return done.stdout.trimEnd();
}

function cArray(text) {
  const rows = [];
  for (let i = 0; i < text.length; i += 20)
    rows.push([...text.slice(i, i + 20)].map((c) => c.charCodeAt(0)).join(","));
  return `{\n${rows.join(",\n")},0}`;
}

function builtins() {
  const rows = files.map((file) => {
    const name = basename(file, ".js");
    // esbuild drops a function that nobody uses: it is given to a call, which is taken off again.
    const wrapped = `keep(function(exports,use,ops,cells){"use strict";${readFileSync(file, "utf8")}\n})`;
    const call = run(["--minify", "--target=esnext", `--sourcefile=${file}`], wrapped);
    return { name, text: call.replace(/^keep/, "").replace(/;$/, "") };
  });
  const arrays = rows.map(({ name, text }) => `static const char ${name}_js[] = ${cArray(text)};`);
  const table = rows.map(({ name, text }) => `    {"${name}", ${name}_js, ${text.length}},`);
  return `#include "web/web.h"\n\n${arrays.join("\n")}\n
const struct builtin web_builtins[] = {\n${table.join("\n")}\n    {0},\n};\n`;
}

const exported = (name, text) => `#include <stddef.h>\n\nextern const char ${name}[];\nextern const size_t ${name}_len;\n
const char ${name}[] = ${cArray(text)};\nconst size_t ${name}_len = ${text.length};\n`;

function library() {
  const text = run(["--bundle", "--format=iife", "--minify", "--target=esnext", files[0]]);
  return exported(`control_${basename(files[0], ".js")}_js`, text);
}

function text() {
  const content = readFileSync(files[0], "utf8");
  if (/[^\x00-\x7f]/.test(content)) throw new Error(`${files[0]} is not ASCII`);
  return exported(esbuild, content);
}

writeFileSync(out, { builtins, library, text }[mode]());
