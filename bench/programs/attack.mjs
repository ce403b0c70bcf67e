/* What a tenant may do to its neighbours: `node attack.mjs KIND PORT HOST SECONDS`. */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "../http.mjs";

const [kind, portText, host, secondsText] = process.argv.slice(2);
const port = Number(portText);
const end = performance.now() + Number(secondsText) * 1000;
const CONNECTIONS = 10_000;
const OPENED_AT_ONCE = 100;
const SLOW = 500;
const SLOW_PAUSE_MS = 50;

/* Asks again and again over `count` connections, a new one after each that failed. */
async function ask(count) {
    const one = async () => {
        let connection = null;
        while (performance.now() < end) {
            try {
                connection ??= await Connection.open(port);
                await connection.get({ host });
            } catch {
                connection?.close();
                connection = null;
                await sleep(1);
            }
        }
    };
    await Promise.all(Array.from({ length: count }, one));
}

function open() {
    return new Promise((resolve) => {
        const socket = connect({ port, host: "127.0.0.1" });
        socket.on("connect", () => resolve(socket)).on("error", () => resolve(socket));
    });
}

/* As many connections as it gets, which say nothing; those that are closed are opened again. */
async function connections() {
    let sockets = [];
    while (performance.now() < end) {
        sockets = sockets.filter((socket) => !socket.destroyed);
        const missing = Math.min(OPENED_AT_ONCE, CONNECTIONS - sockets.length);
        sockets.push(...await Promise.all(Array.from({ length: missing }, open)));
        await sleep(1);
    }
}

/* Requests whose heads and bodies come a byte at a time. */
async function slow() {
    const sockets = await Promise.all(Array.from({ length: SLOW }, open));
    const text = `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100000\r\n\r\n${"x".repeat(1000)}`;
    for (let at = 0; performance.now() < end; at = (at + 1) % text.length) {
        sockets.forEach((socket) => socket.write(text[at]));
        await sleep(SLOW_PAUSE_MS);
    }
}

const kinds = { loop: () => ask(2), bomb: () => ask(2), flood: () => ask(4), connections, slow };
await kinds[kind]();
process.exit(0);
