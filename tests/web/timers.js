const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test("timers run by time, then in the order they were set", async () => {
  const order = [];
  setTimeout(() => order.push("late"), 8);
  setTimeout(() => order.push("a"), 2);
  setTimeout((x, y) => order.push(x + y), 2, "b", "c");
  setTimeout(() => order.push("now"));
  await sleep(20);
  assertEquals(order, ["now", "a", "bc", "late"]);
});

test("microtasks run between two timers that are due together", async () => {
  const order = [];
  for (const name of ["a", "b"])
    setTimeout(() => {
      order.push(name);
      Promise.resolve().then(() => order.push(`${name} then`));
    }, 1);
  await sleep(5);
  assertEquals(order, ["a", "a then", "b", "b then"]);
});

test("a timer does not run early", async () => {
  for (const ms of [1, 3, 10]) {
    const start = performance.now();
    await sleep(ms);
    const took = performance.now() - start;
    assert(took >= ms && took < ms + 500, `${ms} ms took ${took}`);
  }
});

test("cleared timers do not run, whatever their place in the heap", async () => {
  const ran = [];
  const due = []; // for each the earliest and the latest moment, as it is not known when it was set
  const ids = Array.from({ length: 200 }, (_, i) => {
    const delay = (i * 7) % 13;
    const earliest = performance.now() + delay;
    const id = setTimeout(() => ran.push(i), delay);
    due.push([earliest, performance.now() + delay]);
    return id;
  });
  for (let i = 0; i < 200; i++) if (i % 3 !== 0) clearTimeout(ids[i]);
  await sleep(30);
  assertEquals(ran.length, 67);
  assertEquals(ran.every((i) => i % 3 === 0), true);
  const step = 1.2; // of the clocks, and a delay of 0 counts as 1 ms
  for (let i = 1; i < ran.length; i++)
    assert(due[ran[i - 1]][0] <= due[ran[i]][1] + step, `${ran[i - 1]} before ${ran[i]}`);
});

test("an interval repeats until it is cleared, also by itself", async () => {
  let count = 0;
  const id = setInterval(() => {
    if (++count === 3) clearInterval(id);
  }, 1);
  await sleep(30);
  assertEquals(count, 3);
});

test("timers nested deeper than five wait at least 4 ms", async () => {
  const start = performance.now();
  await new Promise((resolve) => {
    let level = 0;
    const next = () => (++level === 11 ? resolve() : setTimeout(next, 0));
    next();
  });
  assert(performance.now() - start >= 15, "ten levels took less than 15 ms");
});

test("an exception in a timer is reported and the next one runs", async () => {
  const seen = [];
  addEventListener("error", (event) => {
    seen.push(event.error.message);
    event.preventDefault();
  }, { once: true });
  setTimeout(() => { throw new Error("boo"); }, 1);
  setTimeout(() => seen.push("next"), 1);
  await sleep(10);
  assertEquals(seen, ["boo", "next"]);
});

test("callbacks must be functions and ids are numbers", () => {
  assertThrows(() => setTimeout(), TypeError);
  assertThrows(() => setTimeout("code", 1), TypeError);
  assertThrows(() => setInterval(null, 1), TypeError);
  const id = setTimeout(() => {}, 1000);
  assertEquals(typeof id, "number");
  clearTimeout(id);
  clearTimeout(id);
  clearTimeout(undefined);
  clearTimeout("nothing");
});

test("scheduler.wait resolves, or rejects with the signal's reason", async () => {
  await scheduler.wait(1);
  const controller = new AbortController();
  const waiting = scheduler.wait(1000, { signal: controller.signal });
  controller.abort(new Error("enough"));
  assertEquals((await assertRejects(waiting)).message, "enough");
  await assertRejects(scheduler.wait(1, { signal: AbortSignal.abort() }), "AbortError");
  await scheduler.wait(1, { signal: new AbortController().signal });
});
