// Values as text for people: inspect() for console and error messages, printf-style format(),
// table(). The form is that of node's util.inspect.
//
// (1) Nothing here throws, whatever proxies, getters or toString() of the tenant do.
// (2) The output is bounded: ITEMS_MAX per collection, STRING_MAX characters of a string, TEXT_MAX of
//     all; once `left` is used up nothing more is walked.

const { loaded } = use("core");
const { op_buffer_is, op_error_stack } = ops;

const ITEMS_MAX = 100;
const STRING_MAX = 10000;
const TEXT_MAX = 65536;
const DEPTH = 4;
const DEPTH_MAX = 64;
const LINE = 76; // characters a line may have before it is broken
const INNER_LEVELS = 3; // an object with more levels inside is always broken

const { apply, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
const getter = (prototype, name) => getOwnPropertyDescriptor(prototype, name).get;
const typedArrayTag = getter(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);
const bufferLength = getter(ArrayBuffer.prototype, "byteLength");
const mapSize = getter(Map.prototype, "size");
const setSize = getter(Set.prototype, "size");
const mapEach = Map.prototype.forEach;
const setEach = Set.prototype.forEach;
const { toISOString, getTime } = Date.prototype;
const regexpSource = getter(RegExp.prototype, "source");
const functionText = Function.prototype.toString;
const CUSTOM = Symbol.for("nodejs.util.inspect.custom");
const NAME = /^[A-Za-z_$][\w$]*$/;

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

// Does the getter or method `check` accept `value`? A look at internal slots.
function has(check, value) {
  try {
    apply(check, value, []);
    return true;
  } catch {
    return false;
  }
}

// ---- strings ----

const ESCAPES = { __proto__: null, "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\v": "\\v", "\\": "\\\\" };
const escapeOf = (found) => ESCAPES[found] ?? `\\x${found.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

function quote(text) {
  const rest = text.length - STRING_MAX;
  if (rest > 0) text = text.slice(0, STRING_MAX);
  const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes("`") ? "`" : "'";
  text = text.toWellFormed().replace(/[\0-\x1f\x7f-\x9f\\]/g, escapeOf);
  if (mark === "'") text = text.replaceAll("'", "\\'");
  return `${mark}${text}${mark}${rest > 0 ? `... ${rest} more character${rest > 1 ? "s" : ""}` : ""}`;
}

const cut = (text) =>
  text.length > STRING_MAX ? `${text.slice(0, STRING_MAX)}... ${text.length - STRING_MAX} more characters` : text;

function primitive(value) {
  if (typeof value === "string") return quote(value);
  if (typeof value === "bigint") return `${cut(`${value}`)}n`;
  if (typeof value === "symbol") return cut(value.toString());
  return Object.is(value, -0) ? "-0" : `${value}`;
}

const keyText = (key) => {
  if (typeof key === "symbol") return `[${cut(key.toString())}]`;
  return NAME.test(key) ? key : quote(key);
};

// ---- what the platform's objects show ----

const PAIRS = { __proto__: null, Headers: "headers", URLSearchParams: "url", FormData: "formdata" };
const ATTRIBUTES = {
  __proto__: null,
  AbortController: ["abort", "signal"],
  AbortSignal: ["abort", "aborted", "reason"],
  Blob: ["blob", "size", "type"],
  CompressionStream: ["compression", "readable", "writable"],
  CustomEvent: ["events", "type", "detail", "defaultPrevented"],
  DecompressionStream: ["compression", "readable", "writable"],
  ErrorEvent: ["events", "type", "message", "error"],
  Event: ["events", "type", "defaultPrevented", "timeStamp"],
  File: ["blob", "name", "size", "type", "lastModified"],
  MessageChannel: ["message_channel", "port1", "port2"],
  MessageEvent: ["events", "type", "data", "origin"],
  PerformanceMark: ["performance_entries", "name", "startTime", "detail"],
  PerformanceMeasure: ["performance_entries", "name", "startTime", "duration", "detail"],
  PromiseRejectionEvent: ["events", "type", "promise", "reason"],
  ReadableStream: ["streams", "locked"],
  Request: ["request", "method", "url", "headers", "redirect", "cf", "signal", "bodyUsed"],
  Response: ["response", "status", "statusText", "headers", "ok", "redirected", "url", "bodyUsed"],
  TransformStream: ["streams", "readable", "writable"],
  URL: [
    "url", "href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search",
    "searchParams", "hash",
  ],
  WritableStream: ["streams", "locked"],
};

const isPlatform = (value, file, tag) => {
  const found = loaded(file)?.[tag];
  return found !== undefined && value instanceof found;
};

// ---- the walk ----

// One call of inspect(): what is being shown, what was seen, how much may still be said.
class Walk {
  constructor({ depth = DEPTH, showHidden = false } = {}) {
    this.depth = depth === null || depth > DEPTH_MAX ? DEPTH_MAX : depth;
    this.showHidden = showHidden;
    this.left = TEXT_MAX;
    this.path = []; // objects that are being shown
    this.circular = new Map(); // object -> its number
    this.indent = 0;
    this.deepest = 0; // level of the object shown last
  }

  say(text) {
    this.left -= text.length;
    return text;
  }

  value(value) {
    if (!isObject(value)) return this.say(primitive(value));
    if (this.path.includes(value)) {
      if (!this.circular.has(value)) this.circular.set(value, this.circular.size + 1);
      return this.say(`[Circular *${this.circular.get(value)}]`);
    }
    try {
      return this.object(value);
    } catch {
      return this.say("[Object that cannot be inspected]");
    }
  }

  object(value) {
    const custom = value[CUSTOM];
    if (typeof custom === "function") {
      const shown = apply(custom, value, [this.depth - this.path.length, { depth: this.depth }, inspect]);
      if (shown !== value) return typeof shown === "string" ? this.say(cut(shown)) : this.value(shown);
    }
    const name = nameOf(value);
    const level = this.path.length;
    if (level > this.depth || this.left <= 0)
      return this.say(`[${Array.isArray(value) ? "Array" : name ?? "Object: null prototype"}]`);
    this.path.push(value);
    this.deepest = level;
    const text = this.parts(value, name, level);
    this.path.pop();
    const number = this.circular.get(value);
    return number === undefined ? text : `<ref *${number}> ${text}`;
  }

  // Shows `value` by its kind: [head, brackets, items] or a text that stands alone.
  parts(value, name, level) {
    if (typeof value === "function") return this.braces(functionHead(value, name), value, [], level);
    if (Array.isArray(value)) return this.array(value, name, level);
    const typed = has(typedArrayTag, value) ? apply(typedArrayTag, value, []) : undefined;
    if (typed !== undefined) return this.list(prefix(name, typed, value.length), value, value.length, level);
    if (value instanceof Error) return this.error(value, level);
    if (has(mapSize, value)) return this.map(value, name, level);
    if (has(setSize, value)) return this.set(value, name, level);
    const plain = plainText(value);
    if (plain !== undefined) return this.braces(plain, value, [], level, isIndex);
    if (op_buffer_is(value) && has(bufferLength, value)) return this.buffer(value, name, level);
    const tag = tagOf(value);
    if (tag in PAIRS && isPlatform(value, PAIRS[tag], tag)) return this.pairs(value, name, tag === "Headers", level);
    if (tag in ATTRIBUTES && isPlatform(value, ATTRIBUTES[tag][0], tag)) return this.attributes(value, name, tag, level);
    return this.braces(objectHead(name, tag), value, undefined, level);
  }

  // Own properties, the enumerable ones, as "key: value"; `skip(key)` leaves some out.
  properties(value, skip) {
    const items = [];
    let more = 0;
    for (const key of ownKeys(value)) {
      if (skip?.(key)) continue;
      const property = getOwnPropertyDescriptor(value, key);
      if (property === undefined || !(property.enumerable || (this.showHidden && typeof key === "string"))) continue;
      if (items.length >= ITEMS_MAX || this.left <= 0) more++;
      else items.push(this.property(key, property));
    }
    return moreOf(items, more);
  }

  property(key, { get, set, value, enumerable }) {
    const label = this.say(enumerable ? keyText(key) : `[${String(key)}]`);
    if (get !== undefined) return `${label}: ${set === undefined ? "[Getter]" : "[Getter/Setter]"}`;
    return `${label}: ${set === undefined ? this.inner(value) : "[Setter]"}`;
  }

  // A value inside of braces.
  inner(value) {
    this.indent += 2;
    const text = this.value(value);
    this.indent -= 2;
    return text;
  }

  // `head` is followed by the items in braces, if there are any; an object without a head and items
  // is {}. `items` undefined: only own properties, and braces even when there are none.
  braces(head, value, items, level, skip) {
    const all = [...(items ?? []), ...this.properties(value, skip)];
    if (all.length === 0) return items === undefined ? `${head}{}` : head.trimEnd();
    return this.join(items === undefined || head === "" ? head : `${head.trimEnd()} `, "{", all, "}", level);
  }

  join(head, open, items, close, level) {
    const length = items.reduce((total, item) => total + item.length + 2, head.length + this.indent);
    const flat = length <= LINE && this.deepest - level < INNER_LEVELS && !items.some((item) => item.includes("\n"));
    if (flat) return `${head}${open} ${items.join(", ")} ${close}`;
    const line = `\n${" ".repeat(this.indent)}`;
    const rows = open === "[" && items.length > 6 ? fill(items, LINE - this.indent) : items;
    return `${head}${open}${line}  ${rows.join(`,${line}  `)}${line}${close}`;
  }

  array(value, name, level) {
    const head = name === "Array" ? "" : `${name ?? "[Array: null prototype]"}(${value.length}) `;
    return this.list(head, value, value.length, level);
  }

  // Items by index with holes counted, then the other properties.
  list(head, value, length, level) {
    const items = [];
    let i = 0;
    for (; i < length && items.length < ITEMS_MAX && this.left > 0; i++) {
      if (i in value) items.push(this.inner(value[i]));
      else {
        let holes = 1;
        while (i + holes < length && !(i + holes in value) && holes < STRING_MAX) holes++;
        items.push(this.say(`<${holes} empty item${holes > 1 ? "s" : ""}>`));
        i += holes - 1;
      }
    }
    moreOf(items, length - i);
    if (length <= STRING_MAX) items.push(...this.properties(value, isIndex));
    if (items.length === 0) return `${head}[]`;
    return this.join(head, "[", items, "]", level);
  }

  map(value, name, level) {
    const items = [];
    let more = 0;
    apply(mapEach, value, [
      (item, key) => {
        if (items.length >= ITEMS_MAX || this.left <= 0) more++;
        else items.push(`${this.inner(key)} => ${this.inner(item)}`);
      },
    ]);
    return this.collection(`${prefix(name, "Map", apply(mapSize, value, []))}`, moreOf(items, more), value, level);
  }

  set(value, name, level) {
    const items = [];
    let more = 0;
    apply(setEach, value, [
      (item) => {
        if (items.length >= ITEMS_MAX || this.left <= 0) more++;
        else items.push(this.inner(item));
      },
    ]);
    return this.collection(prefix(name, "Set", apply(setSize, value, [])), moreOf(items, more), value, level);
  }

  // Braces that stay when nothing is in them.
  collection(head, items, value, level, skip) {
    const all = [...items, ...this.properties(value, skip)];
    return all.length === 0 ? `${head}{}` : this.join(head, "{", all, "}", level);
  }

  buffer(value, name, level) {
    const length = apply(bufferLength, value, []);
    const bytes = new Uint8Array(value, 0, Math.min(length, ITEMS_MAX / 2));
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const rest = length - bytes.length;
    const shown = `[Uint8Contents]: <${hex}${rest > 0 ? ` ... ${rest} more byte${rest > 1 ? "s" : ""}` : ""}>`;
    return this.collection(objectHead(name, "ArrayBuffer"), [this.say(shown), `byteLength: ${length}`], value, level);
  }

  pairs(value, name, unique, level) {
    const items = [];
    let more = 0;
    for (const [key, item] of value) {
      if (items.length >= ITEMS_MAX || this.left <= 0) more++;
      else items.push(`${this.inner(key)}${unique ? ":" : " =>"} ${this.inner(item)}`);
    }
    return this.collection(objectHead(name, ""), moreOf(items, more), value, level);
  }

  attributes(value, name, tag, level) {
    const items = [];
    for (const key of ATTRIBUTES[tag].slice(1)) {
      if (!(key in value)) continue;
      const label = this.say(key);
      items.push(`${label}: ${this.inner(value[key])}`);
    }
    return this.collection(objectHead(name, ""), items, value, level, (key) => key === "isTrusted"); // of each event
  }

  error(error, level) {
    const items = [];
    const cause = getOwnPropertyDescriptor(error, "cause");
    const errors = getOwnPropertyDescriptor(error, "errors");
    if (cause !== undefined && "value" in cause) items.push(`[cause]: ${this.inner(cause.value)}`);
    if (Array.isArray(errors?.value)) items.push(`[errors]: ${this.inner(errors.value)}`);
    items.push(...this.properties(error, (key) => ERROR_KEYS.has(key)));
    let text = this.say(cut(errorHead(error) + stackText(error)));
    if (this.indent > 0) text = text.replaceAll("\n", `\n${" ".repeat(this.indent)}`);
    if (level > 0 && !text.includes("\n")) text = `[${text}]`;
    return items.length === 0 ? text : this.join(`${text} `, "{", items, "}", level);
  }
}

// JSC gives errors own properties line, column and sourceURL.
const ERROR_KEYS = new Set(["message", "stack", "cause", "errors", "line", "column", "sourceURL"]);

const isIndex = (key) => typeof key === "string" && /^(?:0|[1-9][0-9]*)$/.test(key);

function moreOf(items, more) {
  if (more > 0) items.push(`... ${more} more item${more > 1 ? "s" : ""}`);
  return items;
}

// Packs short items into lines.
function fill(items, width) {
  const rows = [];
  let row = "";
  for (const item of items) {
    if (row !== "" && (row.length + item.length + 2 > width || item.includes("\n"))) {
      rows.push(row);
      row = "";
    }
    row = row === "" ? item : `${row}, ${item}`;
  }
  rows.push(row);
  return rows;
}

// ---- heads ----

// The name of an object's class; undefined for a null prototype.
function nameOf(value) {
  for (let at = value; at !== null; at = getPrototypeOf(at)) {
    const found = getOwnPropertyDescriptor(at, "constructor")?.value;
    if (typeof found !== "function") continue;
    const name = getOwnPropertyDescriptor(found, "name")?.value;
    if (typeof name === "string" && name !== "") return cut(name);
  }
  return undefined;
}

function tagOf(value) {
  const tag = value[Symbol.toStringTag];
  return typeof tag === "string" ? tag : "";
}

function objectHead(name, tag) {
  const extra = tag !== "" && tag !== name ? `[${cut(tag)}] ` : "";
  if (name === undefined) return `[${tag === "" ? "Object" : tag}: null prototype] `;
  return name === "Object" && extra === "" ? "" : `${name} ${extra}`;
}

const prefix = (name, kind, size) =>
  name === undefined ? `[${kind}(${size}): null prototype] ` : `${name}(${size}) ${name.endsWith(kind) ? "" : `[${kind}] `}`;

function functionHead(value, kind) {
  const own = getOwnPropertyDescriptor(value, "name")?.value;
  const name = typeof own === "string" ? cut(own) : "";
  if (/^class\b/.test(apply(functionText, value, []))) {
    const parent = getPrototypeOf(value);
    const base = typeof parent === "function" ? parent.name : "";
    return `[class ${name === "" ? "(anonymous)" : name}${base ? ` extends ${base}` : ""}]`;
  }
  const head = kind === undefined ? "Function (null prototype)" : kind;
  return name === "" ? `[${head} (anonymous)]` : `[${head}: ${name}]`;
}

// Objects that are one word: dates, patterns, boxed primitives, weak collections, promises.
function plainText(value) {
  if (has(getTime, value)) return Number.isNaN(apply(getTime, value, [])) ? "Invalid Date" : apply(toISOString, value, []);
  if (has(regexpSource, value) && value !== RegExp.prototype) return cut(RegExp.prototype.toString.call(value));
  for (const [kind, Class] of BOXES)
    if (has(Class.prototype.valueOf, value) && value !== Class.prototype)
      return `[${kind}: ${primitive(apply(Class.prototype.valueOf, value, []))}]`;
  if (value instanceof Promise) return "Promise {}";
  if (value instanceof WeakMap) return "WeakMap { <items unknown> }";
  if (value instanceof WeakSet) return "WeakSet { <items unknown> }";
  return undefined;
}
const BOXES = [["Number", Number], ["String", String], ["Boolean", Boolean], ["BigInt", BigInt], ["Symbol", Symbol]];

// ---- errors ----

function errorHead(error) {
  const name = `${error.name ?? "Error"}`;
  const message = `${error.message ?? ""}`;
  return message === "" ? name : name === "" ? message : `${name}: ${message}`;
}

// The stack as lines that begin with "\n    at ", without the platform's own frames.
function stackText(error) {
  let { stack } = error;
  if (typeof stack !== "string" || stack === "") return "";
  if (typeof op_error_stack === "function") stack = op_error_stack(stack);
  let text = "";
  for (const line of stack.split("\n")) {
    const at = line.indexOf("@");
    const where = line.slice(at + 1);
    const name = at > 0 ? line.slice(0, at) : "";
    if (where === "" || where.startsWith("atoll:") || where === "[native code]") continue;
    if (/^\s*at /.test(line)) text += `\n    ${line.trim()}`;
    else text += name === "" ? `\n    at ${where}` : `\n    at ${name} (${where})`;
  }
  return cut(text);
}
exports.stackText = stackText;

// ---- inspect and format ----

// options: depth (levels that are shown, null for all), showHidden.
function inspect(value, options) {
  try {
    const text = new Walk(isObject(options) ? options : undefined).value(value);
    return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}...` : text;
  } catch {
    return "[Value that cannot be inspected]";
  }
}
exports.inspect = inspect;

const toNumber = (value, convert) => {
  if (typeof value === "symbol" || typeof value === "object") return "NaN";
  return typeof value === "bigint" ? `${value}n` : primitive(convert(value));
};

// What a specifier makes of its argument.
function specify(letter, value) {
  if (letter === "s") {
    if (typeof value === "string") return cut(value);
    if (!isObject(value)) return primitive(value);
    return inspect(value, { depth: 0 });
  }
  if (letter === "d") return toNumber(value, Number);
  if (letter === "i") return toNumber(value, parseInt);
  if (letter === "f") return toNumber(value, parseFloat);
  if (letter === "j") return jsonOf(value);
  if (letter === "o") return inspect(value, { showHidden: true });
  return letter === "O" ? inspect(value) : ""; // %c has a style, which a log has no use for
}

function jsonOf(value) {
  try {
    return cut(`${JSON.stringify(value)}`);
  } catch {
    return "[Circular]";
  }
}

// The text of console.log(...args) (Console 2.2.1).
exports.format = (args) => {
  let text = "";
  let next = 0;
  if (typeof args[0] === "string") {
    next = 1;
    text = args[0].replace(/%([sdifjoOc%])/g, (found, letter) => {
      if (letter === "%") return args.length > 1 ? "%" : found;
      return next < args.length ? specify(letter, args[next++]) : found;
    });
  }
  for (; next < args.length && text.length < TEXT_MAX; next++) {
    const value = args[next];
    text += `${next > 0 ? " " : ""}${typeof value === "string" ? value : inspect(value)}`;
  }
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}... ${text.length - TEXT_MAX} more characters` : text;
};

// ---- table ----

const ROWS_MAX = 1000;
const COLUMNS_MAX = 50;

// The rows of table(): [label, value] each.
function rowsOf(data) {
  if (has(mapSize, data)) return [...data].slice(0, ROWS_MAX).map(([key, value], i) => [`${i}`, { Key: key, Values: value }]);
  if (has(setSize, data)) return [...data].slice(0, ROWS_MAX).map((value, i) => [`${i}`, value]);
  return Object.keys(data)
    .slice(0, ROWS_MAX)
    .map((key) => [key, data[key]]);
}

function makeTable(data, wanted) {
  const rows = rowsOf(data);
  const columns = new Set(wanted);
  let primitives = false;
  for (const [, row] of rows) {
    if (!isObject(row)) primitives = true;
    else if (wanted === undefined) for (const key of Object.keys(row)) if (columns.size < COLUMNS_MAX) columns.add(key);
  }
  const show = (value) => inspect(value, { depth: 0 }).replaceAll("\n", " ");
  const grid = [["(index)", ...columns, ...(primitives ? ["Values"] : [])]];
  for (const [label, row] of rows) {
    const cells = [...columns].map((key) => (isObject(row) && Object.hasOwn(row, key) ? show(row[key]) : ""));
    grid.push([label, ...cells, ...(primitives ? [isObject(row) ? "" : show(row)] : [])]);
  }
  return drawGrid(grid);
}

function drawGrid(grid) {
  const widths = grid[0].map((_, i) => grid.reduce((most, row) => Math.max(most, row[i].length), 0));
  const rule = (left, middle, right) => left + widths.map((width) => "─".repeat(width + 2)).join(middle) + right;
  const line = (row) => `│${row.map((cell, i) => ` ${cell.padEnd(widths[i])} `).join("│")}│`;
  const [head, ...rest] = grid.map(line);
  return [rule("┌", "┬", "┐"), head, rule("├", "┼", "┤"), ...rest, rule("└", "┴", "┘")].join("\n");
}

// The text of console.table(): a grid of rows and their properties, or what inspect() says.
exports.table = (data, columns) => {
  try {
    if (!isObject(data) || typeof data === "function") return exports.format([data]);
    const text = makeTable(data, Array.isArray(columns) ? columns.map(String) : undefined);
    return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}...` : text;
  } catch {
    return inspect(data);
  }
};
