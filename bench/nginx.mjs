/* nginx as a peer, where Debian's nginx-light is installed (installing it starts it: stop that one): one worker
 * that serves the files below `<dir>/public`, with Debian's settings but for its log, which is off. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HELLO } from "./peers.mjs";

const BINARY = "/usr/sbin/nginx";

export const hasNginx = () => existsSync(BINARY);

export const NGINX = {
    name: "nginx",
    command: ({ port, dir }) => {
        writeFileSync(join(dir, "nginx.conf"), `worker_processes 1; daemon off; pid ${dir}/pid; error_log ${dir}/log;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 10000000;
  server { listen 127.0.0.1:${port}; root ${dir}/public; location = / { return 200 ${JSON.stringify(HELLO)}; } } }\n`);
        return [BINARY, "-e", `${dir}/log`, "-c", join(dir, "nginx.conf")];
    },
};
