// WebSocket (WHATWG WebSockets 3), WebSocketPair, and what becomes of one in a Response.
//
// A WebSocket stands on an end:
//   NativeEnd   a connection: op_websocket.c
//   LocalEnd    one of a pair; the other one is its peer. When a Response carries a LocalEnd away it
//               is coupled: what its peer sends goes to a NativeEnd, and what comes from there to
//               the peer.
// An end has start(sink), send(data), close(code, reason) and buffered(); a sink has message(data)
// and end(clean, code, reason). `data` is a string or a Uint8Array that nobody else holds.

const { completion, later } = use("core");
const { constants, finish, named, need } = use("webidl");
const { CloseEvent, ErrorEvent, Event, EventTarget, MessageEvent, defineHandlers, fire } = use("events");
const {
  op_upgrade,
  op_websocket_next,
  op_websocket_send,
  op_websocket_close,
  op_websocket_buffered,
  op_websocket_number,
} = ops;

const WAITING = 1, CURRENT = 3; // cells: see engine/isolate.h
const CONNECTING = 0, OPEN = 1, CLOSING = 2, CLOSED = 3;
const NO_CODE = 1005, ABNORMAL = 1006;
const REASON_BYTES_MAX = 123;
const QUEUE_MAX = 1024; // messages of a pair whose other end was not accepted
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_OURS = /^(sec-websocket-accept|sec-websocket-extensions|sec-websocket-key|content-[^:]*):.*\r\n/gim;

const FAILED_TO_CONSTRUCT = "Failed to construct 'WebSocket'";
const FAILED_TO_SEND = "Failed to execute 'send' on 'WebSocket'";
const FAILED_TO_CLOSE = "Failed to execute 'close' on 'WebSocket'";

const fail = (name, message) => new (use("dom_exception").DOMException)(message, name);

// ---- ends ----

class NativeEnd {
  #socket;
  constructor(socket) {
    this.#socket = socket;
  }
  // Keeps the version alive until the end has come. Each message is worked for under the socket's
  // own number, so that its CPU time is its own.
  async start(sink) {
    const socket = this.#socket;
    const number = op_websocket_number(socket);
    cells[WAITING]++;
    for (;;) {
      const before = cells[CURRENT];
      cells[CURRENT] = number;
      const next = completion((id) => op_websocket_next(socket, id));
      cells[CURRENT] = before;
      const event = await next;
      if (typeof event === "string" || event instanceof Uint8Array) sink.message(event);
      else {
        cells[WAITING]--;
        return sink.end(event[0], event[1], event[2]);
      }
    }
  }
  send(data) {
    op_websocket_send(this.#socket, data);
  }
  close(code, reason) {
    op_websocket_close(this.#socket, code, reason);
  }
  buffered() {
    return op_websocket_buffered(this.#socket);
  }
  // Carried away by a Response: bytes go through, and so do Closes.
  couple(native) {
    splice(this, native);
    splice(native, this);
  }
  refused() {
    op_websocket_close(this.#socket, 1001, "");
  }
}
exports.NativeEnd = NativeEnd;

const splice = (from, to) =>
  from.start({
    message: (data) => to.send(data),
    end: (clean, code, reason) => to.close(clean ? (code === NO_CODE ? 0 : code) : 1001, clean ? reason : ""),
  });

class LocalEnd {
  peer;
  #sink; // once it was started
  #native; // once it was coupled
  #queue = []; // [data] or [clean, code, reason], and the request that sent it
  #due = false;

  start(sink) {
    this.#sink = sink;
    this.peer.#startNative();
    this.#schedule();
  }
  send(data) {
    const { peer } = this;
    if (peer.#native !== undefined) peer.#native.send(data);
    else peer.#put([typeof data === "string" ? data : data.slice()]);
  }
  close(code, reason) {
    const { peer } = this;
    if (peer.#native !== undefined) peer.#native.close(code, reason);
    else peer.#put([true, code === 0 ? NO_CODE : code, reason]);
  }
  buffered() {
    return this.peer.#native?.buffered() ?? 0;
  }

  #put(event) {
    if (this.#queue.length >= QUEUE_MAX && this.#sink === undefined)
      throw new TypeError(`More than ${QUEUE_MAX} messages wait for the other WebSocket of the pair: call its accept().`);
    this.#queue.push(event, cells[CURRENT]);
    this.#schedule();
  }
  // One event a task, as with a connection.
  #schedule() {
    if (this.#due || this.#sink === undefined || this.#queue.length === 0) return;
    this.#due = true;
    later(() => {
      const [event, request] = this.#queue.splice(0, 2);
      this.#due = false;
      this.#schedule();
      cells[CURRENT] = request;
      this.#give(event);
    });
  }
  #give(event) {
    if (event.length === 1) this.#sink.message(event[0]);
    else this.#sink.end(event[0], event[1], event[2]);
  }

  couple(native) {
    this.#native = native;
    for (const event of this.#queue.splice(0))
      if (Array.isArray(event)) {
        if (event.length === 1) native.send(event[0]);
        else native.close(event[1] === NO_CODE ? 0 : event[1], event[2]);
      }
    this.#startNative();
  }
  // Nothing is read before there is somebody to read it.
  #startNative() {
    const { peer } = this;
    const native = this.#native;
    if (native === undefined || peer.#sink === undefined) return;
    native.start({
      message: (data) => peer.#arrive([data]),
      end: (clean, code, reason) => peer.#arrive([clean, code, reason]),
    });
  }
  // From the connection, in a task of its own.
  #arrive(event) {
    if (this.#queue.length > 0) this.#put(event);
    else this.#give(event);
  }
  refused() {
    this.peer.#put([false, ABNORMAL, "the client asked for no WebSocket, or is gone"]);
  }
}

// ---- WebSocket ----

const INTERNAL = {};
const STANDARD = 0, PAIR = 1; // from the constructor; one of a pair, or of a fetch()
const FRESH = 0, ACCEPTED = 1, USED = 2;

const utf8Length = (text) => use("encoding").encode(text).length;

function isServerCode(code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

// [Clamp] unsigned short
function clampCode(value) {
  const number = Number(value);
  if (!(number > 0)) return 0;
  if (number >= 65535) return 65535;
  const floor = Math.floor(number);
  const rest = number - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

// (BufferSource or Blob or USVString) as a string or as bytes, which may be the caller's.
function dataOf(data) {
  if (typeof data === "string") return data;
  const bytes = use("encoding").bytesOf(data);
  if (bytes !== undefined) return bytes;
  const blob = use("core").loaded("blob");
  if (blob !== undefined && data instanceof blob.Blob) return blob.bytesOf(data);
  return `${data}`;
}

function parseUrl(input) {
  let url;
  try {
    url = new (use("url").URL)(input);
  } catch {
    throw fail("SyntaxError", `${FAILED_TO_CONSTRUCT}: the URL '${input}' is invalid`);
  }
  if (url.protocol === "http:") url.protocol = "ws:";
  else if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:")
    throw fail("SyntaxError", `${FAILED_TO_CONSTRUCT}: the URL's scheme is ws, wss, http or https, not '${url.protocol}'`);
  if (url.href.includes("#"))
    throw fail("SyntaxError", `${FAILED_TO_CONSTRUCT}: the URL has a fragment, which a WebSocket cannot have`);
  return url;
}

// (DOMString or sequence<DOMString>)
function protocolsOf(value) {
  if (value === undefined) return [];
  const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
  const iterate = isObject ? value[Symbol.iterator] : undefined;
  const isSequence = iterate !== undefined && iterate !== null;
  const items = isSequence ? { [Symbol.iterator]: () => Reflect.apply(iterate, value, []) } : [value];
  const list = Array.from(items, (item) => `${item}`);
  const seen = new Set();
  for (const protocol of list) {
    const lower = protocol.toLowerCase();
    if (!TOKEN.test(protocol) || seen.has(lower))
      throw fail("SyntaxError", `${FAILED_TO_CONSTRUCT}: a subprotocol is invalid or given twice: '${protocol}'`);
    seen.add(lower);
  }
  return list;
}

let make; // (end, fields) => a WebSocket of a pair or of a fetch()
let takeEnd; // (webSocket) => its end, for a Response
let isWebSocket;

class WebSocket extends EventTarget {
  #kind;
  #use = FRESH;
  #state = OPEN;
  #end;
  #abort; // while it connects
  #url = "";
  #origin = "";
  #protocol = "";
  #extensions = "";
  #binaryType = "blob";
  #lost = 0; // bytes given to send() too late
  #attachment;

  constructor(url, protocols = undefined) {
    super();
    if (url === INTERNAL) {
      this.#kind = PAIR;
      this.#end = protocols;
      return;
    }
    need(arguments.length, 1, FAILED_TO_CONSTRUCT);
    this.#kind = STANDARD;
    const input = `${url}`.toWellFormed();
    const list = protocolsOf(protocols);
    const parsed = parseUrl(input);
    this.#state = CONNECTING;
    this.#url = parsed.href;
    this.#origin = parsed.origin;
    this.#abort = use("websocket_client").open(parsed, list, {
      open: (end, protocol, extensions) => this.#opened(end, protocol, extensions),
      failed: (why) => this.#ended(false, ABNORMAL, why),
    });
  }

  get url() {
    return this.#url;
  }
  get readyState() {
    return this.#state;
  }
  get bufferedAmount() {
    return this.#lost + (this.#end?.buffered() ?? 0);
  }
  get extensions() {
    return this.#extensions;
  }
  get protocol() {
    return this.#protocol;
  }
  get binaryType() {
    return this.#binaryType;
  }
  set binaryType(value) {
    this.#kind; // a brand check
    value = `${value}`;
    if (value === "blob" || value === "arraybuffer") this.#binaryType = value;
  }

  close(code = undefined, reason = undefined) {
    const kind = this.#kind;
    if (code !== undefined) code = clampCode(code);
    reason = reason === undefined ? "" : `${reason}`.toWellFormed();
    const allowed = kind === STANDARD ? (n) => n === 1000 || (n >= 3000 && n <= 4999) : isServerCode;
    if (code !== undefined && !allowed(code))
      throw fail("InvalidAccessError", `${FAILED_TO_CLOSE}: the code ${code} may not be sent; use 1000 or 3000 to 4999`);
    if (utf8Length(reason) > REASON_BYTES_MAX)
      throw fail("SyntaxError", `${FAILED_TO_CLOSE}: the reason is longer than ${REASON_BYTES_MAX} bytes`);
    if (kind === PAIR && this.#use !== ACCEPTED)
      throw new TypeError("You must call accept() on this WebSocket before you can close it.");
    if (this.#state >= CLOSING) return;
    const connecting = this.#state === CONNECTING;
    this.#state = CLOSING;
    if (connecting) this.#abort();
    else this.#end.close(code ?? (reason === "" ? 0 : 1000), reason);
  }

  send(data) {
    const kind = this.#kind;
    need(arguments.length, 1, FAILED_TO_SEND);
    data = dataOf(data);
    if (kind === PAIR && this.#use !== ACCEPTED)
      throw new TypeError("You must call accept() on this WebSocket before you can send messages.");
    if (this.#state === CONNECTING)
      throw fail("InvalidStateError", `${FAILED_TO_SEND}: it is still connecting; wait for its 'open' event`);
    if (this.#state === OPEN) return this.#end.send(data);
    if (kind === PAIR) throw new TypeError("Can't call WebSocket send() after close().");
    this.#lost += typeof data === "string" ? utf8Length(data) : data.length;
  }

  // ---- Cloudflare's ----

  accept(options = undefined) {
    if (this.#kind === STANDARD) throw new TypeError("A WebSocket made with 'new WebSocket()' needs no accept().");
    if (options !== undefined && options !== null) use("events").dictionary(options, "WebSocket.accept");
    if (this.#use === USED) throw new TypeError("Can't accept() a WebSocket that was already used in a response.");
    if (this.#use === ACCEPTED) return;
    this.#use = ACCEPTED;
    this.#start();
  }
  serializeAttachment(attachment) {
    this.#kind; // a brand check
    need(arguments.length, 1, "WebSocket.serializeAttachment");
    this.#attachment = { value: use("structured_clone").structuredClone(attachment) };
  }
  deserializeAttachment() {
    const attachment = this.#attachment;
    return attachment === undefined ? null : use("structured_clone").structuredClone(attachment.value);
  }

  // ---- what happens ----

  #start() {
    this.#end.start({
      message: (data) => this.#message(data),
      end: (clean, code, reason) => this.#ended(clean, code, reason),
    });
  }
  #opened(end, protocol, extensions) {
    this.#state = OPEN;
    this.#end = end;
    this.#protocol = protocol;
    this.#extensions = extensions;
    this.#start();
    fire(this, new Event("open"));
  }
  #message(data) {
    if (this.#state !== OPEN) return;
    if (typeof data !== "string")
      data = this.#binaryType === "blob" ? new (use("blob").Blob)([data]) : data.buffer;
    fire(this, new MessageEvent("message", { data, origin: this.#origin }));
  }
  #ended(clean, code, reason) {
    const before = this.#state;
    if (before === CLOSED) return;
    this.#state = CLOSED;
    if (before === OPEN && clean) this.#end.close(code === NO_CODE ? 0 : code, reason); // a peer in a pair waits for it
    const close = () => fire(this, new CloseEvent("close", { wasClean: clean, code, reason: clean ? reason : "" }));
    if (clean) return close();
    const message = `WebSocket: ${reason}`;
    fire(this, new ErrorEvent("error", { message, error: new Error(message) }));
    const request = cells[CURRENT];
    later(() => {
      cells[CURRENT] = request; // a task of its own: what waits for the error may yet listen for the close
      close();
    });
  }

  static {
    isWebSocket = (value) => typeof value === "object" && value !== null && #kind in value;
    make = (end, { url = "", origin = "", protocol = "", extensions = "" } = {}) => {
      const socket = new WebSocket(INTERNAL, end);
      socket.#url = url;
      socket.#origin = origin;
      socket.#protocol = protocol;
      socket.#extensions = extensions;
      return socket;
    };
    takeEnd = (socket) => {
      if (socket.#kind === STANDARD)
        throw new TypeError("A WebSocket made with 'new WebSocket()' cannot go into a Response: use one of a WebSocketPair.");
      if (socket.#use === ACCEPTED) throw new TypeError("Can't return a WebSocket in a Response after calling its accept().");
      if (socket.#use === USED) throw new TypeError("This WebSocket was already used in a response.");
      socket.#use = USED;
      return socket.#end;
    };
  }
}
defineHandlers(WebSocket.prototype, "open", "error", "close", "message");
finish(WebSocket, "WebSocket");
constants(WebSocket, { CONNECTING, OPEN, CLOSING, CLOSED });
for (const name of ["CONNECTING", "OPEN", "CLOSING", "CLOSED"])
  Object.defineProperty(WebSocket, `READY_STATE_${name}`, { value: WebSocket[name], enumerable: true });
Object.defineProperty(WebSocket, "length", { value: 1, configurable: true });
for (const name of ["close", "accept"]) named(name, WebSocket.prototype[name]);

class WebSocketPair {
  constructor() {
    const client = new LocalEnd();
    const server = new LocalEnd();
    client.peer = server;
    server.peer = client;
    this[0] = make(client);
    this[1] = make(server);
  }
}
finish(WebSocketPair, "WebSocketPair");

exports.WebSocket = WebSocket;
exports.WebSocketPair = WebSocketPair;
exports.make = make;
exports.isWebSocket = isWebSocket;
exports.takeEnd = takeEnd;

// Answers request `id` with a Response that carries a WebSocket.
exports.upgrade = (id, inner) => {
  const end = takeEnd(inner.webSocket);
  const socket = op_upgrade(id, inner.wireHead().replace(NOT_OURS, ""));
  if (socket === undefined) end.refused();
  else end.couple(new NativeEnd(socket));
};
