/* D1 from a worker: a row by its key, a list of 20, a write; beside hello world of the same process.
 *
 * The server has core 0, wrk core 1. Each round begins with a database of its own. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Connection } from "./http.mjs";
import { load } from "./load.mjs";
import { cpuSeconds, memoryMb, processTree } from "./proc.mjs";
import { writeProject } from "./projects.mjs";
import { interleave } from "./rounds.mjs";
import { withServer } from "./serving.mjs";
import { medianOf } from "./stats.mjs";

const SERVER_CORE = 0;
const LOAD_CORE = 1;
const WARM_UP_SECONDS = 1;
const CASES = { hello: "/", select: "/select", list: "/list", insert: "/insert" };
const FIELDS = ["perSecond", "perCpuSecond", "cpuShare", "p50Ms", "loadedMb"];
const SOURCE = fileURLToPath(new URL("programs/d1.mjs", import.meta.url));

function freshProject(run) {
    const dir = join(run.work, "d1");
    rmSync(dir, { recursive: true, force: true });
    writeProject(dir, "d1", readFileSync(SOURCE, "utf8"),
        '[[d1_databases]]\nbinding = "DB"\ndatabase_name = "bench"\ndatabase_id = "bench"\n');
    return dir;
}

async function measureCase(path, { child, port }, run) {
    await load(port, WARM_UP_SECONDS, LOAD_CORE, { path });
    const cpuBefore = cpuSeconds(child.pid);
    const result = await load(port, run.seconds, LOAD_CORE, { path });
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

async function measureOnce(server, run) {
    const connection = await Connection.open(server.port);
    await connection.get({ host: `127.0.0.1:${server.port}`, path: "/set" });
    connection.close();
    const cases = {};
    for (const [name, path] of Object.entries(CASES))
        cases[name] = await measureCase(path, server, run);
    return cases;
}

function digest(rounds) {
    const cases = {};
    for (const name of Object.keys(CASES)) {
        const list = rounds.map((round) => round[name]);
        cases[name] = Object.fromEntries(FIELDS.map((field) => [field, medianOf(list, field)]));
        cases[name].failed = list.reduce((sum, { failed }) => sum + failed, 0);
    }
    return { cases, rounds };
}

/* {peer: {cases: {name: medians}, rounds}} */
export async function measureD1(run) {
    const able = run.peers.filter((peer) => peer.serve.dev);
    const samples = await interleave("d1", able, run.rounds, run, (peer) =>
        withServer(peer, peer.serve.dev, { core: SERVER_CORE, dir: freshProject(run) },
            (server) => measureOnce(server, run)));
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name, digest(rounds)]));
}
