const multipart = (body, boundary = "b") =>
  new Response(body, { headers: { "content-type": `multipart/form-data; boundary=${boundary}` } }).formData();

test("entries are kept in order, replaced and removed", () => {
  const form = new FormData();
  form.append("a", 1);
  form.append("b", "x");
  form.append("a", "2");
  assertEquals([...form], [["a", "1"], ["b", "x"], ["a", "2"]]);
  assertEquals([form.get("a"), form.getAll("a"), form.get("none"), form.has("b")], ["1", ["1", "2"], null, true]);
  form.set("a", "3");
  form.set("c", "4");
  assertEquals([...form.keys()], ["a", "b", "c"]);
  form.delete("b");
  assertEquals([...form.values()], ["3", "4"]);
});

test("a blob becomes a file", () => {
  const form = new FormData();
  form.append("a", new Blob(["x"], { type: "t/t" }));
  form.append("b", new File(["y"], "old", { lastModified: 7 }), "new");
  const file = new File([], "same");
  form.append("c", file);
  assertEquals([form.get("a").name, form.get("a").type], ["blob", "t/t"]);
  assertEquals([form.get("b").name, form.get("b").lastModified], ["new", 7]);
  assert(form.get("c") === file, "the same file");
  assertThrows(() => form.append("d", "text", "name"), TypeError);
  const error = assertThrows(() => form.append("d"), TypeError);
  assert(error.message.startsWith("Failed to execute 'append' on 'FormData': 2 arguments required"), error.message);
});

test("what is written as multipart is read back", async () => {
  const form = new FormData();
  form.append('quote" and\nline', "line\nline\r\nline\rend \u20ac");
  form.append("empty", "");
  form.append("file", new File([new Uint8Array([0, 13, 10, 45, 45, 255])], 'na"me\u00e9.bin', { type: "application/x" }));
  const response = new Response(form);
  assert(/^multipart\/form-data; boundary=\S{20,70}$/.test(response.headers.get("content-type")), "the type");
  const read = await response.formData();
  assertEquals([...read.keys()], ['quote" and\r\nline', "empty", "file"]);
  assertEquals(read.get('quote" and\r\nline'), "line\r\nline\r\nline\r\nend \u20ac");
  assertEquals(read.get("empty"), "");
  const file = read.get("file");
  assertEquals([file.name, file.type], ['na"me\u00e9.bin', "application/x"]);
  assertEquals(await file.bytes(), new Uint8Array([0, 13, 10, 45, 45, 255]));
});

test("the written form is RFC 7578's", async () => {
  const form = new FormData();
  form.append("a", "1");
  const response = new Response(form);
  const boundary = response.headers.get("content-type").split("boundary=")[1];
  assertEquals(
    await response.text(),
    `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--${boundary}--\r\n`,
  );
});

test("forms of other clients are read", async () => {
  const form = await multipart(
    '--b\r\ncontent-disposition: form-data; name=plain\r\n\r\nv\r\n' +
      '--b\r\nContent-Type: text/html\r\nContent-Disposition: form-data; filename=""; name="f"\r\n\r\n--bx\r\n' +
      '--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n\r\n--b--',
  );
  assertEquals([form.get("plain"), form.get("f").name, form.get("f").type, form.get("n")], ["v", "", "text/html", ""]);
  assertEquals(await form.get("f").text(), "--bx");
  assertEquals([...(await multipart("--b--\r\n"))], []);
});

test("malformed forms are refused with a TypeError", async () => {
  const head = 'Content-Disposition: form-data; name="a"';
  const cases = [
    "", "x", "--b", "--b\r\n", "--c--", "--b--x", `--b\r\n${head}\r\n\r\nv`, `--b\r\n${head}\r\n\r\nv\r\n--b`,
    `--b\r\n\r\nv\r\n--b--`, `--b\r\nno colon\r\n\r\nv\r\n--b--`, `--b\r\nX-Y: z\r\n\r\nv\r\n--b--`,
    '--b\r\nContent-Disposition: attachment; name="a"\r\n\r\nv\r\n--b--',
    '--b\r\nContent-Disposition: form-data; name="a\r\n\r\nv\r\n--b--',
    `--b\r\nX: ${"x".repeat(20000)}\r\n${head}\r\n\r\nv\r\n--b--`,
    `${`--b\r\n${head}\r\n\r\n\r\n`.repeat(10001)}--b--`,
  ];
  for (const body of cases) await assertRejects(multipart(body), TypeError, JSON.stringify(body.slice(0, 60)));
});

test("parsing takes time in proportion to the size", async () => {
  const near = "\r\n--boundar".repeat(200000);
  const start = performance.now();
  const form = await multipart(`--boundary\r\nContent-Disposition: form-data; name="a"\r\n\r\n${near}\r\n--boundary--`, "boundary");
  assertEquals(form.get("a").length, near.length);
  assert(performance.now() - start < 2000, "two megabytes of near misses took seconds");
});

test("urlencoded forms are read", async () => {
  const form = await new Response(new URLSearchParams([["a b", "c&d"], ["a b", "\u20ac"]])).formData();
  assertEquals([...form], [["a b", "c&d"], ["a b", "\u20ac"]]);
});

test("a byte order mark in a form is part of it", async () => {
  const urlencoded = new Response("\ufeffa=\ufeffb", { headers: { "content-type": "application/x-www-form-urlencoded" } });
  assertEquals([...(await urlencoded.formData())], [["\ufeffa", "\ufeffb"]]);
  const type = { "content-type": "multipart/form-data; boundary=x" };
  const multipart = new Response('--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\ufeffb\r\n--x--', { headers: type });
  assertEquals((await multipart.formData()).get("a"), "\ufeffb");
});
