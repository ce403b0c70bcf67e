/* Redis beside KV: redis-server that syncs each write (appendfsync always), asked by redis-benchmark over 64
 * connections in Redis's own protocol. Debian's redis-server and redis-tools. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runChild, startChild, stopChild } from "./child.mjs";
import { freePort } from "./http.mjs";
import { CONNECTIONS } from "./load.mjs";
import { cpuSeconds, memoryMb, processTree } from "./proc.mjs";

const SERVER = "/usr/bin/redis-server";
const CLIENT = "/usr/bin/redis-benchmark";
const KEYS = 10_000;
const VALUE_BYTES = 100;
const AT_ONCE = 64;
const FEW = 20_000;             /* requests that tell about how many make a second */
const SLACK_MS = 60_000;
const READY_MS = 5000;

/* What a case of the measure `kv` is in Redis, and how many commands are on their way at once in a connection. */
const CASES = {
    hot: { command: ["GET", "hot"], pipeline: 1 },
    any: { command: ["GET", "key:__rand_int__"], pipeline: 1 },
    put: { command: ["SET", "key:__rand_int__", "x".repeat(VALUE_BYTES)], pipeline: 1 },
    put64: { command: ["SET", "key:__rand_int__", "x".repeat(VALUE_BYTES)], pipeline: AT_ONCE },
};

export const hasRedis = () => existsSync(SERVER) && existsSync(CLIENT);

/* Commands a second. */
async function ask(port, core, count, { command, pipeline }) {
    const output = await runChild([CLIENT, "-h", "127.0.0.1", "-p", String(port), "-c", String(CONNECTIONS), "--csv",
        "-r", String(KEYS), "-P", String(pipeline), "-n", String(count), ...command], SLACK_MS, { core });
    return Number(output.trim().split("\n").at(-1).split('","')[1]);
}

async function measureCase(one, { child, port }, seconds, core) {
    const commands = one.pipeline;
    const pace = await ask(port, core, FEW * commands, one);
    const before = cpuSeconds(child.pid);
    const perSecond = await ask(port, core, Math.ceil(pace * seconds), one);
    const cpu = cpuSeconds(child.pid) - before;
    return {
        perSecond: perSecond / commands,
        perCpuSecond: pace * seconds / commands / cpu,
        cpuShare: cpu / (pace * seconds / perSecond),
        p50Ms: NaN,
        failed: 0,
        loadedMb: memoryMb(processTree(child.pid)).rssMb,
    };
}

async function untilReady(child) {
    const until = Date.now() + READY_MS;
    while (!/Ready to accept connections/.test(child.output)) {
        if (child.isGone || Date.now() > until)
            throw new Error(`redis-server: ${child.output}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}

/* {case: sample} of one round, the server on one core, the client on another. */
export async function measureRedis(run, { serverCore, loadCore }) {
    const dir = join(run.work, "redis");
    const port = await freePort();
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true });
    const child = startChild([SERVER, "--bind", "127.0.0.1", "--port", String(port), "--dir", dir,
        "--appendonly", "yes", "--appendfsync", "always", "--save", ""], { core: serverCore });
    try {
        await untilReady(child);
        await ask(port, loadCore, 1, { command: ["SET", "hot", "x".repeat(VALUE_BYTES)], pipeline: 1 });
        const cases = {};
        for (const [name, one] of Object.entries(CASES))
            cases[name] = await measureCase(one, { child, port }, run.seconds, loadCore);
        return cases;
    } finally {
        await stopChild(child);
        rmSync(dir, { recursive: true, force: true });
    }
}
