// A raw TCP client: sends bytes as they are, reads answers as HTTP/1.1 frames them.
import { connect as connectSocket } from "node:net";
import { once } from "node:events";
import { afterwards } from "./atoll.mjs";

const WAIT_MS = 15_000;

/** The status, the headers (name to value; several ones as an array) and what follows. */
function parseHead(text) {
  const [line, ...rows] = text.split("\r\n");
  const [, version, status, reason] = line.match(/^(HTTP\/1\.[01]) (\d{3}) (.*)$/) ?? [];
  if (!status) throw new Error(`no status line: ${JSON.stringify(line)}`);
  const headers = {};
  for (const row of rows) {
    const [, name, value] = row.match(/^([^:]+): (.*)$/) ?? [];
    if (!name) throw new Error(`no header line: ${JSON.stringify(row)}`);
    if (name in headers) headers[name] = [headers[name], value].flat();
    else headers[name] = value;
  }
  return { version, status: Number(status), reason, headers };
}

class Client {
  #socket;
  #bytes = Buffer.alloc(0);
  #wake = () => {};

  constructor(socket) {
    this.#socket = socket;
    this.ended = false; // the server closed its side
    this.error = undefined;
    socket.on("data", (data) => {
      this.#bytes = Buffer.concat([this.#bytes, data]);
      this.#wake();
    });
    socket.on("end", () => ((this.ended = true), this.#wake()));
    socket.on("error", (error) => ((this.error = error), (this.ended = true), this.#wake()));
    socket.on("close", () => ((this.ended = true), this.#wake()));
  }

  get socket() {
    return this.#socket;
  }

  /** Sends a string (one byte per character) or a Buffer; resolves when the system took it. */
  send(bytes) {
    return new Promise((resolve) =>
      this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, () => resolve()),
    );
  }

  /** Says that nothing more comes, and goes on reading. */
  half() {
    this.#socket.end();
  }

  reset() {
    this.#socket.resetAndDestroy();
  }

  close() {
    this.#socket.destroy();
  }

  async #more(what) {
    if (this.ended)
      throw new Error(`the connection ended (${this.error?.code ?? "end"}) before ${what}; unread: ${this.#bytes.length} bytes`);
    let timer;
    await new Promise((resolve, reject) => {
      this.#wake = resolve;
      timer = setTimeout(() => reject(new Error(`waited ${WAIT_MS} ms for ${what}`)), WAIT_MS);
    });
    clearTimeout(timer);
    this.#wake = () => {};
  }

  async take(length) {
    while (this.#bytes.length < length) await this.#more(`${length} bytes`);
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  async line() {
    let at;
    while ((at = this.#bytes.indexOf("\r\n")) < 0) await this.#more("a line");
    return (await this.take(at + 2)).toString("latin1", 0, at);
  }

  async head() {
    let at;
    while ((at = this.#bytes.indexOf("\r\n\r\n")) < 0) await this.#more("a head");
    return parseHead((await this.take(at + 4)).toString("latin1", 0, at));
  }

  /** One chunk of a chunked body; an empty Buffer at the end. */
  async chunk() {
    const size = parseInt(await this.line(), 16);
    const data = await this.take(size);
    await this.take(2);
    return data;
  }

  async #body({ headers, status }, isHead) {
    if (isHead || status < 200 || status === 204 || status === 304) return Buffer.alloc(0);
    if (headers["content-length"] !== undefined) return this.take(Number(headers["content-length"]));
    if (headers["transfer-encoding"] !== "chunked") return this.rest();
    const chunks = [];
    for (let chunk; (chunk = await this.chunk()).length > 0; ) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** One whole answer; `body` is a Buffer and `text` the same as UTF-8. */
  async answer({ isHead = false } = {}) {
    const head = await this.head();
    const body = await this.#body(head, isHead);
    return { ...head, body, text: body.toString() };
  }

  /** Everything until the server closes; the bytes that arrived before an error count too. */
  async rest() {
    while (!this.ended) await this.#more("the end");
    return this.take(this.#bytes.length);
  }
}

export async function connect(t, port) {
  const socket = connectSocket({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  const client = new Client(socket);
  afterwards(t, () => client.close());
  await once(socket, "connect");
  return client;
}
