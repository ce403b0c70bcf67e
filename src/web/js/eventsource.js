// EventSource (HTML 9.2): events of a server, one connection after the other.
//
//   CONNECTING --200, text/event-stream--> OPEN --end, network error--> CONNECTING, after a while
//        |  any other answer                 |
//        +----------> CLOSED <---------------+  close()
//
// EventSource.from(stream), of Workers, reads a stream that is there already, and never connects.

const { constants, finish, need } = use("webidl");
const { Event, EventTarget, MessageEvent, defineHandlers, dictionary, fire } = use("events");

const CONNECTING = 0, OPEN = 1, CLOSED = 2;
const RECONNECT_MS = 3000; // until the server says "retry"
const RECONNECT_MS_MAX = 60_000; // of what failures one after the other make of it
const TIMER_MS_MAX = 2 ** 31 - 1;

const FROM = {};

// As a header's value: its UTF-8, a character for each byte.
const asBytes = (text) => Array.from(use("encoding").encode(text), (byte) => String.fromCharCode(byte)).join("");

class EventSource extends EventTarget {
  #url = "";
  #origin = "";
  #withCredentials = false;
  #fetcher;
  #state = CONNECTING;
  #reconnectMs = RECONNECT_MS;
  #failures = 0;
  #lastEventId = "";
  #abort; // of the connection
  #timer; // until the next one

  constructor(url, init = undefined) {
    super();
    if (url === FROM) {
      this.#read(init, false);
      return;
    }
    need(arguments.length, 1, "Failed to construct 'EventSource'");
    const text = `${url}`;
    const { withCredentials, fetcher } = dictionary(init, "EventSource: the options");
    const parsed = use("url").URL.parse(text);
    if (parsed === null)
      throw new (use("dom_exception").DOMException)(`EventSource: "${text}" is not an absolute URL`, "SyntaxError");
    this.#url = parsed.href;
    this.#withCredentials = !!withCredentials;
    this.#fetcher = fetcher;
    this.#connect();
  }

  get url() {
    return this.#url;
  }
  get withCredentials() {
    return this.#withCredentials;
  }
  get readyState() {
    return this.#state;
  }
  close() {
    this.#state = CLOSED;
    this.#abort?.abort();
    use("timers").clearTimeout(this.#timer);
  }
  static from(stream) {
    need(arguments.length, 1, "EventSource.from");
    if (!use("streams").isReadableStream(stream)) throw new TypeError("EventSource.from: the argument is not a ReadableStream");
    return new EventSource(FROM, stream);
  }

  // ---- a connection ----

  #request() {
    const headers = { accept: "text/event-stream" };
    if (this.#lastEventId !== "") headers["last-event-id"] = asBytes(this.#lastEventId);
    return { headers, cache: "no-store", signal: this.#abort.signal };
  }

  async #connect() {
    this.#abort = new (use("abort").AbortController)();
    const fetcher = this.#fetcher ?? use("fetch");
    let response;
    try {
      response = await fetcher.fetch(this.#url, this.#request());
    } catch {
      this.#failures++;
      return this.#reconnect();
    }
    if (this.#state === CLOSED) return undefined;
    const type = use("mime").parse(response.headers.get("content-type") ?? "");
    if (response.status !== 200 || type?.essence !== "text/event-stream") {
      this.#abort.abort();
      return this.#fail();
    }
    this.#failures = 0;
    this.#origin = new (use("url").URL)(response.url || this.#url).origin;
    return this.#read(response.body, true);
  }

  async #read(stream, again) {
    const parser = new (use("event_stream").EventStreamParser)(this.#lastEventId, {
      event: (type, data) => this.#give(type, data, parser.lastEventId),
      retry: (ms) => (this.#reconnectMs = Math.min(ms, TIMER_MS_MAX)),
    });
    if (again) this.#open();
    else this.#state = OPEN;
    try {
      const reader = stream?.getReader();
      for (let part; reader !== undefined && this.#state !== CLOSED && !(part = await reader.read()).done; )
        parser.push(part.value);
      if (this.#state === CLOSED) reader?.cancel().catch(() => undefined);
    } catch (error) {
      if (error instanceof RangeError) again = false; // an event that is too large is so the next time, too
    }
    this.#lastEventId = parser.lastEventId;
    return again ? this.#reconnect() : this.#fail();
  }

  #open() {
    this.#state = OPEN;
    fire(this, new Event("open"));
  }

  #give(type, data, lastEventId) {
    if (this.#state === CLOSED) return;
    fire(this, new MessageEvent(type, { data, origin: this.#origin, lastEventId }));
  }

  #reconnect() {
    if (this.#state === CLOSED) return;
    this.#state = CONNECTING;
    fire(this, new Event("error"));
    if (this.#state === CLOSED) return;
    const slower = this.#reconnectMs * 2 ** Math.max(0, this.#failures - 1);
    const wait = Math.max(this.#reconnectMs, Math.min(slower, RECONNECT_MS_MAX));
    this.#timer = use("timers").setTimeout(() => this.#connect(), wait);
  }

  #fail() {
    if (this.#state === CLOSED) return;
    this.#abort?.abort();
    this.#state = CLOSED;
    fire(this, new Event("error"));
  }
}

finish(EventSource, "EventSource");
constants(EventSource, { CONNECTING, OPEN, CLOSED });
defineHandlers(EventSource.prototype, "open", "message", "error");
Object.defineProperty(EventSource, "length", { value: 1, configurable: true });

exports.EventSource = EventSource;
