// Bodies (WHATWG Fetch 5.2). A body is null or { kind, value, type, length, used, stream }:
//   kind "text"    value: a string
//   kind "bytes"   value: a Uint8Array nobody else holds
//   kind "blob"    value: a Uint8Array nobody changes: it is copied before it is given to a tenant
//   kind "source"  value: a native source { pull, collect, cancel, text? }: pull() is a promise of the
//                  next bytes or of undefined; collect() and text() give all that is left, or a promise
//                  of it, and throw
//   kind "stream"  value: a ReadableStream
// A body becomes a stream only when somebody asks for `.body`; `stream` is that stream.

const { loaded } = use("core");
const { parse } = JSON;
const { then: promiseThen } = Promise.prototype;
const then = (promise, next) => Reflect.apply(promiseThen, promise, [next]);

const make = (kind, value, type, length) => ({ kind, value, type, length, used: false, stream: undefined });

exports.fromSource = (source, length) => make("source", source, null, length);

const isInstance = (file, name, value) => {
  const found = loaded(file);
  return found !== undefined && value instanceof found[name];
};

function copyBytes(view) {
  return ArrayBuffer.isView(view)
    ? new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength))
    : new Uint8Array(view.slice(0));
}

// "Extract a body" (Fetch 5.2): the type is the Content-Type it brings, or null.
exports.extract = (value) => {
  if (typeof value === "string") return make("text", value, "text/plain;charset=UTF-8");
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return make("bytes", copyBytes(value), null);
  if (isInstance("url", "URLSearchParams", value))
    return make("text", value.toString(), "application/x-www-form-urlencoded;charset=UTF-8");
  if (isInstance("formdata", "FormData", value)) {
    const { bytes, boundary } = use("formdata").encodeMultipart(value);
    return make("bytes", bytes, `multipart/form-data; boundary=${boundary}`);
  }
  if (isInstance("blob", "Blob", value)) return make("blob", use("blob").bytesOf(value), value.type || null);
  if (isInstance("streams", "ReadableStream", value)) {
    if (value.locked || use("streams").isDisturbed(value))
      throw new TypeError("This ReadableStream is disturbed (has already been read from), and cannot be used as a body.");
    const body = make("stream", value, null);
    body.stream = value;
    return body;
  }
  return make("text", `${value}`, "text/plain;charset=UTF-8");
};

function isUsed(body) {
  return body.used || (body.stream !== undefined && use("streams").isDisturbed(body.stream));
}
exports.isUsed = (body) => body !== null && isUsed(body);

// A stream over bytes that are there already.
function wholeStream({ kind, value }) {
  let bytes = kind === "text" ? use("encoding").encode(value) : kind === "blob" ? value.slice() : value;
  const take = () => {
    const all = bytes;
    bytes = undefined;
    return all;
  };
  return use("streams").fromSource({
    pull: async () => (bytes !== undefined && bytes.length > 0 ? take() : undefined),
    collect: async () => take() ?? new Uint8Array(0),
    cancel() {},
  });
}

exports.streamOf = (body) => {
  if (body === null) return null;
  if (body.stream === undefined) {
    const streams = use("streams");
    if (body.used) streams.lock((body.stream = new streams.ReadableStream({ start: (own) => own.close() })));
    else body.stream = body.kind === "source" ? streams.fromSource(body.value) : wholeStream(body);
  }
  return body.stream;
};

const isUnusable = (body) => isUsed(body) || (body.stream !== undefined && body.stream.locked);

// Marks the body used; throws when somebody has used it before.
function claim(body) {
  if (isUnusable(body)) {
    const failure = body.kind === "source" ? body.value.failure?.() : undefined;
    if (failure !== undefined) throw failure.value;
    throw new TypeError("Body has already been used. It can only be used once. Use tee() first if you need to read it twice.");
  }
  body.used = true;
}

// What the body holds, as `convert` makes it of its bytes: at once, or a promise of it.
function bytesOf(body, convert) {
  if (body === null) return convert(new Uint8Array(0));
  claim(body);
  if (body.stream !== undefined) return use("streams").collect(body.stream, convert);
  const { kind, value } = body;
  if (kind === "text") return convert(use("encoding").encode(value));
  if (kind === "blob") return convert(value.slice());
  const bytes = kind === "source" ? value.collect() : value;
  return bytes instanceof Promise ? then(bytes, convert) : convert(bytes);
}

function textOf(body, convert) {
  if (body === null) return convert("");
  claim(body);
  const decode = (bytes) => convert(use("encoding").decode(bytes));
  if (body.stream !== undefined) return use("streams").collect(body.stream, decode);
  const { kind, value } = body;
  if (kind === "text") return convert(toWellFormed(value));
  if (kind !== "source") return decode(value);
  const held = value.text === undefined ? value.collect() : value.text();
  const step = value.text === undefined ? decode : convert;
  return held instanceof Promise ? then(held, step) : step(held);
}

// UTF-8 knows no BOM inside and no lone surrogate: the same as encoding and decoding.
function toWellFormed(text) {
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  return text.isWellFormed() ? text : text.toWellFormed();
}

function bytesOfChunk(chunk) {
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new TypeError(`A body's stream must give bytes (Uint8Array), but it gave ${typeof chunk}`);
}

// For a body of kind "source" or "stream" that is sent somewhere: next() gives the next chunk as a
// Uint8Array, or undefined at the end. Without a stream in between where there is none: `native` is
// then the fetch whose body it is, if it is one, to be read in C, and over() is to follow.
exports.reader = (body) => {
  const source = body.stream === undefined ? body.value : use("streams").takeSource(body.stream);
  if (source !== undefined)
    return {
      next: () => source.pull(),
      cancel: (reason) => source.cancel(reason),
      native: source.native?.(),
      file: source.file?.(),
      over: () => source.over(),
    };
  const reader = body.stream.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? undefined : bytesOfChunk(value);
    },
    cancel: (reason) => reader.cancel(reason),
  };
};

function formOf(bytes, type) {
  const form = use("formdata");
  if (type !== null && type.essence === "multipart/form-data") {
    const boundary = type.parameters.get("boundary");
    if (boundary === undefined) throw new TypeError("formData(): the Content-Type has no boundary");
    return form.parseMultipart(bytes, boundary);
  }
  if (type !== null && type.essence === "application/x-www-form-urlencoded") return form.parseUrlencoded(bytes);
  throw new TypeError(
    "formData(): the Content-Type must be multipart/form-data or application/x-www-form-urlencoded, not " +
      (type === null ? "missing" : type.essence),
  );
}

exports.clone = (body) => {
  if (body === null) return null;
  if (isUnusable(body)) throw new TypeError("Cannot clone: the body has already been used");
  const { kind } = body;
  if (body.stream === undefined && (kind === "text" || kind === "blob")) return make(kind, body.value, body.type);
  if (body.stream === undefined && kind === "bytes") return make("bytes", body.value.slice(), body.type);
  const [mine, theirs] = use("streams").tee(exports.streamOf(body), true);
  body.kind = "stream";
  body.value = body.stream = mine;
  const other = make("stream", theirs, body.type, body.length);
  other.stream = theirs;
  return other;
};

// The body of a new Request made of one that has `body`, which counts as used from now on ("create a
// proxy", Fetch 2.2.4).
exports.handOver = (body) => {
  if (isUnusable(body))
    throw new TypeError("Cannot construct a Request with a Request object that has already been used.");
  const { kind, value, type, length, stream } = body;
  body.used = true;
  if (stream === undefined) return make(kind, value, type, length);
  const streams = use("streams");
  const source = streams.takeSource(stream);
  if (source !== undefined && kind !== "stream") return make(kind, value, type, length);
  const other = make("stream", undefined, type, length);
  other.value = other.stream = source === undefined ? streams.proxy(stream) : streams.fromSource(source);
  return other;
};

// The methods of the Body mixin, on the inner state of a Request or Response. What they throw makes
// the caller's promise fail.

const typeOf = (inner) => use("mime").extract(inner.getHeaders().get("content-type"));
const same = (value) => value;
const bufferOf = (bytes) => (bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : copyBytes(bytes).buffer);

exports.bytes = ({ body }) => bytesOf(body, same);
exports.text = ({ body }) => textOf(body, same);
exports.json = ({ body }) => textOf(body, parse);
exports.arrayBuffer = ({ body }) => bytesOf(body, bufferOf);
exports.formData = (inner) => bytesOf(inner.body, (bytes) => formOf(bytes, typeOf(inner)));
exports.blob = (inner) =>
  bytesOf(inner.body, (bytes) => {
    const type = typeOf(inner);
    return use("blob").fromBytes(bytes, type === null ? "" : use("mime").serialize(type));
  });
