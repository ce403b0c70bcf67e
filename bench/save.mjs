/* Save to live: from writing a project's source until its development server gives the new
 * answer, which is asked for every millisecond over one connection. */
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { Connection } from "./http.mjs";
import { greeting, greetingSource, writeProject } from "./projects.mjs";
import { interleave } from "./rounds.mjs";
import { withServer } from "./serving.mjs";
import { summary } from "./stats.mjs";

const EDITS_PER_ROUND = 5;
const PAUSE_MS = 700;           /* between edits, and before the first */
const LIVE_MS = 15_000;

/* A server may drop its connections when it reloads; null stands for a failed request. */
async function getKept(state, port) {
    try {
        state.connection ??= await Connection.open(port);
        return await state.connection.get();
    } catch {
        state.connection?.close();
        state.connection = null;
        return null;
    }
}

async function editOnce(state, port, dir, text) {
    const start = process.hrtime.bigint();
    writeFileSync(join(dir, "app.mjs"), greetingSource(text));
    const elapsedMs = () => Number(process.hrtime.bigint() - start) / 1e6;
    while (elapsedMs() < LIVE_MS) {
        const answer = await getKept(state, port);
        if (answer?.body === greeting(text))
            return elapsedMs();
        await sleep(1);
    }
    throw new Error(`the new answer was not served within ${LIVE_MS} ms`);
}

async function measureOnce(port, dir) {
    const state = { connection: null };
    const times = [];
    try {
        for (let edit = 0; edit < EDITS_PER_ROUND; edit++) {
            await sleep(PAUSE_MS);
            times.push(await editOnce(state, port, dir, `edit ${edit}`));
        }
    } finally {
        state.connection?.close();
    }
    return times;
}

/* Returns {peer: summary of milliseconds} for the peers with a development server. */
export async function measureSave(run) {
    const able = run.peers.filter((peer) => peer.serve.dev);
    const samples = await interleave("save", able, run.rounds, run, (peer) => {
        const dir = join(run.work, "save");
        writeProject(dir, "save", greetingSource("first"));
        return withServer(peer, peer.serve.dev, { dir, body: greeting("first") },
            ({ port }) => measureOnce(port, dir));
    });
    return Object.fromEntries(
        Object.entries(samples).map(([name, rounds]) => [name, summary(rounds.flat())]));
}
