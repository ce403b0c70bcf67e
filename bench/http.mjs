/* The least HTTP/1.1 client that can time an answer: one kept connection, one GET at a time. */
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const HOST = "127.0.0.1";
const ANSWER_MS = 20_000;       /* a server that accepted may still be starting up */

/* A port that nobody listens on now. */
export function freePort() {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.on("error", reject);
        server.listen(0, HOST, () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

/* The body of a chunked message, or null as long as its last chunk is missing. */
function dechunk(text) {
    let body = "";
    let at = 0;
    for (;;) {
        const lineEnd = text.indexOf("\r\n", at);
        if (lineEnd < 0)
            return null;
        const size = parseInt(text.slice(at, lineEnd), 16);
        const next = lineEnd + 2 + size + 2;
        if (text.length < next)
            return null;
        if (size === 0)
            return body;
        body += text.slice(lineEnd + 2, lineEnd + 2 + size);
        at = next;
    }
}

/* {status, body} of a whole answer, or null if more must come. */
function parseAnswer(text) {
    const headEnd = text.indexOf("\r\n\r\n");
    if (headEnd < 0)
        return null;
    const head = text.slice(0, headEnd);
    const rest = text.slice(headEnd + 4);
    const status = Number(head.slice(9, 12));
    const length = head.match(/^content-length: *(\d+)/im);
    const isChunked = /^transfer-encoding: *chunked/im.test(head);
    if (isChunked) {
        const body = dechunk(rest);
        return body === null ? null : { status, body };
    }
    if (!length || rest.length < Number(length[1]))
        return null;
    return { status, body: rest.slice(0, Number(length[1])) };
}

/* One connection to the server on `port`; close() it. */
export class Connection {
    #socket;
    #text = "";
    #pending = null;

    static open(port) {
        return new Promise((resolve, reject) => {
            const socket = connect({ port, host: HOST, noDelay: true });
            socket.once("error", reject);
            socket.once("connect", () => {
                socket.off("error", reject);
                resolve(new Connection(socket));
            });
        });
    }

    constructor(socket) {
        this.#socket = socket;
        socket.setEncoding("latin1");
        socket.on("data", (text) => this.#onData(text));
        socket.on("error", (error) => this.#settle(error, null));
        socket.on("close", () => this.#settle(new Error("the server closed the connection"), null));
        socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error("no answer")));
    }

    /* Resolves to {status, body, ms}: ms is from the request's writing to the last byte. */
    get({ path = "/", host = "localhost" } = {}) {
        return new Promise((resolve, reject) => {
            if (this.#socket.destroyed)
                return reject(new Error("the connection is closed"));
            this.#pending = { resolve, reject, start: process.hrtime.bigint() };
            this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: */*\r\n\r\n`);
        });
    }

    close() {
        this.#socket.destroy();
    }

    #onData(text) {
        this.#text += text;
        const answer = parseAnswer(this.#text);
        if (!answer)
            return;
        this.#text = "";
        this.#settle(null, answer);
    }

    #settle(error, answer) {
        const pending = this.#pending;
        this.#pending = null;
        if (!pending)
            return;
        if (error)
            return pending.reject(error);
        pending.resolve({ ...answer, ms: Number(process.hrtime.bigint() - pending.start) / 1e6 });
    }
}

/* One GET on a connection of its own; null where that fails for whatever reason. */
export async function tryGet(port, target) {
    let connection;
    try {
        connection = await Connection.open(port);
        return await connection.get(target);
    } catch {
        return null;
    } finally {
        connection?.close();
    }
}

/* Asks every millisecond until `child` answers with `body`; fails with the child's last words
 * when it ends, or when ms have passed. */
export async function untilAnswer(child, port, body, { ms = 30_000, ...target } = {}) {
    const end = Date.now() + ms;
    let last = null;
    while (Date.now() < end && !child.isGone) {
        last = await tryGet(port, target);
        if (last?.status === 200 && last.body === body)
            return;
        await sleep(1);
    }
    const got = last ? `it answered ${last.status} ${JSON.stringify(last.body.slice(0, 200))}` : "";
    throw new Error(`${child.argv.join(" ").slice(0, 200)} ` +
        `${child.isGone ? "ended" : `did not answer as expected in ${ms} ms`}; ${got} ` +
        `${child.output.trim()}`);
}
