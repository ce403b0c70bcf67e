/* `atoll serve` as the measures use it: on a data directory of its own, limits, sandbox and
 * metering as they are by default, workers deployed through its API. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startChild, stopChild } from "./child.mjs";
import { Connection } from "./http.mjs";
import { HELLO, atollServe } from "./peers.mjs";
import { commandLine, processTree } from "./proc.mjs";

export const HELLO_SOURCE = `export default {\n    fetch() {\n        return new Response("${HELLO}");\n    },\n};\n`;

const SERVE = "atoll serve";
export const TOKEN = "the-token-of-the-benchmarks";
const READY_MS = 30_000;
const WAIT_MS = 60_000;
const POLL_MS = 20;
const RUNTIME = /(^|\/)atoll runtime\b/;

export function servePeers(peers) {
    return peers.filter((peer) => peer.name === SERVE);
}

/* An empty data directory in the run's scratch. */
export function newData(run, name) {
    const data = join(run.work, "serve", name);
    rmSync(data, { recursive: true, force: true });
    mkdirSync(data, { recursive: true });
    return data;
}

/* The line of the journal in the child's output so far; it comes early, before the output is cut. */
function journalLine(child, event) {
    const line = child.output.split("\n").find((text) => text.includes(`"event":"${event}"`));
    return line && JSON.parse(line);
}

async function untilReady(child) {
    const end = Date.now() + READY_MS;
    while (Date.now() < end && !child.isGone) {
        const line = journalLine(child, "server.ready");
        if (line)
            return line;
        await sleep(5);
    }
    throw new Error(`atoll serve ${child.isGone ? "ended" : "was not ready in time"}: ${child.output.trim()}`);
}

function portOf(address) {
    return Number(address.split(":").pop());
}

export class Platform {
    constructor(child, line) {
        this.child = child;
        this.port = portOf(line.listen);
        this.admin = `http://127.0.0.1:${portOf(line.admin)}`;
    }

    /* A call of the API; fails with its answer when that is no success. */
    async api(method, path, body, type = "application/json") {
        const answer = await fetch(`${this.admin}/client/v4${path}`, {
            method,
            headers: { authorization: `Bearer ${TOKEN}`, "content-type": type },
            body,
        });
        const text = await answer.text();
        if (!answer.ok)
            throw new Error(`${method} ${path} was answered ${answer.status} ${text.slice(0, 300)}`);
        return JSON.parse(text).result;
    }

    deploy(name, source) {
        return this.api("PUT", `/accounts/default/workers/scripts/${name}`, source, "application/javascript+module");
    }

    target(name, path = "/") {
        return { host: `${name}.localhost:${this.port}`, path };
    }

    /* What runs where, as the supervisor sees it: [{pid, lane, ready, workers, ...}]. */
    async processes() {
        return (await this.api("GET", "/server/status")).processes;
    }

    /* Processes that hold isolates, or may be given some: those of every lane. */
    runtimes() {
        return this.pids().filter((pid) => RUNTIME.test(commandLine(pid)));
    }

    /* Supervisor and runtimes. */
    pids() {
        return processTree(this.child.pid);
    }

    /* One answer on a connection of its own. */
    async ask(name, path) {
        const connection = await Connection.open(this.port);
        try {
            return await connection.get(this.target(name, path));
        } finally {
            connection.close();
        }
    }
}

/* Polls until check() is true; fails with `what` when that takes too long. */
export async function untilTrue(check, what) {
    const end = Date.now() + WAIT_MS;
    while (!await check()) {
        if (Date.now() > end)
            throw new Error(`${what} did not come in ${WAIT_MS} ms`);
        await sleep(POLL_MS);
    }
}

/* Starts `peer` on the directory `data`, calls use(platform) and stops it in every case. `config`: an
 * object of its configuration's keys; `core` pins all its processes. */
export async function withPlatform(peer, { data, config = {}, core }, use) {
    const path = `${data}.json`;
    writeFileSync(path, JSON.stringify(config));
    const child = startChild(atollServe({ binary: peer.binary, data, config: path }), {
        core,
        env: { NO_COLOR: "1", ATOLL_ADMIN_TOKEN: TOKEN, ...peer.env },
    });
    try {
        return await use(new Platform(child, await untilReady(child)));
    } finally {
        await stopChild(child);
    }
}
