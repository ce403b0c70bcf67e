/* D1 from a worker: a row by its key, a list of 20, a write; beside hello world of the same process.
 *
 * The server has core 0, wrk core 1. Each round begins with a database of its own. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Connection } from "./http.mjs";
import { SERVER_CORE, digestPaths, measurePaths } from "./paths.mjs";
import { writeProject } from "./projects.mjs";
import { interleave } from "./rounds.mjs";
import { withServer } from "./serving.mjs";

const CASES = { hello: "/", select: "/select", list: "/list", insert: "/insert" };
const SOURCE = fileURLToPath(new URL("programs/d1.mjs", import.meta.url));

function freshProject(run) {
    const dir = join(run.work, "d1");
    rmSync(dir, { recursive: true, force: true });
    writeProject(dir, "d1", readFileSync(SOURCE, "utf8"),
        '[[d1_databases]]\nbinding = "DB"\ndatabase_name = "bench"\ndatabase_id = "bench"\n');
    return dir;
}

async function measureOnce(server, run) {
    const connection = await Connection.open(server.port);
    await connection.get({ host: `127.0.0.1:${server.port}`, path: "/set" });
    connection.close();
    return measurePaths(CASES, server, run);
}

const digest = (rounds) => ({ cases: digestPaths(CASES, rounds), rounds });

/* {peer: {cases: {name: medians}, rounds}} */
export async function measureD1(run) {
    const able = run.peers.filter((peer) => peer.serve.dev);
    const samples = await interleave("d1", able, run.rounds, run, (peer) =>
        withServer(peer, peer.serve.dev, { core: SERVER_CORE, dir: freshProject(run) },
            (server) => measureOnce(server, run)));
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name, digest(rounds)]));
}
