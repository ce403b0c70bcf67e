/* R2 from a worker: an object of 1 MB, streamed, beside nginx that serves a file of that size; and with
 * --gigabytes N an object of N GB on its way in and out, while the memory of the server is watched.
 *
 * The server has core 0, wrk core 1. */
import { request } from "node:http";
import { mkdirSync, readFileSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NGINX, hasNginx } from "./nginx.mjs";
import { SERVER_CORE, digestPaths, measurePaths } from "./paths.mjs";
import { memoryMb, processTree } from "./proc.mjs";
import { writeProject } from "./projects.mjs";
import { interleave } from "./rounds.mjs";
import { withServer } from "./serving.mjs";

const WATCH_MS = 100;
const CASES = { hello: "/", meg: "/meg" };
const SOURCE = fileURLToPath(new URL("programs/r2.mjs", import.meta.url));

function freshProject(run) {
    const dir = join(run.work, "r2");
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(join(dir, "public"), { recursive: true });
    writeProject(dir, "r2", readFileSync(SOURCE, "utf8"),
        '[[r2_buckets]]\nbinding = "R2"\nbucket_name = "bench"\n[limits]\ncpu_ms = 300000\n');
    writeFileSync(join(dir, "public", "meg"), Buffer.alloc(1 << 20, "a"));
    for (const path of [dir, join(dir, "public")])
        chmodSync(path, 0o755);
    return dir;
}

/* Reads the answer to its end: how many bytes it had, and its last words when it is short. */
function drain(port, path) {
    return new Promise((resolve, reject) => {
        request({ port, host: "127.0.0.1", path }, (answer) => {
            let bytes = 0, text = "";
            answer.on("data", (chunk) => {
                bytes += chunk.length;
                if (bytes < 1000)
                    text += chunk;
            });
            answer.on("end", () => (answer.statusCode === 200 ? resolve(bytes) : reject(new Error(text))));
            answer.on("error", reject);
        }).on("error", reject).end();
    });
}

/* The most that the server's processes took while `work` went on, and how long that was. */
async function watched(pid, work) {
    let mostMb = 0;
    const look = () => { mostMb = Math.max(mostMb, memoryMb(processTree(pid)).rssMb); };
    const timer = setInterval(look, WATCH_MS);
    const start = performance.now();
    try {
        const result = await work();
        look();
        return { mostMb, seconds: (performance.now() - start) / 1000, result };
    } finally {
        clearInterval(timer);
    }
}

async function measureHuge({ child, port }, gigabytes) {
    const bytes = gigabytes * 2 ** 30;
    const before = memoryMb(processTree(child.pid)).rssMb;
    const put = await watched(child.pid, () => drain(port, `/fill?bytes=${bytes}`));
    const got = await watched(child.pid, () => drain(port, "/huge"));
    if (got.result !== bytes)
        throw new Error(`of ${bytes} bytes ${got.result} came back`);
    return { gigabytes, beforeMb: before, inMb: put.mostMb, outMb: got.mostMb, inSeconds: put.seconds,
        outSeconds: got.seconds };
}

async function measureOnce(peer, server, run, round) {
    if (peer !== NGINX)
        await drain(server.port, "/set");
    const cases = await measurePaths(CASES, server, run);
    if (peer.name === "atoll" && run.gigabytes && !round)
        cases.huge = await measureHuge(server, run.gigabytes);
    return cases;
}

const digest = (rounds) => ({ cases: digestPaths(CASES, rounds), rounds, huge: rounds[0].huge });

/* {peer: {cases: {name: medians}, rounds, huge}} of those that serve workers, and nginx. */
export async function measureR2(run) {
    const peers = [...run.peers.filter((peer) => peer.serve.dev), ...(hasNginx() ? [NGINX] : [])];
    const samples = await interleave("r2", peers, run.rounds, run, (peer, round) =>
        withServer(peer, peer.command ?? peer.serve.dev, { core: SERVER_CORE, dir: freshProject(run) },
            (server) => measureOnce(peer, server, run, round)));
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name, digest(rounds)]));
}
