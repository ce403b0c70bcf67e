// The S3 API with the clients people have: awscli, s3cmd and rclone of Debian.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { serveS3 } from "./s3.mjs";

const MIB = 1 << 20;
const server = await serveS3({ after });
const keys = await server.keys();
const home = join(server.own, "home");
mkdirSync(join(home, "tree/a b"), { recursive: true });

/** Bytes that look random and are the same each time. */
function noise(length) {
  const blocks = [];
  for (let at = 0; at < length; at += 32) blocks.push(createHash("sha256").update(String(at)).digest());
  return Buffer.concat(blocks).subarray(0, length);
}
const BIG = noise(12 * MIB + 5), ODD = "ä+ %25 & 'x'.txt";
writeFileSync(join(home, "big"), BIG);
writeFileSync(join(home, "tree/a b", ODD), "odd\n");
writeFileSync(join(home, "tree/plain"), noise(70000));

const runs = promisify(execFile);
async function run(program, args, env = {}) {
  const base = { PATH: "/usr/bin:/bin", HOME: home, LANG: "C.UTF-8" };
  try {
    return (await runs(program, args, { cwd: home, env: { ...base, ...env }, timeout: 60000, maxBuffer: 64 * MIB })).stdout;
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")}: ${error.stdout}${error.stderr}`, { cause: error });
  }
}

test("awscli: buckets, a large file in parts, odd keys, sync, copies, presigned", async () => {
  const env = { AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: keys.secret, AWS_DEFAULT_REGION: "auto", AWS_EC2_METADATA_DISABLED: "true" };
  const aws = (...args) => run("aws", ["--endpoint-url", server.s3, "--output", "json", ...args], env);
  const s3 = (...args) => aws("s3", ...args, ...(["ls", "mb", "rb", "presign"].includes(args[0]) ? [] : ["--no-progress"]));
  await s3("mb", "s3://aws-bucket");
  assert.match(await s3("ls"), /aws-bucket/);
  await s3("cp", "big", "s3://aws-bucket/big");
  const head = JSON.parse(await aws("s3api", "head-object", "--bucket", "aws-bucket", "--key", "big"));
  assert.equal(head.ContentLength, BIG.length);
  assert.match(head.ETag, /-2"$/, "it came in parts");
  await s3("cp", "s3://aws-bucket/big", "big.aws");
  assert.ok(readFileSync(join(home, "big.aws")).equals(BIG));
  await s3("sync", "tree", "s3://aws-bucket/tree");
  assert.match(await s3("ls", "--recursive", "s3://aws-bucket/tree/"), /tree\/a b\/ä\+ %25 & 'x'\.txt/);
  assert.equal((await s3("sync", "tree", "s3://aws-bucket/tree")).trim(), "", "nothing is left to be done");
  assert.equal(await s3("cp", `s3://aws-bucket/tree/a b/${ODD}`, "-"), "odd\n");
  await s3("cp", "s3://aws-bucket/big", "s3://aws-bucket/copied");
  const listed = JSON.parse(await aws("s3api", "list-objects-v2", "--bucket", "aws-bucket", "--delimiter", "/"));
  assert.deepEqual([listed.Contents.map((o) => o.Key), listed.CommonPrefixes], [["big", "copied"], [{ Prefix: "tree/" }]]);
  const url = (await s3("presign", `s3://aws-bucket/tree/a b/${ODD}`)).trim();
  assert.equal(await (await fetch(url)).text(), "odd\n");
  await assert.rejects(s3("rb", "s3://aws-bucket"), /BucketNotEmpty/);
  await s3("rb", "s3://aws-bucket", "--force");
  await assert.rejects(aws("s3api", "head-bucket", "--bucket", "aws-bucket"), /404/);
});

test("s3cmd: put in parts, get, copy, move, info, delete", async () => {
  const config = join(home, "s3cfg"), host = new URL(server.s3).host;
  const lines = { access_key: keys.id, secret_key: keys.secret, host_base: host, host_bucket: host, use_https: "False", bucket_location: "auto" };
  writeFileSync(config, `[default]\n${Object.entries(lines).map((line) => line.join(" = ")).join("\n")}\n`);
  const s3cmd = (...args) => run("s3cmd", ["-c", config, "--no-progress", ...args]);
  await s3cmd("mb", "s3://cmd-bucket");
  await s3cmd("put", "--multipart-chunk-size-mb=5", "big", "s3://cmd-bucket/big");
  await s3cmd("put", `tree/a b/${ODD}`, `s3://cmd-bucket/x y/${ODD}`);
  await s3cmd("get", "s3://cmd-bucket/big", "big.s3cmd");
  assert.ok(readFileSync(join(home, "big.s3cmd")).equals(BIG));
  assert.match(await s3cmd("info", "s3://cmd-bucket/big"), /12582917/);
  await s3cmd("cp", "s3://cmd-bucket/big", "s3://cmd-bucket/copied");
  await s3cmd("mv", "s3://cmd-bucket/copied", "s3://cmd-bucket/moved");
  const listed = await s3cmd("ls", "--recursive", "s3://cmd-bucket");
  assert.match(listed, /s3:\/\/cmd-bucket\/big\n.*s3:\/\/cmd-bucket\/moved\n.*s3:\/\/cmd-bucket\/x y\/ä\+ %25 & 'x'\.txt/s);
  await s3cmd("del", "--recursive", "--force", "s3://cmd-bucket");
  await s3cmd("rb", "s3://cmd-bucket");
});

test("rclone: copy, check, parts, server-side copies in parts, purge", async () => {
  const env = { RCLONE_CONFIG: "/dev/null" };
  const options = { type: "s3", provider: "Cloudflare", access_key_id: keys.id, secret_access_key: keys.secret, endpoint: server.s3, region: "auto" };
  for (const [name, value] of Object.entries(options)) env[`RCLONE_CONFIG_R_${name.toUpperCase()}`] = value;
  const rclone = (...args) => run("rclone", args, env);
  await rclone("mkdir", "R:rclone-bucket");
  await rclone("copy", "tree", "R:rclone-bucket/t");
  await rclone("check", "--download", "tree", "R:rclone-bucket/t");
  await rclone("copyto", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M", "big", "R:rclone-bucket/big");
  await rclone("copyto", "--s3-copy-cutoff", "5M", "R:rclone-bucket/big", "R:rclone-bucket/in-parts");
  await rclone("copyto", "R:rclone-bucket/big", "R:rclone-bucket/whole");
  for (const name of ["big", "in-parts", "whole"]) {
    await rclone("copyto", `R:rclone-bucket/${name}`, `${name}.rclone`);
    assert.ok(readFileSync(join(home, `${name}.rclone`)).equals(BIG), name);
  }
  assert.deepEqual((await rclone("lsf", "-R", "--files-only", "R:rclone-bucket")).trim().split("\n").sort(),
    ["big", "in-parts", `t/a b/${ODD}`, "t/plain", "whole"]);
  await rclone("purge", "R:rclone-bucket");
  assert.doesNotMatch(await rclone("lsd", "R:"), /rclone-bucket/);
});
