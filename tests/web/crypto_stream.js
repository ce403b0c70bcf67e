// crypto.DigestStream

const hex = (buffer) => new Uint8Array(buffer).toHex();
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

test("makes a digest of bytes and strings", async () => {
  const stream = new crypto.DigestStream("SHA-256");
  assert(stream instanceof WritableStream && crypto.DigestStream === crypto.DigestStream);
  assertEquals(Object.prototype.toString.call(stream), "[object DigestStream]");
  const writer = stream.getWriter();
  await writer.write(new Uint8Array([97]));
  await writer.write("b");
  assertEquals(stream.bytesWritten, 2n);
  await writer.write(new Uint8Array([99]).buffer);
  await writer.close();
  assert(stream.digest === stream.digest);
  const digest = await stream.digest;
  assert(digest instanceof ArrayBuffer);
  assertEquals(hex(digest), ABC);
  assertEquals(stream.bytesWritten, 3n);
});

test("takes every digest, MD5 too", async () => {
  for (const [name, digest] of [["md5", "d41d8cd98f00b204e9800998ecf8427e"], [{ name: "SHA-1" }, "da39a3ee5e6b4b0d3255bfef95601890afd80709"]]) {
    const stream = new crypto.DigestStream(name);
    await stream.getWriter().close();
    assertEquals(hex(await stream.digest), digest);
  }
  for (const name of ["AES-GCM", "MD4", ""]) assertThrows(() => new crypto.DigestStream(name), "NotSupportedError");
  assertThrows(() => new crypto.DigestStream(), TypeError);
  assertThrows(() => new crypto.DigestStream({}), TypeError);
});

test("a body is piped into it, as one digest of all", async () => {
  const million = new Uint8Array(1000000).fill(97);
  const stream = new crypto.DigestStream("SHA-256");
  await new Response(million).body.pipeTo(stream);
  assertEquals(hex(await stream.digest), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  assertEquals(stream.bytesWritten, 1000000n);
});

test("abort and wrong chunks reject the digest", async () => {
  const aborted = new crypto.DigestStream("SHA-256");
  await aborted.abort(new RangeError("enough"));
  await assertRejects(aborted.digest, RangeError);
  const wrong = new crypto.DigestStream("SHA-256");
  await assertRejects(wrong.getWriter().write(5), TypeError);
  await assertRejects(wrong.digest, TypeError);
});
