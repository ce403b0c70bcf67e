/* CPU time per hello-world request with two runtimes against that with one: what sharing a listening
 * socket, a supervisor and metering cost. The server's processes share core 0, wrk has core 1. */
import { setTimeout as sleep } from "node:timers/promises";
import { load } from "./load.mjs";
import { HELLO_SOURCE, newData, servePeers, withPlatform } from "./platform.mjs";
import { cpuSeconds } from "./proc.mjs";
import { interleave } from "./rounds.mjs";
import { medianOf } from "./stats.mjs";

const SERVER_CORE = 0;
const LOAD_CORE = 1;
const WARM_UP_SECONDS = 1;
const SETTLE_MS = 300;
const NAME = "hello";

async function measureOnce(platform, seconds) {
    await platform.deploy(NAME, HELLO_SOURCE);
    await sleep(SETTLE_MS);
    const host = platform.target(NAME).host;
    await load(platform.port, WARM_UP_SECONDS, LOAD_CORE, { host });
    const before = cpuSeconds(platform.child.pid);
    const { requests, failed } = await load(platform.port, seconds, LOAD_CORE, { host });
    const cpu = cpuSeconds(platform.child.pid) - before;
    return { requests, failed, perCpuSecond: requests / cpu };
}

/* Returns {peer: {one, two, ratio, rounds}}: requests per CPU second, and how many times the CPU time
 * of a request with one runtime it takes with two. */
export async function measureScale(run) {
    const samples = await interleave("scale", servePeers(run.peers), run.rounds, run, async (peer) => {
        const of = (runtimes) => withPlatform(peer, { data: newData(run, "scale"), config: { runtimes }, core: SERVER_CORE },
            (platform) => measureOnce(platform, run.seconds));
        const one = await of(1);
        const two = await of(2);
        return { one: one.perCpuSecond, two: two.perCpuSecond, failed: one.failed + two.failed };
    });
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => {
        const [one, two] = [medianOf(rounds, "one"), medianOf(rounds, "two")];
        return [name, { one, two, ratio: one / two, failed: rounds.reduce((sum, { failed }) => sum + failed, 0), rounds }];
    }));
}
