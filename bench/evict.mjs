/* Memory of many idle workers, and what is left of it when they were evicted: the RSS of all
 * runtimes of `atoll serve` before anything was loaded, with everything loaded, and afterwards. */
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "./http.mjs";
import { ask, dataWith, workerNames } from "./loaders.mjs";
import { servePeers, untilTrue, withPlatform } from "./platform.mjs";
import { memoryMb } from "./proc.mjs";
import { interleave } from "./rounds.mjs";
import { medianOf } from "./stats.mjs";

const IDLE_SECONDS = 8;         /* long enough to load everything before the first one is evicted */
const SETTLE_MS = 2000;

async function loadedCount(platform) {
    return (await platform.processes()).reduce((sum, { workers }) => sum + workers, 0);
}

async function measureOnce(platform, names) {
    const connection = await Connection.open(platform.port);
    try {
        await sleep(SETTLE_MS);
        const before = memoryMb(platform.runtimes()).rssMb;
        for (const name of names)
            await ask(connection, platform, name);
        await sleep(SETTLE_MS);
        const loaded = memoryMb(platform.runtimes()).rssMb;
        await untilTrue(async () => await loadedCount(platform) === 0, "the eviction of every worker");
        await sleep(SETTLE_MS);
        const after = memoryMb(platform.runtimes()).rssMb;
        return { before, loaded, after, perIsolateMb: (loaded - before) / names.length };
    } finally {
        connection.close();
    }
}

/* Returns {peer: {before, loaded, after, perIsolateMb, leftShare, rounds}}, MB but for the share of
 * the growth that is left. */
export async function measureEvict(run) {
    const names = workerNames(run.workers);
    const config = { idle_seconds: IDLE_SECONDS, memory_mib: 8192 };
    const samples = await interleave("evict", servePeers(run.peers), run.rounds, run, async (peer) => {
        const data = await dataWith(peer, run, names);
        return withPlatform(peer, { data, config }, (platform) => measureOnce(platform, names));
    });
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => {
        const [before, loaded, after, perIsolateMb] = ["before", "loaded", "after", "perIsolateMb"]
            .map((field) => medianOf(rounds, field));
        return [name, { before, loaded, after, perIsolateMb, leftShare: (after - before) / (loaded - before), rounds }];
    }));
}
