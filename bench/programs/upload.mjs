/* Uploads bodies one after the other for a while: `node upload.mjs PORT SECONDS BYTES`. Prints JSON. */
import { Agent, request } from "node:http";

const [port, seconds, size] = process.argv.slice(2).map(Number);
const piece = Buffer.alloc(1 << 18, 120);
const agent = new Agent({ keepAlive: true });

function send() {
    return new Promise((resolve, reject) => {
        const upload = request({
            agent, port, host: "127.0.0.1", method: "POST", path: "/upload", headers: { "content-length": size },
        });
        let left = size;
        const write = () => {
            while (left > 0) {
                const bytes = left < piece.length ? piece.subarray(0, left) : piece;
                left -= bytes.length;
                if (!upload.write(bytes))
                    return;
            }
            upload.off("drain", write);
            upload.end();
        };
        upload.on("drain", write);
        upload.on("error", reject);
        upload.on("response", (answer) => {
            let text = "";
            answer.setEncoding("utf8").on("data", (more) => { text += more; }).on("end", () => {
                if (text === String(size))
                    resolve();
                else
                    reject(new Error(`${answer.statusCode}: ${text.slice(0, 200)}`));
            });
        });
        write();
    });
}

const start = performance.now();
let requests = 0;
while (performance.now() - start < seconds * 1000) {
    await send();
    requests++;
}
const elapsed = (performance.now() - start) / 1000;
console.log(`JSON ${JSON.stringify({ requests, seconds: elapsed, failed: 0, p50Ms: elapsed * 1000 / requests })}`);
