/* A tenant that hurts others: what it does is the first label of the host that it is asked at. */
const LINE = "a line of a log that nobody wants to read ".repeat(5);

const deeds = {
    loop() {
        for (;;);
    },
    bomb() {
        const kept = [];
        for (;;)
            kept.push(new Uint8Array(1 << 20).fill(1));
    },
    flood() {
        for (let i = 0; i < 1000; i++)
            console.log(LINE, i);
        return new Response("flooded");
    },
};

export default {
    fetch(request) {
        const deed = deeds[new URL(request.url).hostname.split(".")[0]];
        return deed ? deed() : new Response("nothing");
    },
};
