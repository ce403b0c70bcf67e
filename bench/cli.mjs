/* The command line: from the start of `deploy` to its end, which is when the worker answers and its
 * address is printed, and of `--version`; each command in turn with the same project against the same
 * `atoll serve`. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startChild } from "./child.mjs";
import { availablePeers } from "./peers.mjs";
import { TOKEN, newData, withPlatform } from "./platform.mjs";
import { writeProject } from "./projects.mjs";
import { interleave } from "./rounds.mjs";
import { summary } from "./stats.mjs";

const PROGRAMS = fileURLToPath(new URL("programs", import.meta.url));
const CASES = ["deploy hello", "deploy hono", "--version"];

/* Hono is found in node_modules above, and bundled by each command itself. */
function writeProjects(run) {
    return Object.fromEntries(["hello", "hono"].map((name) => {
        const dir = join(run.work, "cli", name);
        writeProject(dir, name, readFileSync(join(PROGRAMS, `${name}.mjs`), "utf8"));
        return [name, dir];
    }));
}

/* Nothing of the user's own profiles counts, and wrangler finds no login. */
function environment(peer, run, platform) {
    const home = join(run.work, "cli", "home");
    mkdirSync(home, { recursive: true });
    return {
        ...peer.env,
        HOME: home,
        XDG_CONFIG_HOME: home,
        NO_COLOR: "1",
        CLOUDFLARE_API_BASE_URL: `${platform.admin}/client/v4`,
        CLOUDFLARE_API_TOKEN: TOKEN,
        CLOUDFLARE_ACCOUNT_ID: "default",
    };
}

async function runOnce(argv, options) {
    const start = process.hrtime.bigint();
    const child = startChild(argv, options);
    const code = await child.exited;
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    if (code !== 0)
        throw new Error(`${argv.join(" ")} ended with ${code}: ${child.output.trim()}`);
    return ms;
}

async function measureOnce(peer, run, platform, dirs) {
    const env = environment(peer, run, platform);
    const times = {};
    for (const name of CASES) {
        const [word, project] = name.split(" ");
        const args = project ? [word, "--name", `${project}-${peer.name}`] : [word];
        times[name] = await runOnce([...peer.cli(peer.binary), ...args], { cwd: dirs[project ?? "hello"], env });
    }
    return times;
}

/* Returns {peer: {cases: {name: summary of milliseconds}}}. An untimed turn comes first, for the file
 * caches and for the workers, which are there from then on. */
export async function measureCli(run) {
    const able = run.peers.filter((peer) => peer.cli);
    const server = availablePeers(["atoll serve"], run.atoll, () => {})[0];
    if (!able.length || !server)
        return {};
    const dirs = writeProjects(run);
    const samples = await withPlatform(server, { data: newData(run, "cli") }, (platform) =>
        interleave("cli", able, run.rounds, run, async (peer, round) => {
            if (round === 0)
                await measureOnce(peer, run, platform, dirs);
            return measureOnce(peer, run, platform, dirs);
        }));
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name, {
        cases: Object.fromEntries(CASES.map((each) => [each, summary(rounds.map((times) => times[each]))])),
    }]));
}
