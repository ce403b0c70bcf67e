/* What the measure `kv` asks for: a hot key, any key, one put, many at once. */
const KEYS = 10000;
const VALUE = "a value of about a hundred bytes, as sessions and settings are. ".repeat(2).slice(0, 100);

const anyKey = () => `key:${Math.floor(Math.random() * KEYS)}`;
const putAny = (KV) => KV.put(anyKey(), VALUE);

export default {
    async fetch(request, { KV }) {
        const { url } = request;
        switch (url.slice(url.indexOf("/", 8))) {
        case "/hot":
            return new Response(await KV.get("hot"));
        case "/any":
            return new Response(await KV.get(anyKey()));
        case "/put":
            await putAny(KV);
            return new Response("ok");
        case "/put64":
            await Promise.all(Array.from({ length: 64 }, () => putAny(KV)));
            return new Response("ok");
        case "/set":
            await KV.put("hot", VALUE);
            return new Response("ok");
        default:
            return new Response("Hello World!");
        }
    },
};
