// cloudflare:sockets: TCP and TLS to other servers, as two streams.
//
// A Connection is the native stream; a Socket is what a worker sees of it. startTls() makes a second
// Socket over the same Connection: the first one's streams are closed without ending it.

const { completion } = use("core");
const { finish, need } = use("webidl");
const { cancel, fromSource, recordOf, bytesOf } = use("streams");
const writables = use("stream_writable");
const { deferred, handled, noop, rejected, then } = use("stream_base");
const {
  op_socket_pool,
  op_socket_open,
  op_socket_start_tls,
  op_socket_pull,
  op_socket_write,
  op_socket_drain,
  op_socket_end,
  op_socket_closed,
  op_socket_discard,
  op_socket_close,
} = ops;

const WRITE_BYTES = 256 * 1024;
const PORT_OF_MAIL = 25; // as on Cloudflare: what is sent there is mostly unwanted
const MODES = ["off", "on", "starttls"];

const pool = op_socket_pool();
// The same promise, whose rejection nobody has to handle.
const quiet = (promise) => {
  handled(promise);
  return promise;
};
const infoOf = ([remoteAddress, localAddress]) => ({ remoteAddress, localAddress });

class Connection {
  pulling; // the promise of a pull under way
  ended; // the promise of our end
  over; // the promise of both ends
  discarded = false;

  constructor(host, port, tls, half) {
    this.host = host;
    this.opened = quiet(
      completion((id) => {
        this.native = op_socket_open(pool, id, host, port, tls, half);
      }),
    );
  }

  // A piece of what comes, undefined at its end.
  pull() {
    return (this.pulling ??= this.#pull());
  }
  async #pull() {
    try {
      return (await completion((id) => op_socket_pull(this.native, id))) ?? undefined;
    } finally {
      this.pulling = undefined;
    }
  }

  async write(bytes) {
    for (let at = 0; at < bytes.length; at += WRITE_BYTES)
      if (!op_socket_write(this.native, bytes.subarray(at, at + WRITE_BYTES)))
        await completion((id) => op_socket_drain(this.native, id));
  }

  end() {
    return (this.ended ??= completion((id) => op_socket_end(this.native, id)).then(() => {
      if (this.discarded) this.close();
    }));
  }

  discard() {
    this.discarded = true;
    if (this.ended !== undefined) handled(this.end());
    op_socket_discard(this.native);
  }

  close() {
    op_socket_close(this.native);
  }

  closed() {
    return (this.over ??= completion((id) => op_socket_closed(this.native, id)));
  }

  startTls(name) {
    return completion((id) => op_socket_start_tls(this.native, id, name));
  }
}

// What stands for a connection that there is none of: everything tells why.
const refused = (opened) => ({ opened: quiet(opened), pull: () => opened, closed: () => opened, discard: noop, close: noop });

function connectTo({ host, port }, { mode, half }) {
  if (port === PORT_OF_MAIL)
    return refused(
      rejected(new Error("proxy request failed, cannot connect to the specified address: Connections to port 25 are prohibited")),
    );
  const connection = new Connection(host, port, mode === "on", half);
  return connection.native === undefined ? refused(connection.opened) : connection;
}

// ---- the two streams of a Socket ----

function readableOf(own, { half }) {
  const { connection, opened } = own;
  const next = async () => {
    await opened;
    if (own.detached) return undefined;
    const chunk = await connection.pull();
    if (chunk === undefined && !half && !own.detached) handled(writables.closeWriter({ stream: own.sink }));
    return chunk;
  };
  const readable = fromSource({
    pull: next,
    cancel: () => {
      if (!own.detached) connection.discard();
    },
  });
  recordOf(readable).source = undefined; // not to be read without the stream
  return readable;
}

function bytesFor(chunk) {
  const bytes = bytesOf(chunk);
  if (bytes !== undefined) return bytes;
  const hint = typeof chunk === "string" ? ": encode the string with TextEncoder" : "";
  throw new TypeError(`A socket is written to with ArrayBuffers and views of them${hint}`);
}

function sinkOf(own, { highWaterMark }) {
  const { connection, opened } = own;
  const run = {
    start: () => opened,
    write: async (chunk) => connection.write(bytesFor(chunk)),
    close: async () => {
      if (!own.detached) await connection.end();
    },
    abort: async () => {
      if (!own.detached) connection.close();
    },
  };
  if (highWaterMark === undefined) return writables.create(run, 1, undefined);
  return writables.create(run, highWaterMark, ({ byteLength }) => byteLength);
}

// ---- Socket ----

const INTERNAL = {};
let make;

class Socket {
  #own;

  constructor(key, own) {
    if (key !== INTERNAL) throw new TypeError("Illegal constructor: sockets are made by connect()");
    this.#own = own;
  }
  get readable() {
    return this.#own.readable;
  }
  get writable() {
    return this.#own.writable;
  }
  get opened() {
    return this.#own.info;
  }
  get closed() {
    return closedOf(this.#own).promise;
  }
  get upgraded() {
    return this.#own.upgraded;
  }
  get secureTransport() {
    return this.#own.mode;
  }
  close() {
    try {
      const own = this.#own;
      return (own.closing ??= close(own));
    } catch (error) {
      return rejected(error);
    }
  }
  startTls(options = undefined) {
    const own = this.#own;
    if (own.mode === "on") throw new TypeError("Cannot startTls on a TLS socket.");
    if (own.mode !== "starttls")
      throw new TypeError("The `secureTransport` socket option must be set to 'starttls' for startTls to be used.");
    if (own.upgraded) throw new TypeError("startTls can only be called once.");
    const name = options?.expectedServerHostname;
    return startTls(own, name === undefined ? own.connection.host : `${name}`);
  }
  static {
    make = (own) => new Socket(INTERNAL, own);
  }
}
finish(Socket, "Socket");

// Made when somebody asks: only then the end of the stream is something to wait for.
function closedOf(own) {
  if (own.over !== undefined) return own.over;
  const over = (own.over = deferred());
  handled(over.promise);
  then(own.connection.closed(), over.resolve, over.reject);
  return over;
}

// What was written goes out before the end; what comes is not wanted any more.
async function close(own) {
  const { connection, sink, readable, opened } = own;
  try {
    await opened;
    await writables.closeWriter({ stream: sink });
  } catch {}
  handled(cancel(recordOf(readable), undefined));
  connection.close();
}

// Closes the streams of a socket once what was written has gone out, and leaves the connection open.
async function detach(own) {
  await own.opened;
  own.detached = true;
  await writables.closeWriter({ stream: own.sink });
  handled(cancel(recordOf(own.readable), undefined));
  closedOf(own).resolve(undefined);
}

function startTls(own, name) {
  const { connection, settings } = own;
  own.upgraded = true;
  const secure = async () => {
    await detach(own);
    try {
      return await connection.startTls(name);
    } catch (error) {
      connection.close();
      throw error;
    }
  };
  return socketOf(connection, quiet(secure()), "on", settings);
}

function socketOf(connection, opened, mode, settings) {
  const own = {
    connection,
    opened,
    mode,
    settings,
    info: quiet(then(opened, infoOf)),
    upgraded: false,
    detached: false,
    over: undefined,
    closing: undefined,
  };
  own.sink = sinkOf(own, settings);
  own.writable = writables.objectOf(own.sink);
  own.readable = readableOf(own, settings);
  return make(own);
}

// ---- connect ----

function parse(address) {
  let url;
  try {
    url = new (use("url").URL)(`fake://${address}`);
  } catch {
    throw new TypeError("Specified address could not be parsed.");
  }
  if (url.hostname === "") throw new TypeError("Specified address is missing hostname.");
  if (url.port === "") throw new TypeError("Specified address is missing port.");
  return { host: decodeURIComponent(url.hostname), port: Number(url.port) };
}

function addressOf(address) {
  if (typeof address !== "object" || address === null) return parse(`${address}`);
  const { hostname, port } = address;
  if (hostname === undefined || port === undefined)
    throw new TypeError("connect: the address needs a hostname and a port");
  const number = Number(port);
  if (!(number >= 0 && number < 65536)) throw new TypeError(`connect: ${port} is not a port`);
  return { host: `${hostname}`, port: Math.trunc(number) };
}

// SocketOptions, members in the order of their names.
function settingsOf(options) {
  if (options === undefined || options === null) options = {};
  else if (typeof options !== "object") throw new TypeError("connect: the options must be an object");
  const half = !!options.allowHalfOpen;
  const mark = options.highWaterMark;
  const highWaterMark = mark === undefined ? undefined : use("stream_base").highWaterMarkOf({ highWaterMark: mark }, 1);
  const { secureTransport } = options;
  const mode = secureTransport === undefined ? "off" : `${secureTransport}`;
  if (!MODES.includes(mode)) throw new TypeError(`Unsupported value in secureTransport socket option: ${mode}`);
  return { half, highWaterMark, mode };
}

// A function has no [[Construct]] and keeps its name.
Object.assign(exports, {
  connect(address, options = undefined) {
    need(arguments.length, 1, "connect");
    const target = addressOf(address);
    const settings = settingsOf(options);
    const connection = connectTo(target, settings);
    return socketOf(connection, connection.opened, settings.mode, settings);
  },
});
