/* Requests at a fixed rate: `node steady.mjs PORT HOST PER_SECOND CONNECTIONS SECONDS`. Prints JSON: the
 * milliseconds of each answer from when its request was due, and how many failed. */
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "../http.mjs";

const [port, host, perSecond, count, seconds] = process.argv.slice(2).map((word, i) => (i === 1 ? word : Number(word)));
const idle = await Promise.all(Array.from({ length: count }, () => Connection.open(port)));
const waiting = [];         /* when each request was due that no connection was free for */
const times = [];
let failed = 0;
let open = 0;

async function send(connection, due) {
    let used = connection;
    open++;
    try {
        const { status } = await used.get({ host });
        times.push(performance.now() - due);
        failed += status !== 200;
    } catch {
        failed++;
        used = await Connection.open(port).catch(() => null);
    }
    open--;
    if (used && waiting.length)
        send(used, waiting.shift());
    else if (used)
        idle.push(used);
}

const start = performance.now();
const total = perSecond * seconds;
for (let sent = 0; sent < total; sent++) {
    const due = start + sent * 1000 / perSecond;
    /* Timers are a millisecond early or late: what is left is turned away in the loop. */
    if (due - performance.now() > 1.5)
        await sleep(due - performance.now() - 1);
    while (performance.now() < due)
        await new Promise(setImmediate);
    if (idle.length)
        send(idle.shift(), due);
    else
        waiting.push(due);
}
for (let wait = 0; open && wait < 200; wait++)
    await sleep(10);
console.log(JSON.stringify({ times, failed: failed + open + waiting.length }));
process.exit(0);
