// PerformanceEntry, marks and measures (User Timing 3), and the timeline that keeps them
// (Performance Timeline 2). The timeline is an isolate's, which lives for many requests, so it
// holds the latest ENTRIES_MAX entries and counts what it dropped.

const { finish, need } = use("webidl");
const { now } = use("time_origin");

const ENTRIES_MAX = 10000;
const DROP_AT_ONCE = 1000;
const INTERNAL = {};
const TYPES = Object.freeze(["mark", "measure"]); // in alphabetical order

const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

let lastId = 0;
let timeline = [];
const dropped = { __proto__: null, mark: 0, measure: 0 };

exports.TYPES = TYPES;
exports.dropped = dropped;
exports.timeline = () => timeline;

// ---- entries ----

class PerformanceEntry {
  #id = ++lastId;
  #name;
  #type;
  #start;
  #duration;

  constructor(token, name, type, start, duration) {
    if (token !== INTERNAL) throw new TypeError("Illegal constructor");
    this.#name = name;
    this.#type = type;
    this.#start = start;
    this.#duration = duration;
  }
  get id() {
    return this.#id;
  }
  get name() {
    return this.#name;
  }
  get entryType() {
    return this.#type;
  }
  get startTime() {
    return this.#start;
  }
  get duration() {
    return this.#duration;
  }
  get navigationId() {
    this.#id;
    return 0;
  }
  toJSON() {
    return {
      id: this.#id, name: this.#name, entryType: this.#type, startTime: this.#start, duration: this.#duration,
      navigationId: 0,
    };
  }
}
finish(PerformanceEntry, "PerformanceEntry");
Object.defineProperty(PerformanceEntry, "length", { value: 0, configurable: true });
exports.PerformanceEntry = PerformanceEntry;

class PerformanceMark extends PerformanceEntry {
  #detail;

  constructor(markName, markOptions) {
    const where = "Failed to construct 'PerformanceMark'";
    need(arguments.length, 1, where);
    const name = `${markName}`;
    const { detail, startTime } = dictionary(markOptions, where);
    const start = startTime === undefined ? now() : finite(startTime, where);
    if (start < 0) throw new TypeError(`${where}: startTime is negative`);
    super(INTERNAL, name, "mark", start, 0);
    this.#detail = detailOf(detail);
  }
  get detail() {
    return this.#detail;
  }
}
finish(PerformanceMark, "PerformanceMark");
Object.defineProperty(PerformanceMark, "length", { value: 1, configurable: true });
exports.PerformanceMark = PerformanceMark;

class PerformanceMeasure extends PerformanceEntry {
  #detail;

  constructor(token, name, start, end, detail) {
    super(token, name, "measure", start, end - start);
    this.#detail = detailOf(detail);
  }
  get detail() {
    return this.#detail;
  }
}
finish(PerformanceMeasure, "PerformanceMeasure");
Object.defineProperty(PerformanceMeasure, "length", { value: 0, configurable: true });
exports.PerformanceMeasure = PerformanceMeasure;

const detailOf = (detail) =>
  detail === undefined || detail === null ? null : use("structured_clone").clone(detail).value;

function dictionary(value, where) {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new TypeError(`${where}: the options are not an object`);
  return value;
}

function finite(value, where) {
  value = +value;
  if (!Number.isFinite(value)) throw new TypeError(`${where}: a time is not a finite number`);
  return value;
}

function record(entry) {
  timeline.push(entry);
  if (timeline.length > ENTRIES_MAX)
    for (const old of timeline.splice(0, DROP_AT_ONCE)) dropped[old instanceof PerformanceMark ? "mark" : "measure"]++;
  use("core").loaded("performance_observer")?.recorded(entry);
  return entry;
}

exports.mark = (args) => {
  need(args.length, 1, "Failed to execute 'mark' on 'Performance'");
  return record(new PerformanceMark(args[0], args[1]));
};

// ---- measure ----

const where = "Failed to execute 'measure' on 'Performance'";

// (DOMString or DOMHighResTimeStamp)
const toMark = (value) => (value === undefined ? undefined : typeof value === "number" ? finite(value, where) : `${value}`);

function timeOf(mark) {
  if (typeof mark === "number") {
    if (mark < 0) throw new TypeError(`${where}: a time is negative`);
    return mark;
  }
  const found = timeline.findLast((entry) => entry instanceof PerformanceMark && entry.name === mark);
  if (found === undefined) throw new (use("dom_exception").DOMException)(`${where}: there is no mark '${mark}'`, "SyntaxError");
  return found.startTime;
}

// { detail, duration, end, start } of the second argument when it is a dictionary.
function measureOptions(given) {
  const { detail, duration, end, start } = given ?? {};
  return {
    detail,
    duration: duration === undefined ? undefined : finite(duration, where),
    end: toMark(end),
    start: toMark(start),
  };
}

function checkOptions({ detail, duration, end, start }, endMark) {
  if (start === undefined && end === undefined && duration === undefined && detail === undefined) return;
  if (endMark !== undefined) throw new TypeError(`${where}: both options and an end mark are given`);
  if (start === undefined && end === undefined) throw new TypeError(`${where}: the options have neither start nor end`);
  if (start !== undefined && end !== undefined && duration !== undefined)
    throw new TypeError(`${where}: of start, end and duration only two can be given`);
}

exports.measure = (args) => {
  need(args.length, 1, where);
  const name = `${args[0]}`;
  const isDictionary = args[1] === undefined || args[1] === null || isObject(args[1]);
  const options = isDictionary ? measureOptions(args[1]) : { start: `${args[1]}` };
  const endMark = args[2] === undefined ? undefined : `${args[2]}`;
  if (isDictionary) checkOptions(options, endMark);
  const { duration, start } = options;
  const end = endMark ?? options.end;
  const startOnly = () => (start === undefined ? 0 : timeOf(start));
  let endTime;
  if (end !== undefined) endTime = timeOf(end);
  else if (start !== undefined && duration !== undefined) endTime = timeOf(start) + timeOf(duration);
  else endTime = now();
  const startTime = start === undefined && duration !== undefined ? endTime - timeOf(duration) : startOnly();
  return record(new PerformanceMeasure(INTERNAL, name, startTime, endTime, options.detail));
};

// ---- the timeline ----

exports.clear = (type, name) => {
  const wanted = name === undefined ? undefined : `${name}`;
  timeline = timeline.filter((entry) => entry.entryType !== type || (wanted !== undefined && entry.name !== wanted));
};

// Entries of a list by name and type, sorted by their start.
exports.select = (list, name, type) =>
  list
    .filter((entry) => (name === undefined || entry.name === name) && (type === undefined || entry.entryType === type))
    .sort((a, b) => a.startTime - b.startTime);

exports.byName = (list, args, on) => {
  need(args.length, 1, `Failed to execute 'getEntriesByName' on '${on}'`);
  return exports.select(list, `${args[0]}`, args[1] === undefined ? undefined : `${args[1]}`);
};
exports.byType = (list, args, on) => {
  need(args.length, 1, `Failed to execute 'getEntriesByType' on '${on}'`);
  return exports.select(list, undefined, `${args[0]}`);
};
exports.entries = () => exports.select(timeline);
exports.entriesByName = (args) => exports.byName(timeline, args, "Performance");
exports.entriesByType = (args) => exports.byType(timeline, args, "Performance");
