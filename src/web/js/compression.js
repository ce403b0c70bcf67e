// CompressionStream and DecompressionStream (Compression Standard). What a chunk becomes is put out
// in pieces; when the reader is far behind, the next piece waits for it, so that a small chunk
// which unpacks to gigabytes never lies in memory as a whole.

const {
  op_compression_close, op_compression_open, op_pool_new, op_compression_read, op_compression_write,
} = ops;
const { getter, need } = use("webidl");
const { bytesOf } = use("encoding");
const { create, genericStream, whenWanted } = use("stream_transform");

const FORMATS = ["deflate", "deflate-raw", "gzip", "brotli", "zstd"]; // in the order of web/codec.h
const PIECES_AHEAD = 16; // of 64 KiB, beyond what the reader asked for

const pool = op_pool_new();
const { apply } = Reflect;
const bufferLength = getter(ArrayBuffer.prototype, "byteLength");

// The bytes of a chunk that is a BufferSource over memory that nobody shares.
function chunkBytes(chunk) {
  const bytes = bytesOf(chunk);
  if (bytes === undefined) throw new TypeError("The chunk is not an ArrayBuffer or ArrayBufferView");
  apply(bufferLength, bytes.buffer, []);
  return bytes;
}

function runOf(format, decode) {
  const stream = op_compression_open(pool, format, decode);
  let open = true;

  const close = () => {
    open = false;
    op_compression_close(stream);
  };
  const drain = async (controller, finish) => {
    for (let piece; open && (piece = op_compression_read(stream, finish)) !== undefined; ) {
      if (piece.length === 0) continue;
      controller.enqueue(piece);
      const wait = whenWanted(transform, PIECES_AHEAD);
      if (wait !== undefined) await wait;
    }
  };
  const transform = create({
    async transform(chunk, controller) {
      try {
        op_compression_write(stream, chunkBytes(chunk));
        await drain(controller, false);
      } catch (error) {
        close();
        throw error;
      }
    },
    async flush(controller) {
      try {
        await drain(controller, true);
      } finally {
        close();
      }
    },
    cancel: close,
  });
  return transform;
}

function start(tag, decode) {
  return (...args) => {
    need(args.length, 1, `Failed to construct '${tag}'`);
    const format = FORMATS.indexOf(`${args[0]}`);
    if (format < 0)
      throw new TypeError(`Failed to construct '${tag}': the format is one of ${FORMATS.join(", ")}, not '${args[0]}'`);
    return { transform: runOf(format, decode) };
  };
}

for (const [tag, decode] of [["CompressionStream", false], ["DecompressionStream", true]])
  exports[tag] = genericStream(tag, { attributes: [], length: 1, start: start(tag, decode) });
