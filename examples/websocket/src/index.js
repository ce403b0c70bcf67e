// A chat: what one visitor says, all of a room hear. A room is a path.
import page from "./page.html";

const rooms = new Map(); // path -> its sockets; all requests of a worker share one isolate

function join(room, name, socket) {
  const others = rooms.get(room) ?? new Set();
  rooms.set(room, others.add(socket));
  const tell = (text) => {
    for (const other of others) if (other.readyState === WebSocket.OPEN) other.send(text);
  };
  tell(`${name} joined, ${others.size} here`);
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string" && data.length <= 1000) tell(`${name}: ${data}`);
    else socket.close(1008, "text of at most 1000 characters, please");
  });
  socket.addEventListener("close", () => {
    others.delete(socket);
    if (others.size === 0) rooms.delete(room);
    tell(`${name} left, ${others.size} here`);
  });
}

export default {
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket")
      return new Response(page, { headers: { "content-type": "text/html;charset=UTF-8" } });
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    join(pathname, searchParams.get("name") || "somebody", server);
    return new Response(null, { status: 101, webSocket: client });
  },
};
