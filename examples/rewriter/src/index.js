// A page on its way through: links to elsewhere are marked, images load when they are needed, and
// the outline that is made of the headings goes to the end of it.
const page = `<!doctype html>
<title>Birds</title>
<h1>Birds</h1>
<h2>Owls</h2>
<p>They <em>hoot</em>. <a href="https://en.wikipedia.org/wiki/Owl">More</a>, or <a href="/all">all birds</a>.</p>
<img src="/owl.jpg" alt="An owl">
<h2>Ducks &amp; geese</h2>
<p>They do not.</p>
`;

class Outline {
  headings = [];
  element() {
    this.headings.push("");
  }
  text(chunk) {
    this.headings[this.headings.length - 1] += chunk.text;
  }
  end(end) {
    const items = this.headings.map((heading) => `<li>${heading}</li>`);
    end.append(`<ol>${items.join("")}</ol>\n`, { html: true });
  }
}

export default {
  fetch() {
    const outline = new Outline();
    return new HTMLRewriter()
      .on("a[href^='http']", {
        element(link) {
          link.setAttribute("rel", "external");
          link.append(" (elsewhere)");
        },
      })
      .on("img:not([loading])", {
        element(image) {
          image.setAttribute("loading", "lazy");
        },
      })
      .on("h2", outline)
      .onDocument({ end: (end) => outline.end(end) })
      .transform(new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } }));
  },
};
