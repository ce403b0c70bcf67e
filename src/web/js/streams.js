// ReadableStream, its readers and its default controller (WHATWG Streams 4), and the door to the
// other stream files.
//
// A stream is a plain record; the public class holds it in a private field, and so do readers and
// controllers. Functions here follow the standard's abstract operations on these records:
//   stream      { state, reader, error, disturbed, controller, source, length, object }
//   reader      { stream, byob, requests, closed, object }
//   controller  { stream, steps: { cancel, pull, release }, ... }
//   request     { chunk(value), close(), error(reason) }
// `source` is the native source of a stream that nobody has read from; see fromSource().

const base = use("stream_base");
const { finish, need } = use("webidl");
const { Outcome, Queue, deferred, dictionary, handled, illegal, isObject, lengths, method, noop, promised } = base;
const { promising, rejected, resolved, then } = base;

const INTERNAL = {}; // lets only this file give a record to a constructor
const define = Object.defineProperty;

exports.CountQueuingStrategy = base.CountQueuingStrategy;
exports.ByteLengthQueuingStrategy = base.ByteLengthQueuingStrategy;

function elsewhere(file, ...names) {
  for (const name of names) define(exports, name, { enumerable: true, get: () => use(file)[name] });
}
elsewhere("stream_bytes", "ReadableByteStreamController", "ReadableStreamBYOBReader", "ReadableStreamBYOBRequest");
elsewhere("stream_writable", "WritableStream", "WritableStreamDefaultWriter", "WritableStreamDefaultController");
elsewhere("stream_transform", "TransformStream", "TransformStreamDefaultController", "IdentityTransformStream");
elsewhere("stream_transform", "FixedLengthStream", "TextEncoderStream", "TextDecoderStream");

// ---- the stream ----

const newStream = () => ({
  state: "readable",
  reader: undefined,
  error: undefined,
  disturbed: false,
  controller: undefined,
  source: undefined,
  length: undefined,
  object: undefined,
});

let recordOf; // (object) => its record; TypeError when it is no ReadableStream
let isStream;

class ReadableStream {
  #stream;

  constructor(underlyingSource, strategy) {
    if (underlyingSource === INTERNAL) {
      this.#stream = strategy;
      return;
    }
    const source = underlyingSource === undefined ? {} : underlyingSource;
    if (!isObject(source)) throw new TypeError("Failed to construct 'ReadableStream': the source is not an object");
    const queuing = base.readStrategy(strategy);
    const stream = (this.#stream = newStream());
    stream.object = this;
    setupFromUnderlying(stream, source, queuing);
  }

  static from(asyncIterable) {
    need(arguments.length, 1, "Failed to execute 'from' on 'ReadableStream'");
    return objectOf(use("stream_from").from(asyncIterable));
  }

  get locked() {
    return this.#stream.reader !== undefined;
  }
  cancel(reason) {
    try {
      const stream = this.#stream;
      if (stream.reader !== undefined) return rejected(new TypeError("Cannot cancel a stream that is locked to a reader"));
      return cancel(stream, reason);
    } catch (error) {
      return rejected(error);
    }
  }
  getReader(options) {
    this.#stream;
    const { mode } = dictionary(options, "Failed to execute 'getReader' on 'ReadableStream': the options");
    if (mode === undefined) return new ReadableStreamDefaultReader(this);
    if (`${mode}` !== "byob") throw new TypeError(`Failed to execute 'getReader' on 'ReadableStream': no mode '${mode}'`);
    return new (use("stream_bytes").ReadableStreamBYOBReader)(this);
  }
  pipeThrough(transform, options) {
    const stream = this.#stream;
    need(arguments.length, 1, "Failed to execute 'pipeThrough' on 'ReadableStream'");
    const pair = dictionary(transform, "The transform");
    const { readable } = pair;
    recordOf(readable);
    const destination = use("stream_writable").recordOf(pair.writable);
    const given = pipeOptions(options);
    if (stream.reader !== undefined) throw new TypeError("Cannot pipe a stream that is locked to a reader");
    if (destination.writer !== undefined) throw new TypeError("Cannot pipe to a stream that is locked to a writer");
    handled(use("stream_pipe").pipe(stream, destination, given));
    return readable;
  }
  pipeTo(destination, options) {
    try {
      const stream = this.#stream;
      need(arguments.length, 1, "Failed to execute 'pipeTo' on 'ReadableStream'");
      const target = use("stream_writable").recordOf(destination);
      const given = pipeOptions(options);
      if (stream.reader !== undefined) throw new TypeError("Cannot pipe a stream that is locked to a reader");
      if (target.writer !== undefined) throw new TypeError("Cannot pipe to a stream that is locked to a writer");
      return use("stream_pipe").pipe(stream, target, given);
    } catch (error) {
      return rejected(error);
    }
  }
  tee() {
    return tee(this.#stream);
  }
  values(options) {
    const stream = this.#stream;
    const { preventCancel } = dictionary(options, "The options");
    return new StreamIterator(acquireReader(stream), !!preventCancel);
  }

  static {
    recordOf = (object) => {
      if (!isStream(object)) throw new TypeError("The value is not a ReadableStream");
      return object.#stream;
    };
    isStream = (object) => isObject(object) && #stream in object;
  }
}
finish(ReadableStream, "ReadableStream");
lengths(0, ReadableStream, ...["values", "getReader", "cancel"].map((name) => ReadableStream.prototype[name]));
lengths(1, ReadableStream.prototype.pipeThrough, ReadableStream.prototype.pipeTo);
define(ReadableStream.prototype, Symbol.asyncIterator, {
  value: ReadableStream.prototype.values,
  writable: true,
  configurable: true,
});
exports.ReadableStream = ReadableStream;
exports.recordOf = (object) => recordOf(object);
exports.isReadableStream = isStream;
exports.transferable = (value) => (isStream(value) ? use("stream_transfer").readable(value) : undefined);

function pipeOptions(options) {
  const { preventAbort, preventCancel, preventClose, signal } = dictionary(options, "The options");
  if (signal !== undefined && !use("abort").isSignal(signal)) throw new TypeError("The signal is not an AbortSignal");
  return { preventAbort: !!preventAbort, preventCancel: !!preventCancel, preventClose: !!preventClose, signal };
}

// The public object of a record that this room made.
function objectOf(stream) {
  return (stream.object ??= new ReadableStream(INTERNAL, stream));
}
exports.objectOf = objectOf;

function setupFromUnderlying(stream, source, queuing) {
  let { autoAllocateChunkSize } = source;
  if (autoAllocateChunkSize !== undefined) autoAllocateChunkSize = enforceSize(autoAllocateChunkSize);
  const cancel = promising(source, "cancel");
  const pull = promising(source, "pull");
  const start = method(source, "start") ?? noop;
  let { type } = source;
  if (type !== undefined && (type = `${type}`) !== "bytes")
    throw new TypeError(`Failed to construct 'ReadableStream': no source type '${type}'`);
  const run = { start, pull, cancel };
  if (type === "bytes") {
    if (queuing.size !== undefined) throw new RangeError("A byte stream's strategy has no size function");
    if (autoAllocateChunkSize === 0) throw new TypeError("autoAllocateChunkSize must be above 0");
    use("stream_bytes").setup(stream, run, base.highWaterMarkOf(queuing, 0), autoAllocateChunkSize);
  } else {
    const size = base.sizeOf(queuing);
    setup(stream, run, base.highWaterMarkOf(queuing, 1), size);
  }
}

// [EnforceRange] unsigned long long
function enforceSize(value) {
  value = Math.trunc(+value);
  if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw new TypeError("The value is not an integer from 0 up");
  return value;
}
exports.enforceSize = enforceSize;

function cancel(stream, reason) {
  stream.disturbed = true;
  stream.source = undefined;
  if (stream.state === "closed") return resolved(undefined);
  if (stream.state === "errored") return rejected(stream.error);
  close(stream);
  const { reader } = stream;
  if (reader !== undefined && reader.byob) for (const request of reader.requests.clear()) request.close(undefined);
  const { controller } = stream;
  return then(controller.steps.cancel(controller, reason), noop);
}

function close(stream) {
  stream.state = "closed";
  const { reader } = stream;
  if (reader === undefined) return;
  reader.closed.resolve(undefined);
  if (!reader.byob) for (const request of reader.requests.clear()) request.close();
}

function fail(stream, error) {
  stream.state = "errored";
  stream.error = error;
  const { reader } = stream;
  if (reader === undefined) return;
  reader.closed.reject(error);
  handled(reader.closed.promise);
  for (const request of reader.requests.clear()) request.error(error);
}

const hasDefaultReader = ({ reader }) => reader !== undefined && !reader.byob;

exports.cancel = cancel;
exports.close = close;
exports.fail = fail;
exports.hasDefaultReader = hasDefaultReader;

// ---- readers ----

function newReader(stream, byob) {
  if (stream.reader !== undefined) throw new TypeError("The stream is locked to a reader already");
  const reader = { stream, byob, requests: new Queue(), closed: deferred(), object: undefined };
  stream.reader = reader;
  if (stream.state === "closed") reader.closed.resolve(undefined);
  else if (stream.state === "errored") {
    reader.closed.reject(stream.error);
    handled(reader.closed.promise);
  }
  return reader;
}

const acquireReader = (stream) => newReader(stream, false);

function read(reader, request) {
  const { stream } = reader;
  stream.disturbed = true;
  stream.source = undefined;
  if (stream.state === "closed") request.close();
  else if (stream.state === "errored") request.error(stream.error);
  else stream.controller.steps.pull(stream.controller, request);
}

function release(reader) {
  const { stream } = reader;
  const why = new TypeError("The reader was released");
  if (stream.state === "readable") reader.closed.reject(why);
  else reader.closed = { promise: rejected(why) };
  handled(reader.closed.promise);
  stream.controller.steps.release(stream.controller);
  stream.reader = undefined;
  reader.stream = undefined;
  for (const request of reader.requests.clear()) request.error(why);
}

// The request behind a promise of { value, done }.
class ReadRequest {
  constructor() {
    const { promise, resolve, reject } = deferred();
    this.promise = promise;
    this.resolve = resolve;
    this.error = reject;
  }
  chunk(value) {
    this.resolve({ value, done: false });
  }
  close(value) {
    this.resolve({ value, done: true });
  }
}

const released = () => new TypeError("The reader was released: it has no stream");

exports.newReader = newReader;
exports.acquireReader = acquireReader;
exports.read = read;
exports.release = release;
exports.ReadRequest = ReadRequest;
exports.released = released;

class ReadableStreamDefaultReader {
  #reader;

  constructor(stream) {
    need(arguments.length, 1, "Failed to construct 'ReadableStreamDefaultReader'");
    this.#reader = newReader(recordOf(stream), false);
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
  read() {
    try {
      const reader = this.#reader;
      if (reader.stream === undefined) return rejected(released());
      if (hasChunk(reader.stream)) return resolved({ value: takeChunk(reader.stream), done: false });
      const request = new ReadRequest();
      read(reader, request);
      return request.promise;
    } catch (error) {
      return rejected(error);
    }
  }
  releaseLock() {
    if (this.#reader.stream !== undefined) release(this.#reader);
  }
}
finish(ReadableStreamDefaultReader, "ReadableStreamDefaultReader");
lengths(0, ReadableStreamDefaultReader.prototype.cancel);
exports.ReadableStreamDefaultReader = ReadableStreamDefaultReader;

// ---- async iteration ----

let isIterator;
const same = (result) => result;
// `result` a microtask from now.
const later = async (result) => {
  await undefined;
  return result;
};

// The request behind one step: `result` is one tick behind `promise`, since the standard lets a
// pull come before it.
class StepRequest {
  constructor(iterator) {
    const { promise, resolve, reject } = deferred();
    this.iterator = iterator;
    this.resolve = resolve;
    this.reject = reject;
    this.result = then(promise, same);
  }
  chunk(value) {
    stepDone(this.iterator, this.result);
    this.resolve({ value, done: false });
  }
  close() {
    endSteps(this.iterator);
    this.resolve({ value: undefined, done: true });
  }
  error(error) {
    endSteps(this.iterator);
    this.reject(error);
  }
}

// An iterator's record: { reader, preventCancel, ongoing, reading, finished }, where `ongoing` is
// the promise of the last step until it is settled, and `reading` that a step waits for its chunk.
class StreamIterator {
  #iterator;

  constructor(reader, preventCancel) {
    this.#iterator = { reader, preventCancel, ongoing: undefined, reading: false, finished: false };
  }
  next() {
    if (!isIterator(this)) return rejected(new TypeError("Illegal invocation"));
    const iterator = this.#iterator;
    if (iterator.ongoing !== undefined) return afterOngoing(iterator, () => step(iterator));
    const result = step(iterator);
    if (iterator.reading) iterator.ongoing = result;
    return result;
  }
  return(value) {
    if (!isIterator(this)) return rejected(new TypeError("Illegal invocation"));
    const iterator = this.#iterator;
    const end = () => endEarly(iterator, value);
    const returned = iterator.ongoing === undefined ? end() : afterOngoing(iterator, end);
    iterator.ongoing = returned;
    return then(returned, () => ({ value, done: true }));
  }
  static {
    isIterator = (object) => isObject(object) && #iterator in object;
  }
}

// Steps that are asked for at once run one after the other.
function afterOngoing(iterator, next) {
  const promise = (iterator.ongoing = then(iterator.ongoing, next, next));
  const settled = () => stepDone(iterator, promise);
  then(promise, settled, settled);
  return promise;
}

function stepDone(iterator, promise) {
  iterator.reading = false;
  if (iterator.ongoing === promise) iterator.ongoing = undefined;
}

function step(iterator) {
  if (iterator.finished) return resolved({ value: undefined, done: true });
  const { stream } = iterator.reader;
  if (hasChunk(stream)) return later({ value: takeChunk(stream), done: false });
  const request = new StepRequest(iterator);
  iterator.reading = true;
  read(iterator.reader, request);
  return request.result;
}

function endSteps(iterator) {
  iterator.reading = false;
  iterator.finished = true;
  if (iterator.reader.stream !== undefined) release(iterator.reader);
}

function endEarly(iterator, value) {
  const { reader } = iterator;
  if (iterator.finished) return resolved(undefined);
  iterator.finished = true;
  if (reader.stream === undefined) return resolved(undefined);
  const done = iterator.preventCancel ? resolved(undefined) : cancel(reader.stream, value);
  release(reader);
  return done;
}

finish(StreamIterator, "ReadableStream AsyncIterator");
delete StreamIterator.prototype.constructor;
Object.setPrototypeOf(
  StreamIterator.prototype,
  Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}.prototype)),
);

// ---- the default controller ----

class ReadableStreamDefaultController {
  #controller;

  constructor(token, controller) {
    if (token !== INTERNAL) illegal("ReadableStreamDefaultController");
    this.#controller = controller;
  }
  get desiredSize() {
    return desiredSize(this.#controller);
  }
  close() {
    const controller = this.#controller;
    if (!canEnqueue(controller)) throw new TypeError("Cannot close a stream that is closed or errored already");
    controllerClose(controller);
  }
  enqueue(chunk) {
    const controller = this.#controller;
    if (!canEnqueue(controller)) throw new TypeError("Cannot enqueue a chunk into a stream that is closed or errored");
    enqueue(controller, chunk);
  }
  error(error) {
    controllerFail(this.#controller, error);
  }
}
finish(ReadableStreamDefaultController, "ReadableStreamDefaultController");
lengths(0, ReadableStreamDefaultController, ReadableStreamDefaultController.prototype.enqueue);
lengths(0, ReadableStreamDefaultController.prototype.error);
exports.ReadableStreamDefaultController = ReadableStreamDefaultController;

const steps = {
  cancel(controller, reason) {
    resetQueue(controller);
    const done = controller.onCancel(reason);
    clearAlgorithms(controller);
    return done;
  },
  pull(controller, request) {
    if (controller.queue.length > 0) request.chunk(dequeue(controller));
    else {
      controller.stream.reader.requests.push(request);
      callPull(controller);
    }
  },
  release: noop,
};

function dequeue(controller) {
  const { queue, stream } = controller;
  const value = queue.shift();
  if (controller.sizes === undefined) controller.total--;
  else controller.total = Math.max(0, controller.total - controller.sizes.shift());
  if (controller.closeRequested && queue.length === 0) {
    clearAlgorithms(controller);
    close(stream);
  } else callPull(controller);
  return value;
}

// The short way of a read: a chunk is there, so no request needs to wait for it.
const hasChunk = ({ state, controller }) => state === "readable" && controller.steps === steps && controller.queue.length > 0;

function takeChunk(stream) {
  stream.disturbed = true;
  return dequeue(stream.controller);
}

// Gives `stream` a default controller. `run` has start(controller), pull(controller) => promise
// and cancel(reason) => promise; a start that throws makes this throw.
function setup(stream, run, highWaterMark, size) {
  const controller = {
    stream,
    steps,
    queue: new Queue(),
    sizes: size === undefined ? undefined : new Queue(),
    total: 0,
    started: false,
    closeRequested: false,
    pulling: false,
    pullAgain: false,
    highWaterMark,
    size,
    onPull: run.pull,
    onCancel: run.cancel,
    onPulled: undefined,
    onPullFailed: undefined,
    object: undefined,
  };
  controller.object = new ReadableStreamDefaultController(INTERNAL, controller);
  stream.controller = controller;
  begin(controller, run, callPull, controllerFail);
  return controller;
}

// Runs start(), whose exception is thrown, and lets pulling begin when its promise is fulfilled.
function begin(controller, run, pull, failed) {
  const started = base.resolvedWith(run.start(controller.object));
  then(
    started,
    () => {
      controller.started = true;
      pull(controller);
    },
    (error) => failed(controller, error),
  );
}
exports.begin = begin;

function resetQueue(controller) {
  controller.queue.clear();
  controller.sizes?.clear();
  controller.total = 0;
}

function clearAlgorithms(controller) {
  controller.onPull = controller.onCancel = controller.size = undefined;
}

const canEnqueue = ({ stream, closeRequested }) => !closeRequested && stream.state === "readable";

function desiredSize({ stream, highWaterMark, total }) {
  if (stream.state === "errored") return null;
  return stream.state === "closed" ? 0 : highWaterMark - total;
}

function shouldPull(controller) {
  const { stream } = controller;
  if (!canEnqueue(controller) || !controller.started) return false;
  if (hasDefaultReader(stream) && stream.reader.requests.length > 0) return true;
  return desiredSize(controller) > 0;
}

// Calls pull() unless a call is under way; then once more when that has ended. For both kinds of
// controllers. A pull of this room may give an Outcome.
function pullWhen(should, failed) {
  const pull = (controller) => {
    if (!should(controller)) return;
    if (controller.pulling) {
      controller.pullAgain = true;
      return;
    }
    controller.pulling = true;
    controller.onPulled ??= () => {
      controller.pulling = false;
      if (!controller.pullAgain) return;
      controller.pullAgain = false;
      pull(controller);
    };
    controller.onPullFailed ??= (error) => failed(controller, error);
    const pulled = controller.onPull(controller.object);
    if (pulled instanceof Outcome) pulled.react(controller.onPulled);
    else then(pulled, controller.onPulled, controller.onPullFailed);
  };
  return pull;
}
const callPull = pullWhen(shouldPull, controllerFail);
exports.pullWhen = pullWhen;

function controllerClose(controller) {
  if (!canEnqueue(controller)) return;
  controller.closeRequested = true;
  if (controller.queue.length > 0) return;
  clearAlgorithms(controller);
  close(controller.stream);
}

function enqueue(controller, value) {
  if (!canEnqueue(controller)) return;
  const { stream } = controller;
  if (hasDefaultReader(stream) && stream.reader.requests.length > 0) stream.reader.requests.shift().chunk(value);
  else if (controller.size === undefined) {
    controller.queue.push(value);
    controller.total++;
  } else pushSized(controller, value);
  callPull(controller);
}

function pushSized(controller, value) {
  try {
    const size = base.checkSize(controller.size(value));
    controller.queue.push(value);
    controller.sizes.push(size);
    controller.total += size;
  } catch (error) {
    controllerFail(controller, error);
    throw error;
  }
}

function controllerFail(controller, error) {
  if (controller.stream.state !== "readable") return;
  resetQueue(controller);
  clearAlgorithms(controller);
  fail(controller.stream, error);
}

exports.controller = { setup, enqueue, close: controllerClose, fail: controllerFail, canEnqueue, desiredSize, shouldPull };
exports.newStream = newStream;
exports.create = create;

// The two branches; with `cloning` the second gets structured clones (Fetch 2.2.4, "clone a body").
function tee(stream, cloning = false) {
  const branches = stream.controller.steps === steps ? use("stream_tee").tee(stream, cloning) : use("stream_bytes").tee(stream);
  return branches.map(objectOf);
}

// A stream of this room's own making: `run` as in setup().
function create(run, highWaterMark = 1) {
  const stream = newStream();
  setup(stream, run, highWaterMark, undefined);
  return stream;
}

// ---- native sources ----
//
// { pull() => promise of a Uint8Array or undefined, collect() => promise of the rest as one
// Uint8Array, cancel(reason), length? }: a body in C. Such a stream stays untouched until somebody
// reads from it, and until then its source can be taken out and used without the stream.

exports.fromSource = (source) => {
  const stream = newStream();
  stream.source = source;
  stream.length = source.length;
  const bytes = use("stream_bytes");
  const pull = () =>
    then(source.pull(), (chunk) => {
      const { controller } = stream;
      if (stream.state !== "readable") return;
      if (chunk !== undefined) bytes.enqueueOwn(controller, chunk);
      else bytes.end(controller);
    });
  bytes.setup(stream, { start: noop, pull, cancel: (reason) => promised(() => source.cancel(reason)) }, 0, undefined);
  stream.controller.started = true;
  return objectOf(stream);
};

exports.takeSource = (object) => {
  const stream = recordOf(object);
  const { source } = stream;
  if (source === undefined || stream.reader !== undefined) return undefined;
  acquireReader(stream);
  stream.disturbed = true;
  stream.source = undefined;
  return source;
};

// How many bytes the stream will give, where that is known.
exports.lengthOf = (object) => recordOf(object).length;
exports.isDisturbed = (object) => recordOf(object).disturbed;
exports.tee = (object, cloning) => tee(recordOf(object), cloning);

// Makes an unlocked stream one that was read from and is locked.
exports.lock = (object) => {
  const stream = recordOf(object);
  acquireReader(stream);
  stream.disturbed = true;
};

// "Create a proxy" (Streams 9.5): what the stream gives comes out of the new one.
exports.proxy = (object) => {
  const { readable, writable } = new (use("stream_transform").TransformStream)();
  handled(use("stream_pipe").pipe(recordOf(object), use("stream_writable").recordOf(writable), pipeOptions(undefined)));
  return readable;
};

// The bytes of a chunk, not copied; undefined when it is no BufferSource.
const bytesOf = (chunk) => (chunk instanceof Uint8Array ? chunk : use("encoding").bytesOf(chunk));
exports.bytesOf = bytesOf;

function concat(chunks, total) {
  if (chunks.length === 1) return chunks[0].slice();
  const all = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

// What `convert` makes of all bytes of an unlocked stream, as a promise.
exports.collect = (object, convert) => {
  let stream;
  try {
    const source = exports.takeSource(object);
    if (source !== undefined) return then(promised(() => source.collect()), convert);
    stream = recordOf(object);
    if (stream.reader !== undefined) throw new TypeError("The stream is locked to a reader");
  } catch (error) {
    return rejected(error);
  }
  const reader = acquireReader(stream);
  const { promise, resolve, reject } = deferred();
  const chunks = [];
  let total = 0;
  const refuse = (chunk) => {
    const error = new TypeError(`A byte stream gave a chunk that is not bytes (Uint8Array), but ${typeof chunk}`);
    handled(cancel(stream, error));
    reject(error);
  };
  // A chunk may come before read() returns, so this loops where it can and recurs where it must.
  let inside = false;
  let more = false;
  const request = {
    chunk: (chunk) => {
      const bytes = bytesOf(chunk);
      if (bytes === undefined) return refuse(chunk);
      chunks.push(bytes);
      total += bytes.length;
      if (inside) more = true;
      else next();
    },
    close: () => resolve(promised(() => convert(concat(chunks, total)))),
    error: reject,
  };
  const next = () => {
    do {
      more = false;
      inside = true;
      read(reader, request);
      inside = false;
    } while (more);
  };
  next();
  return promise;
};
