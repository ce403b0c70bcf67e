// The suite's own server, `wpt serve` of the checkout, on free ports of 127.0.0.1. Its names are
// localhost and *.localhost, which every resolver knows.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const START = "import sys; sys.path.insert(0, sys.argv.pop(1) + '/tools'); import localpaths; from serve import serve; serve.main()";
const START_MS = 60_000;

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => new Promise((resolve) => {
      const server = net.createServer().listen(0, "127.0.0.1", () => resolve(server));
    })),
  );
  const ports = servers.map((server) => server.address().port);
  for (const server of servers) server.close();
  return ports;
}

async function until(url, child) {
  for (const begin = Date.now(); Date.now() - begin < START_MS; await sleep(100)) {
    if (child.exitCode !== null) throw new Error(`the suite's server ended with status ${child.exitCode}`);
    try {
      if ((await fetch(url)).ok) return;
    } catch {}
  }
  throw new Error(`the suite's server does not answer at ${url}`);
}

// The WebSocket server is a process that starts by itself, later than the one for HTTP.
async function untilListening(port) {
  for (const begin = Date.now(); ; await sleep(100)) {
    const isOpen = await new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isOpen) return;
    if (Date.now() - begin > START_MS) throw new Error(`the suite's server does not listen on port ${port}`);
  }
}

// Resolves to { origin, authority, stop }; `authority` is the file of the certificates' authority.
export async function startServer(root, scratch) {
  const [http, http2, https, https2, ws, wss, h2] = await freePorts(7);
  const config = path.join(scratch, "server.json");
  const ports = { http: [http, http2], https: [https, https2], ws: [ws], wss: [wss], h2: [h2] };
  for (const unused of ["http-local", "http-public", "https-local", "https-public", "webtransport-h3"]) ports[unused] = [null];
  writeFileSync(config, JSON.stringify({
    browser_host: "localhost",
    alternate_hosts: { alt: "not-localhost.localhost" },
    check_subdomains: false,
    logging: { level: "error" },
    ssl: { type: "openssl", openssl: { base_path: path.join(scratch, "certificates") } },
    ports,
  }));
  const child = spawn("python3", ["-c", START, root, "--config", config], { detached: true, stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (text) => (complaint = (complaint + text).slice(-4000)));
  const stop = () => {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {}
  };
  try {
    await until(`http://localhost:${http}/common/text-plain.txt`, child);
    await Promise.all([untilListening(ws), untilListening(wss)]);
  } catch (error) {
    stop();
    throw new Error(`${error.message}\n${complaint}`);
  }
  return { origin: `http://localhost:${http}`, authority: path.join(scratch, "certificates", "cacert.pem"), stop };
}
