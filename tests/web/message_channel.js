const tick = () => scheduler.wait(1);
const received = (port) => new Promise((resolve) => (port.onmessage = resolve));

test("a message arrives as a trusted MessageEvent, in a task of its own", async () => {
  const { port1, port2 } = new MessageChannel();
  const order = [];
  const arrived = received(port2).then((event) => {
    order.push("message");
    return event;
  });
  port1.postMessage({ a: [1, new Map([[1, 2]])] });
  queueMicrotask(() => order.push("microtask"));
  const event = await arrived;
  assertEquals(order, ["microtask", "message"]);
  assert(event instanceof MessageEvent && event.isTrusted && event.target === port2);
  assertEquals(event.data.a[1], new Map([[1, 2]]));
  assertEquals([event.origin, event.lastEventId, event.source, event.ports.length], ["", "", null, 0]);
  assert(Object.isFrozen(event.ports));
});

test("messages wait for start(), keep their order, and microtasks run between them", async () => {
  const { port1, port2 } = new MessageChannel();
  const order = [];
  port2.addEventListener("message", ({ data }) => {
    order.push(data);
    queueMicrotask(() => order.push(`after ${data}`));
  });
  for (let i = 0; i < 3; i++) port1.postMessage(i);
  await tick();
  assertEquals(order, []);
  port2.start();
  port2.start();
  await tick();
  assertEquals(order, [0, "after 0", 1, "after 1", 2, "after 2"]);
});

test("both directions, many messages", async () => {
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = ({ data }) => port2.postMessage(data + 1);
  let last;
  const done = new Promise((resolve) => {
    port1.onmessage = ({ data }) => {
      last = data;
      if (data < 5000) port1.postMessage(data + 1);
      else resolve();
    };
  });
  port1.postMessage(0);
  await done;
  assertEquals(last, 5001);
});

test("close() tells the other side after what was posted, and drops what it has not read itself", async () => {
  const { port1, port2 } = new MessageChannel();
  const seen = [];
  port2.onmessage = ({ data }) => seen.push(data);
  port2.onclose = (event) => seen.push(event.type);
  port1.onclose = () => seen.push("never");
  port1.postMessage(1);
  port1.close();
  port1.close();
  port1.postMessage(2);
  await tick();
  assertEquals(seen, [1, "close"]);
  const other = new MessageChannel();
  other.port2.onmessage = () => seen.push("never");
  other.port1.postMessage(1);
  other.port2.close();
  await tick();
  assertEquals(seen.length, 2);
  const third = new MessageChannel();
  third.port2.addEventListener("close", () => seen.push("not started"));
  third.port1.close();
  await tick();
  assertEquals(seen.at(-1), "not started");
});

test("ports are transferred with what they have not delivered", async () => {
  const outer = new MessageChannel();
  const inner = new MessageChannel();
  inner.port1.postMessage("before");
  const arrived = received(outer.port2);
  outer.port1.postMessage({ port: inner.port2 }, [inner.port2]);
  inner.port1.postMessage("between");
  const event = await arrived;
  const [port] = event.ports;
  assert(port === event.data.port && port instanceof MessagePort && port !== inner.port2);
  const seen = [];
  port.onmessage = ({ data }) => seen.push(data);
  inner.port1.postMessage("after");
  await tick();
  assertEquals(seen, ["before", "between", "after"]);
  port.postMessage("back");
  assertEquals((await received(inner.port1)).data, "back");
  assertThrows(() => outer.port1.postMessage(null, [inner.port2]), "DataCloneError", "it is detached");
  inner.port2.postMessage("goes nowhere");
});

test("what cannot be posted throws and transfers nothing", async () => {
  const { port1, port2 } = new MessageChannel();
  const buffer = new ArrayBuffer(8);
  assertThrows(() => port1.postMessage(() => {}, [buffer]), "DataCloneError");
  assertEquals(buffer.byteLength, 8);
  assertThrows(() => port1.postMessage(port2), "DataCloneError", "not in the list");
  assertThrows(() => port1.postMessage(null, [port1]), "DataCloneError", "itself");
  assertThrows(() => port1.postMessage(null, [buffer, buffer]), "DataCloneError");
  assertThrows(() => port1.postMessage(null, [{}]), "DataCloneError");
  assertThrows(() => port1.postMessage(null, [1]), TypeError);
  assertThrows(() => port1.postMessage(null, 1), TypeError);
  assertThrows(() => port1.postMessage(), TypeError);
  port1.postMessage(buffer, { transfer: [buffer] });
  assert(buffer.detached);
  assertEquals((await received(port2)).data.byteLength, 8);
});

test("a message with the other end of its own channel goes nowhere", async () => {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage("x", [port2]);
  await tick();
});

test("a port that throws in a listener goes on", async () => {
  const { port1, port2 } = new MessageChannel();
  const errors = [];
  const onError = (event) => {
    event.preventDefault();
    errors.push(event.error.message);
  };
  addEventListener("error", onError);
  let count = 0;
  port2.onmessage = () => {
    count++;
    throw new Error(`message ${count}`);
  };
  port1.postMessage(1);
  port1.postMessage(2);
  await tick();
  removeEventListener("error", onError);
  assertEquals(errors, ["message 1", "message 2"]);
});

test("classes", () => {
  assertThrows(() => new MessagePort(), TypeError);
  assertThrows(() => MessageChannel(), TypeError);
  const channel = new MessageChannel();
  assert(channel.port1 === channel.port1 && channel.port1 !== channel.port2);
  assert(channel.port1 instanceof EventTarget);
  assertEquals([MessagePort.length, MessageChannel.length, MessagePort.prototype.postMessage.length], [0, 0, 1]);
  assertThrows(() => MessagePort.prototype.start.call({}), TypeError);
  assertEquals([channel.port1.onmessage, channel.port1.onmessageerror, channel.port1.onclose], [null, null, null]);
});
