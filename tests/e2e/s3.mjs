// `atoll serve --s3` for tests: keys, and requests that are signed here, so that a test can sign what no client would.
import { createHash, createHmac } from "node:crypto";
import { request } from "node:http";
import { serve } from "./serve.mjs";

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const pathOf = (path) => path.split("/").map(encode).join("/");
const queryOf = (query) =>
  Object.entries(query).map(([name, value]) => [encode(name), encode(String(value))])
    .sort(([a], [b]) => (a < b ? -1 : 1)).map((pair) => pair.join("=")).join("&");

/** "20261121T150000Z" */
export const stamp = (time = Date.now()) => new Date(time).toISOString().replace(/[-:]|\.\d+/g, "");

function signingKey(secret, scope) {
  const [date, region, service] = scope.split("/");
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), "aws4_request");
}

function signature(key, { method, path, query, headers, names, hash, time, scope }) {
  const lines = names.map((name) => `${name}:${headers[name].trim().replace(/ +/g, " ")}\n`).join("");
  const canonical = [method, pathOf(path), queryOf(query), lines, names.join(";"), hash].join("\n");
  return hmac(key, ["AWS4-HMAC-SHA256", time, scope, sha256(Buffer.from(canonical, "latin1"))].join("\n")).toString("hex");
}

/** The signatures of chunks, one after the other. */
export function chain(signed) {
  let last = signed.signature;
  const next = (kind, ...lines) =>
    (last = hmac(signed.key, [`AWS4-HMAC-SHA256-${kind}`, signed.time, signed.scope, last, ...lines].join("\n")).toString("hex"));
  return {
    chunk: (bytes) => next("PAYLOAD", sha256(""), sha256(bytes)),
    trailer: (text) => next("TRAILER", sha256(text)),
  };
}

/** A request as it is sent: {method, path, headers} with the headers that sign it. */
export function sign(keys, endpoint, { method = "GET", path = "/", query = {}, headers = {}, body = "", hash, ...more } = {}) {
  const time = more.time ?? stamp(), scope = `${time.slice(0, 8)}/${more.region ?? "auto"}/s3/aws4_request`;
  const all = { host: more.host ?? new URL(endpoint).host, "x-amz-date": time, ...headers };
  all["x-amz-content-sha256"] ??= hash ?? sha256(body);
  const names = more.names ?? Object.keys(all).sort(), key = signingKey(keys.secret, scope);
  const signed = signature(key, { method, path, query, headers: all, names, hash: all["x-amz-content-sha256"], time, scope });
  all.authorization = `AWS4-HMAC-SHA256 Credential=${keys.id}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signed}`;
  const search = queryOf(query);
  return { method, path: pathOf(path) + (search && `?${search}`), headers: all, signature: signed, key, time, scope };
}

/** The path and query of a presigned URL. */
export function presign(keys, endpoint, { method = "GET", path, query = {}, expires = 60, time = stamp(), headers = {} }) {
  const scope = `${time.slice(0, 8)}/auto/s3/aws4_request`, all = { host: new URL(endpoint).host, ...headers };
  const names = Object.keys(all).sort();
  const full = {
    ...query,
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${keys.id}/${scope}`,
    "X-Amz-Date": time,
    "X-Amz-Expires": expires,
    "X-Amz-SignedHeaders": names.join(";"),
  };
  const parts = { method, path, query: full, headers: all, names, hash: "UNSIGNED-PAYLOAD", time, scope };
  const signed = signature(signingKey(keys.secret, scope), parts);
  return `${pathOf(path)}?${queryOf({ ...full, "X-Amz-Signature": signed })}`;
}

/** Sends it: {status, headers, body, code} with the code of an error. `body` may be an async iterable. */
export function send(endpoint, { method = "GET", path, headers = {} }, body = "") {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(endpoint);
    const sent = request({ hostname, port, path, method, headers, agent: false }, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece)).on("error", reject);
      answer.on("end", () => {
        const whole = Buffer.concat(pieces), text = whole.toString();
        const code = text.match(/<Code>(\w+)</)?.[1];
        resolve({ status: answer.statusCode, headers: answer.headers, bytes: whole, body: text, code });
      });
    });
    sent.on("error", reject);
    if (typeof body === "string" || Buffer.isBuffer(body)) sent.end(body);
    else (async () => {
      for await (const piece of body) if (!sent.write(piece)) await new Promise((done) => sent.once("drain", done));
      sent.end();
    })().catch((error) => sent.destroy(error));
  });
}

/** A server with the S3 API: server.s3, server.keys(...), server.call(...). */
export async function serveS3(t, { args = [], ...options } = {}) {
  const server = await serve(t, { args: ["--s3", "127.0.0.1:0", ...args], ...options });
  const ready = await server.line("s3.ready");
  server.s3 = `http://${ready.listen}`;
  server.s3Pid = () => server.journal.findLast((line) => line.event === "s3.ready").pid;

  /** An access key with these scopes; `token` of the API stands behind it. */
  server.keys = async ({ scopes = ["storage:write"], account = "default", expires_on } = {}) => {
    const wanted = { name: "s3", scopes, ...(expires_on && { expires_on }) };
    const made = await server.api("POST", `/accounts/${account}/tokens`, wanted);
    if (!made.success) throw new Error(JSON.stringify(made.errors));
    return { id: made.result.id, secret: sha256(made.result.value), token: made.result.value };
  };
  server.call = (keys, { body = "", ...what } = {}) => send(server.s3, sign(keys, server.s3, { body, ...what }), body);
  return server;
}
