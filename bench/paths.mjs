/* What the measures of a server's paths share: load on each path in turn, and the medians of that.
 *
 * The server has core 0, wrk core 1. */
import { load } from "./load.mjs";
import { cpuSeconds, memoryMb, processTree } from "./proc.mjs";
import { medianOf } from "./stats.mjs";

export const SERVER_CORE = 0;
export const LOAD_CORE = 1;
const WARM_UP_SECONDS = 1;
const FIELDS = ["perSecond", "perCpuSecond", "cpuShare", "p50Ms", "loadedMb"];

async function measurePath(path, { child, port }, run) {
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

/* {name: figures} of {name: path}. */
export async function measurePaths(paths, server, run) {
    const cases = {};
    for (const [name, path] of Object.entries(paths))
        cases[name] = await measurePath(path, server, run);
    return cases;
}

/* {name: medians} of rounds of measurePaths(); a peer may have some of the paths only. */
export function digestPaths(paths, rounds) {
    const cases = {};
    for (const name of Object.keys(paths).filter((one) => one in rounds[0])) {
        const list = rounds.map((round) => round[name]);
        cases[name] = Object.fromEntries(FIELDS.map((field) => [field, medianOf(list, field)]));
        cases[name].failed = list.reduce((sum, { failed }) => sum + failed, 0);
    }
    return cases;
}
