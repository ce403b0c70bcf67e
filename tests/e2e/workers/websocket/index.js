// What each path does with a WebSocket; `log` is what happened on the server's side, for the tests.
let log = [];
const sockets = new Map();

function listen(server, name) {
  sockets.set(name, server);
  server.addEventListener("close", ({ code, reason, wasClean }) => log.push({ name, close: [code, reason, wasClean] }));
  server.addEventListener("error", ({ message }) => log.push({ name, error: message }));
}

function spend(ms) {
  for (const end = performance.now() + ms; performance.now() < end; );
}

const paths = {
  "/echo": (server) => (server.onmessage = ({ data }) => server.send(data)),
  "/echo-blob": (server) => (server.onmessage = ({ data }) => server.send(data), (server.binaryType = "blob")),
  "/kinds": (server) => (server.onmessage = ({ data }) => server.send(typeof data === "string" ? "string" : data.constructor.name)),
  "/length": (server) => (server.onmessage = ({ data }) => server.send(`${data.byteLength}`)),
  "/hello": (server) => server.send("hello"),
  "/close": (server) => (server.onmessage = ({ data }) => server.close(...JSON.parse(data))),
  "/later": (server) =>
    (server.onmessage = async ({ data }) => {
      await scheduler.wait(20);
      server.send(`later ${data}`);
    }),
  "/throws": (server) =>
    (server.onmessage = ({ data }) => {
      server.send("before");
      throw new Error(`thrown for ${data}`);
    }),
  "/spend": (server) => (server.onmessage = ({ data }) => (spend(Number(data)), server.send("spent"))),
  "/flood": (server) => {
    const piece = "x".repeat(64 * 1024);
    const pour = () => {
      try {
        for (let i = 0; i < 8; i++) server.send(piece);
        setTimeout(pour, 1);
      } catch (error) {
        log.push({ name: "/flood", threw: error.message });
      }
    };
    pour();
  },
  "/microtasks": (server) => {
    const order = [];
    server.addEventListener("message", ({ data }) => {
      order.push(data);
      Promise.resolve().then(() => {
        order.push(`after ${data}`);
        if (data === "b") server.send(order.join());
      });
    });
  },
};

function upgrade(url, request) {
  const { 0: client, 1: server } = new WebSocketPair();
  server.binaryType = "arraybuffer";
  server.accept();
  listen(server, url.pathname);
  paths[url.pathname](server);
  const headers = new Headers(url.searchParams);
  const offered = request.headers.get("sec-websocket-protocol");
  if (offered !== null) headers.set("sec-websocket-protocol", offered.split(/, */).at(-1));
  return new Response(null, { status: 101, webSocket: client, headers });
}

const seen = (socket) => {
  const events = [];
  for (const type of ["open", "message", "close", "error"])
    socket.addEventListener(type, (event) => {
      if (type === "message") events.push(typeof event.data === "string" ? event.data : [...new Uint8Array(event.data)]);
      else if (type === "close") events.push([event.code, event.reason, event.wasClean]);
      else events.push(type === "error" ? event.message : type);
    });
  return events;
};
const end = (socket) => new Promise((resolve) => socket.addEventListener("close", resolve));

const plain = {
  "/log": () => Response.json(log.splice(0)),
  "/bad-101": () => new Response(null, { status: 101 }),
  "/bad-200": () => new Response(null, { webSocket: new WebSocketPair()[0] }),
  "/refuses": () => new Response("not today", { status: 403 }),
  "/reused": () => {
    const pair = new WebSocketPair();
    pair[0].accept();
    return new Response(null, { status: 101, webSocket: pair[0] });
  },
  "/hangs": async () => {
    new WebSocketPair()[1].accept();
    await new Promise(() => {});
  },
  async "/connect"({ searchParams }) {
    const socket = new WebSocket(searchParams.get("to"), searchParams.getAll("protocol"));
    socket.binaryType = "arraybuffer";
    const events = seen(socket);
    socket.addEventListener("open", () => {
      events.push(socket.protocol);
      for (const text of searchParams.getAll("send")) socket.send(text);
    });
    if (searchParams.has("close")) socket.addEventListener("message", () => socket.close(...JSON.parse(searchParams.get("close"))));
    await end(socket);
    return Response.json(events);
  },
  async "/pour"({ searchParams }) {
    const socket = new WebSocket(searchParams.get("to"));
    const events = seen(socket);
    let told = false;
    const timer = setInterval(() => {
      if (socket.readyState === WebSocket.OPEN) socket.send("x".repeat(1 << 16));
      const isFull = socket.bufferedAmount > 1 << 20;
      if (isFull && !told) fetch(searchParams.get("full"));
      told = isFull;
    }, 1);
    await end(socket);
    clearInterval(timer);
    return Response.json(events);
  },
  async "/fetch"({ searchParams }) {
    const response = await fetch(searchParams.get("to"), { headers: { Upgrade: "websocket", "x-test": "yes" } });
    const socket = response.webSocket;
    if (socket === null) return new Response(`${response.status} ${response.statusText}: ${await response.text()}`);
    socket.accept();
    const events = seen(socket);
    socket.send("from fetch");
    await new Promise((resolve) => socket.addEventListener("message", resolve));
    socket.close(1000, "enough");
    await end(socket);
    return Response.json([response.status, response.headers.get("x-answer"), ...events]);
  },
  "/proxy": ({ searchParams }, request) => fetch(searchParams.get("to"), request),
  "/proxy-request": ({ searchParams }, request) => fetch(new Request(searchParams.get("to"), request)),
};

export default {
  fetch(request) {
    const url = new URL(request.url);
    if (url.pathname in plain) return plain[url.pathname](url, request);
    return upgrade(url, request);
  },
};
