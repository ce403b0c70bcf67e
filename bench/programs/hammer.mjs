/* Requests without a pause over kept connections, each opened anew when it breaks:
 * `node hammer.mjs PORT HOST CONNECTIONS`, until standard input ends. Prints JSON: how many were answered,
 * and when and with what the others failed, in milliseconds since the epoch. */
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "../http.mjs";

const [port, host, count] = process.argv.slice(2).map((word, i) => (i === 1 ? word : Number(word)));
const failures = [];
let answered = 0;
let over = false;

process.stdin.on("end", () => { over = true; }).resume();

async function ask() {
    let connection = null;
    while (!over) {
        try {
            connection ??= await Connection.open(port);
        } catch (error) {
            failures.push({ at: Date.now(), why: `connect: ${error.message}` });
            await sleep(1);
            continue;
        }
        try {
            const { status } = await connection.get({ host });
            if (status === 200)
                answered++;
            else
                failures.push({ at: Date.now(), why: String(status) });
        } catch (error) {
            failures.push({ at: Date.now(), why: error.message });
            connection = null;
        }
    }
    connection?.close();
}

await Promise.all(Array.from({ length: count }, ask));
console.log(JSON.stringify({ answered, failures }));
