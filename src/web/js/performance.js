// Performance (High Resolution Time 6). Its time origin is its first use in the isolate, less one
// grain of the clock: now() is never 0.

const { op_clock_monotonic, op_clock_wall } = ops;
const { EventTarget } = use("events");
const { finish } = use("webidl");

const GRAIN_MS = 0.1; // CLOCK_GRAIN_NS of op_clock.c
const INTERNAL = Symbol("internal");

class Performance extends EventTarget {
  #origin = op_clock_monotonic() - GRAIN_MS;
  #timeOrigin = op_clock_wall() - GRAIN_MS;
  constructor(token) {
    if (token !== INTERNAL) throw new TypeError("Performance cannot be constructed: use performance");
    super();
  }

  get timeOrigin() {
    return this.#timeOrigin;
  }

  now() {
    return op_clock_monotonic() - this.#origin;
  }

  toJSON() {
    return { timeOrigin: this.#timeOrigin };
  }
}

finish(Performance, "Performance");

exports.Performance = Performance;
exports.performance = new Performance(INTERNAL);
