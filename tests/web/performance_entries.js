// performance.mark and its kin, and PerformanceObserver.

const clear = () => {
  performance.clearMarks();
  performance.clearMeasures();
};
const names = (entries) => entries.map((entry) => entry.name);

test("marks and measures are kept, sorted and cleared", () => {
  clear();
  performance.mark("b", { startTime: 2, detail: { x: [1] } });
  performance.mark("a", { startTime: 1 });
  const measure = performance.measure("m", "a", "b");
  assertEquals([measure.entryType, measure.startTime, measure.duration, measure.detail], ["measure", 1, 1, null]);
  assertEquals(names(performance.getEntries()), ["a", "m", "b"]);
  assertEquals(names(performance.getEntriesByType("mark")), ["a", "b"]);
  assertEquals(names(performance.getEntriesByName("b", "mark")), ["b"]);
  assertEquals(performance.getEntriesByName("b", "measure"), []);
  assertEquals(performance.getEntriesByName("b")[0].detail, { x: [1] });
  performance.clearMarks("a");
  assertEquals(names(performance.getEntries()), ["m", "b"]);
  performance.clearMarks();
  performance.clearMeasures();
  assertEquals(performance.getEntries().length, 0);
});

test("entries are objects of their classes", () => {
  const mark = performance.mark("x");
  assert(mark instanceof PerformanceMark && mark instanceof PerformanceEntry);
  assertEquals([mark.duration, mark.detail, mark.entryType], [0, null, "mark"]);
  assert(Math.abs(mark.startTime - performance.now()) < 1000);
  assertEquals(Object.keys(mark.toJSON()).sort(), ["duration", "entryType", "id", "name", "navigationId", "startTime"]);
  assert(performance.measure("y") instanceof PerformanceMeasure);
  assertThrows(() => new PerformanceEntry(), TypeError);
  assertThrows(() => new PerformanceMeasure(), TypeError);
  const free = new PerformanceMark("z", { startTime: 5 });
  assertEquals([free.startTime, performance.getEntriesByName("z").length], [5, 0]);
  clear();
});

test("measures by options", () => {
  clear();
  performance.mark("start", { startTime: 10 });
  performance.mark("start", { startTime: 20 });
  const rows = [
    [[{ start: 1, end: 4 }], 1, 3], [[{ start: 1, duration: 4 }], 1, 4], [[{ end: 9, duration: 4 }], 5, 4],
    [[{ start: "start", end: 30 }], 20, 10], [[undefined, "start"], 0, 20], [["start", "start"], 20, 0],
  ];
  for (const [args, start, duration] of rows) {
    const measure = performance.measure("m", ...args);
    assertEquals([measure.startTime, measure.duration], [start, duration], JSON.stringify(args));
  }
  assertThrows(() => performance.measure("m", "nobody"), "SyntaxError");
  assertThrows(() => performance.measure("m", { start: 1, end: 2 }, "start"), TypeError);
  assertThrows(() => performance.measure("m", { start: 1, end: 2, duration: 1 }), TypeError);
  assertThrows(() => performance.measure("m", { detail: 1 }), TypeError);
  assertThrows(() => performance.measure("m", { start: -1 }), TypeError);
  assertThrows(() => performance.measure("m", { start: NaN }), TypeError);
  assertThrows(() => performance.measure("m", { start: 1, end: 2, detail: () => {} }), "DataCloneError");
  assertThrows(() => performance.mark("m", { startTime: -1 }), TypeError);
  assertThrows(() => performance.mark(), TypeError);
  assertThrows(() => performance.mark("m", 1), TypeError);
  clear();
});

test("the timeline has a bound, the oldest go first", () => {
  clear();
  for (let i = 0; i < 10500; i++) performance.mark(`${i}`, { startTime: i });
  const entries = performance.getEntries();
  assert(entries.length <= 10000 && entries.length >= 9000, `${entries.length}`);
  assertEquals(entries.at(-1).name, "10499");
  clear();
});

test("an observer gets what comes, and what was when it asks", async () => {
  clear();
  performance.mark("before");
  const lists = [];
  const record = (list, observer, options) => lists.push([names(list.getEntries()), observer, options.droppedEntriesCount]);
  const later = new PerformanceObserver(record);
  const buffered = new PerformanceObserver(record);
  later.observe({ entryTypes: ["measure", "mark", "unknown"] });
  buffered.observe({ type: "mark", buffered: true });
  performance.mark("after");
  performance.measure("m");
  await scheduler.wait(1);
  assertEquals(lists.map(([entries]) => entries.sort()), [["after", "m"], ["after", "before"]]);
  assert(lists[0][1] === later);
  assertEquals(typeof lists[0][2], "number");
  performance.mark("third");
  assertEquals(names(later.takeRecords()), ["third"]);
  buffered.disconnect();
  later.disconnect();
  performance.mark("unseen");
  await scheduler.wait(1);
  assertEquals(lists.length, 2);
  clear();
});

test("observers check their options", () => {
  const observer = new PerformanceObserver(() => {});
  assertThrows(() => observer.observe(), TypeError);
  assertThrows(() => observer.observe({ type: "mark", entryTypes: ["mark"] }), TypeError);
  assertThrows(() => observer.observe({ entryTypes: 1 }), TypeError);
  observer.observe({ type: "mark" });
  assertThrows(() => observer.observe({ entryTypes: ["mark"] }), "InvalidModificationError");
  observer.disconnect();
  assertThrows(() => new PerformanceObserver(), TypeError);
  assertThrows(() => new PerformanceObserver(1), TypeError);
  assertEquals(PerformanceObserver.supportedEntryTypes, ["mark", "measure"]);
  assert(PerformanceObserver.supportedEntryTypes === PerformanceObserver.supportedEntryTypes);
  assert(Object.isFrozen(PerformanceObserver.supportedEntryTypes));
});

test("an observer that throws does not stop the others", async () => {
  const errors = [];
  const onError = (event) => {
    event.preventDefault();
    errors.push(event.error.message);
  };
  addEventListener("error", onError);
  let seen = 0;
  const bad = new PerformanceObserver(() => {
    throw new Error("bad");
  });
  const good = new PerformanceObserver(() => seen++);
  bad.observe({ type: "mark" });
  good.observe({ type: "mark" });
  performance.mark("x");
  await scheduler.wait(1);
  removeEventListener("error", onError);
  bad.disconnect();
  good.disconnect();
  assertEquals([errors, seen], [["bad"], 1]);
  clear();
});
