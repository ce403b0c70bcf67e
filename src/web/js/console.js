// console (WHATWG Console 1.1). Small on purpose: formatting is in inspect.js, loaded at the first
// call that prints more than one string.

const { op_clock_monotonic, op_console, op_console_wanted } = ops;
const { named } = use("webidl");

const TEXT = 1, ARGUMENTS = 2; // of op_console_wanted(): enum isolate_console
const DEBUG = 0, LOG = 1, INFO = 2, WARN = 3, ERROR = 4; // levels of op_console
const LABELS_MAX = 1000; // of count() and time(): a label may come from a request
const GROUP_DEPTH_MAX = 32;

const counts = new Map();
const clocks = new Map();
let depth = 0; // of groups

function indented(text) {
  if (depth === 0) return text;
  const indent = "  ".repeat(Math.min(depth, GROUP_DEPTH_MAX));
  return indent + text.replaceAll("\n", `\n${indent}`);
}

// Prints what console.log() and its kin were given: as arguments for those who watch from afar, else
// as text.
function print(level, args) {
  const wanted = op_console_wanted();
  if (wanted === ARGUMENTS) op_console(level, use("console_message").toJson(args));
  else if (wanted === TEXT) op_console(level, indented(textOf(args)));
}

const textOf = (args) =>
  args.length === 1 && typeof args[0] === "string" ? args[0] : use("inspect").format(args);

const printer = (level) => (...args) => {
  if (args.length > 0) print(level, args);
};

const labelOf = (label) => (label === undefined ? "default" : `${label}`);

function remember(map, label, value) {
  if (!map.has(label) && map.size >= LABELS_MAX) map.delete(map.keys().next().value);
  map.set(label, value);
}

function elapsed(label, method) {
  const start = clocks.get(label);
  if (start === undefined) {
    print(WARN, [`${method}: no timer '${label}' was started`]);
    return undefined;
  }
  const ms = op_clock_monotonic() - start;
  return `${label}: ${ms < 1000 ? `${ms.toFixed(1)}ms` : `${(ms / 1000).toFixed(3)}s`}`;
}

function group(...args) {
  if (args.length > 0) print(LOG, args);
  depth++;
}

const members = {
  assert(condition = false, ...args) {
    if (condition) return;
    if (args.length === 0) print(ERROR, ["Assertion failed"]);
    else if (typeof args[0] === "string") print(ERROR, [`Assertion failed: ${args[0]}`, ...args.slice(1)]);
    else print(ERROR, ["Assertion failed:", ...args]);
  },
  clear() {
    depth = 0;
  },
  count(label) {
    label = labelOf(label);
    const count = (counts.get(label) ?? 0) + 1;
    remember(counts, label, count);
    print(INFO, [`${label}: ${count}`]);
  },
  countReset(label) {
    label = labelOf(label);
    if (!counts.delete(label)) print(WARN, [`countReset: no count '${label}'`]);
  },
  debug: printer(DEBUG),
  dir(item, options) {
    print(LOG, [use("inspect").inspect(item, options)]);
  },
  dirxml: printer(LOG),
  error: printer(ERROR),
  group,
  groupCollapsed(...args) {
    group(...args);
  },
  groupEnd() {
    if (depth > 0) depth--;
  },
  info: printer(INFO),
  log: printer(LOG),
  table(data, columns) {
    print(LOG, [use("inspect").table(data, columns)]);
  },
  time(label) {
    label = labelOf(label);
    if (clocks.has(label)) print(WARN, [`time: a timer '${label}' is running already`]);
    else remember(clocks, label, op_clock_monotonic());
  },
  timeEnd(label) {
    label = labelOf(label);
    const text = elapsed(label, "timeEnd");
    clocks.delete(label);
    if (text !== undefined) print(INFO, [text]);
  },
  timeLog(label, ...args) {
    const text = elapsed(labelOf(label), "timeLog");
    if (text !== undefined) print(LOG, [text, ...args]);
  },
  timeStamp() {},
  trace(...args) {
    const { stackText } = use("inspect");
    const head = args.length > 0 ? `Trace: ${textOf(args)}` : "Trace";
    print(DEBUG, [head + stackText(new Error())]);
  },
  warn: printer(WARN),
};

const console = Object.create(Object.create(Object.prototype));
for (const name in members) {
  const method = named(name, members[name]);
  Object.defineProperty(method, "length", { value: 0, configurable: true });
  console[name] = method;
}
Object.defineProperty(console, Symbol.toStringTag, { value: "console", configurable: true });
exports.console = console;
