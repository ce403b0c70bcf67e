/* Hello world on node's own HTTP server: `node node_hello.mjs PORT`. */
import { createServer } from "node:http";

const server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/plain;charset=UTF-8" });
    response.end("Hello World!");
});

server.listen(Number(process.argv[2]), "127.0.0.1");
