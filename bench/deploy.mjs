/* Deploy to live: an upload of a 20 KB script through the API, esbuild and the start-up check
 * included, until its answer; then on connections of their own, spread over the runtimes, whether
 * each one gives the new answer. */
import { Connection } from "./http.mjs";
import { newData, servePeers, withPlatform } from "./platform.mjs";
import { interleave } from "./rounds.mjs";
import { summary } from "./stats.mjs";

const DEPLOYS_PER_ROUND = 50;
const SCRIPT_BYTES = 20_000;
const CONNECTIONS = 16;
const NAME = "app";

/* Functions that the default export uses, so that nothing of them is dropped. */
function sourceOf(text, bytes = SCRIPT_BYTES) {
    const parts = [];
    let size = 0;
    for (let i = 0; size < bytes; i++) {
        const part = `function step${i}(value) {\n    const parts = String(value).split(",");\n` +
            `    return parts.length > ${i} ? parts[${i}] + "${i}" : value;\n}\n`;
        parts.push(part);
        size += part.length + 10;
    }
    const names = parts.map((_, i) => `step${i}`).join(", ");
    return `${parts.join("")}const steps = [${names}];\nexport default {\n    fetch(request) {\n` +
        `        const text = request.url.length > 9000 ? steps.reduce((value, step) => step(value), "") : "";\n` +
        `        return new Response("${text}" + text);\n    },\n};\n`;
}

async function deployOnce(platform, connections, text) {
    const source = sourceOf(text);
    const start = process.hrtime.bigint();
    await platform.deploy(NAME, source);
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    const answers = await Promise.all(connections.map((connection) => connection.get(platform.target(NAME))));
    return { ms, stale: answers.filter(({ body }) => body !== text).length };
}

/* The connections stay open over the deploys: a runtime may not answer from an old version on any. */
async function measureOnce(platform) {
    await platform.deploy(NAME, sourceOf("first"));
    const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(platform.port)));
    const samples = [];
    try {
        for (let i = 0; i < DEPLOYS_PER_ROUND; i++)
            samples.push(await deployOnce(platform, connections, `deploy ${i}`));
    } finally {
        connections.forEach((connection) => connection.close());
    }
    return samples;
}

/* Returns {peer: summary of milliseconds, with `stale`: answers of an old version}. */
export async function measureDeploy(run) {
    const samples = await interleave("deploy", servePeers(run.peers), run.rounds, run, (peer) =>
        withPlatform(peer, { data: newData(run, "deploy") }, measureOnce));
    return Object.fromEntries(Object.entries(samples).map(([name, rounds]) => [name, {
        ...summary(rounds.flat().map(({ ms }) => ms)),
        stale: rounds.flat().reduce((sum, { stale }) => sum + stale, 0),
    }]));
}
