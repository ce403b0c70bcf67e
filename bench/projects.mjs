/* The files that the peers serve, written afresh for each run into one scratch directory:
 *
 *   hello/ hono/ bodies/
 *                  app.mjs, with a wrangler.toml and a workerd.capnp beside it
 *   loader/        workerd's worker that loads others
 *   many/<name>/   as many projects as atoll shall load, each with a text of its own */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROGRAMS = fileURLToPath(new URL("programs", import.meta.url));

/* The one source of the workers that are loaded cold; workerd_loader.mjs has the same text. */
export function greetingSource(name) {
    return `export default {\n    fetch() {\n        return new Response("${greeting(name)}");\n` +
        "    },\n};\n";
}

export function greeting(name) {
    return `Hello from ${name}!`;
}

/* A directory that `atoll dev` and `wrangler dev` serve; `more` is further configuration. */
export function writeProject(dir, name, source, more = "") {
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "wrangler.toml"),
        `name = "${name}"\nmain = "app.mjs"\ncompatibility_date = "2026-01-01"\n${more}`);
    writeFileSync(join(dir, "app.mjs"), source);
}

/* Writes one greeting project for each name and returns their directories. */
export function writeGreetings(work, names) {
    return names.map((name) => {
        const dir = join(work, "many", name);
        writeProject(dir, name, greetingSource(name));
        return dir;
    });
}

async function bundle(source) {
    const { build } = await import("esbuild");
    const result = await build({
        entryPoints: [source],
        bundle: true,
        format: "esm",
        target: "es2022",
        write: false,
        logLevel: "error",
    });
    return result.outputFiles[0].text;
}

/* Empties `work` and fills it; the greetings are written by those who need them. */
export async function writePrograms(work) {
    rmSync(work, { recursive: true, force: true });
    for (const program of ["hello", "hono", "bodies"]) {
        const dir = join(work, program);
        writeProject(dir, program, await bundle(join(PROGRAMS, `${program}.mjs`)));
        copyFileSync(join(PROGRAMS, "workerd.capnp"), join(dir, "workerd.capnp"));
    }
    mkdirSync(join(work, "loader"));
    for (const file of ["workerd_loader.capnp", "workerd_loader.mjs"])
        copyFileSync(join(PROGRAMS, file), join(work, "loader", file));
}
