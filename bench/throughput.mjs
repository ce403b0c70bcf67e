/* Throughput, latency and memory of one process that answers hello world or Hono's GET /.
 *
 * The server has core 0 and wrk core 1. A fresh process is started for every round. */
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { load } from "./load.mjs";
import { cpuSeconds, memoryMb, processTree } from "./proc.mjs";
import { interleave } from "./rounds.mjs";
import { withServer } from "./serving.mjs";
import { medianOf } from "./stats.mjs";

const SERVER_CORE = 0;
const LOAD_CORE = 1;
const WARM_UP_SECONDS = 1;
const SETTLE_MS = 300;          /* after start-up, before idle memory is read */

async function measureOnce({ child, port }, seconds) {
    await sleep(SETTLE_MS);
    const idle = memoryMb(processTree(child.pid));
    await load(port, WARM_UP_SECONDS, LOAD_CORE);

    const cpuBefore = cpuSeconds(child.pid);
    const result = await load(port, seconds, LOAD_CORE);
    const cpu = cpuSeconds(child.pid) - cpuBefore;

    return {
        ...result,
        perSecond: result.requests / result.seconds,
        perCpuSecond: result.requests / cpu,
        cpuShare: cpu / result.seconds,
        loadCpuShare: result.loadCpuSeconds / result.seconds,
        idle,
        loaded: memoryMb(processTree(child.pid)),
    };
}

function digest(rounds) {
    return {
        perSecond: medianOf(rounds, "perSecond"),
        perCpuSecond: medianOf(rounds, "perCpuSecond"),
        cpuShare: medianOf(rounds, "cpuShare"),
        loadCpuShare: medianOf(rounds, "loadCpuShare"),
        p50Ms: medianOf(rounds, "p50Ms"),
        p99Ms: medianOf(rounds, "p99Ms"),
        failed: rounds.reduce((sum, round) => sum + round.failed, 0),
        idleMb: medianOf(rounds.map((round) => round.idle), "rssMb"),
        loadedMb: medianOf(rounds.map((round) => round.loaded), "rssMb"),
        processes: rounds[0].loaded.processes,
        rounds,
    };
}

/* program is "hello" or "hono"; returns {peer: digest}. */
export async function measureThroughput(program, run) {
    const able = run.peers.filter((peer) => peer.serve[program]);
    const dir = join(run.work, program);
    const samples = await interleave(program, able, run.rounds, run, (peer) =>
        withServer(peer, peer.serve[program], { core: SERVER_CORE, dir },
            (server) => measureOnce(server, run.seconds)));
    return Object.fromEntries(
        Object.entries(samples).map(([name, rounds]) => [name, digest(rounds)]));
}
