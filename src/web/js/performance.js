// Performance (High Resolution Time 6). What only marks and observers need is in
// performance_entries.js.

const { EventTarget } = use("events");
const { finish } = use("webidl");
const clock = use("time_origin");

const INTERNAL = Symbol("internal");

class Performance extends EventTarget {
  #brand;

  constructor(token) {
    if (token !== INTERNAL) throw new TypeError("Performance cannot be constructed: use performance");
    super();
  }
  get timeOrigin() {
    this.#brand;
    return clock.timeOrigin;
  }
  now() {
    this.#brand;
    return clock.now();
  }
  toJSON() {
    this.#brand;
    return { timeOrigin: clock.timeOrigin };
  }
  mark(...args) {
    this.#brand;
    return use("performance_entries").mark(args);
  }
  clearMarks(name) {
    this.#brand;
    use("performance_entries").clear("mark", name);
  }
  measure(...args) {
    this.#brand;
    return use("performance_entries").measure(args);
  }
  clearMeasures(name) {
    this.#brand;
    use("performance_entries").clear("measure", name);
  }
  getEntries() {
    this.#brand;
    return use("performance_entries").entries();
  }
  getEntriesByType(...args) {
    this.#brand;
    return use("performance_entries").entriesByType(args);
  }
  getEntriesByName(...args) {
    this.#brand;
    return use("performance_entries").entriesByName(args);
  }
}

finish(Performance, "Performance");
for (const name of ["clearMarks", "clearMeasures", "mark", "measure", "getEntriesByType", "getEntriesByName"])
  Object.defineProperty(Performance.prototype[name], "length", { value: name.startsWith("clear") ? 0 : 1, configurable: true });
Object.defineProperty(Performance, "length", { value: 0, configurable: true });

exports.Performance = Performance;
exports.performance = new Performance(INTERNAL);
