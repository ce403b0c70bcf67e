// TextEncoder and TextDecoder (WHATWG Encoding 7). UTF-8 and UTF-16 keep the bytes of a character
// that a chunk has cut as `#pending`; the multi-byte legacy encodings have a converter in C.

const {
  op_buffer_is,
  op_encoding_encode, op_encoding_encode_into, op_encoding_result, op_encoding_decode_utf8,
  op_encoding_tail_utf8, op_encoding_decode_utf16, op_encoding_decode_single, op_encoding_open,
  op_encoding_decode_multi,
} = ops;
const { finish, getter, need, typedArrayPrototype } = use("webidl");

const FATAL = 1, STRIP_BOM = 2;
const UTF8 = 0, UTF16LE = 1, UTF16BE = 2, SINGLE = 3, MULTI = 4;
const NOTHING = new Uint8Array(0);
const intoResult = op_encoding_result();
const apply = Reflect.apply;
const typedArrayTag = getter(typedArrayPrototype, Symbol.toStringTag);
const bufferLength = getter(ArrayBuffer.prototype, "byteLength");

// The bytes of a BufferSource as a Uint8Array over the same memory; undefined for anything else.
function bytesOf(source) {
  if (ArrayBuffer.isView(source)) {
    if (apply(typedArrayTag, source, []) === "Uint8Array") return source;
    return source.byteLength === 0 ? NOTHING : new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  }
  if (!op_buffer_is(source)) return undefined;
  try {
    return apply(bufferLength, source, []) === 0 ? NOTHING : new Uint8Array(source);
  } catch {
    return undefined;
  }
}

class TextEncoder {
  #brand;

  get encoding() {
    this.#brand;
    return "utf-8";
  }

  encode(input = "") {
    this.#brand;
    return op_encoding_encode(`${input}`);
  }

  encodeInto(source, destination) {
    this.#brand;
    need(arguments.length, 2, "TextEncoder.encodeInto");
    source = `${source}`;
    if (!ArrayBuffer.isView(destination) || apply(typedArrayTag, destination, []) !== "Uint8Array")
      throw new TypeError("TextEncoder.encodeInto: the destination is not a Uint8Array");
    if (source === "") return { read: 0, written: 0 };
    op_encoding_encode_into(source, destination);
    return { read: intoResult[0], written: intoResult[1] };
  }
}

// Standard name in lower case for a label, or undefined.
function nameOf(label) {
  return label === "utf-8" || label === "utf8" ? "utf-8" : use("encoding_labels").nameOf(label);
}

// Bytes at the end of a chunk of UTF-16 that wait for more: an odd byte, the first half of a pair.
function tailUtf16(bytes, bigEndian) {
  const odd = bytes.length & 1;
  const high = bytes.length - odd - (bigEndian ? 2 : 1);
  return high >= 0 && (bytes[high] & 0xfc) === 0xd8 ? odd + 2 : odd;
}

function join(first, second) {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

class TextDecoder {
  #name = "utf-8";
  #kind = UTF8;
  #converter; // number of the table, or the native converter
  #fatal = false;
  #ignoreBOM = false;
  #pending = NOTHING;
  #started = false; // something was put out, so a BOM is a character now

  constructor(label = "utf-8", options = undefined) {
    if (label !== "utf-8") this.#choose(`${label}`);
    if (options === undefined || options === null) return;
    if (typeof options !== "object" && typeof options !== "function")
      throw new TypeError("new TextDecoder: the options are not an object");
    this.#fatal = Boolean(options.fatal);
    this.#ignoreBOM = Boolean(options.ignoreBOM);
  }

  #choose(label) {
    const name = nameOf(label);
    if (name === undefined || name === "replacement")
      throw new RangeError(`new TextDecoder: '${label}' is not the label of an encoding`);
    this.#name = name;
    if (name === "utf-16le") this.#kind = UTF16LE;
    else if (name === "utf-16be") this.#kind = UTF16BE;
    else if (name !== "utf-8") this.#kind = SINGLE;
  }

  get encoding() {
    return this.#name;
  }
  get fatal() {
    return this.#fatal;
  }
  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(input = undefined, options = undefined) {
    if (typeof options !== "object" && typeof options !== "function" && options !== undefined)
      throw new TypeError("TextDecoder.decode: the options are not an object");
    const stream = options === undefined || options === null ? false : Boolean(options.stream);
    let bytes = input === undefined ? NOTHING : bytesOf(input);
    if (bytes === undefined)
      throw new TypeError("TextDecoder.decode: the input is not an ArrayBuffer or a view of one");
    if (this.#pending.length > 0) bytes = join(this.#pending, bytes);
    const tail = stream ? this.#tail(bytes) : 0;
    this.#pending = tail > 0 ? bytes.slice(bytes.length - tail) : NOTHING;
    if (tail > 0) bytes = bytes.subarray(0, bytes.length - tail);
    return this.#finish(this.#convert(bytes, stream), bytes.length, stream);
  }

  #tail(bytes) {
    if (this.#kind === UTF8) return op_encoding_tail_utf8(bytes);
    return this.#kind <= UTF16BE ? tailUtf16(bytes, this.#kind === UTF16BE) : 0;
  }

  #convert(bytes, stream) {
    const flags = (this.#fatal ? FATAL : 0) | (this.#ignoreBOM || this.#started ? 0 : STRIP_BOM);
    if (this.#kind === UTF8) return op_encoding_decode_utf8(bytes, flags);
    if (this.#kind <= UTF16BE) return op_encoding_decode_utf16(bytes, this.#kind === UTF16BE, flags);
    if (this.#converter === undefined) {
      this.#converter = op_encoding_open(this.#name, this.#fatal);
      if (typeof this.#converter !== "number") this.#kind = MULTI;
    }
    if (this.#kind === SINGLE) return op_encoding_decode_single(this.#converter, bytes, flags);
    return op_encoding_decode_multi(this.#converter, bytes, !stream);
  }

  #finish(text, taken, stream) {
    this.#started = stream && (this.#started || taken > 0);
    if (text !== undefined) return text;
    this.#pending = NOTHING;
    throw new TypeError(`TextDecoder.decode: the bytes are not valid ${this.#name}`);
  }
}

finish(TextEncoder, "TextEncoder");
finish(TextDecoder, "TextDecoder");

exports.TextEncoder = TextEncoder;
exports.TextDecoder = TextDecoder;
exports.bytesOf = bytesOf;
// UTF-8 encode and UTF-8 decode (a BOM is stripped), for other files.
exports.encode = op_encoding_encode;
exports.decode = (bytes) => op_encoding_decode_utf8(bytes, STRIP_BOM);
