const encoder = new TextEncoder();

// The events of a stream that gives `parts` (strings or bytes), one chunk each.
function eventsOf(...parts) {
  return new Promise((resolve) => {
    const stream = new ReadableStream({
      pull(controller) {
        const part = parts.shift();
        if (part === undefined) controller.close();
        else controller.enqueue(typeof part === "string" ? encoder.encode(part) : part);
      },
    });
    const source = EventSource.from(stream);
    const events = [];
    for (const type of ["message", "other", "x y"])
      source.addEventListener(type, ({ data, lastEventId }) => events.push(lastEventId === "" ? [type, data] : [type, data, lastEventId]));
    source.onerror = () => resolve(events);
  });
}

test("the fields of an event", async () => {
  const cases = [
    ["data: a\n\n", [["message", "a"]]],
    ["data:a\n\n", [["message", "a"]]],
    ["data:  a \n\n", [["message", " a "]]],
    ["data:a\ndata: b\ndata\n\n", [["message", "a\nb\n"]]],
    ["data\n\n", [["message", ""]]],
    ["data:\n\ndata:\ndata:\n\n", [["message", ""], ["message", "\n"]]],
    ["event: other\ndata: a\n\ndata: b\n\n", [["other", "a"], ["message", "b"]]],
    ["event:\ndata: a\n\n", [["message", "a"]]],
    ["event: x y\ndata: a\n\n", [["x y", "a"]]],
    ["event: other\n\ndata: a\n\n", [["message", "a"]]],
    ["id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", [["message", "a", "1"], ["message", "b", "1"], ["message", "c"]]],
    ["id: 1\n\ndata: a\n\n", [["message", "a", "1"]]],
    ["id: 1\0\ndata: a\n\n", [["message", "a"]]],
    [": comment\n:data: x\ndata: a\n:\n\n", [["message", "a"]]],
    ["Data: a\n data: b\nunknown: c\ndata : d\n\n", []],
    ["data: a", []],
    ["data: a\n", []],
    ["\n\n\n", []],
    ["", []],
    ["retry: x\nretry: 1\ndata: a\n\n", [["message", "a"]]],
  ];
  for (const [text, expected] of cases) assertEquals(await eventsOf(text), expected, JSON.stringify(text));
});

test("the ends of lines, wherever the chunks are cut", async () => {
  const expected = [["message", "a\nb"], ["other", "\u00e9\u{1f600}"]];
  for (const end of ["\n", "\r", "\r\n"]) {
    const bytes = encoder.encode(["data: a", "data: b", "", "event: other", "data: \u00e9\u{1f600}", "", ""].join(end));
    for (let at = 1; at < bytes.length; at++)
      assertEquals(await eventsOf(bytes.subarray(0, at), bytes.subarray(at)), expected, `${JSON.stringify(end)} at ${at}`);
    assertEquals(await eventsOf(...Array.from(bytes, (byte) => Uint8Array.of(byte))), expected, `each byte, ${JSON.stringify(end)}`);
  }
  assertEquals(await eventsOf("data: a\r", "\n", "\r\n", "data: b\n\n"), [["message", "a"], ["message", "b"]]);
  assertEquals(await eventsOf("data: a\n\r\n\rdata: b\r\r"), [["message", "a"], ["message", "b"]]);
});

test("one byte order mark, at the beginning", async () => {
  assertEquals(await eventsOf("\ufeffdata: a\n\n"), [["message", "a"]]);
  assertEquals(await eventsOf(Uint8Array.of(0xef, 0xbb), Uint8Array.of(0xbf), "data: a\n\n"), [["message", "a"]]);
  assertEquals(await eventsOf("\ufeff\ufeffdata: a\n\ndata: b\n\n"), [["message", "b"]]);
  assertEquals(await eventsOf(Uint8Array.of(100, 97, 116, 97, 58, 0xff, 10, 10)), [["message", "\ufffd"]]);
});

test("an event that is too large ends it", async () => {
  const block = "x".repeat(1 << 20);
  assertEquals(await eventsOf("data: a\n\ndata: ", ...Array(17).fill(block), "\n\n"), [["message", "a"]]);
});

test("from() is open at once, and closed at the end", async () => {
  let controller;
  const source = EventSource.from(new ReadableStream({ start: (given) => (controller = given) }));
  assert(source instanceof EventSource && source instanceof EventTarget);
  assertEquals([source.readyState, source.url, source.withCredentials], [EventSource.OPEN, "", false]);
  const got = new Promise((resolve) => (source.onmessage = resolve));
  controller.enqueue(encoder.encode("data: hello\n\n"));
  const event = await got;
  assert(event instanceof MessageEvent && event.isTrusted && event.target === source);
  assertEquals([event.data, event.origin, event.bubbles, event.cancelable], ["hello", "", false, false]);
  const ended = new Promise((resolve) => (source.onerror = resolve));
  controller.close();
  assertEquals((await ended).constructor, Event);
  assertEquals(source.readyState, EventSource.CLOSED);
});

test("close() ends the events at once, and cancels", async () => {
  let canceled;
  const stream = new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode("data: 1\n\ndata: 2\n\n")),
    cancel: () => canceled(),
  });
  const end = new Promise((resolve) => (canceled = resolve));
  const source = EventSource.from(stream);
  const seen = [];
  source.onerror = () => seen.push("error");
  source.onmessage = ({ data }) => {
    seen.push(data);
    source.close();
  };
  await end;
  assertEquals([seen, source.readyState], [["1"], EventSource.CLOSED]);
});

test("wrong arguments", () => {
  assertThrows(() => new EventSource(), TypeError);
  assertThrows(() => EventSource("http://a/"), TypeError);
  for (const url of ["", "/path", "http://", "http://a b/"]) {
    const error = assertThrows(() => new EventSource(url), DOMException);
    assertEquals(error.name, "SyntaxError");
  }
  assertThrows(() => EventSource.from(), TypeError);
  for (const value of [null, "http://a/", {}, new Response("x")]) assertThrows(() => EventSource.from(value), TypeError);
  assertThrows(() => Object.getOwnPropertyDescriptor(EventSource.prototype, "readyState").get.call({}), TypeError);
});

test("constants, handlers and names", () => {
  for (const holder of [EventSource, EventSource.prototype])
    assertEquals([holder.CONNECTING, holder.OPEN, holder.CLOSED], [0, 1, 2]);
  assertEquals(EventSource.length, 1);
  assertEquals(String(EventSource.prototype), "[object EventSource]");
  for (const name of ["onopen", "onmessage", "onerror", "url", "withCredentials", "readyState", "close"])
    assert(Object.getOwnPropertyDescriptor(EventSource.prototype, name).enumerable, name);
});

test("what is fetched can come from elsewhere", async () => {
  const asked = [];
  const fetcher = {
    async fetch(url, init) {
      asked.push(url, init.headers);
      return new Response("id: \u00e9\nretry: 1\ndata: hi\n\n", { headers: { "content-type": "text/event-stream;charset=utf-8" } });
    },
  };
  const source = new EventSource("https://example.com/events", { fetcher });
  assertEquals([source.readyState, source.url], [EventSource.CONNECTING, "https://example.com/events"]);
  await new Promise((resolve) => (source.onopen = resolve));
  for (let i = 0; i < 2; i++) await new Promise((resolve) => (source.onmessage = resolve));
  source.close();
  assertEquals(asked[1], { accept: "text/event-stream" });
  assertEquals(asked[3], { accept: "text/event-stream", "last-event-id": "\u00c3\u00a9" });
});
