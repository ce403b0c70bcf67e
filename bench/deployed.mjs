/* What workers cost that are deployed and not loaded, 100,000 of them: memory of the supervisor and
 * its runtimes above that of an empty server, and the first request to a random one.
 *
 * One worker is deployed through the API; the others are copies of its rows, made with sqlite3 while
 * the server is stopped, for 100,000 uploads would take hours of esbuild. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "./http.mjs";
import { HELLO_SOURCE, newData, servePeers, withPlatform } from "./platform.mjs";
import { memoryMb } from "./proc.mjs";
import { interleave } from "./rounds.mjs";
import { medianOf, summary } from "./stats.mjs";

const DEPLOYED = 100_000;
const ASKED = 300;
const SPACE_MS = 20;
const SETTLE_MS = 2000;

/* Copies of script 1 under the names c1 ..., each with a version and a deployment of its own. */
const CLONE = `
    CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${DEPLOYED})
        SELECT i, i + 1000000 AS id, printf('00000000-0000-4000-8000-%012d', i) AS version FROM n;
    INSERT INTO script SELECT n.id, account, 'c' || i, printf('%032d', i), created_ms, modified_ms, workers_dev,
        previews, migration_tag, min_instances, settings FROM n, script WHERE script.name = 'first';
    INSERT INTO version SELECT n.id, n.version, n.id, number, created_ms, body FROM n,
        (SELECT v.number, v.created_ms, v.body FROM version v JOIN script s ON s.id = v.script_id
         WHERE s.name = 'first');
    INSERT INTO content SELECT hash, n.id FROM n, (SELECT c.hash FROM content c JOIN version v ON
        v.seq = c.version JOIN script s ON s.id = v.script_id WHERE s.name = 'first');
    INSERT INTO deployment SELECT n.id, printf('00000000-0000-4000-9000-%012d', i), n.id, d.created_ms,
        replace(d.versions, d.version, n.version), replace(d.body, d.version, n.version) FROM n,
        (SELECT d.created_ms, d.versions, d.body, v.id AS version FROM deployment d JOIN script s ON
         s.id = d.script_id JOIN version v ON v.script_id = s.id WHERE s.name = 'first') d;`;

async function memoryOf(platform) {
    await sleep(SETTLE_MS);
    return memoryMb(platform.pids()).rssMb;
}

/* The data directory with all of them. */
async function prepare(peer, run) {
    const data = newData(run, "deployed");
    await withPlatform(peer, { data }, (platform) => platform.deploy("first", HELLO_SOURCE));
    execFileSync("sqlite3", [join(data, "registry.db"), `BEGIN; ${CLONE} COMMIT; PRAGMA wal_checkpoint(TRUNCATE);`]);
    return data;
}

async function askRandom(platform) {
    const connection = await Connection.open(platform.port);
    const times = [];
    try {
        for (let i = 0; i < ASKED; i++) {
            await sleep(SPACE_MS);
            const name = `c${1 + Math.floor(Math.random() * DEPLOYED)}`;
            const { status, body, ms } = await connection.get(platform.target(name));
            if (status !== 200)
                throw new Error(`${name} answered ${status} ${body.slice(0, 200)}`);
            times.push(ms);
        }
    } finally {
        connection.close();
    }
    return times;
}

/* Returns {peer: {emptyMb, fullMb, first, rounds}}; `first` is a summary of milliseconds. */
export async function measureDeployed(run) {
    let data;
    const samples = await interleave("deployed", servePeers(run.peers), run.rounds, run, async (peer) => {
        data ??= await prepare(peer, run);
        const emptyMb = await withPlatform(peer, { data: newData(run, "empty") }, memoryOf);
        return withPlatform(peer, { data }, async (platform) => ({
            emptyMb,
            fullMb: await memoryOf(platform),
            times: await askRandom(platform),
        }));
    });
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name, {
        emptyMb: medianOf(rounds, "emptyMb"),
        fullMb: medianOf(rounds, "fullMb"),
        first: summary(rounds.flatMap(({ times }) => times)),
        rounds,
    }]));
}
