// A site whose files are part of the worker: each is imported here and served at its path.
import page from "../public/index.html";
import missing from "../public/404.html";
import style from "../public/style.css";
import icon from "../public/icon.svg";

const files = {
  "/": [page, "text/html; charset=utf-8"],
  "/style.css": [style, "text/css; charset=utf-8"],
  "/icon.svg": [icon, "image/svg+xml"],
};

export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (request.method !== "GET" && request.method !== "HEAD")
      return new Response("Method Not Allowed\n", { status: 405, headers: { allow: "GET, HEAD" } });
    const [body, type] = files[pathname] ?? [missing, "text/html; charset=utf-8"];
    return new Response(body, {
      status: files[pathname] ? 200 : 404,
      headers: { "content-type": type, "cache-control": "public, max-age=300" },
    });
  },
};
