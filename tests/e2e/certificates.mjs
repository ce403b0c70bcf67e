// Certificates for servers of a test: a CA of its own, trusted through ATOLL_CA_FILE.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { project } from "./atoll.mjs";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** `caFile`, and { key, cert } of it for localhost and 127.0.0.1, and of nobody: `untrusted`. */
export function makeCertificates(t) {
  const dir = project(t);
  const openssl = (...args) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  for (const name of ["ca", "other"])
    openssl("req", "-x509", ...KEY, "-keyout", `${name}.key`, "-out", `${name}.pem`, "-days", "2", "-subj", `/CN=${name} of a test`);
  writeFileSync(join(dir, "names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  openssl("req", ...KEY, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost");
  openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
    "-out", "server.pem", "-days", "2", "-extfile", "names");
  const read = (name) => readFileSync(join(dir, name));
  return {
    caFile: join(dir, "ca.pem"),
    trusted: { key: read("server.key"), cert: read("server.pem") },
    untrusted: { key: read("other.key"), cert: read("other.pem") },
  };
}
