// Transferable streams (WHATWG Streams 4.2.5, 5.2.5, 6.2.5). A transferred stream is a new one that
// stands before the old one, which stays locked. Chunks and reasons are cloned on their way. All is
// in one realm here, so no port lies between the two.
//
// Each function gives { fresh, move() } as structured_clone.js wants it.

const { clone, refuse } = use("structured_clone");
const { acquireReader, cancel, controller: readables, newStream, objectOf, read, recordOf } = use("streams");
const { deferred, handled, noop, then } = use("stream_base");

// What cannot be cloned is replaced by the error that says so.
function cloneReason(reason) {
  try {
    return clone(reason).value;
  } catch (error) {
    return error;
  }
}

// `chunk` cloned; when it cannot be, `stop(error)` is called and the error thrown.
function cloneChunk(chunk, stop) {
  try {
    return clone(chunk).value;
  } catch (error) {
    handled(stop(error));
    throw error;
  }
}

exports.readable = (value) => {
  const fresh = newStream();
  const move = () => {
    const source = recordOf(value);
    if (source.reader !== undefined) refuse("A ReadableStream that is locked");
    connectReadable(fresh, source);
  };
  return { fresh: objectOf(fresh), record: fresh, move };
};

function connectReadable(fresh, source) {
  const reader = acquireReader(source);
  const stop = (error) => {
    readables.fail(fresh.controller, error);
    return cancel(source, error);
  };
  const pull = () => {
    const { promise, resolve, reject } = deferred();
    read(reader, {
      chunk: (chunk) => {
        try {
          readables.enqueue(fresh.controller, cloneChunk(chunk, stop));
          resolve();
        } catch (error) {
          reject(error);
        }
      },
      close: resolve,
      error: (error) => reject(cloneReason(error)),
    });
    return promise;
  };
  const onCancel = (reason) => cancel(source, cloneReason(reason));
  readables.setup(fresh, { start: noop, pull, cancel: onCancel }, 0, undefined);
  then(
    reader.closed.promise,
    () => readables.close(fresh.controller),
    (error) => readables.fail(fresh.controller, cloneReason(error)),
  );
}

exports.writable = (value) => {
  const { abort, acquireWriter, closeWriter, controllerFailIfNeeded, create, write, ...writables } = use("stream_writable");
  const target = writables.recordOf(value);
  let writer;
  const run = {
    start: noop,
    write: (chunk) =>
      then(writer.ready.promise, () => {
        const copy = cloneChunk(chunk, (error) => abort(target, error));
        handled(write(writer, copy));
      }),
    close: () => closeWriter(writer),
    abort: (reason) => abort(target, cloneReason(reason)),
  };
  const fresh = create(run, 1, undefined);
  const move = () => {
    if (target.writer !== undefined) refuse("A WritableStream that is locked");
    writer = acquireWriter(target);
    then(writer.closed.promise, noop, (error) => controllerFailIfNeeded(fresh.controller, cloneReason(error)));
  };
  return { fresh: writables.objectOf(fresh), record: fresh, move };
};

// `make(readable, writable)` makes the public object of two records.
exports.transform = (value, make) => {
  const readable = exports.readable(value.readable);
  const writable = exports.writable(value.writable);
  const move = () => {
    if (value.readable.locked || value.writable.locked) refuse("A TransformStream with a side that is locked");
    readable.move();
    writable.move();
  };
  return { fresh: make(readable.record, writable.record), move };
};
