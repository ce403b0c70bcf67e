/* What the measures of bodies ask of every peer; bodies.mjs beside this directory has the paths. */
const encoder = new TextEncoder();
const blocks = new Map();

function blockOf(size) {
    let block = blocks.get(size);
    if (!block) {
        block = encoder.encode("x".repeat(size));
        blocks.set(size, block);
    }
    return block;
}

async function drain(stream) {
    let total = 0;
    for await (const chunk of stream)
        total += chunk.byteLength;
    return total;
}

async function digest(size) {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", blockOf(size)));
    return String(bytes[0]);
}

function parseUrls(count) {
    let total = 0;
    for (let i = 0; i < count; i++) {
        const url = new URL(`/shop/item-${i}?page=${i}&sort=price#top`, "https://user@example.com:8443/a/b");
        total += url.pathname.length + url.host.length + url.searchParams.get("page").length;
    }
    return String(total);
}

export default {
    async fetch(request) {
        const [, , , what, first, second] = request.url.split("/");
        switch (what) {
        case "text":
            return new Response(String((await request.text()).length));
        case "json":
            return new Response(String((await request.json()).items.length));
        case "upload":
            return new Response(String(await drain(request.body)));
        case "pipe":
            return fetch(`http://127.0.0.1:${first}/${second}`);
        case "wrap":
            return new Response((await fetch(`http://127.0.0.1:${first}/${second}`)).body);
        case "sha256":
            return new Response(await digest(Number(first)));
        case "url":
            return new Response(parseUrls(Number(first)));
        default:
            return new Response("Hello World!");
        }
    },
};
