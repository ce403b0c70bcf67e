/* What the measure `r2` asks for: an object of 1 MB, and one as large as one likes, in and out. */
const MEGABYTE = 1 << 20;

/* So many bytes, made as they are asked for. */
function made(bytes) {
    const piece = new Uint8Array(MEGABYTE).fill(120);
    const { readable, writable } = new FixedLengthStream(bytes);
    const writer = writable.getWriter();
    const write = async () => {
        for (let left = bytes; left > 0; left -= MEGABYTE)
            await writer.write(left < MEGABYTE ? piece.subarray(0, left) : piece);
        await writer.close();
    };
    return { readable, written: write() };
}

export default {
    async fetch(request, { R2 }) {
        const url = new URL(request.url);
        switch (url.pathname) {
        case "/meg":
            return new Response((await R2.get("meg")).body);
        case "/set":
            await R2.put("meg", new Uint8Array(MEGABYTE).fill(97));
            return new Response("ok");
        case "/fill": {
            const { readable, written } = made(Number(url.searchParams.get("bytes")));
            await Promise.all([R2.put("huge", readable), written]);
            return new Response("ok");
        }
        case "/huge":
            return new Response((await R2.get("huge")).body);
        default:
            return new Response("Hello World!");
        }
    },
};
