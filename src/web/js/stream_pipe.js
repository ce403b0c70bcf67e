// ReadableStreamPipeTo (WHATWG Streams 4.9.1): reads as long as the destination wants more, writes
// without waiting, and ends both sides by the standard's four rules.

const { Promise } = globalThis;
const { acquireReader, cancel, read, release } = use("streams");
const { abort, acquireWriter, closeWriter, isClosing, releaseWriter, write } = use("stream_writable");
const { deferred, handled, noop, resolved, then } = use("stream_base");

// Both streams are unlocked. Returns the promise of pipeTo().
exports.pipe = (source, destination, { preventAbort, preventCancel, preventClose, signal }) => {
  const reader = acquireReader(source);
  const writer = acquireWriter(destination);
  const result = deferred();
  let lastWrite = resolved(undefined);
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
  // A write may have been added while the last one was waited for.
  const afterWrites = (next) => {
    const awaited = lastWrite;
    then(awaited, () => (awaited === lastWrite ? next() : afterWrites(next)));
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

  const step = () => {
    if (ending) return;
    then(writer.ready.promise, readOne, noop);
  };
  const readOne = () => {
    if (ending) return;
    read(reader, {
      chunk: (chunk) => {
        // The source's enqueue() must not see the sink run, so the write waits for a microtask.
        lastWrite = then(resolved(undefined), () => {
          if (writer.stream === undefined) return undefined;
          const written = then(write(writer, chunk), noop, noop);
          step();
          return written;
        });
      },
      close: noop,
      error: noop,
    });
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
