/* What one tenant does to another: the latency of a quiet worker, asked 200 times a second over 8 kept
 * connections, while another one loops, takes memory without end, floods its log, opens 10,000
 * connections, or sends its requests a byte at a time; each against the worker's own quiet time
 * right before it.
 *
 * The asker is a program of its own. All of them share the machine's cores, so the asker goes before
 * the attackers where the user may say so: what is measured is the server, not the asker's turn. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { runChild, startChild, stopChild } from "./child.mjs";
import { HELLO_SOURCE, newData, servePeers, withPlatform } from "./platform.mjs";
import { interleave } from "./rounds.mjs";
import { median, medianOf, percentile } from "./stats.mjs";

const PROGRAMS = fileURLToPath(new URL("programs", import.meta.url));
const ATTACKS = ["loop", "bomb", "flood", "connections", "slow"];
const PER_SECOND = 200;
const CONNECTIONS = 8;
const SECONDS = 5;
const SETTLE_MS = 500;
const BEHIND_MS = 500;          /* the attack, of the asker */
const SLACK_MS = 15_000;
const NAME = "neighbour";

async function askSteadily(platform) {
    const argv = [process.execPath, join(PROGRAMS, "steady.mjs"), String(platform.port), platform.target(NAME).host,
        String(PER_SECOND), String(CONNECTIONS), String(SECONDS)];
    const output = await runChild(argv, SECONDS * 1000 + SLACK_MS, { prefer: true, outputChars: Infinity });
    const { times, failed } = JSON.parse(output);
    return { p50Ms: median(times), p99Ms: percentile(times, 99), maxMs: Math.max(...times), failed };
}

/* The attack begins when the asker is at work: what its beginning does is measured, too. */
async function underAttack(platform, kind) {
    const asked = askSteadily(platform);
    await sleep(BEHIND_MS);
    const attacker = startChild([process.execPath, join(PROGRAMS, "attack.mjs"), kind, String(platform.port),
        platform.target(kind).host, String(SECONDS - BEHIND_MS / 1000)]);
    try {
        return await asked;
    } finally {
        await stopChild(attacker);
    }
}

async function measureOnce(platform, kind) {
    await platform.deploy(NAME, HELLO_SOURCE);
    await platform.deploy(kind, readFileSync(join(PROGRAMS, "noisy.mjs"), "utf8"));
    await sleep(SETTLE_MS);
    const quiet = await askSteadily(platform);
    const loud = await underAttack(platform, kind);
    return { quietMs: quiet.p99Ms, ...loud, ratio: loud.p99Ms / quiet.p99Ms };
}

/* A server for each attack: what one leaves behind is not another's. */
async function measureAttacks(peer, run) {
    const found = {};
    for (const kind of ATTACKS) {
        run.progress(`neighbours: ${kind}`);
        found[kind] = await withPlatform(peer, { data: newData(run, "neighbours") }, (platform) => measureOnce(platform, kind));
    }
    return found;
}

/* Returns {peer: {attack: {quietMs, p50Ms, p99Ms, maxMs, ratio, failed}}}, medians over the rounds. */
export async function measureNeighbours(run) {
    const samples = await interleave("neighbours", servePeers(run.peers), run.rounds, run, (peer) => measureAttacks(peer, run));
    const digest = (rounds) => ({
        ...Object.fromEntries(["quietMs", "p50Ms", "p99Ms", "maxMs", "ratio"].map((field) => [field, medianOf(rounds, field)])),
        failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
    });
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name,
        Object.fromEntries(ATTACKS.map((kind) => [kind, digest(rounds.map((round) => round[kind]))]))]));
}
