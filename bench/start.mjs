/* Time from process start to the first answer of a hello project, asked for every millisecond. */
import { join } from "node:path";
import { interleave } from "./rounds.mjs";
import { withServer } from "./serving.mjs";
import { summary } from "./stats.mjs";

/* The command a developer waits for: the development server where a peer has one. */
function commandOf(peer) {
    return peer.serve.dev ?? peer.serve.hello;
}

function startOnce(peer, dir) {
    const start = process.hrtime.bigint();
    return withServer(peer, commandOf(peer), { dir },
        () => Number(process.hrtime.bigint() - start) / 1e6);
}

/* Returns {peer: summary of milliseconds}. An untimed start comes first, for the file caches. */
export async function measureStart(run) {
    const dir = join(run.work, "hello");
    const able = run.peers.filter(commandOf);
    const samples = await interleave("start", able, run.rounds, run, async (peer, round) => {
        if (round === 0)
            await startOnce(peer, dir);
        return startOnce(peer, dir);
    });
    return Object.fromEntries(
        Object.entries(samples).map(([name, times]) => [name, summary(times)]));
}
