// The clock that performance and events share (High Resolution Time 5). Its origin is its first use
// in the isolate, less one grain: now() is never 0.

const { op_clock_monotonic, op_clock_wall } = ops;

const GRAIN_MS = 0.1; // CLOCK_GRAIN_NS of op_clock.c
const origin = op_clock_monotonic() - GRAIN_MS;

exports.timeOrigin = op_clock_wall() - GRAIN_MS;
exports.now = () => op_clock_monotonic() - origin;
