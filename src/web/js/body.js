// Bodies (WHATWG Fetch 5.2). A body is null or { kind, value, type, used, stream }:
//   kind "text"    value: a string
//   kind "bytes"   value: a Uint8Array nobody else holds
//   kind "source"  value: a native source { pull, collect, cancel }
//   kind "stream"  value: a ReadableStream
// A body becomes a stream only when somebody asks for `.body`; `stream` is that stream.

const { loaded } = use("core");

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
  if (isInstance("blob", "Blob", value)) return make("bytes", use("blob").bytesOf(value), value.type || null);
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

exports.streamOf = (body) => {
  if (body === null) return null;
  if (body.stream === undefined) {
    const streams = use("streams");
    if (body.used) body.stream = new streams.ReadableStream({ start: (controller) => controller.close() });
    else if (body.kind === "source") body.stream = streams.fromSource(body.value);
    else {
      let bytes = body.kind === "text" ? use("encoding").encode(body.value) : body.value;
      const collect = async () => {
        const all = bytes ?? new Uint8Array(0);
        bytes = undefined;
        return all;
      };
      const pull = async () => {
        const chunk = bytes;
        bytes = undefined;
        return chunk !== undefined && chunk.length > 0 ? chunk : undefined;
      };
      body.stream = streams.fromSource({ pull, collect, cancel() {} });
    }
  }
  return body.stream;
};

// Marks the body used and gives what it holds: a string, or a promise of a Uint8Array.
function take(body) {
  if (body.stream !== undefined) {
    const streams = use("streams");
    if (isUsed(body) || body.stream.locked)
      throw new TypeError("Body has already been used. It can only be used once. Use tee() first if you need to read it twice.");
    body.used = true;
    return streams.collect(body.stream);
  }
  if (body.used)
    throw new TypeError("Body has already been used. It can only be used once. Use tee() first if you need to read it twice.");
  body.used = true;
  return body.kind === "source" ? body.value.collect() : body.value;
}

async function bytesOf(body) {
  if (body === null) return new Uint8Array(0);
  const held = await take(body);
  return typeof held === "string" ? use("encoding").encode(held) : held;
}

async function textOf(body) {
  if (body === null) return "";
  const held = await take(body);
  return typeof held === "string" ? toWellFormed(held) : use("encoding").decode(held);
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
// Uint8Array, or undefined at the end. Without a stream in between where there is none.
exports.reader = (body) => {
  const source = body.stream === undefined ? body.value : use("streams").takeSource(body.stream);
  if (source !== undefined) return { next: () => source.pull(), cancel: (reason) => source.cancel(reason) };
  const reader = body.stream.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? undefined : bytesOfChunk(value);
    },
    cancel: (reason) => reader.cancel(reason),
  };
};

const FORM_TYPE = /^multipart\/form-data\b/i;

async function formDataOf(body, type) {
  const form = use("formdata");
  if (type !== null && FORM_TYPE.test(type)) {
    const boundary = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
    if (boundary === null) throw new TypeError("formData(): the Content-Type has no boundary");
    return form.parseMultipart(await bytesOf(body), boundary[1] ?? boundary[2]);
  }
  if (type !== null && /^application\/x-www-form-urlencoded\b/i.test(type))
    return form.parseUrlencoded(await bytesOf(body));
  throw new TypeError(
    `formData(): the Content-Type must be multipart/form-data or application/x-www-form-urlencoded, not ${type ?? "missing"}`,
  );
}

exports.clone = (body) => {
  if (body === null) return null;
  if (isUsed(body) || (body.stream !== undefined && body.stream.locked))
    throw new TypeError("Cannot clone: the body has already been used");
  if (body.stream === undefined && body.kind === "text") return make("text", body.value, body.type);
  if (body.stream === undefined && body.kind === "bytes") return make("bytes", body.value.slice(), body.type);
  const [mine, theirs] = use("streams").tee(exports.streamOf(body));
  body.kind = "stream";
  body.value = body.stream = mine;
  const other = make("stream", theirs, body.type, body.length);
  other.stream = theirs;
  return other;
};

// The methods of the Body mixin, on the inner state of a Request or Response.

const typeOf = (inner) => inner.getHeaders().get("content-type");

exports.bytes = (inner) => bytesOf(inner.body);
exports.text = (inner) => textOf(inner.body);
exports.json = async (inner) => JSON.parse(await textOf(inner.body));
exports.formData = (inner) => formDataOf(inner.body, typeOf(inner));
exports.arrayBuffer = async (inner) => {
  const bytes = await bytesOf(inner.body);
  return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : copyBytes(bytes).buffer;
};
exports.blob = async (inner) => {
  const type = typeOf(inner) ?? "";
  return new (use("blob").Blob)([await bytesOf(inner.body)], { type });
};
