/* Answers GET /ID with the answer of worker ID, which is loaded at its first request.
 * The source is that of greetingSource() in ../projects.mjs. */
function workerOf(id) {
    return {
        compatibilityDate: "2026-01-01",
        mainModule: "app.js",
        modules: {
            "app.js":
                "export default {\n    fetch() {\n" +
                `        return new Response("Hello from ${id}!");\n    },\n};\n`,
        },
    };
}

export default {
    fetch(request, env) {
        const id = new URL(request.url).pathname.slice(1);
        return env.LOADER.get(id, () => workerOf(id)).getEntrypoint().fetch(request);
    },
};
