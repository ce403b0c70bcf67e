/* kill -9 of a runtime under load: how long until a new connection is answered, and until as many
 * processes accept connections as before; which requests failed; and whether usage tells of all
 * that were answered. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { startChild, stopChild } from "./child.mjs";
import { HELLO_SOURCE, newData, servePeers, withPlatform } from "./platform.mjs";
import { interleave } from "./rounds.mjs";
import { summary } from "./stats.mjs";

const HAMMER = fileURLToPath(new URL("programs/hammer.mjs", import.meta.url));
const CONNECTIONS = 16;
const KILLS_PER_ROUND = 5;
const WARM_UP_MS = 1000;
const BETWEEN_MS = 2500;        /* usage is told once a second */
const BACK_MS = 10_000;
const NAME = "hello";

function accepting(processes) {
    return processes.filter(({ lane, ready }) => lane === "fast" && ready);
}

async function elapsedUntil(check) {
    const start = performance.now();
    while (!await check()) {
        if (performance.now() - start > BACK_MS)
            throw new Error(`the server was not back in ${BACK_MS} ms`);
        await sleep(1);
    }
    return performance.now() - start;
}

/* Kills the accepting runtime that works most; times both ways to be back from there. */
async function killOnce(platform) {
    const before = accepting(await platform.processes());
    const { pid } = before.sort((a, b) => b.busy - a.busy)[0];
    process.kill(pid, "SIGKILL");
    const [answerMs, fullMs] = await Promise.all([
        elapsedUntil(async () => (await platform.ask(NAME).catch(() => null))?.status === 200),
        elapsedUntil(async () => {
            const now = accepting(await platform.processes());
            return now.length >= before.length && !now.some((other) => other.pid === pid);
        }),
    ]);
    return { answerMs, fullMs };
}

async function usedRequests(platform) {
    const { rows } = await platform.api("GET", `/accounts/default/workers/scripts/${NAME}/usage`);
    return rows.reduce((sum, { requests }) => sum + requests, 0);
}

async function measureOnce(platform) {
    await platform.deploy(NAME, HELLO_SOURCE);
    const hammer = startChild([process.execPath, HAMMER, String(platform.port), platform.target(NAME).host,
        String(CONNECTIONS)], { input: true });
    const kills = [];
    try {
        await sleep(WARM_UP_MS);
        for (let i = 0; i < KILLS_PER_ROUND; i++) {
            kills.push(await killOnce(platform));
            await sleep(BETWEEN_MS);
        }
        hammer.input.end();
        await hammer.exited;
    } finally {
        await stopChild(hammer);
    }
    await sleep(BETWEEN_MS);
    const { answered, failures } = JSON.parse(hammer.output.trim().split("\n").at(-1));
    return { kills, answered, failures, used: await usedRequests(platform) };
}

/* Returns {peer: {answer, full, failedPerKill, answered, used, unseenShare, rounds}}. */
export async function measureKill(run) {
    const samples = await interleave("kill", servePeers(run.peers), run.rounds, run, (peer) =>
        withPlatform(peer, { data: newData(run, "kill") }, measureOnce));
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => {
        const kills = rounds.flatMap((round) => round.kills);
        const sum = (field) => rounds.reduce((total, round) => total + field(round), 0);
        return [name, {
            answer: summary(kills.map(({ answerMs }) => answerMs)),
            full: summary(kills.map(({ fullMs }) => fullMs)),
            failedPerKill: sum(({ failures }) => failures.length) / kills.length,
            connections: CONNECTIONS,
            answered: sum(({ answered }) => answered),
            used: sum(({ used }) => used),
            rounds,
        }];
    }));
}
