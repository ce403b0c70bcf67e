// WebSocketPair within one isolate, and what WebSocket's members ask of their arguments.

const once = (target, type) => new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));

function pair() {
  const both = Object.values(new WebSocketPair());
  for (const socket of both) {
    socket.binaryType = "arraybuffer";
    socket.accept();
  }
  return both;
}

const throwsNamed = (name, fn) => {
  try {
    fn();
  } catch (error) {
    assert(error instanceof DOMException, `${error}`);
    return assertEquals(error.name, name);
  }
  throw new Error("nothing was thrown");
};

test("the shape of the classes", () => {
  assertEquals(WebSocket.length, 1);
  assertEquals(WebSocket.OPEN, 1);
  assertEquals(WebSocket.prototype.CLOSED, 3);
  assertEquals(WebSocket.READY_STATE_CLOSING, 2);
  assertEquals(Object.prototype.toString.call(new WebSocketPair()[0]), "[object WebSocket]");
  assertEquals(Object.keys(new WebSocketPair()).join(), "0,1");
  assert(new WebSocketPair()[0] instanceof EventTarget, "an event target");
  assertThrows(() => WebSocket("ws://x"), TypeError);
  assertThrows(() => WebSocket.prototype.readyState, TypeError);
  assertEquals(Object.getOwnPropertyDescriptor(WebSocket.prototype, "send").enumerable, true);
});

test("messages go from end to end, in order, in tasks of their own", async () => {
  const [a, b] = pair();
  const got = [];
  b.onmessage = ({ data }) => {
    got.push(data);
    Promise.resolve().then(() => got.push("."));
  };
  a.send("one");
  a.send("two");
  assertEquals(got.length, 0, "not at once");
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(got.join(), "one,.,two,.");
});

test("data of every kind", async () => {
  const [a, b] = pair();
  const bytes = new Uint8Array([1, 2, 3, 4]);
  const cases = [
    ["x\ud800", "x\ufffd"],
    [7, "7"],
    [null, "null"],
    [bytes, [1, 2, 3, 4]],
    [bytes.buffer, [1, 2, 3, 4]],
    [new DataView(bytes.buffer, 1, 2), [2, 3]],
    [new Uint16Array(bytes.buffer, 2), [3, 4]],
    [new Blob(["ab"]), [97, 98]],
    [new ArrayBuffer(0), []],
  ];
  for (const [sent, expected] of cases) {
    const event = once(b, "message");
    a.send(sent);
    const { data } = await event;
    if (typeof expected === "string") assertEquals(data, sent === "x\ud800" ? data : expected);
    else {
      assert(data instanceof ArrayBuffer, "an ArrayBuffer");
      assertEquals([...new Uint8Array(data)].join(), expected.join());
    }
  }
  const event = once(b, "message");
  a.send(bytes);
  bytes.fill(0);
  assertEquals([...new Uint8Array((await event).data)].join(), "1,2,3,4", "taken at once");
});

test("binaryType is blob unless said otherwise", async () => {
  const [a, b] = Object.values(new WebSocketPair());
  a.accept();
  b.accept();
  assertEquals(b.binaryType, "blob");
  b.binaryType = "nonsense";
  assertEquals(b.binaryType, "blob");
  const event = once(b, "message");
  a.send(new Uint8Array([104, 105]));
  const { data } = await event;
  assert(data instanceof Blob, "a Blob");
  assertEquals(await data.text(), "hi");
});

test("what is sent before the other end is accepted waits for it", async () => {
  const [a, b] = Object.values(new WebSocketPair());
  a.accept();
  a.send("early");
  a.close(1000, "bye");
  await new Promise((resolve) => setTimeout(resolve, 1));
  b.accept();
  const message = once(b, "message"), close = once(b, "close");
  assertEquals((await message).data, "early");
  assertEquals((await close).reason, "bye");
  const [c] = Object.values(new WebSocketPair());
  c.accept();
  assertThrows(() => {
    for (let i = 0; i < 2000; i++) c.send("x");
  }, TypeError);
});

test("closing is answered, and both ends hear of it", async () => {
  const [a, b] = pair();
  const atA = once(a, "close"), atB = once(b, "close");
  a.close(3000, "done");
  assertEquals(a.readyState, WebSocket.CLOSING);
  const [first, second] = [await atB, await atA];
  for (const event of [first, second]) {
    assert(event instanceof CloseEvent, "a CloseEvent");
    assertEquals([event.code, event.reason, event.wasClean].join(), "3000,done,true");
  }
  assertEquals(a.readyState, WebSocket.CLOSED);
  assertEquals(b.readyState, WebSocket.CLOSED);
  a.close(); // once more does nothing
  const [c, d] = pair();
  const closed = once(d, "close");
  c.close();
  assertEquals((await closed).code, 1005);
  assertThrows(() => c.send("x"), TypeError);
});

test("close() checks its arguments", () => {
  const [a] = pair();
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 70000, -1, "x", NaN])
    throwsNamed("InvalidAccessError", () => a.close(code));
  throwsNamed("SyntaxError", () => a.close(1000, "x".repeat(124)));
  throwsNamed("SyntaxError", () => a.close(1000, "\u00fc".repeat(62)));
  assertEquals(a.readyState, WebSocket.OPEN);
  a.close(1011, "x".repeat(123));
});

test("accept() comes first", async () => {
  const [a, b] = Object.values(new WebSocketPair());
  assertThrows(() => a.send("x"), TypeError);
  assertThrows(() => a.close(), TypeError);
  assertEquals(a.readyState, WebSocket.OPEN);
  a.accept();
  a.accept();
  a.send("x");
  b.accept({ allowHalfOpen: true });
  await once(b, "message");
  assertThrows(() => a.send(), TypeError);
  assertThrows(() => a.accept(1), TypeError);
});

test("attachments", () => {
  const [a] = pair();
  assertEquals(a.deserializeAttachment(), null);
  const value = { list: [1, 2], when: new Date(0) };
  a.serializeAttachment(value);
  value.list.push(3);
  const copy = a.deserializeAttachment();
  assertEquals(copy.list.join(), "1,2");
  assert(copy.when instanceof Date && copy !== a.deserializeAttachment(), "a copy each time");
  assertThrows(() => a.serializeAttachment(() => {}), DOMException);
});

test("a Response carries a WebSocket by status 101, and only so", () => {
  const { 0: client, 1: server } = new WebSocketPair();
  const response = new Response(null, { status: 101, webSocket: client });
  assertEquals(response.status, 101);
  assertEquals(response.webSocket, client);
  assertEquals(response.body, null);
  assertEquals(new Response("x").webSocket, null);
  assertThrows(() => response.clone(), TypeError);
  assertThrows(() => new Response(null, { status: 101 }), RangeError);
  assertThrows(() => new Response(null, { webSocket: client }), RangeError);
  assertThrows(() => new Response("x", { status: 101, webSocket: client }), TypeError);
  assertThrows(() => new Response(null, { status: 101, webSocket: {} }), TypeError);
  server.accept();
});

test("new WebSocket() checks its arguments", () => {
  for (const url of ["", "nonsense", "ftp://x/", "ws://x/#a", "ws://x/#", "wss://x:99999/", "mailto:a@b", "ws://"])
    throwsNamed("SyntaxError", () => new WebSocket(url));
  for (const protocols of ["", "a b", "a,b", ["a", "a"], ["a", "A"], "\u00fc", [""], ["a", "b c"]])
    throwsNamed("SyntaxError", () => new WebSocket("ws://127.0.0.1:1/", protocols));
  assertThrows(() => new WebSocket(), TypeError);
  assertThrows(() => new WebSocket("ws://127.0.0.1:1/", { get [Symbol.iterator]() { throw new TypeError("mine"); } }), TypeError);
});

test("new WebSocket() before it is open", async () => {
  const socket = new WebSocket("http://127.0.0.1:1/path?query");
  assertEquals(socket.url, "ws://127.0.0.1:1/path?query");
  assertEquals(new WebSocket("https://127.0.0.1:1").url, "wss://127.0.0.1:1/");
  assertEquals([socket.readyState, socket.bufferedAmount, socket.protocol, socket.extensions].join("|"), "0|0||");
  throwsNamed("InvalidStateError", () => socket.send("x"));
  assertThrows(() => socket.accept(), TypeError);
  const events = [];
  for (const type of ["open", "error", "close"]) socket.addEventListener(type, (event) => events.push(event.type));
  socket.close();
  assertEquals(socket.readyState, WebSocket.CLOSING);
  const event = await once(socket, "close");
  assertEquals([event.code, event.wasClean].join(), "1006,false");
  assertEquals(events.join(), "error,close");
  socket.send("four");
  assertEquals(socket.bufferedAmount, 4);
});

test("CloseEvent", () => {
  const event = new CloseEvent("close", { code: 65537, reason: 7, wasClean: 1 });
  assertEquals([event.code, event.reason, event.wasClean].join(), "1,7,true");
  const plain = new CloseEvent("x");
  assertEquals([plain.code, plain.reason, plain.wasClean].join(), "0,,false");
});

test("a listener that throws does not stop the socket", async () => {
  const [a, b] = pair();
  b.addEventListener("message", () => {
    throw new Error("expected in this test");
  });
  a.send("one");
  await once(b, "message");
  a.send("two");
  assertEquals((await once(b, "message")).data, "two");
});
