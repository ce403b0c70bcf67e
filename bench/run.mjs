/* Runs the benchmarks: node bench/run.mjs [options]; see README.md beside this file. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measureBodies } from "./bodies.mjs";
import { killChildrenNow } from "./child.mjs";
import { measureCli } from "./cli.mjs";
import { measureCold } from "./cold.mjs";
import { measureD1 } from "./d1.mjs";
import { measureDeploy } from "./deploy.mjs";
import { measureDeployed } from "./deployed.mjs";
import { measureEvict } from "./evict.mjs";
import { measureKill } from "./kill.mjs";
import { measureKv } from "./kv.mjs";
import { measureMemory } from "./memory.mjs";
import { measureNeighbours } from "./neighbours.mjs";
import { PEERS, availablePeers } from "./peers.mjs";
import { writePrograms } from "./projects.mjs";
import { measureR2 } from "./r2.mjs";
import { tableOf, targetsTable } from "./report.mjs";
import { measureSave } from "./save.mjs";
import { measureScale } from "./scale.mjs";
import { measureStart } from "./start.mjs";
import { measureStatic } from "./static.mjs";
import { checkTargets } from "./targets.mjs";
import { measureThroughput } from "./throughput.mjs";

const BUILD = fileURLToPath(new URL("../build/bench", import.meta.url));

const MEASURES = {
    hello: (run) => measureThroughput("hello", run),
    hono: (run) => measureThroughput("hono", run),
    ...Object.fromEntries(["text", "json", "upload", "pipe", "sha256", "url"]
        .map((name) => [name, (run) => measureBodies(name, run)])),
    kv: measureKv,
    d1: measureD1,
    r2: measureR2,
    static: measureStatic,
    cold: measureCold,
    memory: measureMemory,
    start: measureStart,
    save: measureSave,
    evict: measureEvict,
    deployed: measureDeployed,
    deploy: measureDeploy,
    neighbours: measureNeighbours,
    kill: measureKill,
    scale: measureScale,
    cli: measureCli,
};

const USAGE = `usage: node bench/run.mjs [options]
  --rounds N      rounds of every measure (5)
  --seconds S     whole seconds of load in a round (3)
  --workers K     workers loaded in a round of cold and memory (200)
  --gigabytes N   also an object of so many GB in and out, in r2 (none)
  --only A,B      of ${Object.keys(MEASURES).join(",")}
  --peers A,B     of ${Object.keys(PEERS).join(",")} (those available)
  --atoll PATH    the binary to measure (build/atoll)
  --out PATH      where to write JSON (build/bench/<date>.json)`;

function warn(message) {
    console.error(`bench: ${message}`);
}

function fail(message) {
    warn(message);
    process.exit(2);
}

function wholeNumber(text, name) {
    if (!/^[1-9]\d{0,3}$/.test(text))
        fail(`--${name} wants a whole number from 1 to 9999, not ${text}`);
    return Number(text);
}

/* The names of a list such as "hello,cold", all of them keys of known. */
function namesIn(text, known, noun) {
    const names = text.split(",");
    const stranger = names.find((name) => !Object.hasOwn(known, name));
    if (stranger !== undefined)
        fail(`no ${noun} is called ${JSON.stringify(stranger)}\n${USAGE}`);
    return names;
}

function parseOptions() {
    let values;
    try {
        ({ values } = parseArgs({
            options: {
                rounds: { type: "string", default: "5" },
                seconds: { type: "string", default: "3" },
                workers: { type: "string", default: "200" },
                gigabytes: { type: "string" },
                only: { type: "string", default: Object.keys(MEASURES).join(",") },
                peers: { type: "string" },
                atoll: { type: "string" },
                out: { type: "string" },
                help: { type: "boolean" },
            },
        }));
    } catch (error) {
        fail(`${error.message}\n${USAGE}`);
    }
    if (values.help) {
        console.log(USAGE);
        process.exit(0);
    }
    return {
        only: namesIn(values.only, MEASURES, "measure"),
        rounds: wholeNumber(values.rounds, "rounds"),
        seconds: wholeNumber(values.seconds, "seconds"),
        workers: wholeNumber(values.workers, "workers"),
        gigabytes: values.gigabytes && wholeNumber(values.gigabytes, "gigabytes"),
        peers: values.peers && namesIn(values.peers, PEERS, "peer"),
        atoll: values.atoll && resolve(values.atoll),
        out: values.out,
    };
}

/* In Debian's packages wrk, util-linux and sqlite3. */
function requireTools() {
    for (const tool of ["wrk", "taskset", "sqlite3"]) {
        try {
            execFileSync("sh", ["-c", `command -v ${tool}`]);
        } catch {
            fail(`${tool} is not installed`);
        }
    }
    if (!existsSync(new URL("node_modules/esbuild", import.meta.url)))
        fail("the peers are not installed; run npm ci --prefix bench");
    if (cpus().length < 2)
        fail("two CPUs are needed, one for the server and one for the load");
}

function machine() {
    return {
        cpu: cpus()[0].model.trim(),
        cpus: cpus().length,
        memoryMb: Math.round(totalmem() / 1024 / 1024),
        kernel: release(),
        loadAverage: loadavg()[0],
    };
}

/* Nothing that was started outlives the runner, however it ends. */
function killChildrenOnExit() {
    process.on("exit", killChildrenNow);
    process.on("SIGINT", () => process.exit(130));
    process.on("SIGTERM", () => process.exit(143));
}

/* What the measures share: what to run, where, and whom to tell. */
function newRun(options) {
    const failures = [];
    return {
        ...options,
        work: join(BUILD, "work"),
        peers: availablePeers(options.peers, options.atoll, warn),
        failures,
        progress: (text) => {
            if (process.stderr.isTTY)
                process.stderr.write(`\r\x1b[K${text}`);
        },
        fail: (text) => {
            failures.push(text);
            console.error(`\nbench: ${text}`);
        },
    };
}

async function main() {
    const options = parseOptions();
    const started = new Date();
    requireTools();
    killChildrenOnExit();

    const run = newRun(options);
    if (!run.peers.length)
        fail("there is no peer to measure");
    const host = machine();
    const versions = Object.fromEntries(run.peers.map(({ name, version }) => [name, version]));
    console.log(`${host.cpu}, ${host.cpus} CPUs, load average ${host.loadAverage.toFixed(2)}; ` +
        Object.entries(versions).map((pair) => pair.join(" ")).join(", "));
    await writePrograms(run.work);

    const results = {};
    for (const measure of options.only) {
        results[measure] = await MEASURES[measure](run);
        run.progress("");
        console.log(`\n${tableOf(measure, results[measure])}`);
    }
    const targets = checkTargets(results);
    if (targets.length)
        console.log(`\n${targetsTable(targets)}`);

    const stamp = started.toISOString().slice(0, 19).replaceAll(":", "-");
    const path = options.out ?? join(BUILD, `${stamp}.json`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify({
        started, machine: host, versions, options, targets, results, failures: run.failures,
    }, null, 1));
    console.log(`\nwritten to ${path}`);
    process.exitCode = run.failures.length ? 1 : 0;
}

await main();
