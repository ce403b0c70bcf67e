// WritableStream, its writer and its controller (WHATWG Streams 5). Records, as in streams.js:
//   stream      { state, error, writer, controller, writes, writing, closeRequest, closing,
//                 pendingAbort, backpressure, object }
//   writer      { stream, closed, ready }
//   controller  { stream, queue of values and CLOSE, sizes of values when they are not all 1, total, ... }
// state: "writable" -> "erroring" -> "errored", or "writable" -> "closed". `writes` are deferreds of
// queued chunks, `writing` that of the chunk in the sink; `closeRequest` becomes `closing` likewise.
// `closed` and `ready` are Outcomes.

const base = use("stream_base");
const { finish, need } = use("webidl");
const { Outcome, Queue, checkSize, deferred, illegal, isObject, lengths, method } = base;
const { noop, promising, rejected, resolved, then } = base;

const INTERNAL = {};
const CLOSE = {};

function fulfilled() {
  const own = new Outcome();
  own.resolve();
  return own;
}
// A settled one cannot be rejected: a new one takes its place.
function refused(old, error) {
  const own = old === undefined || old.settled ? new Outcome() : old;
  own.reject(error);
  return own;
}

// ---- the stream ----

const newStream = () => ({
  state: "writable",
  error: undefined,
  writer: undefined,
  controller: undefined,
  writes: new Queue(),
  writing: undefined,
  closeRequest: undefined,
  closing: undefined,
  pendingAbort: undefined,
  backpressure: false,
  object: undefined,
});

let recordOf;
let isStream;

class WritableStream {
  #stream;

  constructor(underlyingSink, strategy) {
    if (underlyingSink === INTERNAL) {
      this.#stream = strategy;
      return;
    }
    const sink = underlyingSink === undefined ? {} : underlyingSink;
    if (!isObject(sink)) throw new TypeError("Failed to construct 'WritableStream': the sink is not an object");
    const queuing = base.readStrategy(strategy);
    this.#stream = newStream();
    this.#stream.object = this;
    setupFromUnderlying(this.#stream, sink, queuing);
  }
  get locked() {
    return this.#stream.writer !== undefined;
  }
  abort(reason) {
    try {
      const stream = this.#stream;
      if (stream.writer !== undefined) return rejected(new TypeError("Cannot abort a stream that is locked to a writer"));
      return abort(stream, reason);
    } catch (error) {
      return rejected(error);
    }
  }
  close() {
    try {
      const stream = this.#stream;
      if (stream.writer !== undefined) return rejected(new TypeError("Cannot close a stream that is locked to a writer"));
      if (isClosing(stream)) return rejected(new TypeError("The stream is being closed already"));
      return close(stream);
    } catch (error) {
      return rejected(error);
    }
  }
  getWriter() {
    this.#stream;
    return new WritableStreamDefaultWriter(this);
  }
  static {
    isStream = (object) => isObject(object) && #stream in object;
    recordOf = (object) => {
      if (!isStream(object)) throw new TypeError("The value is not a WritableStream");
      return object.#stream;
    };
  }
}
finish(WritableStream, "WritableStream");
lengths(0, WritableStream, WritableStream.prototype.abort);
exports.WritableStream = WritableStream;
exports.recordOf = (object) => recordOf(object);
exports.isWritableStream = isStream;
exports.transferable = (value) => (isStream(value) ? use("stream_transfer").writable(value) : undefined);

exports.objectOf = (stream) => (stream.object ??= new WritableStream(INTERNAL, stream));

function setupFromUnderlying(stream, sink, queuing) {
  const abort = promising(sink, "abort");
  const close = promising(sink, "close", 0);
  const start = method(sink, "start") ?? noop;
  const { type } = sink;
  const write = promising(sink, "write", 2);
  if (type !== undefined) throw new RangeError("Failed to construct 'WritableStream': a sink has no type");
  const size = base.sizeOf(queuing);
  const run = { start, write, close, abort };
  setup(stream, run, base.highWaterMarkOf(queuing, 1), size);
}

const isClosing = ({ closeRequest, closing }) => closeRequest !== undefined || closing !== undefined;

function abort(stream, reason) {
  if (stream.state === "closed" || stream.state === "errored") return resolved(undefined);
  signalAbort(stream.controller, reason);
  const { state } = stream;
  if (state === "closed" || state === "errored") return resolved(undefined);
  if (stream.pendingAbort !== undefined) return stream.pendingAbort.promise;
  const wasErroring = state === "erroring";
  const request = deferred();
  request.reason = wasErroring ? undefined : reason;
  request.wasErroring = wasErroring;
  stream.pendingAbort = request;
  if (!wasErroring) startErroring(stream, reason);
  return request.promise;
}

function close(stream) {
  const { state, writer, controller } = stream;
  if (state === "closed" || state === "errored") return rejected(new TypeError("The stream is closed or errored"));
  stream.closeRequest = deferred();
  if (writer !== undefined && stream.backpressure && state === "writable") writer.ready.resolve();
  controller.queue.push(CLOSE);
  advance(controller);
  return stream.closeRequest?.promise ?? stream.closing.promise;
}

function failed(stream, error) {
  if (stream.state === "writable") startErroring(stream, error);
  else finishErroring(stream);
}

function startErroring(stream, reason) {
  stream.state = "erroring";
  stream.error = reason;
  const { writer } = stream;
  if (writer !== undefined) writer.ready = refused(writer.ready, reason);
  if (stream.writing === undefined && stream.closing === undefined && stream.controller.started) finishErroring(stream);
}

function finishErroring(stream) {
  stream.state = "errored";
  const { controller } = stream;
  controller.queue.clear();
  controller.sizes?.clear();
  controller.total = 0;
  for (const request of stream.writes.clear()) request.reject(stream.error);
  const request = stream.pendingAbort;
  stream.pendingAbort = undefined;
  if (request === undefined) return refuseClose(stream);
  if (request.wasErroring) {
    request.reject(stream.error);
    return refuseClose(stream);
  }
  const done = controller.onAbort(request.reason);
  clearAlgorithms(controller);
  then(
    done,
    () => {
      request.resolve(undefined);
      refuseClose(stream);
    },
    (error) => {
      request.reject(error);
      refuseClose(stream);
    },
  );
}

function refuseClose(stream) {
  if (stream.closeRequest !== undefined) {
    stream.closeRequest.reject(stream.error);
    stream.closeRequest = undefined;
  }
  const { writer } = stream;
  if (writer !== undefined) writer.closed.reject(stream.error);
}

function writeDone(stream, error, threw) {
  const request = stream.writing;
  stream.writing = undefined;
  if (!threw) return request.resolve(undefined);
  request.reject(error);
  failed(stream, error);
}

function closeDone(stream) {
  stream.closing.resolve(undefined);
  stream.closing = undefined;
  if (stream.state === "erroring") {
    stream.error = undefined;
    stream.pendingAbort?.resolve(undefined);
    stream.pendingAbort = undefined;
  }
  stream.state = "closed";
  if (stream.writer !== undefined) stream.writer.closed.resolve();
}

function closeFailed(stream, error) {
  stream.closing.reject(error);
  stream.closing = undefined;
  stream.pendingAbort?.reject(error);
  stream.pendingAbort = undefined;
  failed(stream, error);
}

function setBackpressure(stream, backpressure) {
  const { writer } = stream;
  if (writer !== undefined && backpressure !== stream.backpressure) {
    if (backpressure) writer.ready = new Outcome();
    else writer.ready.resolve();
  }
  stream.backpressure = backpressure;
}

// ---- the writer ----

function acquireWriter(stream) {
  if (stream.writer !== undefined) throw new TypeError("The stream is locked to a writer already");
  const writer = { stream, ready: undefined, closed: undefined };
  stream.writer = writer;
  const { state, error } = stream;
  if (state === "writable") {
    writer.ready = !isClosing(stream) && stream.backpressure ? new Outcome() : fulfilled();
    writer.closed = new Outcome();
  } else if (state === "erroring") {
    writer.ready = refused(undefined, error);
    writer.closed = new Outcome();
  } else if (state === "closed") {
    writer.ready = fulfilled();
    writer.closed = fulfilled();
  } else {
    writer.ready = refused(undefined, error);
    writer.closed = refused(undefined, error);
  }
  return writer;
}

function releaseWriter(writer) {
  const why = new TypeError("The writer was released");
  writer.ready = refused(writer.ready, why);
  writer.closed = refused(writer.closed, why);
  writer.stream.writer = undefined;
  writer.stream = undefined;
}

const releasedWriter = () => new TypeError("The writer was released: it has no stream");

function write(writer, chunk) {
  const request = deferred();
  writeFor(writer, chunk, request);
  return request.promise;
}

// Writes and settles `request` (its resolve or reject is called) when that is done.
function writeFor(writer, chunk, request) {
  const { stream } = writer;
  const { controller } = stream;
  let size = 1;
  try {
    size = controller.size === undefined ? 1 : controller.size(chunk);
  } catch (error) {
    controllerFailIfNeeded(controller, error);
  }
  if (stream !== writer.stream) return request.reject(releasedWriter());
  if (stream.state === "errored") return request.reject(stream.error);
  if (isClosing(stream) || stream.state === "closed")
    return request.reject(new TypeError("Cannot write to a stream that is closed or being closed"));
  if (stream.state === "erroring") return request.reject(stream.error);
  stream.writes.push(request);
  enqueue(controller, chunk, size);
}

// Closes, or takes part in what ends the stream: for pipes.
function closeWriter(writer) {
  const { stream } = writer;
  if (isClosing(stream) || stream.state === "closed") return resolved(undefined);
  return stream.state === "errored" ? rejected(stream.error) : close(stream);
}

let writerOf;

class WritableStreamDefaultWriter {
  #writer;

  constructor(stream) {
    need(arguments.length, 1, "Failed to construct 'WritableStreamDefaultWriter'");
    this.#writer = acquireWriter(recordOf(stream));
  }
  get closed() {
    try {
      return this.#writer.closed.promise;
    } catch (error) {
      return rejected(error);
    }
  }
  get desiredSize() {
    const { stream } = this.#writer;
    if (stream === undefined) throw releasedWriter();
    if (stream.state === "errored" || stream.state === "erroring") return null;
    return stream.state === "closed" ? 0 : desiredSize(stream.controller);
  }
  get ready() {
    try {
      return this.#writer.ready.promise;
    } catch (error) {
      return rejected(error);
    }
  }
  abort(reason) {
    return writerOf(this, (writer) => abort(writer.stream, reason));
  }
  close() {
    return writerOf(this, ({ stream }) =>
      isClosing(stream) ? rejected(new TypeError("The stream is being closed already")) : close(stream),
    );
  }
  releaseLock() {
    if (this.#writer.stream !== undefined) releaseWriter(this.#writer);
  }
  write(chunk) {
    try {
      const writer = this.#writer;
      return writer.stream === undefined ? rejected(releasedWriter()) : write(writer, chunk);
    } catch (error) {
      return rejected(error);
    }
  }
  static {
    writerOf = (object, run) => {
      try {
        const writer = object.#writer;
        return writer.stream === undefined ? rejected(releasedWriter()) : run(writer);
      } catch (error) {
        return rejected(error);
      }
    };
  }
}
finish(WritableStreamDefaultWriter, "WritableStreamDefaultWriter");
lengths(0, WritableStreamDefaultWriter.prototype.abort, WritableStreamDefaultWriter.prototype.write);
exports.WritableStreamDefaultWriter = WritableStreamDefaultWriter;

Object.assign(exports, { abort, acquireWriter, closeWriter, isClosing, releaseWriter, write, writeFor });

// ---- the controller ----

class WritableStreamDefaultController {
  #controller;

  constructor(token, controller) {
    if (token !== INTERNAL) illegal("WritableStreamDefaultController");
    this.#controller = controller;
  }
  get signal() {
    return signalOf(this.#controller);
  }
  error(error) {
    const controller = this.#controller;
    if (controller.stream.state === "writable") controllerFail(controller, error);
  }
}
finish(WritableStreamDefaultController, "WritableStreamDefaultController");
lengths(0, WritableStreamDefaultController, WritableStreamDefaultController.prototype.error);
exports.WritableStreamDefaultController = WritableStreamDefaultController;

// The signal is made when somebody asks: `aborted` is then what happened before.
function signalOf(controller) {
  if (controller.abortController === undefined) {
    controller.abortController = new (use("abort").AbortController)();
    if (controller.aborted !== undefined) controller.abortController.abort(controller.aborted.reason);
  }
  return controller.abortController.signal;
}

function signalAbort(controller, reason) {
  controller.aborted ??= { reason };
  controller.abortController?.abort(reason);
}

// Gives `stream` its controller. `run` has start(controller), write(chunk, controller), close() and
// abort(reason), the last three giving promises; a start that throws makes this throw.
function setup(stream, run, highWaterMark, size) {
  const controller = {
    stream,
    queue: new Queue(),
    sizes: size === undefined ? undefined : new Queue(),
    total: 0,
    started: false,
    highWaterMark,
    size,
    onWrite: run.write,
    onClose: run.close,
    onAbort: run.abort,
    onWritten: undefined,
    onWriteFailed: undefined,
    aborted: undefined,
    abortController: undefined,
    object: undefined,
  };
  controller.object = new WritableStreamDefaultController(INTERNAL, controller);
  stream.controller = controller;
  setBackpressure(stream, desiredSize(controller) <= 0);
  const started = base.resolvedWith(run.start(controller.object));
  then(
    started,
    () => {
      controller.started = true;
      advance(controller);
    },
    (error) => {
      controller.started = true;
      failed(stream, error);
    },
  );
}

function clearAlgorithms(controller) {
  controller.onWrite = controller.onClose = controller.onAbort = controller.size = undefined;
}

const desiredSize = ({ highWaterMark, total }) => highWaterMark - total;

function controllerFail(controller, error) {
  clearAlgorithms(controller);
  startErroring(controller.stream, error);
}

function controllerFailIfNeeded(controller, error) {
  if (controller.stream.state === "writable") controllerFail(controller, error);
}

function enqueue(controller, value, size) {
  const { stream } = controller;
  if (size !== 1) {
    try {
      size = checkSize(size);
    } catch (error) {
      return controllerFailIfNeeded(controller, error);
    }
  }
  controller.queue.push(value);
  controller.sizes?.push(size);
  controller.total += size;
  if (!isClosing(stream) && stream.state === "writable") setBackpressure(stream, desiredSize(controller) <= 0);
  advance(controller);
}

function advance(controller) {
  const { stream, queue } = controller;
  if (!controller.started || stream.writing !== undefined) return;
  if (stream.state === "erroring") return finishErroring(stream);
  if (queue.length === 0) return;
  const head = queue.peek();
  if (head === CLOSE) processClose(controller);
  else processWrite(controller, head);
}

function processClose(controller) {
  const { stream } = controller;
  stream.closing = stream.closeRequest;
  stream.closeRequest = undefined;
  controller.queue.shift();
  const done = controller.onClose();
  clearAlgorithms(controller);
  then(
    done,
    () => closeDone(stream),
    (error) => closeFailed(stream, error),
  );
}

function processWrite(controller, head) {
  const { stream, queue } = controller;
  stream.writing = stream.writes.shift();
  controller.onWritten ??= () => {
    writeDone(stream);
    queue.shift();
    controller.total = Math.max(0, controller.total - (controller.sizes === undefined ? 1 : controller.sizes.shift()));
    if (!isClosing(stream) && stream.state === "writable") setBackpressure(stream, desiredSize(controller) <= 0);
    advance(controller);
  };
  controller.onWriteFailed ??= (error) => {
    if (stream.state === "writable") clearAlgorithms(controller);
    writeDone(stream, error, true);
  };
  then(controller.onWrite(head, controller.object), controller.onWritten, controller.onWriteFailed);
}

exports.controllerFailIfNeeded = controllerFailIfNeeded;

// A stream of this room's own making: `run` as in setup().
exports.create = (run, highWaterMark, size) => {
  const stream = newStream();
  setup(stream, run, highWaterMark, size);
  return stream;
};
