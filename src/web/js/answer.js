// Answers that do not fit the table of core.js: bytes, long texts, streams.

const { completion } = use("core");
const { op_answer_whole, op_answer_start, op_answer_write, op_answer_end, op_answer_abort } = ops;
const { op_answer_pipe, op_answer_file } = ops;

exports.answer = (id, inner) => {
  if (inner.status === 101) return use("websocket").upgrade(id, inner);
  const body = inner.body;
  if (body === null) return op_answer_whole(id, inner.status, inner.wireHead(), undefined);
  if (use("body").isUsed(body) || (body.stream !== undefined && body.stream.locked))
    throw new TypeError("The Response's body has already been used: it cannot be sent.");
  if (body.stream === undefined && body.kind !== "source") {
    const head = inner.wireHead();
    body.used = true;
    return op_answer_whole(id, inner.status, head, body.value);
  }
  const raw = inner.hasRawHead?.();
  const head = raw ? null : inner.wireHead();
  const pull = use("body").reader(body);
  body.used = true;
  if (pull.native !== undefined) return pipe(id, inner, head, pull);
  if (pull.file !== undefined) return sendFile(id, inner, head, pull);
  stream(id, inner, head, pull);
};

function stream(id, inner, head, pull) {
  if (op_answer_start(id, inner.status, head ?? inner.wireHead(), lengthOf(inner))) pump(id, pull);
  else stop(pull);
}

// A body that is a file goes from there to the client; one of several files comes by here.
async function sendFile(id, inner, head, pull) {
  const { open, native } = pull.file;
  try {
    const isOpen = open === undefined || (await open());
    if (!isOpen || !op_answer_file(id, inner.status, head ?? inner.wireHead(), lengthOf(inner), native))
      return stream(id, inner, head, pull);
  } catch (error) {
    use("errors").fail(id, error);
  }
  stop(pull);
}

// A body that C has goes to the client without coming by here.
async function pipe(id, inner, head, { native, over }) {
  try {
    if (op_answer_pipe(id, inner.status, head, lengthOf(inner), native))
      await completion((done) => op_answer_write(id, done));
  } catch (error) {
    use("errors").logUncaught("while the response was streamed: ", error, id);
  }
  over();
}

// Nobody reads: the client asked for the head only, or it went away.
async function stop({ cancel }, reason) {
  try {
    await cancel(reason);
  } catch {}
}

function lengthOf(inner) {
  const { length = streamLength(inner.body) } = inner.body;
  if (length !== undefined && inner.headers?.get("content-encoding") == null) return length;
  const said = inner.headers === null ? null : inner.headers.get("content-length");
  return said !== null && /^[0-9]{1,15}$/.test(said) ? Number(said) : -1;
}

const streamLength = ({ stream }) => (stream === undefined ? undefined : use("streams").lengthOf(stream));

async function pump(id, pull) {
  try {
    for (let chunk; (chunk = await pull.next()) !== undefined; ) {
      const room = op_answer_write(id, chunk);
      if (room < 0) return stop(pull, new TypeError("The client disconnected"));
      if (room === 0) await completion((done) => op_answer_write(id, done));
    }
    op_answer_end(id);
  } catch (error) {
    op_answer_abort(id);
    use("errors").logUncaught("while the response was streamed: ", error, id);
    stop(pull, error);
  }
}
