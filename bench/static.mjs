/* Static files: 10 KB and 1 MB out of a directory of assets, beside hello world of the same process, beside
 * wrangler dev, and beside nginx (where it is installed) with one worker that serves the same files.
 *
 * atoll is `atoll dev`, which looks at the file for every request, as nginx does. The server has core 0,
 * wrk core 1. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "./load.mjs";
import { NGINX, hasNginx } from "./nginx.mjs";
import { HELLO } from "./peers.mjs";
import { cpuSeconds, memoryMb, processTree } from "./proc.mjs";
import { writeProject } from "./projects.mjs";
import { interleave } from "./rounds.mjs";
import { withServer } from "./serving.mjs";
import { medianOf } from "./stats.mjs";

const SERVER_CORE = 0;
const LOAD_CORE = 1;
const WARM_UP_SECONDS = 1;
const CASES = { hello: "/", small: "/ten.bin", large: "/meg.bin" };
const BYTES = { "ten.bin": 10 << 10, "meg.bin": 1 << 20 };
const SCRIPT = `export default { fetch: () => new Response(${JSON.stringify(HELLO)}) };\n`;

function freshProject(run) {
    const dir = join(run.work, "static");
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(join(dir, "public"), { recursive: true });
    writeProject(dir, "static", SCRIPT, '[assets]\ndirectory = "public"\n');
    for (const [name, bytes] of Object.entries(BYTES))
        writeFileSync(join(dir, "public", name), Buffer.alloc(bytes, "0123456789abcdef"));
    for (const path of [dir, join(dir, "public")])
        chmodSync(path, 0o755);
    return dir;
}

async function measureCase(path, { child, port }, run) {
    await load(port, WARM_UP_SECONDS, LOAD_CORE, { path });
    const before = cpuSeconds(child.pid);
    const result = await load(port, run.seconds, LOAD_CORE, { path });
    const cpu = cpuSeconds(child.pid) - before;
    return {
        perSecond: result.requests / result.seconds,
        perCpuSecond: result.requests / cpu,
        cpuShare: cpu / result.seconds,
        p50Ms: result.p50Ms,
        failed: result.failed,
        loadedMb: memoryMb(processTree(child.pid)).rssMb,
    };
}

async function measureOnce(server, run) {
    const cases = {};
    for (const [name, path] of Object.entries(CASES))
        cases[name] = await measureCase(path, server, run);
    return cases;
}

function digest(rounds) {
    const cases = {};
    for (const name of Object.keys(CASES)) {
        const list = rounds.map((round) => round[name]);
        const fields = ["perSecond", "perCpuSecond", "cpuShare", "p50Ms", "loadedMb"];
        cases[name] = Object.fromEntries(fields.map((field) => [field, medianOf(list, field)]));
        cases[name].failed = list.reduce((sum, { failed }) => sum + failed, 0);
    }
    return { cases, rounds };
}

/* {peer: {cases: {name: medians}, rounds}} of those that serve workers, and nginx. */
export async function measureStatic(run) {
    const peers = [...run.peers.filter((peer) => peer.serve.dev), ...(hasNginx() ? [NGINX] : [])];
    const samples = await interleave("static", peers, run.rounds, run, (peer) =>
        withServer(peer, peer.command ?? peer.serve.dev, { core: SERVER_CORE, dir: freshProject(run) },
            (server) => measureOnce(server, run)));
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name, digest(rounds)]));
}
