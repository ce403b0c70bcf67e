/* Cold start: the first answer of a worker that was never loaded, over one kept connection.
 *
 * Two series: back to back, where no time is left to get ready for the next one, and spaced.
 * A second request to the workers of the first series tells whether they were still loaded. */
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "./http.mjs";
import { ask, loadingPeers, withLoader, workerNames } from "./loaders.mjs";
import { interleave } from "./rounds.mjs";
import { summary } from "./stats.mjs";

const FEW = 5;                  /* loaded before the clock is looked at */
const SPACE_MS = 20;
const SETTLE_MS = 500;          /* after start-up */

async function askAll(connection, server, names, pauseMs = 0) {
    const times = [];
    for (const name of names) {
        if (pauseMs)
            await sleep(pauseMs);
        times.push(await ask(connection, server, name));
    }
    return times;
}

async function measureOnce(server, names, spaced) {
    await sleep(SETTLE_MS);
    const connection = await Connection.open(server.port);
    try {
        await askAll(connection, server, names.slice(0, FEW));
        return {
            cold: await askAll(connection, server, names.slice(FEW)),
            spaced: await askAll(connection, server, spaced, SPACE_MS),
            again: await askAll(connection, server, names.slice(FEW)),
        };
    } finally {
        connection.close();
    }
}

/* Returns {peer: {cold, spaced, again}}, each a summary of milliseconds. */
export async function measureCold(run) {
    const names = workerNames(FEW + 2 * run.workers);
    const backToBack = names.slice(0, FEW + run.workers);
    const spaced = names.slice(FEW + run.workers);
    const samples = await interleave("cold", loadingPeers(run.peers), run.rounds, run, (peer) =>
        withLoader(peer, run, names, (server) => measureOnce(server, backToBack, spaced)));
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name, {
        cold: summary(rounds.flatMap((round) => round.cold)),
        spaced: summary(rounds.flatMap((round) => round.spaced)),
        again: summary(rounds.flatMap((round) => round.again)),
    }]));
}
