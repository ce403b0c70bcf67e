// ReadableStream.from (WHATWG Streams 4.2.5, ReadableStreamFromIterable).

const { isObject, noop, promised, then } = use("stream_base");
const { create } = use("streams");
const { close, enqueue } = use("streams").controller;

exports.from = (iterable) => {
  const { step, stop } = stepsOf(iterable);
  const pull = () =>
    then(step(), ({ done, value }) => {
      if (done) close(stream.controller);
      else enqueue(stream.controller, value);
    });
  const stream = create({ start: noop, pull, cancel: stop }, 0);
  return stream;
};

// An iterable's step() => promise of { done, value }, and stop(reason), which ends it early.
function stepsOf(iterable) {
  if (iterable === undefined || iterable === null) throw new TypeError("The value is not iterable");
  const asynchronous = iterable[Symbol.asyncIterator] ?? undefined;
  const start = asynchronous ?? iterable[Symbol.iterator];
  if (typeof start !== "function") throw new TypeError("The value is not iterable");
  const iterator = start.call(iterable);
  if (!isObject(iterator)) throw new TypeError("The iterator is not an object");
  const { next } = iterator;

  const settle = async (result) => {
    if (asynchronous !== undefined) result = await result;
    if (!isObject(result)) throw new TypeError("The iterator did not give an object");
    const { done } = result;
    if (asynchronous !== undefined) return { done, value: done ? undefined : result.value };
    return { done, value: await result.value };
  };
  return {
    step: () => promised(() => settle(Reflect.apply(next, iterator, []))),
    stop: async (reason) => {
      const end = iterator.return;
      if (end === undefined || end === null) return;
      await settle(Reflect.apply(end, iterator, [reason]));
    },
  };
}
