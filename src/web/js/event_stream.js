// text/event-stream (HTML 9.2.5 and 9.2.6): bytes in, events out.

const { TextDecoder } = use("encoding");

const PENDING_MAX = 16 * 1024 * 1024; // characters of a line or an event that is not complete

class EventStreamParser {
  lastEventId;
  #on; // { event(type, data), retry(ms) }
  #decoder = new TextDecoder();
  #line = ""; // the beginning of one
  #afterCr = false; // a LF now belongs to the CR before it
  #data = "";
  #type = "";
  #id;

  // The id lives on from one connection to the next.
  constructor(lastEventId, on) {
    this.lastEventId = this.#id = lastEventId;
    this.#on = on;
  }

  push(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return;
    if (this.#afterCr && text[0] === "\n") text = text.slice(1);
    this.#afterCr = text[text.length - 1] === "\r" || (this.#afterCr && text === "");
    let start = 0;
    for (const { 0: end, index } of text.matchAll(/\r\n|\r|\n/g)) {
      const line = this.#line + text.slice(start, index);
      this.#line = "";
      start = index + end.length;
      this.#process(line);
    }
    this.#line += text.slice(start);
    if (this.#line.length + this.#data.length > PENDING_MAX)
      throw new RangeError("EventSource: an event is larger than 16 Mi characters");
  }

  #process(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined; // a comment
    if (colon < 0) return this.#field(line, "");
    return this.#field(line.slice(0, colon), line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1));
  }

  #field(name, value) {
    if (name === "data") this.#data += `${value}\n`;
    else if (name === "event") this.#type = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^[0-9]+$/.test(value)) this.#on.retry(Number(value));
  }

  #dispatch() {
    const data = this.#data;
    const type = this.#type;
    this.lastEventId = this.#id;
    this.#data = this.#type = "";
    if (data !== "") this.#on.event(type === "" ? "message" : type, data.slice(0, -1));
  }
}

exports.EventStreamParser = EventStreamParser;
