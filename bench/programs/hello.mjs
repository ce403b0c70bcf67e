/* The hello world that workerd, deno, bun and atoll all serve, as it stands. */
export default {
    fetch() {
        return new Response("Hello World!");
    },
};
