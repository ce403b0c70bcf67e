// Runs the rules over the tree: main.mjs OBJECTS, the directory with the release objects.
// Prints `file:line: rule: message`; exit status 1 when there is something to say.
import { readFileSync } from "node:fs";
import { budgets } from "./budgets.mjs";
import { names } from "./names.mjs";
import { rooms } from "./rooms.mjs";
import { text } from "./text.mjs";
import { readTree } from "./tree.mjs";

const ALLOW = "scripts/tidy_allow";
const rules = { rooms, budgets, names, text };

/** Lines `rule path[:name]  reason`; a path may end with *. */
function readAllowed() {
  const rows = [];
  for (const [index, text] of readFileSync(ALLOW, "utf8").split("\n").entries()) {
    const [rule, where, ...reason] = text.trim().split(/\s+/);
    if (!rule || rule.startsWith("#")) continue;
    const [path, name] = where.split(":");
    rows.push({ line: index + 1, rule, path, name, reason: reason.join(" "), used: false });
  }
  return rows;
}

function allows(row, rule, found) {
  const start = row.path.endsWith("*") ? row.path.slice(0, -1) : undefined;
  const here = start ? found.file.path.startsWith(start) : found.file.path === row.path;
  return row.rule === rule && here && (!row.name || row.name === found.name);
}

const allowed = readAllowed(), tree = readTree();
let said = 0;
function say(path, line, rule, message) {
  said++;
  console.log(`${path}:${line}: ${rule}: ${message}`);
}
for (const [rule, check] of Object.entries(rules)) {
  for (const found of check(tree, { objects: process.argv[2] })) {
    const row = allowed.find((candidate) => allows(candidate, rule, found));
    if (row) row.used = true;
    else say(found.file.path, found.line, rule, found.message);
  }
}
for (const row of allowed) {
  if (!row.used) say(ALLOW, row.line, "allow", `nothing needs this exception any more`);
  if (!row.reason) say(ALLOW, row.line, "allow", "an exception has a reason");
}
process.exitCode = said ? 1 : 0;
