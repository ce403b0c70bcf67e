// PerformanceObserver and its list of entries (Performance Timeline 4). What was recorded is handed
// to all observers in one task of its own; it counts in cells[PENDING] until then.

const { finish, need } = use("webidl");
const { later } = use("core");
const { TYPES, dropped, timeline, select, byName, byType } = use("performance_entries");

const PENDING = 0, CURRENT = 3; // cells: see engine/isolate.h
const OBSERVE = "Failed to execute 'observe' on 'PerformanceObserver'";
const INTERNAL = {};

const observers = new Set(); // those that observe something, in the order in which they began
let isScheduled = false;

class PerformanceObserver {
  #state;

  constructor(callback) {
    need(arguments.length, 1, "Failed to construct 'PerformanceObserver'");
    if (typeof callback !== "function")
      throw new TypeError("Failed to construct 'PerformanceObserver': the callback is not a function");
    this.#state = { object: this, callback, mode: undefined, types: new Set(), queue: [], needsDropped: false };
  }
  observe(options) {
    const state = this.#state;
    const { buffered, entryTypes, type } = observeOptions(options);
    checkMode(state, entryTypes === undefined ? "single" : "multiple");
    state.needsDropped = true;
    if (entryTypes !== undefined) observeMany(state, entryTypes);
    else observeOne(state, type, buffered);
  }
  disconnect() {
    const state = this.#state;
    observers.delete(state);
    state.types.clear();
    state.queue = [];
    state.mode = undefined;
  }
  takeRecords() {
    const { queue } = this.#state;
    this.#state.queue = [];
    return queue;
  }
  static get supportedEntryTypes() {
    return TYPES;
  }
}
finish(PerformanceObserver, "PerformanceObserver");
Object.defineProperty(PerformanceObserver.prototype.observe, "length", { value: 0, configurable: true });
exports.PerformanceObserver = PerformanceObserver;

function observeOptions(options) {
  if (options !== undefined && options !== null && typeof options !== "object" && typeof options !== "function")
    throw new TypeError(`${OBSERVE}: the options are not an object`);
  const given = options ?? {};
  const buffered = given.buffered === undefined ? undefined : Boolean(given.buffered);
  const entryTypes = given.entryTypes === undefined ? undefined : sequence(given.entryTypes);
  const type = given.type === undefined ? undefined : `${given.type}`;
  if (entryTypes === undefined && type === undefined) throw new TypeError(`${OBSERVE}: neither entryTypes nor type is given`);
  if (entryTypes !== undefined && type !== undefined)
    throw new TypeError(`${OBSERVE}: of entryTypes and type only one can be given`);
  return { buffered, entryTypes, type };
}

function sequence(value) {
  if (typeof value !== "object" || value === null || typeof value[Symbol.iterator] !== "function")
    throw new TypeError(`${OBSERVE}: entryTypes is not a sequence`);
  return Array.from(value, (item) => `${item}`);
}

function checkMode(state, mode) {
  if (state.mode !== undefined && state.mode !== mode)
    throw new (use("dom_exception").DOMException)(
      `${OBSERVE}: an observer takes either entryTypes or type, always the same one`,
      "InvalidModificationError",
    );
  state.mode = mode;
}

function observeMany(state, entryTypes) {
  const types = entryTypes.filter((type) => TYPES.includes(type));
  if (types.length === 0) return;
  state.types = new Set(types);
  observers.add(state);
}

function observeOne(state, type, buffered) {
  if (!TYPES.includes(type)) return;
  state.types.add(type);
  observers.add(state);
  if (!buffered) return;
  for (const entry of timeline()) if (entry.entryType === type) state.queue.push(entry);
  schedule();
}

// An entry was added to the timeline.
exports.recorded = (entry) => {
  for (const state of observers)
    if (state.types.has(entry.entryType)) {
      state.queue.push(entry);
      schedule();
    }
};

function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  const request = cells[CURRENT];
  cells[PENDING]++;
  later(() => {
    isScheduled = false;
    cells[PENDING]--;
    cells[CURRENT] = request;
    for (const state of [...observers]) notify(state);
  });
}

function notify(state) {
  const { queue } = state;
  if (queue.length === 0) return;
  state.queue = [];
  const options = {};
  if (state.needsDropped) {
    state.needsDropped = false;
    options.droppedEntriesCount = 0;
    for (const type of state.types) options.droppedEntriesCount += dropped[type];
  }
  try {
    Reflect.apply(state.callback, state.object, [new PerformanceObserverEntryList(INTERNAL, queue), state.object, options]);
  } catch (error) {
    use("events").reportError(error);
  }
}

class PerformanceObserverEntryList {
  #entries;

  constructor(token, entries) {
    if (token !== INTERNAL) throw new TypeError("Illegal constructor");
    this.#entries = entries;
  }
  getEntries() {
    return select(this.#entries);
  }
  getEntriesByType(...args) {
    return byType(this.#entries, args, "PerformanceObserverEntryList");
  }
  getEntriesByName(...args) {
    return byName(this.#entries, args, "PerformanceObserverEntryList");
  }
}
finish(PerformanceObserverEntryList, "PerformanceObserverEntryList");
for (const name of ["getEntriesByType", "getEntriesByName"])
  Object.defineProperty(PerformanceObserverEntryList.prototype[name], "length", { value: 1, configurable: true });
Object.defineProperty(PerformanceObserverEntryList, "length", { value: 0, configurable: true });
exports.PerformanceObserverEntryList = PerformanceObserverEntryList;
