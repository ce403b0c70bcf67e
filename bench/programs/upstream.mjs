/* The server behind the one that is measured: GET /SIZE gives that many bytes. `bun upstream.mjs PORT` */
const bodies = new Map();

function bodyOf(size) {
    let body = bodies.get(size);
    if (!body) {
        body = new Uint8Array(size).fill(120);
        bodies.set(size, body);
    }
    return body;
}

Bun.serve({
    hostname: "127.0.0.1",
    port: Number(process.argv[2]),
    development: false,
    fetch(request) {
        const size = Number(new URL(request.url).pathname.slice(1));
        return size ? new Response(bodyOf(size)) : new Response("Hello World!");
    },
});
