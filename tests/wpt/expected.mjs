// expected/*.json and rates.json: what does not apply, what fails for a known reason, and how many
// subtests passed when the rates were last recorded.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const HERE = new URL(".", import.meta.url);
const RATES = new URL("rates.json", HERE);

// `*` stands for any text, all else for itself.
function pattern(text) {
  return new RegExp(`^${text.split("*").map((part) => part.replace(/[\\^$.+?()[\]{}|/]/g, "\\$&")).join(".*")}$`, "s");
}

function rule(entry, where) {
  const { file, subtest, message, reason, ...rest } = entry;
  if (typeof file !== "string" || typeof reason !== "string" || Object.keys(rest).length > 0)
    throw new Error(`${where}: an entry is { file, subtest?, message?, reason }, not ${JSON.stringify(entry)}`);
  return {
    file: pattern(file),
    subtest: subtest === undefined ? undefined : [subtest].flat().map(pattern),
    message: message === undefined ? undefined : pattern(message),
    reason,
    text: `${where}: ${file}${subtest === undefined ? "" : ` | ${subtest}`}`,
    used: false,
  };
}

function load() {
  const lists = { notApplicable: [], failing: [] };
  for (const name of readdirSync(new URL("expected/", HERE)).sort()) {
    if (!name.endsWith(".json")) continue;
    const found = JSON.parse(readFileSync(new URL(`expected/${name}`, HERE), "utf8"));
    for (const list in lists) for (const entry of found[list] ?? []) lists[list].push(rule(entry, name));
  }
  return lists;
}

const lists = load();

function find(rules, file, subtest, message) {
  const found = rules.find((each) => each.file.test(file) &&
    (each.subtest === undefined || each.subtest.some((name) => name.test(subtest))) &&
    (each.message === undefined || each.message.test(message)));
  if (found !== undefined) found.used = true;
  return found?.reason;
}

const ofFiles = lists.notApplicable.filter((each) => each.subtest === undefined && each.message === undefined);
const ofSubtests = lists.notApplicable.filter((each) => !ofFiles.includes(each));

// The reason why a whole file, or a subtest of it, does not apply; undefined when it does.
export const fileDoesNotApply = (file) => find(ofFiles, file);
export const subtestDoesNotApply = (file, subtest, message) => find(ofSubtests, file, subtest, message);
// The reason why a subtest fails, undefined when nobody has given one.
export const whyFailing = (file, subtest, message) => find(lists.failing, file, subtest, message);
// Entries that matched nothing in this run.
export const unused = () => [...lists.notApplicable, ...lists.failing].filter((each) => !each.used).map((each) => each.text);

export const readRates = () => (existsSync(RATES) ? JSON.parse(readFileSync(RATES, "utf8")) : {});

// Keeps what was recorded of directories that did not run.
export function recordRates(fresh) {
  const all = Object.entries({ ...readRates(), ...fresh }).sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = all.map(([name, { passed, total }]) => `  ${JSON.stringify(name)}: { "passed": ${passed}, "total": ${total} }`);
  writeFileSync(RATES, `{\n${lines.join(",\n")}\n}\n`);
}
