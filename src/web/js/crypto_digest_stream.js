// DigestStream: a WritableStream that makes a digest of what is written to it. Not in any standard;
// as on Workers.

const { op_crypto_hash_new, op_crypto_hash_update, op_crypto_hash_end } = ops;
const { finish } = use("webidl");
const { WritableStream } = use("streams");
const { bytesOf, TextEncoder } = use("encoding");

const encoder = new TextEncoder();

function bytesFrom(chunk) {
  const bytes = typeof chunk === "string" ? encoder.encode(chunk) : bytesOf(chunk);
  if (bytes === undefined) throw new TypeError("DigestStream: a chunk is neither bytes nor a string");
  return bytes;
}

class DigestStream extends WritableStream {
  #digest;
  #state;
  constructor(algorithm) {
    if (arguments.length === 0) throw new TypeError("new DigestStream: an algorithm is required");
    const hash = op_crypto_hash_new(use("crypto_digest").numberOf(algorithm));
    const { promise, resolve, reject } = Promise.withResolvers();
    const state = { written: 0 };
    promise.catch(() => {});
    super({
      write(chunk) {
        try {
          const bytes = bytesFrom(chunk);
          op_crypto_hash_update(hash, bytes);
          state.written += bytes.length;
        } catch (error) {
          reject(error);
          throw error;
        }
      },
      close: () => resolve(op_crypto_hash_end(hash).buffer),
      abort: (reason) => reject(reason),
    });
    this.#digest = promise;
    this.#state = state;
  }
  get digest() {
    return this.#digest;
  }
  get bytesWritten() {
    return BigInt(this.#state.written);
  }
}

finish(DigestStream, "DigestStream");
exports.DigestStream = DigestStream;
