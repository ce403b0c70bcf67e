/* Resident memory of a further idle hello isolate: what the process that holds the isolates grew
 * by from a few workers loaded to many, divided by their number. */
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "./http.mjs";
import { ask, loadingPeers, withLoader, workerNames } from "./loaders.mjs";
import { memoryMb } from "./proc.mjs";
import { interleave } from "./rounds.mjs";
import { summary } from "./stats.mjs";

const FEW = 10;
const SETTLE_MS = 2000;         /* idle before memory is read */

async function measureOnce(server, names) {
    const connection = await Connection.open(server.port);
    try {
        for (const name of names.slice(0, FEW))
            await ask(connection, server, name);
        await sleep(SETTLE_MS);
        const before = memoryMb(server.pids());
        for (const name of names.slice(FEW))
            await ask(connection, server, name);
        await sleep(SETTLE_MS);
        const after = memoryMb(server.pids());
        return { before, after, perIsolateMb: (after.rssMb - before.rssMb) / (names.length - FEW) };
    } finally {
        connection.close();
    }
}

/* Returns {peer: {perIsolateMb, fewMb, manyMb}}, each a summary. */
export async function measureMemory(run) {
    const names = workerNames(FEW + run.workers);
    const samples = await interleave("memory", loadingPeers(run.peers), run.rounds, run, (peer) =>
        withLoader(peer, run, names, (server) => measureOnce(server, names)));
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name, {
        perIsolateMb: summary(rounds.map((round) => round.perIsolateMb)),
        fewMb: summary(rounds.map((round) => round.before.rssMb)),
        manyMb: summary(rounds.map((round) => round.after.rssMb)),
    }]));
}
