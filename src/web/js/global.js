// Small globals that belong to no other file.

exports.queueMicrotask = function queueMicrotask(callback) {
  if (typeof callback !== "function")
    throw new TypeError("Failed to execute 'queueMicrotask': the callback is not a function");
  Promise.resolve().then(() => {
    try {
      callback();
    } catch (error) {
      use("events").reportError(error);
    }
  });
};

// Atomics.wait would stop the thread that serves every other worker of this process.
const { Atomics } = use("core").natives;
delete Atomics.wait;
delete Atomics.waitAsync;
exports.Atomics = Atomics;
