// What the checkout holds: test files, and what their `// META:` lines say.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

export const DIRECTORIES = [
  "FileAPI", "WebCryptoAPI", "compression", "console", "dom/abort", "dom/events", "encoding", "eventsource",
  "fetch/api", "fetch/content-encoding", "fetch/data-urls", "hr-time", "html/infrastructure", "html/webappapis", "mimesniff",
  "performance-timeline", "streams", "url", "urlpattern", "user-timing", "wasm", "webidl", "websockets", "xhr/formdata",
];

const OURS = new Set(["worker", "dedicatedworker", "sharedworker", "serviceworker", "jsshell"]);

function* walk(root, directory) {
  const entries = readdirSync(path.join(root, directory), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = `${directory}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, name);
    else if (name.endsWith(".any.js")) yield name;
  }
}

// Test files of `directory`, relative to the checkout, in order.
export function testFiles(root, directory) {
  return existsSync(path.join(root, directory)) ? [...walk(root, directory)] : [];
}

// { scripts, variants, isLong, isOurs } of a test file.
export function metaOf(root, file) {
  const meta = { scripts: [], variants: [], isLong: false, isOurs: true };
  for (const line of readFileSync(path.join(root, file), "utf8").split("\n")) {
    if (!line.startsWith("//")) {
      if (line.trim() !== "") break;
      continue;
    }
    const [, key, value] = /^\/\/\s*META:\s*(\w+)=(.*?)\s*$/.exec(line) ?? [];
    if (key === "script") meta.scripts.push(value.startsWith("/") ? value.slice(1) : path.posix.join(path.posix.dirname(file), value));
    else if (key === "variant" && !value.includes("wpt_flags=h2")) meta.variants.push(value); // no WebSockets over HTTP/2
    else if (key === "timeout") meta.isLong = value === "long";
    else if (key === "global") meta.isOurs = value.split(",").some((name) => OURS.has(name.trim()));
  }
  if (meta.variants.length === 0) meta.variants.push("");
  return meta;
}
