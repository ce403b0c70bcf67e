/* Throughput of what reads, makes, hashes or passes on bodies: programs/bodies.mjs in each peer.
 *
 * The server has core 0; wrk and, where there is one, the upstream have core 1. A fresh process is
 * started for each peer in every round and takes all cases of the measure. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runChild, startChild, stopChild } from "./child.mjs";
import { freePort, untilAnswer } from "./http.mjs";
import { load } from "./load.mjs";
import { HELLO, PEERS } from "./peers.mjs";
import { cpuSeconds, memoryMb, processTree } from "./proc.mjs";
import { interleave } from "./rounds.mjs";
import { withServer } from "./serving.mjs";
import { medianOf } from "./stats.mjs";

const SERVER_CORE = 0;
const LOAD_CORE = 1;
const WARM_UP_SECONDS = 1;
const UPLOAD_BYTES = 100_000_000;
const SLACK_MS = 30_000;
const KB = 1000, MB = 1000 * KB;

const PROGRAMS = fileURLToPath(new URL("programs", import.meta.url));

/* A JSON document of about `size` bytes. */
function jsonOf(size) {
    const items = [];
    for (let length = 12, i = 0; length < size; i++) {
        const item = { id: i, name: `item ${i}`, price: i / 4, tags: ["new", "blue"] };
        length += JSON.stringify(item).length + 1;
        items.push(item);
    }
    return JSON.stringify({ items });
}

const textOf = (size) => "lorem ipsum ".repeat(Math.ceil(size / 12)).slice(0, size);
const post = (path, name, body, connections) => ({ path: () => path, name, body, connections });
const get = (name, path, connections) => ({ path, name, connections });

/* The cases of each measure: what is asked, over how many connections. */
const CASES = {
    text: [post("/text", "1 KB", textOf(KB)), post("/text", "1 MB", textOf(MB), 16)],
    json: [post("/json", "1 KB", jsonOf(KB)), post("/json", "1 MB", jsonOf(MB), 16)],
    upload: [{ name: "100 MB", upload: UPLOAD_BYTES }],
    pipe: ["pipe", "wrap"].flatMap((way) => [
        get(`${way} 1 KB`, (port) => `/${way}/${port}/${KB}`),
        get(`${way} 100 KB`, (port) => `/${way}/${port}/${100 * KB}`),
        get(`${way} 10 MB`, (port) => `/${way}/${port}/${10 * MB}`, 8),
    ]),
    sha256: [get("1 KB", () => `/sha256/${KB}`), get("1 MB", () => `/sha256/${MB}`, 16)],
    url: [get("100 URLs", () => "/url/100")],
};

async function uploads(port, seconds, size) {
    const argv = [process.execPath, join(PROGRAMS, "upload.mjs"), String(port), String(seconds), String(size)];
    const output = await runChild(argv, seconds * 1000 + SLACK_MS, { core: LOAD_CORE });
    return JSON.parse(output.match(/^JSON (.*)$/m)[1]);
}

/* One load of one case: what wrk or the uploader tells. */
function drive({ path, body, upload, connections }, port, upstream, seconds, work) {
    if (upload)
        return uploads(port, seconds, upload);
    const args = body === undefined ? [] : ["POST", join(work, `body-${body.length}`)];
    if (body !== undefined)
        writeFileSync(args[1], body);
    return load(port, seconds, LOAD_CORE, { path: path(upstream), connections, args });
}

async function measureCase(found, { child, port }, upstream, run) {
    const work = join(run.work, "bodies");
    mkdirSync(work, { recursive: true });
    await drive(found, port, upstream, WARM_UP_SECONDS, work);
    const cpuBefore = cpuSeconds(child.pid);
    const result = await drive(found, port, upstream, run.seconds, work);
    const cpu = cpuSeconds(child.pid) - cpuBefore;
    return {
        perSecond: result.requests / result.seconds,
        perCpuSecond: result.requests / cpu,
        cpuShare: cpu / result.seconds,
        p50Ms: result.p50Ms,
        failed: result.failed,
        loadedMb: memoryMb(processTree(child.pid)).rssMb,
    };
}

async function withUpstream(measure, use) {
    if (measure !== "pipe")
        return use(0);
    const port = await freePort();
    const child = startChild([PEERS.bun.binary, join(PROGRAMS, "upstream.mjs"), String(port)], { core: LOAD_CORE });
    try {
        await untilAnswer(child, port, HELLO);
        return await use(port);
    } finally {
        await stopChild(child);
    }
}

function digest(rounds) {
    const cases = {};
    for (const name of Object.keys(rounds[0])) {
        const list = rounds.map((round) => round[name]);
        const median = (field) => medianOf(list, field);
        cases[name] = {
            perSecond: median("perSecond"),
            perCpuSecond: median("perCpuSecond"),
            cpuShare: median("cpuShare"),
            p50Ms: median("p50Ms"),
            loadedMb: median("loadedMb"),
            failed: list.reduce((sum, { failed }) => sum + failed, 0),
        };
    }
    return { cases, rounds };
}

/* `measure` is a key of CASES; returns {peer: {cases: {name: medians}, rounds}}. */
export async function measureBodies(measure, run) {
    const able = run.peers.filter((peer) => peer.serve.bodies);
    const dir = join(run.work, "bodies");
    const samples = await withUpstream(measure, (upstream) =>
        interleave(measure, able, run.rounds, run, (peer) =>
            withServer(peer, peer.serve.bodies, { core: SERVER_CORE, dir }, async (server) => {
                const results = {};
                for (const found of CASES[measure])
                    results[found.name] = await measureCase(found, server, upstream, run);
                return results;
            })));
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name, digest(rounds)]));
}
