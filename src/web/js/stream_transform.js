// TransformStream (WHATWG Streams 6) and the streams made of it: IdentityTransformStream and
// FixedLengthStream of Workers, TextEncoderStream and TextDecoderStream (WHATWG Encoding 7).
// Record: { readable, writable, backpressure, change, controller, object }, where `change` is the
// Outcome of the next change of backpressure, when somebody waits for one.

const base = use("stream_base");
const streams = use("streams");
const writables = use("stream_writable");
const { finish } = use("webidl");
const { Outcome, deferred, illegal, isObject, lengths, method, noop, promised, resolved, then } = base;
const { newStream, objectOf, bytesOf } = streams;
const readables = streams.controller;

const INTERNAL = {};

let isTransform;

class TransformStream {
  #transform;

  constructor(transformer, writableStrategy, readableStrategy) {
    if (transformer === INTERNAL) {
      this.#transform = writableStrategy;
      return;
    }
    if (transformer === undefined) transformer = {};
    if (!isObject(transformer)) throw new TypeError("Failed to construct 'TransformStream': the transformer is not an object");
    const writing = base.readStrategy(writableStrategy);
    const reading = base.readStrategy(readableStrategy);
    this.#transform = fromTransformer(transformer, writing, reading);
  }
  get readable() {
    return objectOf(this.#transform.readable);
  }
  get writable() {
    return writables.objectOf(this.#transform.writable);
  }
  static {
    isTransform = (value) => isObject(value) && #transform in value;
  }
}
finish(TransformStream, "TransformStream");
lengths(0, TransformStream);
exports.TransformStream = TransformStream;
exports.transferable = (value) => {
  if (!isTransform(value)) return undefined;
  const make = (readable, writable) => new TransformStream(INTERNAL, { readable, writable });
  return use("stream_transfer").transform(value, make);
};

class TransformStreamDefaultController {
  #controller;

  constructor(token, controller) {
    if (token !== INTERNAL) illegal("TransformStreamDefaultController");
    this.#controller = controller;
  }
  get desiredSize() {
    return readables.desiredSize(this.#controller.transform.readable.controller);
  }
  enqueue(chunk) {
    enqueue(this.#controller.transform, chunk);
  }
  error(reason) {
    failBoth(this.#controller.transform, reason);
  }
  terminate() {
    terminate(this.#controller.transform);
  }
}
finish(TransformStreamDefaultController, "TransformStreamDefaultController");
{
  const { enqueue: one, error: two } = TransformStreamDefaultController.prototype;
  lengths(0, TransformStreamDefaultController, one, two);
}
exports.TransformStreamDefaultController = TransformStreamDefaultController;

function fromTransformer(transformer, writing, reading) {
  const onCancel = method(transformer, "cancel");
  const onFlush = method(transformer, "flush");
  const { readableType } = transformer;
  const onStart = method(transformer, "start");
  const onTransform = method(transformer, "transform", 2);
  const { writableType } = transformer;
  if (readableType !== undefined || writableType !== undefined)
    throw new RangeError("Failed to construct 'TransformStream': a transformer has no types");
  const readableSize = base.sizeOf(reading);
  const readableMark = base.highWaterMarkOf(reading, 0);
  const writableSize = base.sizeOf(writing);
  const writableMark = base.highWaterMarkOf(writing, 1);
  const started = deferred();
  const transform = create(
    {
      start: () => started.promise,
      transform: onTransform ?? ((chunk) => enqueue(transform, chunk)),
      flush: onFlush ?? noop,
      cancel: onCancel ?? noop,
    },
    { writableMark, writableSize, readableMark, readableSize },
  );
  started.resolve(onStart?.(transform.controller.object));
  return transform;
}

// `run` has start(), transform(chunk, controller), flush(controller) and cancel(reason), any of
// which may throw or give a promise.
function create(run, { writableMark = 1, writableSize, readableMark = 0, readableSize } = {}) {
  const transform = {
    readable: undefined, writable: undefined, backpressure: undefined, change: undefined, controller: undefined,
  };
  transform.controller = { transform, run, ending: undefined, onFailed: undefined, object: undefined };
  transform.controller.object = new TransformStreamDefaultController(INTERNAL, transform.controller);
  const start = () => run.start?.();
  transform.writable = writables.create(
    {
      start,
      write: (chunk) => sinkWrite(transform, chunk),
      abort: (reason) => sinkAbort(transform, reason),
      close: () => sinkClose(transform),
    },
    writableMark,
    writableSize,
  );
  transform.readable = newStream();
  readables.setup(
    transform.readable,
    { start, pull: () => sourcePull(transform), cancel: (reason) => sourceCancel(transform, reason) },
    readableMark,
    readableSize,
  );
  setBackpressure(transform, true);
  return transform;
}

function setBackpressure(transform, backpressure) {
  const { change } = transform;
  transform.change = undefined;
  transform.backpressure = backpressure;
  if (change !== undefined) change.resolve();
}

// The next change of backpressure.
const nextChange = (transform) => (transform.change ??= new Outcome());

function unblockWrite(transform) {
  if (transform.backpressure) setBackpressure(transform, false);
}

function failWritable(transform, error) {
  transform.controller.run = undefined;
  writables.controllerFailIfNeeded(transform.writable.controller, error);
  unblockWrite(transform);
}

function failBoth(transform, error) {
  readables.fail(transform.readable.controller, error);
  failWritable(transform, error);
}

function enqueue(transform, chunk) {
  const { controller } = transform.readable;
  if (!readables.canEnqueue(controller)) throw new TypeError("The readable side is closed or errored");
  try {
    readables.enqueue(controller, chunk);
  } catch (error) {
    failWritable(transform, error);
    throw transform.readable.error;
  }
  const backpressure = !readables.shouldPull(controller);
  if (backpressure !== transform.backpressure) setBackpressure(transform, true);
}

function terminate(transform) {
  readables.close(transform.readable.controller);
  failWritable(transform, new TypeError("The transform was terminated"));
}

function performTransform(transform, chunk) {
  const { controller } = transform;
  controller.onFailed ??= (error) => {
    failBoth(transform, error);
    throw error;
  };
  return then(promised(controller.run.transform, chunk, controller.object), undefined, controller.onFailed);
}

function sinkWrite(transform, chunk) {
  if (!transform.backpressure) return performTransform(transform, chunk);
  return then(nextChange(transform).promise, () => {
    const { writable } = transform;
    if (writable.state === "erroring") throw writable.error;
    return performTransform(transform, chunk);
  });
}

// Runs flush or cancel, once: whichever side ends first decides, the other gets its promise.
function endOnce(transform, start, succeeded, failed) {
  const { controller } = transform;
  if (controller.ending !== undefined) return controller.ending.promise;
  const ending = (controller.ending = deferred());
  const done = promised(() => start(controller.run));
  controller.run = undefined;
  const refuse = (error) => {
    failed?.(error);
    ending.reject(error);
  };
  then(
    done,
    () => {
      try {
        succeeded();
      } catch (error) {
        return ending.reject(error);
      }
      ending.resolve(undefined);
    },
    refuse,
  );
  return ending.promise;
}

function sinkAbort(transform, reason) {
  const { readable } = transform;
  return endOnce(
    transform,
    (run) => run.cancel?.(reason),
    () => {
      if (readable.state === "errored") throw readable.error;
      readables.fail(readable.controller, reason);
    },
    (error) => readables.fail(readable.controller, error),
  );
}

function sinkClose(transform) {
  const { readable } = transform;
  return endOnce(
    transform,
    (run) => run.flush?.(transform.controller.object),
    () => {
      if (readable.state === "errored") throw readable.error;
      readables.close(readable.controller);
    },
    (error) => readables.fail(readable.controller, error),
  );
}

function sourceCancel(transform, reason) {
  const { writable } = transform;
  return endOnce(
    transform,
    (run) => run.cancel?.(reason),
    () => {
      if (writable.state === "errored") throw writable.error;
      writables.controllerFailIfNeeded(writable.controller, reason);
      unblockWrite(transform);
    },
    (error) => {
      writables.controllerFailIfNeeded(writable.controller, error);
      unblockWrite(transform);
    },
  );
}

function sourcePull(transform) {
  setBackpressure(transform, false);
  return nextChange(transform);
}

// ---- Workers: bytes in, the same bytes out ----

// A byte stream and its writable side. A write is done when its bytes have been taken by a reader.
// `limit` is the number of bytes that must pass, or undefined; `strategy` has a highWaterMark in
// bytes, or none.
function identity(limit, strategy) {
  const { highWaterMark } = base.readStrategy(strategy);
  const bytes = use("stream_bytes");
  const readable = newStream();
  let seen = 0;
  let wanted = deferred(); // resolved by pull(): the reader waits for bytes
  readable.length = limit;

  const check = (chunk) => {
    const found = typeof chunk === "string" ? undefined : bytesOf(chunk);
    if (found === undefined)
      throw new TypeError(`This stream takes bytes (ArrayBuffer or ArrayBufferView), not ${typeof chunk}`);
    seen += found.length;
    if (limit !== undefined && seen > limit)
      throw new TypeError(`Attempt to write too many bytes through a FixedLengthStream of ${limit}`);
    return found.slice();
  };
  const write = async (chunk) => {
    let copy;
    try {
      copy = check(chunk);
    } catch (error) {
      bytes.fail(readable.controller, error);
      throw error;
    }
    if (copy.length === 0) return;
    await wanted.promise;
    if (readable.state === "errored") throw readable.error;
    wanted = deferred();
    bytes.enqueueOwn(readable.controller, copy);
  };
  const close = async () => {
    if (limit !== undefined && seen < limit) {
      const error = new TypeError(`FixedLengthStream did not see all expected bytes before close(): ${seen} of ${limit}`);
      bytes.fail(readable.controller, error);
      throw error;
    }
    bytes.end(readable.controller);
  };
  const abort = async (reason) => bytes.fail(readable.controller, reason);
  const mark = base.highWaterMarkOf({ highWaterMark }, 1);
  const size = highWaterMark === undefined ? undefined : sizeInBytes;
  const writable = writables.create({ start: noop, write, close, abort }, mark, size);
  const cancel = (reason) => {
    writables.controllerFailIfNeeded(writable.controller, reason);
    wanted.resolve(undefined);
    return resolved(undefined);
  };
  const pull = () => {
    wanted.resolve(undefined);
    return resolved(undefined);
  };
  bytes.setup(readable, { start: noop, pull, cancel }, 0, undefined);
  return { readable, writable };
}

const sizeInBytes = (chunk) => bytesOf(chunk)?.length ?? 0; // what is no bytes fails when it is written

class IdentityTransformStream extends TransformStream {
  constructor(strategy, transform) {
    super(INTERNAL, strategy === INTERNAL ? transform : identity(undefined, strategy));
  }
}
finish(IdentityTransformStream, "IdentityTransformStream");
lengths(0, IdentityTransformStream);
exports.IdentityTransformStream = IdentityTransformStream;

class FixedLengthStream extends IdentityTransformStream {
  constructor(expectedLength, strategy) {
    super(INTERNAL, identity(streams.enforceSize(Number(expectedLength)), strategy));
  }
}
finish(FixedLengthStream, "FixedLengthStream");
lengths(1, FixedLengthStream);
exports.FixedLengthStream = FixedLengthStream;

// ---- for other files: the standard's GenericTransformStream ----

// A promise to wait for while the reader has not taken enough, undefined when it has. When it is
// settled the readable side may have been cancelled, or the writable side aborted, which throws.
exports.whenWanted = (transform, chunksAhead) => {
  const { readable, writable } = transform;
  if (!transform.backpressure || readable.controller.total < chunksAhead) return undefined;
  return then(nextChange(transform).promise, () => {
    if (writable.state === "erroring") throw writable.error;
  });
};
exports.create = create;

// Makes the class `tag`: its two sides are those of `start(...) => { transform, about }`, its
// attributes are read from `about`.
function genericStream(tag, members) {
  let sidesOf;
  const Class = class {
    #sides;
    constructor(...args) {
      this.#sides = members.start(...args);
    }
    get readable() {
      return objectOf(this.#sides.transform.readable);
    }
    get writable() {
      return writables.objectOf(this.#sides.transform.writable);
    }
    static {
      sidesOf = (object) => object.#sides;
    }
  };
  for (const name of members.attributes) {
    const { get } = Object.getOwnPropertyDescriptor(
      {
        get [name]() {
          return sidesOf(this).about[name];
        },
      },
      name,
    );
    Object.defineProperty(Class.prototype, name, { get, configurable: true });
  }
  finish(Class, tag);
  lengths(members.length ?? 0, Class);
  return Class;
}
exports.genericStream = genericStream;

// ---- text ----

// A high surrogate at the end of a chunk waits for the low one at the start of the next.
function encoderRun() {
  const encoder = new (use("encoding").TextEncoder)();
  let high = "";
  return {
    transform(chunk, controller) {
      const text = high + chunk;
      const last = text.charCodeAt(text.length - 1);
      const cut = last >= 0xd800 && last <= 0xdbff;
      high = cut ? text.at(-1) : "";
      const bytes = encoder.encode(cut ? text.slice(0, -1) : text);
      if (bytes.length > 0) controller.enqueue(bytes);
    },
    flush(controller) {
      if (high !== "") controller.enqueue(encoder.encode(high));
    },
  };
}
exports.TextEncoderStream = genericStream("TextEncoderStream", {
  attributes: ["encoding"],
  start: () => ({ transform: create(encoderRun()), about: { encoding: "utf-8" } }),
});

function decoderRun(decoder) {
  return {
    transform(chunk, controller) {
      const bytes = bytesOf(chunk);
      if (bytes === undefined) throw new TypeError("The chunk is not an ArrayBuffer or ArrayBufferView");
      const text = decoder.decode(bytes, { stream: true });
      if (text !== "") controller.enqueue(text);
    },
    flush(controller) {
      const text = decoder.decode();
      if (text !== "") controller.enqueue(text);
    },
  };
}
exports.TextDecoderStream = genericStream("TextDecoderStream", {
  attributes: ["encoding", "fatal", "ignoreBOM"],
  start: (label = "utf-8", options = {}) => {
    const decoder = new (use("encoding").TextDecoder)(label, options);
    return { transform: create(decoderRun(decoder)), about: decoder };
  },
});
