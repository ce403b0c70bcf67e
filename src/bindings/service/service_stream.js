// Streams and WebSockets of a session: what is read on one side arrives on the other. Who sends may be
// WINDOW bytes ahead of what was read (a chunk that is no bytes counts as VALUE); who reads tells with ACK.

const { Writer, bad } = use("service_wire");
const { Uint8Array } = globalThis;

const PENDING = 0; // cells: see engine/isolate.h
const CHUNK = 7, CLOSE = 8, ERROR = 9, ACK = 10, CANCEL = 11, SOCKET = 12, CLOSED = 13;
const WINDOW = 256 << 10, ACK_FROM = 64 << 10, VALUE = 4096;
const none = () => {};

const sizeOf = (chunk) => (chunk instanceof Uint8Array ? chunk.length + 1 : VALUE);

// A promise that is settled by a message: the isolate has something to wait for meanwhile.
function waiting() {
  let settle;
  const promise = new Promise((resolve, reject) => {
    cells[PENDING]++;
    const once = (then) => (value) => {
      if (settle === undefined) return;
      settle = undefined;
      cells[PENDING]--;
      then(value);
    };
    settle = { resolve: once(resolve), reject: once(reject) };
  });
  return { promise, ...settle };
}

const chunkText = (writer, id, value) =>
  value instanceof Uint8Array ? `[${CHUNK},${id},${writer.blob(value)},1]` : `[${CHUNK},${id},${writer.value(value)}]`;

// Errors that cannot be sent are sent as what they say.
function errorText(session, writer, error) {
  try {
    return writer.value(error);
  } catch {
    return writer.value(new Error(use("errors").describe(error)[0]));
  }
}

function tell(session, kind, id, error) {
  if (session.isOver) return;
  const writer = new Writer(session);
  session.send(`[${kind},${id},${errorText(session, writer, error)}]`, writer);
}

// ---- sending ----

// What gives chunks: next() is a promise of { value } or of undefined at the end.
class Out {
  #session;
  #id;
  #from;
  #ahead = 0;
  #room; // waits for an ACK
  #isOver = false;

  constructor(session, id, from) {
    this.#session = session;
    this.#id = id;
    this.#from = from;
    session.addStream(id, this);
    this.#run();
  }

  async #run() {
    try {
      for (;;) {
        if (this.#ahead >= WINDOW) await (this.#room = waiting()).promise;
        const found = await this.#from.next();
        if (this.#isOver) return;
        if (found === undefined) break;
        this.#send(found.value);
      }
      this.#end();
      this.#session.tell(`[${CLOSE},${this.#id}]`);
    } catch (error) {
      if (this.#isOver) return;
      this.#end();
      tell(this.#session, ERROR, this.#id, error);
    }
    this.#session.endStream(this.#id);
  }

  #send(value) {
    const writer = new Writer(this.#session);
    this.#ahead += sizeOf(value);
    const text = chunkText(writer, this.#id, value);
    this.#session.send(text, writer);
  }

  #end() {
    this.#isOver = true;
    this.#room?.resolve();
  }

  onAck(bytes) {
    this.#ahead -= bytes;
    if (this.#ahead < WINDOW) this.#room?.resolve();
  }

  onCancel(error) {
    if (this.#isOver) return;
    this.broken(error);
    this.#session.endStream(this.#id);
  }

  broken(error) {
    if (this.#isOver) return;
    this.#end();
    Promise.resolve(this.#from.cancel(error)).catch(none);
  }
}

exports.sendBody = (session, pull) => {
  const id = session.nextStream();
  const next = async () => {
    const value = await pull.next();
    return value === undefined ? undefined : { value };
  };
  new Out(session, id, { next, cancel: (reason) => pull.cancel(reason) });
  return id;
};

exports.sendStream = (session, stream) => {
  const id = session.nextStream();
  const reader = stream.getReader();
  const next = async () => {
    const { done, value } = await reader.read();
    return done ? undefined : { value };
  };
  new Out(session, id, { next, cancel: (reason) => reader.cancel(reason) });
  return id;
};

// ---- receiving ----

class In {
  #session;
  #id;
  #queue = []; // { value } or, last, { error } or {}
  #waiting;
  #read = 0; // not told yet
  #isOver = false; // nothing more comes
  failed; // { value } of why it failed

  constructor(session, id) {
    this.#session = session;
    this.#id = id;
    session.addStream(id, this);
  }

  #put(event) {
    const wait = this.#waiting;
    if (wait === undefined) {
      this.#queue.push(event);
      return;
    }
    this.#waiting = undefined;
    this.#give(event, wait.resolve, wait.reject);
  }
  #give(event, resolve, reject) {
    if ("value" in event) {
      this.#acknowledge(sizeOf(event.value));
      resolve(event);
    } else if ("error" in event) reject(event.error);
    else resolve(undefined);
  }
  #acknowledge(bytes) {
    this.#read += bytes;
    if (this.#read < ACK_FROM || this.#isOver) return;
    this.#session.tell(`[${ACK},${this.#id},${this.#read}]`);
    this.#read = 0;
  }

  // A promise of { value }, or of undefined at the end.
  next() {
    if (this.#queue.length > 0)
      return new Promise((resolve, reject) => {
        const event = "value" in this.#queue[0] ? this.#queue.shift() : this.#queue[0];
        this.#give(event, resolve, reject);
      });
    const wait = (this.#waiting = waiting());
    return wait.promise;
  }
  cancel(reason) {
    this.#queue = [{}];
    if (this.#isOver) return;
    this.#isOver = true;
    tell(this.#session, CANCEL, this.#id, reason);
    this.#session.endStream(this.#id);
  }

  onChunk(value) {
    this.#put({ value });
  }
  #stop(event) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#put(event);
    if (this.#queue.length === 0) this.#queue.push(event);
  }
  onClose() {
    this.#stop({});
    this.#session.endStream(this.#id);
  }
  onError(error) {
    this.failed = { value: error };
    this.#stop({ error });
    this.#session.endStream(this.#id);
  }
  broken(error) {
    this.failed = { value: error };
    this.#stop({ error });
  }
}

function bytesOf(found) {
  if (found === undefined) return undefined;
  if (found.value instanceof Uint8Array) return found.value;
  throw new TypeError("A body's stream must give bytes (Uint8Array).");
}

async function collect(stream) {
  const chunks = [];
  let total = 0;
  for (let found; (found = await stream.next()) !== undefined; ) {
    const bytes = bytesOf(found);
    chunks.push(bytes);
    total += bytes.length;
  }
  if (chunks.length === 1) return chunks[0];
  const all = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

exports.receiveBody = (session, id, length) => {
  const stream = new In(session, id);
  return use("body").fromSource(
    {
      pull: async () => bytesOf(await stream.next()),
      collect: () => collect(stream),
      cancel: (reason) => stream.cancel(reason),
      failure: () => stream.failed,
      length,
    },
    length,
  );
};

exports.receiveStream = (session, id) => {
  const stream = new In(session, id);
  return new (use("streams").ReadableStream)(
    {
      async pull(controller) {
        const found = await stream.next();
        if (found === undefined) controller.close();
        else controller.enqueue(found.value);
      },
      cancel: (reason) => stream.cancel(reason),
    },
    { highWaterMark: 0 },
  );
};

// ---- a WritableStream: its owner is written to, and acknowledges what was taken ----

class Owner {
  #session;
  #id;
  #writer;
  constructor(session, id, writer) {
    this.#session = session;
    this.#id = id;
    this.#writer = writer;
    session.addStream(id, this);
  }
  #failed(error) {
    tell(this.#session, CANCEL, this.#id, error);
    this.#session.endStream(this.#id);
  }
  onChunk(value) {
    const taken = () => this.#session.tell(`[${ACK},${this.#id},${sizeOf(value)}]`);
    this.#writer.write(value).then(taken, (error) => this.#failed(error));
  }
  onClose() {
    const closed = () => {
      this.#session.tell(`[${CLOSE},${this.#id}]`);
      this.#session.endStream(this.#id);
    };
    this.#writer.close().then(closed, (error) => this.#failed(error));
  }
  onError(error) {
    this.broken(error);
    this.#session.endStream(this.#id);
  }
  broken(error) {
    this.#writer.abort(error).catch(none);
  }
}

exports.sendSink = (session, stream) => {
  const id = session.nextStream();
  new Owner(session, id, stream.getWriter());
  return id;
};

// The other side of it: writes, and waits for room.
class Sink {
  #session;
  #id;
  #ahead = 0;
  #wait;
  #closing;
  error; // { value } of why it failed
  controller;
  constructor(session, id) {
    this.#session = session;
    this.#id = id;
    session.addStream(id, this);
  }
  async write(value) {
    if (this.error !== undefined) throw this.error.value;
    const writer = new Writer(this.#session);
    const text = chunkText(writer, this.#id, value);
    this.#session.send(text, writer);
    this.#ahead += sizeOf(value);
    if (this.#ahead >= WINDOW) await (this.#wait = waiting()).promise;
  }
  close() {
    if (this.error !== undefined) throw this.error.value;
    this.#session.tell(`[${CLOSE},${this.#id}]`);
    return (this.#closing = waiting()).promise;
  }
  abort(reason) {
    tell(this.#session, ERROR, this.#id, reason);
    this.#session.endStream(this.#id);
  }
  onAck(bytes) {
    this.#ahead -= bytes;
    if (this.#ahead < WINDOW) this.#wait?.resolve();
  }
  onClose() {
    this.#closing?.resolve();
    this.#session.endStream(this.#id);
  }
  onCancel(error) {
    this.broken(error);
    this.#session.endStream(this.#id);
  }
  broken(error) {
    this.error = { value: error };
    this.#wait?.reject(error);
    this.#closing?.reject(error);
    this.controller?.error(error);
  }
}

exports.receiveSink = (session, id) => {
  const sink = new Sink(session, id);
  return new (use("streams").WritableStream)({
    start(controller) {
      sink.controller = controller;
    },
    write: (chunk) => sink.write(chunk),
    close: () => sink.close(),
    abort: (reason) => sink.abort(reason),
  });
};

// ---- WebSockets ----

// An end of a WebSocket (see websocket.js) whose other one is in another isolate.
class RemoteEnd {
  #session;
  #id;
  #sink;
  #queue = [];
  #isOver = false;
  #isClosed = false; // by this side
  constructor(session, id) {
    this.#session = session;
    this.#id = id;
    session.sockets++;
    session.addStream(id, this);
  }
  start(sink) {
    this.#sink = sink;
    for (const event of this.#queue.splice(0)) this.#give(event);
  }
  send(data) {
    if (this.#isOver) return;
    if (typeof data === "string") this.#session.tell(`[${SOCKET},${this.#id},${new Writer(this.#session).value(data)}]`);
    else {
      const writer = new Writer(this.#session);
      writer.blob(data);
      this.#session.send(`[${SOCKET},${this.#id},null]`, writer);
    }
  }
  close(code, reason) {
    if (this.#isClosed || this.#isOver) return;
    this.#isClosed = true;
    this.#session.tell(`[${CLOSED},${this.#id},true,${code},${new Writer(this.#session).value(reason)}]`);
  }
  buffered() {
    return 0;
  }
  // Carried away by a Response: bytes go through, and so do Closes.
  couple(other) {
    splice(this, other);
    splice(other, this);
  }
  refused() {
    this.close(1001, "");
    this.#end();
  }

  #give(event) {
    if (event.length === 1) this.#sink.message(event[0]);
    else this.#sink.end(event[0], event[1], event[2]);
  }
  #put(event) {
    if (this.#sink === undefined) this.#queue.push(event);
    else this.#give(event);
  }
  #end() {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#session.sockets--;
    this.#session.endStream(this.#id);
  }
  onMessage(data) {
    if (!this.#isOver) this.#put([data]);
  }
  onClosed(clean, code, reason) {
    if (this.#isOver) return;
    this.#put([clean, code, reason]);
    if (this.#isClosed) this.#end();
    else {
      this.close(code === 1005 ? 0 : code, reason);
      this.#end();
    }
  }
  broken() {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#session.isReplaced) this.#put([true, 1012, ""]);
    else this.#put([false, 1006, "the other worker is gone"]);
  }
}

const splice = (from, to) =>
  from.start({
    message: (data) => to.send(data),
    end: (clean, code, reason) => to.close(clean ? (code === 1005 ? 0 : code) : 1001, clean ? reason : ""),
  });

exports.sendSocket = (session, socket) => {
  const id = session.nextStream();
  coupleSoon(use("websocket").takeEnd(socket), new RemoteEnd(session, id));
  return id;
};

// What was sent already goes behind the message that tells of the socket.
async function coupleSoon(end, remote) {
  await undefined;
  end.couple(remote);
}

exports.receiveSocket = (session, id) => use("websocket").make(new RemoteEnd(session, id));

// ---- messages ----

const number = (value, least, most) => (typeof value === "number" && value >= least && value <= most ? value : bad());

exports.message = (session, wire, blobs) => {
  const [kind, id] = wire;
  const stream = session.streams?.[id];
  if (stream === undefined) return undefined; // it is over here
  const read = (at) => session.read(blobs, (reader) => reader.value(wire[at])).value;
  const bytes = (at) => session.read(blobs, (reader) => reader.blob(at)).value;
  switch (kind) {
    case CHUNK:
      return call(stream, "onChunk", wire[3] === 1 ? bytes(wire[2]) : read(2));
    case CLOSE:
      return call(stream, "onClose");
    case ERROR:
      return call(stream, "onError", read(2));
    case ACK:
      return call(stream, "onAck", number(wire[2], 0, Number.MAX_SAFE_INTEGER));
    case CANCEL:
      return call(stream, "onCancel", read(2));
    case SOCKET:
      return call(stream, "onMessage", wire[2] === null ? bytes(0) : `${wire[2]}`);
    case CLOSED:
      return call(stream, "onClosed", wire[2] === true, number(wire[3], 0, 4999), `${wire[4]}`);
    default:
      return bad();
  }
};

const call = (stream, name, ...args) => (stream[name] === undefined ? bad() : stream[name](...args));
