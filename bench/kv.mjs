/* KV from a worker: gets of a hot key and of any, puts, 64 puts at once; beside hello world of the same process,
 * beside a plain C loop that commits 64 rows of SQLite at a time, and beside Redis where it is installed.
 *
 * The server, or the C loop, has core 0, wrk core 1. Each round begins with an empty namespace. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runChild } from "./child.mjs";
import { Connection } from "./http.mjs";
import { LOAD_CORE, SERVER_CORE, digestPaths, measurePaths } from "./paths.mjs";
import { writeProject } from "./projects.mjs";
import { hasRedis, measureRedis } from "./redis.mjs";
import { interleave } from "./rounds.mjs";
import { withServer } from "./serving.mjs";
import { medianOf } from "./stats.mjs";

const SLACK_MS = 10_000;
const PUTS_AT_ONCE = 64;
const CASES = { hello: "/", hot: "/hot", put: "/put", put64: "/put64", any: "/any" };

const PROGRAMS = fileURLToPath(new URL("programs", import.meta.url));

/* An empty project with a namespace. */
function freshProject(run, source) {
    const dir = join(run.work, "kv");
    rmSync(dir, { recursive: true, force: true });
    writeProject(dir, "kv", source, '[[kv_namespaces]]\nbinding = "KV"\nid = "bench"\n');
    return dir;
}

async function measureOnce(server, run) {
    const connection = await Connection.open(server.port);
    await connection.get({ host: `127.0.0.1:${server.port}`, path: "/set" });
    connection.close();
    return measurePaths(CASES, server, run);
}

/* Transactions of 64 rows a second. */
async function measureLoop(run) {
    const dir = join(run.work, "group_commit");
    const binary = join(dir, "group_commit");
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true });
    execFileSync("gcc", ["-O2", "-o", binary, join(PROGRAMS, "group_commit.c"), "-lsqlite3"]);
    const output = await runChild([binary, dir, String(run.seconds)], run.seconds * 1000 + SLACK_MS,
        { core: SERVER_CORE });
    rmSync(dir, { recursive: true, force: true });
    const [perSecond, perCpuSecond] = JSON.parse(output.match(/^JSON (.*)$/m)[1]).map((rows) => rows / PUTS_AT_ONCE);
    return { perSecond, perCpuSecond };
}

/* Peers that are no servers of workers. */
const LOOP = { name: "C loop" };
const REDIS = { name: "redis" };

function sampleOf(peer, run, source) {
    if (peer === LOOP)
        return measureLoop(run);
    if (peer === REDIS)
        return measureRedis(run, { serverCore: SERVER_CORE, loadCore: LOAD_CORE });
    return withServer(peer, peer.serve.dev, { core: SERVER_CORE, dir: freshProject(run, source) },
        (server) => measureOnce(server, run));
}

const digest = (rounds) => ({ cases: digestPaths(CASES, rounds), rounds });

/* {peer: {cases: {name: medians}, rounds}}; atoll's has the pace of the C loop. */
export async function measureKv(run) {
    const { build } = await import("esbuild");
    const servers = run.peers.filter((peer) => peer.serve.dev);
    const others = run.peers.some(({ name }) => name === "atoll") ? [LOOP, ...(hasRedis() ? [REDIS] : [])] : [];
    const source = (await build({ entryPoints: [join(PROGRAMS, "kv.mjs")], format: "esm", write: false })).outputFiles[0].text;
    const { [LOOP.name]: loop, ...samples } = await interleave("kv", [...servers, ...others], run.rounds, run,
        (peer) => sampleOf(peer, run, source));
    const results = Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name, digest(rounds)]));
    if (results.atoll && loop) {
        results.atoll.loopPerSecond = medianOf(loop, "perSecond");
        results.atoll.loopPerCpuSecond = medianOf(loop, "perCpuSecond");
    }
    return results;
}
