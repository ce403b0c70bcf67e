// Tee of a stream that is not of bytes (WHATWG Streams 4.9.1, ReadableStreamDefaultTee): what comes
// from `stream`, a record of streams.js, comes out of both branches. With `cloning` the second gets
// structured clones.

const { deferred, noop, resolved, then } = use("stream_base");
const { acquireReader, cancel, create, read } = use("streams");
const { close, enqueue, fail } = use("streams").controller;

exports.tee = (stream, cloning) => {
  const reader = acquireReader(stream);
  const branches = [];
  const canceled = [false, false];
  const reasons = [undefined, undefined];
  const whenCanceled = deferred();
  let reading = false;
  let readAgain = false;
  let chunk;

  const each = (step, value) => {
    for (let i = 0; i < 2; i++) if (!canceled[i]) step(branches[i].controller, value);
  };
  const handOut = () => {
    const value = chunk;
    chunk = undefined;
    readAgain = false;
    if (cloning) handOutClone(value);
    else each(enqueue, value);
    reading = false;
    if (readAgain) pull();
  };
  const handOutClone = (value) => {
    try {
      const copy = canceled[1] ? undefined : use("structured_clone").structuredClone(value);
      if (!canceled[0]) enqueue(branches[0].controller, value);
      if (!canceled[1]) enqueue(branches[1].controller, copy);
    } catch (error) {
      each(fail, error);
      whenCanceled.resolve(cancel(stream, error));
    }
  };
  const request = {
    chunk: (value) => {
      chunk = value;
      then(pulled, handOut);
    },
    close: () => {
      reading = false;
      each(close);
      if (!canceled[0] || !canceled[1]) whenCanceled.resolve(undefined);
    },
    error: () => {
      reading = false;
    },
  };
  const pulled = resolved(undefined);
  const pull = () => {
    if (reading) readAgain = true;
    else {
      reading = true;
      read(reader, request);
    }
    return pulled;
  };
  const cancelBranch = (i) => (reason) => {
    canceled[i] = true;
    reasons[i] = reason;
    if (canceled[1 - i]) whenCanceled.resolve(cancel(stream, reasons));
    return whenCanceled.promise;
  };
  for (const i of [0, 1]) branches[i] = create({ start: noop, pull, cancel: cancelBranch(i) });
  then(reader.closed.promise, undefined, (error) => {
    for (const branch of branches) fail(branch.controller, error);
    if (!canceled[0] || !canceled[1]) whenCanceled.resolve(undefined);
  });
  return branches;
};
