// setTimeout and its kin (HTML 8.6), and scheduler.wait of Workers.
//
// Timers are in a binary heap, first due first; one native timer waits for the first. When it fires,
// C calls fire() once per due timer, each in a task of its own, so that microtasks run in between.
// (1) heap[timer.index] === timer for each live timer; each live timer counts in cells[PENDING].
// (2) A batch runs what was due when it began: a timer set by a timer waits for the next batch.

const { finish, named, need } = use("webidl");
const { op_clock_monotonic, op_timer_arm, op_timer_new } = ops;

const PENDING = 0, CURRENT = 3; // cells: see engine/isolate.h
const NESTING_FREE = 5; // levels of timers set by timers that may have less than CLAMP_MS
const CLAMP_MS = 4;

const native = op_timer_new();
const live = new Map(); // id -> timer
const heap = [];
let lastId = 0;
let lastOrder = 0;
let nesting = 0; // of the timer that runs
let batch; // { now, lastOrder } while C is calling fire()

// ---- the heap ----

const before = (a, b) => a.at < b.at || (a.at === b.at && a.order < b.order);

function place(timer, index) {
  heap[index] = timer;
  timer.index = index;
}

function rise(timer, index) {
  for (let up; index > 0 && before(timer, heap[(up = (index - 1) >> 1)]); index = up) place(heap[up], index);
  place(timer, index);
}

function sink(timer, index) {
  for (let down; (down = 2 * index + 1) < heap.length; index = down) {
    if (down + 1 < heap.length && before(heap[down + 1], heap[down])) down++;
    if (!before(heap[down], timer)) break;
    place(heap[down], index);
  }
  place(timer, index);
}

function insert(timer, now) {
  timer.at = now + timer.delay;
  timer.order = ++lastOrder;
  heap.length++;
  rise(timer, heap.length - 1);
  if (timer.index === 0) arm(now);
}

function take(timer) {
  const { index } = timer;
  const last = heap.pop();
  if (last === timer) return;
  if (index > 0 && before(last, heap[(index - 1) >> 1])) rise(last, index);
  else sink(last, index);
}

// ---- the native timer ----

let armedFor = Infinity; // when the native timer fires

// A timer that was cleared leaves the native one armed: most are cleared, and setting and clearing
// then costs no call into C. A batch arms at its end.
function arm(now) {
  if (batch !== undefined || heap.length === 0 || heap[0].at >= armedFor) return;
  armedFor = heap[0].at;
  op_timer_arm(native, Math.max(0, armedFor - now));
}

// Runs one timer that is due. True when another is.
exports.fire = () => {
  batch ??= { now: op_clock_monotonic(), lastOrder };
  const timer = heap[0];
  if (isDue(timer)) run(timer);
  if (isDue(heap[0])) return true;
  batch = undefined;
  armedFor = Infinity;
  arm(op_clock_monotonic());
  return false;
};

const isDue = (timer) => timer !== undefined && timer.at <= batch.now && timer.order <= batch.lastOrder;

function run(timer) {
  take(timer);
  if (!timer.repeats) forget(timer);
  cells[CURRENT] = timer.request;
  nesting = timer.nesting;
  try {
    Reflect.apply(timer.callback, globalThis, timer.args);
  } catch (error) {
    use("events").reportError(error);
  }
  nesting = 0;
  if (!timer.repeats || live.get(timer.id) !== timer) return;
  timer.nesting++;
  timer.delay = clamp(timer.wanted, timer.nesting);
  insert(timer, op_clock_monotonic());
}

function forget(timer) {
  live.delete(timer.id);
  cells[PENDING]--;
}

// ---- setting and clearing ----

const clamp = (delay, level) => (level > NESTING_FREE && delay < CLAMP_MS ? CLAMP_MS : delay);

function start(callback, wanted, args, repeats) {
  const timer = {
    id: ++lastId,
    callback,
    args,
    repeats,
    wanted,
    delay: clamp(wanted, nesting),
    nesting: nesting + 1,
    request: cells[CURRENT],
    at: 0,
    order: 0,
    index: 0,
  };
  live.set(timer.id, timer);
  cells[PENDING]++;
  insert(timer, op_clock_monotonic());
  return timer.id;
}

function check(name, given, callback) {
  need(given, 1, `Failed to execute '${name}'`);
  if (typeof callback !== "function")
    throw new TypeError(`Failed to execute '${name}': parameter 1 is not a function (code in strings is not run)`);
}

const toDelay = (delay) => Math.max(0, delay | 0);

exports.setTimeout = named("setTimeout", function (callback, delay = 0, ...args) {
  check("setTimeout", arguments.length, callback);
  return start(callback, toDelay(delay), args, false);
});
exports.setInterval = named("setInterval", function (callback, delay = 0, ...args) {
  check("setInterval", arguments.length, callback);
  return start(callback, toDelay(delay), args, true);
});

function clear(id) {
  const timer = live.get(id | 0);
  if (timer === undefined) return;
  forget(timer);
  if (heap[timer.index] === timer) take(timer); // else it is running
}
exports.clearTimeout = named("clearTimeout", function (id = 0) {
  clear(id);
});
exports.clearInterval = named("clearInterval", function (id = 0) {
  clear(id);
});

// For other files: runs `callback` once after `delay` milliseconds, of which there may be more than
// 2^31. Returns a function that takes it off.
exports.after = (delay, callback) => {
  const id = start(callback, delay, [], false);
  return () => clear(id);
};

// ---- scheduler.wait ----

class Scheduler {
  wait(delay, options) {
    return new Promise((resolve, reject) => {
      need(arguments.length, 1, "Failed to execute 'wait' on 'Scheduler'");
      const signal = options?.signal;
      if (signal === undefined || signal === null) return void start(resolve, toDelay(delay), [], false);
      const { isSignal, onAbort } = use("abort");
      if (!isSignal(signal)) throw new TypeError("Failed to execute 'wait' on 'Scheduler': the signal is not an AbortSignal");
      if (signal.aborted) return reject(signal.reason);
      const forgetSignal = onAbort(signal, (reason) => {
        clear(id);
        reject(reason);
      });
      const id = start(() => {
        forgetSignal();
        resolve();
      }, toDelay(delay), [], false);
    });
  }
}
finish(Scheduler, "Scheduler");
Object.defineProperty(Scheduler.prototype.wait, "length", { value: 1, configurable: true });
exports.scheduler = new Scheduler();
