// ReadableStreamPipeTo (WHATWG Streams 4.9.1): reads as long as the destination wants more, writes
// without waiting, and ends both sides by the standard's four rules.

const { Promise } = globalThis;
const { acquireReader, cancel, read, release } = use("streams");
const { abort, acquireWriter, closeWriter, isClosing, releaseWriter, writeFor } = use("stream_writable");
const { deferred, handled, noop, resolved, then } = use("stream_base");

const AT_ONCE = 16; // chunks between two microtasks

// Both streams are unlocked. Returns the promise of pipeTo().
exports.pipe = (source, destination, { preventAbort, preventCancel, preventClose, signal }) => {
  const reader = acquireReader(source);
  const writer = acquireWriter(destination);
  const result = deferred();
  const idle = resolved(undefined);
  let chunk; // that was read and not written yet
  let isHolding = false; // ... is there
  let isReading = false; // read() is on the stack
  let writing = 0; // chunks that were written and are not in the sink yet
  let whenWritten; // a function to be called when all are
  let ending = false;
  let forgetSignal = noop;
  source.disturbed = true;
  source.source = undefined;

  const finish = (threw, error) => {
    releaseWriter(writer);
    release(reader);
    forgetSignal();
    if (threw) result.reject(error);
    else result.resolve(undefined);
  };
  const afterWrites = (next) => {
    if (writing === 0 && !isHolding) then(idle, next);
    else whenWritten = next;
  };
  const onWritten = () => {
    if (--writing > 0 || isHolding || whenWritten === undefined) return;
    const next = whenWritten;
    whenWritten = undefined;
    then(idle, next);
  };
  const end = (action, threw, error) => {
    if (ending) return;
    ending = true;
    const act = () => {
      if (action === undefined) return finish(threw, error);
      then(
        action(),
        () => finish(threw, error),
        (later) => finish(true, later),
      );
    };
    if (destination.state === "writable" && !isClosing(destination)) afterWrites(act);
    else act();
  };
  const onAborted = () => {
    const error = signal.reason;
    end(
      () => {
        const done = [];
        if (!preventAbort) done.push(destination.state === "writable" ? abort(destination, error) : resolved(undefined));
        if (!preventCancel) done.push(source.state === "readable" ? cancel(source, error) : resolved(undefined));
        return Promise.all(done);
      },
      true,
      error,
    );
  };

  const writeOne = () => {
    const value = chunk;
    chunk = undefined;
    isHolding = false;
    writing++;
    if (writer.stream === undefined) onWritten();
    else writeFor(writer, value, writeRequest);
  };
  const writeLater = () => {
    writeOne();
    step();
  };
  const writeRequest = { resolve: onWritten, reject: onWritten };
  const readRequest = {
    // The source's enqueue() must not see the sink run: a chunk that does not come while we read
    // is written a microtask later.
    chunk: (value) => {
      chunk = value;
      isHolding = true;
      if (!isReading) then(idle, writeLater);
    },
    close: noop,
    error: noop,
  };
  const readOne = () => {
    if (ending) return false;
    isReading = true;
    read(reader, readRequest);
    isReading = false;
    if (!isHolding) return false;
    writeOne();
    return true;
  };
  const canWrite = () => destination.state === "writable" && !destination.backpressure;
  const step = () => {
    for (let i = 0; i < AT_ONCE && canWrite(); i++) if (!readOne()) return;
    if (ending) return;
    if (canWrite()) then(idle, readAndStep);
    else writer.ready.react(readAndStep);
  };
  const readAndStep = () => {
    if (readOne()) step();
  };

  if (signal !== undefined) {
    if (signal.aborted) {
      onAborted();
      return result.promise;
    }
    forgetSignal = use("abort").onAbort(signal, onAborted);
  }
  whenErrored(source, reader.closed.promise, (error) => {
    end(preventAbort ? undefined : () => abort(destination, error), true, error);
  });
  whenErrored(destination, writer.closed.promise, (error) => {
    end(preventCancel ? undefined : () => cancel(source, error), true, error);
  });
  whenClosed(source, reader.closed.promise, () => {
    end(preventClose ? undefined : () => closeWriter(writer), false, undefined);
  });
  if (isClosing(destination) || destination.state === "closed") {
    const error = new TypeError("The destination was closed before everything was written");
    end(preventCancel ? undefined : () => cancel(source, error), true, error);
  }
  step();
  return result.promise;
};

function whenErrored(stream, closed, action) {
  if (stream.state === "errored") action(stream.error);
  else then(closed, undefined, action);
}

function whenClosed(stream, closed, action) {
  if (stream.state === "closed") action();
  else handled(then(closed, action));
}
