// Answers each message of a WebSocket; a page to try it is at "/".
import page from "./page.html";

function accept() {
  const { 0: client, 1: server } = new WebSocketPair();
  server.accept();
  server.send("hello");
  server.addEventListener("message", ({ data }) => {
    server.send(typeof data === "string" ? `you said: ${data}` : data);
  });
  return new Response(null, { status: 101, webSocket: client });
}

export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/") return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
    if (pathname !== "/ws") return new Response("Not Found\n", { status: 404 });
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket")
      return new Response("This address speaks WebSocket.\n", { status: 426, headers: { upgrade: "websocket" } });
    return accept();
  },
};
