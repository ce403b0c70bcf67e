// Byte streams: the byte controller, the BYOB reader and its requests, tee (WHATWG Streams 4.7, 4.5,
// 4.9.2). The records are those of streams.js, and these:
//   controller  { ..., queue of { buffer, offset, length }, pending, byobRequest, autoAllocate }
//   pull-into   { buffer, bufferLength, offset, length, filled, minFill, size, make, reader }
// `pending` holds pull-intos: buffers that somebody gave to be filled. `reader` of one is "byob",
// "default" (the buffer was allocated for it) or "none" (its reader is gone).

const base = use("stream_base");
const streams = use("streams");
const { finish, need } = use("webidl");
const { Queue, deferred, dictionary, illegal, lengths, noop, rejected, resolved, then } = base;
const { acquireReader, cancel, close, hasDefaultReader, newReader, read, ReadRequest, release, released } = streams;

const INTERNAL = {};
const isView = ArrayBuffer.isView;
const moveBuffer = ArrayBuffer.prototype.transfer;
const { apply } = Reflect;
const transfer = (buffer) => apply(moveBuffer, buffer, []);

// ---- the controller ----

class ReadableByteStreamController {
  #controller;

  constructor(token, controller) {
    if (token !== INTERNAL) illegal("ReadableByteStreamController");
    this.#controller = controller;
  }
  get byobRequest() {
    return byobRequestOf(this.#controller);
  }
  get desiredSize() {
    return desiredSize(this.#controller);
  }
  close() {
    const controller = this.#controller;
    if (controller.closeRequested) throw new TypeError("The stream was closed already");
    if (controller.stream.state !== "readable") throw new TypeError("The stream is closed or errored");
    controllerClose(controller);
  }
  enqueue(chunk) {
    const controller = this.#controller;
    need(arguments.length, 1, "Failed to execute 'enqueue' on 'ReadableByteStreamController'");
    if (!isView(chunk)) throw new TypeError("The chunk is not an ArrayBufferView");
    if (chunk.byteLength === 0) throw new TypeError("The chunk is empty");
    if (chunk.buffer.byteLength === 0) throw new TypeError("The chunk's buffer is empty");
    if (controller.closeRequested) throw new TypeError("The stream was closed already");
    if (controller.stream.state !== "readable") throw new TypeError("The stream is closed or errored");
    enqueue(controller, chunk);
  }
  error(error) {
    controllerFail(this.#controller, error);
  }
}
finish(ReadableByteStreamController, "ReadableByteStreamController");
lengths(0, ReadableByteStreamController, ReadableByteStreamController.prototype.error);
exports.ReadableByteStreamController = ReadableByteStreamController;

const steps = {
  cancel(controller, reason) {
    forgetPending(controller);
    resetQueue(controller);
    const done = controller.onCancel(reason);
    clearAlgorithms(controller);
    return done;
  },
  pull(controller, request) {
    if (controller.total > 0) return fillReadRequest(controller, request);
    const size = controller.autoAllocate;
    if (size !== undefined) {
      let buffer;
      try {
        buffer = new ArrayBuffer(size);
      } catch (error) {
        return request.error(error);
      }
      controller.pending.push({
        buffer,
        bufferLength: size,
        offset: 0,
        length: size,
        filled: 0,
        minFill: 1,
        size: 1,
        make: Uint8Array,
        reader: "default",
      });
    }
    controller.stream.reader.requests.push(request);
    callPull(controller);
  },
  release(controller) {
    if (controller.pending.length === 0) return;
    controller.pending[0].reader = "none";
    controller.pending.length = 1;
  },
};

exports.setup = (stream, run, highWaterMark, autoAllocate) => {
  const controller = {
    stream,
    steps,
    queue: new Queue(),
    total: 0,
    started: false,
    closeRequested: false,
    pulling: false,
    pullAgain: false,
    highWaterMark,
    autoAllocate,
    pending: [],
    byobRequest: null,
    onPull: run.pull,
    onCancel: run.cancel,
    onPulled: undefined,
    onPullFailed: undefined,
    object: undefined,
  };
  controller.object = new ReadableByteStreamController(INTERNAL, controller);
  stream.controller = controller;
  streams.begin(controller, run, callPull, controllerFail);
};

function resetQueue(controller) {
  controller.queue.clear();
  controller.total = 0;
}

function clearAlgorithms(controller) {
  controller.onPull = controller.onCancel = undefined;
}

function desiredSize({ stream, highWaterMark, total }) {
  if (stream.state === "errored") return null;
  return stream.state === "closed" ? 0 : highWaterMark - total;
}

function shouldPull(controller) {
  const { stream } = controller;
  if (stream.state !== "readable" || controller.closeRequested || !controller.started) return false;
  if (stream.reader !== undefined && stream.reader.requests.length > 0) return true;
  return desiredSize(controller) > 0;
}
const callPull = streams.pullWhen(shouldPull, controllerFail);

function controllerFail(controller, error) {
  if (controller.stream.state !== "readable") return;
  forgetPending(controller);
  resetQueue(controller);
  clearAlgorithms(controller);
  streams.fail(controller.stream, error);
}

exports.fail = controllerFail;

function controllerClose(controller) {
  const { stream, pending } = controller;
  if (controller.closeRequested || stream.state !== "readable") return;
  if (controller.total > 0) {
    controller.closeRequested = true;
    return;
  }
  if (pending.length > 0 && pending[0].filled % pending[0].size !== 0) {
    const error = new TypeError("The stream was closed in the middle of an element");
    controllerFail(controller, error);
    throw error;
  }
  clearAlgorithms(controller);
  close(stream);
}

// What a byte source of this room does at its end: pending BYOB reads get their buffers back.
exports.end = (controller) => {
  controllerClose(controller);
  if (controller.pending.length > 0) respond(controller, 0);
};

function afterDrain(controller) {
  if (controller.total === 0 && controller.closeRequested) {
    clearAlgorithms(controller);
    close(controller.stream);
  } else callPull(controller);
}

// ---- chunks in ----

function pushChunk(controller, buffer, offset, length) {
  controller.queue.push({ buffer, offset, length });
  controller.total += length;
}

function pushCopy(controller, buffer, offset, length) {
  let copy;
  try {
    copy = buffer.slice(offset, offset + length);
  } catch (error) {
    controllerFail(controller, error);
    throw error;
  }
  pushChunk(controller, copy, 0, length);
}

function enqueue(controller, chunk) {
  const { buffer, byteOffset, byteLength } = chunk;
  if (buffer.detached) throw new TypeError("The chunk's buffer is detached");
  enqueueBuffer(controller, transfer(buffer), byteOffset, byteLength);
}

// A Uint8Array that nobody else holds.
exports.enqueueOwn = (controller, chunk) => {
  if (chunk.length > 0) enqueueBuffer(controller, chunk.buffer, chunk.byteOffset, chunk.length);
  else callPull(controller);
};

function enqueueBuffer(controller, buffer, offset, length) {
  const { stream, pending } = controller;
  if (controller.closeRequested || stream.state !== "readable") return;
  if (pending.length > 0) {
    const first = pending[0];
    if (first.buffer.detached) throw new TypeError("The BYOB request's buffer is detached");
    forgetByobRequest(controller);
    first.buffer = transfer(first.buffer);
    if (first.reader === "none") pushDetached(controller, first);
  }
  const { reader } = stream;
  if (hasDefaultReader(stream)) {
    fillReadRequests(controller);
    if (reader.requests.length === 0) pushChunk(controller, buffer, offset, length);
    else {
      if (pending.length > 0) pending.shift();
      reader.requests.shift().chunk(new Uint8Array(buffer, offset, length));
    }
  } else {
    pushChunk(controller, buffer, offset, length);
    if (reader !== undefined) commitAll(stream, fillPending(controller));
  }
  callPull(controller);
}

// The bytes of a pull-into whose reader is gone go to the queue.
function pushDetached(controller, into) {
  if (into.filled > 0) pushCopy(controller, into.buffer, into.offset, into.filled);
  controller.pending.shift();
}

// ---- chunks out ----

function fillReadRequest(controller, request) {
  const { buffer, offset, length } = controller.queue.shift();
  controller.total -= length;
  afterDrain(controller);
  request.chunk(new Uint8Array(buffer, offset, length));
}

function fillReadRequests(controller) {
  const { requests } = controller.stream.reader;
  while (requests.length > 0 && controller.total > 0) fillReadRequest(controller, requests.shift());
}

// Nobody else holds the buffer: it was transferred when it was given, and when a BYOB request for it ended.
function convert(into) {
  return new into.make(into.buffer, into.offset, into.filled / into.size);
}

function commit(stream, into) {
  const done = stream.state === "closed";
  const view = convert(into);
  const request = stream.reader.requests.shift();
  if (done) request.close(view);
  else request.chunk(view);
}

function commitAll(stream, list) {
  for (const into of list) commit(stream, into);
}

// Moves bytes of the queue into `into`; true when it has what its reader waits for.
function fillFromQueue(controller, into) {
  const { queue } = controller;
  const room = Math.min(controller.total, into.length - into.filled);
  const most = into.filled + room;
  const aligned = most - (most % into.size);
  const ready = aligned >= into.minFill;
  for (let left = ready ? aligned - into.filled : room; left > 0; ) {
    const head = queue.peek();
    const count = Math.min(left, head.length);
    new Uint8Array(into.buffer, into.offset + into.filled, count).set(new Uint8Array(head.buffer, head.offset, count));
    if (head.length === count) queue.shift();
    else {
      head.offset += count;
      head.length -= count;
    }
    controller.total -= count;
    forgetByobRequest(controller);
    into.filled += count;
    left -= count;
  }
  return ready;
}

// Takes from `pending` what the queue can fill.
function fillPending(controller) {
  const { pending } = controller;
  const done = [];
  while (pending.length > 0 && controller.total > 0)
    if (fillFromQueue(controller, pending[0])) done.push(pending.shift());
  return done;
}

function pullInto(controller, view, min, request) {
  const { stream, pending } = controller;
  const make = viewConstructor(view);
  const size = make.BYTES_PER_ELEMENT ?? 1;
  const { byteOffset: offset, byteLength: length } = view;
  let buffer;
  try {
    buffer = transfer(view.buffer);
  } catch (error) {
    return request.error(error);
  }
  const bufferLength = buffer.byteLength;
  const into = { buffer, bufferLength, offset, length, filled: 0, minFill: min * size, size, make, reader: "byob" };
  if (pending.length === 0) {
    if (stream.state === "closed") return request.close(new make(buffer, offset, 0));
    if (controller.total > 0) {
      if (fillFromQueue(controller, into)) {
        const filled = convert(into);
        afterDrain(controller);
        return request.chunk(filled);
      }
      if (controller.closeRequested) {
        const error = new TypeError("The stream ended in the middle of an element");
        controllerFail(controller, error);
        return request.error(error);
      }
    }
  }
  pending.push(into);
  stream.reader.requests.push(request);
  callPull(controller);
}

const viewKinds = [
  Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
  BigInt64Array, BigUint64Array, Float32Array, Float64Array,
];
if (typeof Float16Array === "function") viewKinds.push(Float16Array);
const viewTags = viewKinds.map(({ name }) => name);
const tagOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;

function viewConstructor(view) {
  const tag = apply(tagOf, view, []);
  if (tag === "Uint8Array") return Uint8Array;
  for (let i = 0; i < viewKinds.length; i++) if (viewTags[i] === tag) return viewKinds[i];
  return DataView;
}

// ---- BYOB requests ----

let forgetByobRequest; // (controller): what the tenant holds of the request is of no use any more

class ReadableStreamBYOBRequest {
  #controller;
  #view;

  constructor(token, controller, view) {
    if (token !== INTERNAL) illegal("ReadableStreamBYOBRequest");
    this.#controller = controller;
    this.#view = view;
  }
  get view() {
    return this.#view;
  }
  respond(bytesWritten) {
    const controller = this.#controller;
    need(arguments.length, 1, "Failed to execute 'respond' on 'ReadableStreamBYOBRequest'");
    const count = streams.enforceSize(bytesWritten);
    if (controller === undefined) throw new TypeError("The request was answered already");
    if (this.#view.buffer.detached) throw new TypeError("The request's buffer is detached");
    respond(controller, count);
  }
  respondWithNewView(view) {
    const controller = this.#controller;
    need(arguments.length, 1, "Failed to execute 'respondWithNewView' on 'ReadableStreamBYOBRequest'");
    if (!isView(view)) throw new TypeError("The value is not an ArrayBufferView");
    if (controller === undefined) throw new TypeError("The request was answered already");
    if (view.buffer.detached) throw new TypeError("The view's buffer is detached");
    respondWithNewView(controller, view);
  }
  static {
    forgetByobRequest = (controller) => {
      const request = controller.byobRequest;
      if (request === null) return;
      request.#controller = undefined;
      request.#view = null;
      controller.byobRequest = null;
    };
  }
}
finish(ReadableStreamBYOBRequest, "ReadableStreamBYOBRequest");
lengths(0, ReadableStreamBYOBRequest);
exports.ReadableStreamBYOBRequest = ReadableStreamBYOBRequest;

function byobRequestOf(controller) {
  if (controller.byobRequest === null && controller.pending.length > 0) {
    const { buffer, offset, filled, length } = controller.pending[0];
    const view = new Uint8Array(buffer, offset + filled, length - filled);
    controller.byobRequest = new ReadableStreamBYOBRequest(INTERNAL, controller, view);
  }
  return controller.byobRequest;
}

function forgetPending(controller) {
  forgetByobRequest(controller);
  controller.pending.length = 0;
}

function respond(controller, count) {
  const first = controller.pending[0];
  if (controller.stream.state === "closed") {
    if (count !== 0) throw new TypeError("The stream is closed: only 0 bytes can have been written");
  } else {
    if (count === 0) throw new TypeError("0 bytes can only be written into a closed stream");
    if (first.filled + count > first.length) throw new RangeError("More bytes than the view holds");
  }
  first.buffer = transfer(first.buffer);
  respondTo(controller, first, count);
}

function respondWithNewView(controller, view) {
  const first = controller.pending[0];
  const { byteLength } = view;
  if (controller.stream.state === "closed") {
    if (byteLength !== 0) throw new TypeError("The stream is closed: the view must be empty");
  } else if (byteLength === 0) throw new TypeError("The view is empty");
  if (first.offset + first.filled !== view.byteOffset) throw new RangeError("The view starts at another place");
  if (first.bufferLength !== view.buffer.byteLength) throw new RangeError("The view's buffer has another length");
  if (first.filled + byteLength > first.length) throw new RangeError("The view is longer than the request's");
  first.buffer = transfer(view.buffer);
  respondTo(controller, first, byteLength);
}

function respondTo(controller, first, count) {
  forgetByobRequest(controller);
  if (controller.stream.state === "closed") respondClosed(controller, first);
  else respondReadable(controller, first, count);
  callPull(controller);
}

function respondClosed(controller, first) {
  const { stream, pending } = controller;
  if (first.reader === "none") pending.shift();
  if (stream.reader === undefined || !stream.reader.byob) return;
  commitAll(stream, pending.splice(0, stream.reader.requests.length));
}

function respondReadable(controller, into, count) {
  const { stream } = controller;
  into.filled += count;
  if (into.reader === "none") {
    pushDetached(controller, into);
    commitAll(stream, fillPending(controller));
    return;
  }
  if (into.filled < into.minFill) return;
  controller.pending.shift();
  const rest = into.filled % into.size;
  if (rest > 0) pushCopy(controller, into.buffer, into.offset + into.filled - rest, rest);
  into.filled -= rest;
  const done = fillPending(controller);
  commit(stream, into);
  commitAll(stream, done);
}

// ---- the BYOB reader ----

class ReadableStreamBYOBReader {
  #reader;

  constructor(stream) {
    need(arguments.length, 1, "Failed to construct 'ReadableStreamBYOBReader'");
    const record = streams.recordOf(stream);
    if (record.controller.steps !== steps) throw new TypeError("A BYOB reader needs a byte stream");
    this.#reader = newReader(record, true);
  }
  get closed() {
    try {
      return this.#reader.closed.promise;
    } catch (error) {
      return rejected(error);
    }
  }
  cancel(reason) {
    try {
      const { stream } = this.#reader;
      return stream === undefined ? rejected(released()) : cancel(stream, reason);
    } catch (error) {
      return rejected(error);
    }
  }
  read(view, options) {
    try {
      const reader = this.#reader;
      need(arguments.length, 1, "Failed to execute 'read' on 'ReadableStreamBYOBReader'");
      const min = checkRead(view, options);
      if (reader.stream === undefined) return rejected(released());
      const request = new ReadRequest();
      readInto(reader, view, min, request);
      return request.promise;
    } catch (error) {
      return rejected(error);
    }
  }
  // Of Workers; the standard has { min } for it since.
  async readAtLeast(min, view) {
    return this.read(view, { min });
  }
  releaseLock() {
    if (this.#reader.stream !== undefined) release(this.#reader);
  }
}
finish(ReadableStreamBYOBReader, "ReadableStreamBYOBReader");
lengths(0, ReadableStreamBYOBReader.prototype.cancel);
lengths(1, ReadableStreamBYOBReader.prototype.read);
exports.ReadableStreamBYOBReader = ReadableStreamBYOBReader;

// Returns how many elements the read waits for.
function checkRead(view, options) {
  if (!isView(view)) throw new TypeError("The view is not an ArrayBufferView");
  const { min: given } = dictionary(options, "The options");
  const min = given === undefined ? 1 : streams.enforceSize(given);
  if (view.byteLength === 0) throw new TypeError("The view is empty");
  if (view.buffer.byteLength === 0) throw new TypeError("The view's buffer is empty");
  if (view.buffer.detached) throw new TypeError("The view's buffer is detached");
  if (min === 0) throw new TypeError("min must be above 0");
  const most = view instanceof DataView ? view.byteLength : view.length;
  if (min > most) throw new RangeError("min is more than the view holds");
  return min;
}

function readInto(reader, view, min, request) {
  const { stream } = reader;
  stream.disturbed = true;
  stream.source = undefined;
  if (stream.state === "errored") request.error(stream.error);
  else pullInto(stream.controller, view, min, request);
}

// ---- tee ----
//
// The stream is read by whichever reader suits the branch that asks: a BYOB reader when the branch
// has a BYOB request, else a default one.

exports.tee = (stream) => {
  let reader = acquireReader(stream);
  const branches = [];
  const canceled = [false, false];
  const reasons = [undefined, undefined];
  const readAgain = [false, false];
  const whenCanceled = deferred();
  let reading = false;

  const each = (step) => {
    for (const i of [0, 1]) if (!canceled[i]) step(branches[i].controller);
  };
  const failBoth = (error) => {
    for (const branch of branches) controllerFail(branch.controller, error);
    whenCanceled.resolve(cancel(stream, error));
  };
  const copyOf = (chunk) => {
    try {
      return new Uint8Array(chunk.buffer.slice(chunk.byteOffset, chunk.byteOffset + chunk.byteLength));
    } catch (error) {
      failBoth(error);
      return undefined;
    }
  };
  const watch = (watched) =>
    then(watched.closed.promise, undefined, (error) => {
      if (watched !== reader) return;
      for (const branch of branches) controllerFail(branch.controller, error);
      if (!canceled[0] || !canceled[1]) whenCanceled.resolve(undefined);
    });
  const readWith = (byob) => {
    if (reader.byob === byob) return;
    release(reader);
    reader = newReader(stream, byob);
    watch(reader);
  };
  const pullMore = () => {
    reading = false;
    for (const i of [0, 1])
      if (readAgain[i]) return pull(i);
  };

  const pullDefault = () => {
    readWith(false);
    read(reader, {
      chunk: (chunk) =>
        then(resolved(undefined), () => {
          readAgain[0] = readAgain[1] = false;
          let second = chunk;
          if (!canceled[0] && !canceled[1] && (second = copyOf(chunk)) === undefined) return;
          if (!canceled[0]) enqueue(branches[0].controller, chunk);
          if (!canceled[1]) enqueue(branches[1].controller, second);
          pullMore();
        }),
      close: () => {
        reading = false;
        each(controllerClose);
        for (const { controller } of branches) if (controller.pending.length > 0) respond(controller, 0);
        if (!canceled[0] || !canceled[1]) whenCanceled.resolve(undefined);
      },
      error: () => {
        reading = false;
      },
    });
  };
  const pullByob = (view, i) => {
    readWith(true);
    const [mine, other] = [branches[i].controller, branches[1 - i].controller];
    readInto(reader, view, 1, {
      chunk: (chunk) =>
        then(resolved(undefined), () => {
          readAgain[0] = readAgain[1] = false;
          if (!canceled[1 - i]) {
            const copy = copyOf(chunk);
            if (copy === undefined) return;
            if (!canceled[i]) respondWithNewView(mine, chunk);
            enqueue(other, copy);
          } else if (!canceled[i]) respondWithNewView(mine, chunk);
          pullMore();
        }),
      close: (chunk) => {
        reading = false;
        each(controllerClose);
        if (chunk !== undefined) {
          if (!canceled[i]) respondWithNewView(mine, chunk);
          if (!canceled[1 - i] && other.pending.length > 0) respond(other, 0);
        }
        if (!canceled[0] || !canceled[1]) whenCanceled.resolve(undefined);
      },
      error: () => {
        reading = false;
      },
    });
  };
  const pull = (i) => {
    if (reading) {
      readAgain[i] = true;
      return resolved(undefined);
    }
    reading = true;
    const request = byobRequestOf(branches[i].controller);
    if (request === null) pullDefault();
    else pullByob(request.view, i);
    return resolved(undefined);
  };
  const cancelBranch = (i) => (reason) => {
    canceled[i] = true;
    reasons[i] = reason;
    if (canceled[1 - i]) whenCanceled.resolve(cancel(stream, reasons));
    return whenCanceled.promise;
  };
  for (const i of [0, 1]) {
    branches[i] = streams.newStream();
    exports.setup(branches[i], { start: noop, pull: () => pull(i), cancel: cancelBranch(i) }, 0, undefined);
  }
  watch(reader);
  return branches;
};
