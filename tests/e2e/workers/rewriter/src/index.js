// Bodies through an HTMLRewriter: long ones, failing ones, ones that nobody reads to the end.
const rows = new TextEncoder().encode('<p><a href="http://x/">link</a> and text</p>\n'.repeat(500));

function pages(count) {
  let made = 0;
  const pull = (controller) => (made++ < count ? controller.enqueue(rows) : controller.close());
  const cancel = (reason) => console.log("cancelled:", reason.message);
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
}

const secure = { element: (link) => void link.setAttribute("href", "https://x/") };
const fail = {
  element() {
    throw new Error("boom");
  },
};
let links = 0;
const slow = { element: () => (++links % 100 === 0 ? scheduler.wait(20) : undefined) };

export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const handlers = { "/secure": secure, "/fail": fail, "/slow": slow, "/echo": {} }[pathname];
    const body = pathname === "/echo" ? request.body : pages(Number(searchParams.get("pages") ?? 2));
    return new HTMLRewriter().on("a", handlers).transform(new Response(body, { headers: { "content-length": "1" } }));
  },
};
