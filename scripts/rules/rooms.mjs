// Rooms: includes point down, third parties stay behind their walls, each room says what it is.
const ROOMS = [
  ...["base", "os", "loop", "store", "registry", "http", "engine", "web", "node", "bindings", "s3", "runtime", "api", "control"],
  ...["remote", "cli", "main"],
];
const README_LINES_MAX = 40;

const isOp = (file) => file.stem.startsWith("op_");
const inRooms = (...rooms) => (file) => rooms.includes(file.room);
const inFiles = (...paths) => (file) => paths.includes(file.path);
const fromRoom = (room) => (file) => ROOMS.indexOf(file.room) >= ROOMS.indexOf(room);

const OPENSSL = [
  ...["http/tls.c", "http/handshake.c", "registry/opaque.c", "registry/secret.c", "store/blob.c"],
  ...["bindings/r2/r2_digest.c", "s3/s3_hash.c"],
].map((path) => `src/${path}`);

/** Header, who may include it, and the same in words. */
const WALLS = [
  [/^JavaScriptCore\//, (file) => file.room === "engine" || isOp(file), "engine/ and op_*.c"],
  [/^curl\//, (file) => file.room === "http" && /^client/.test(file.stem), "http/client*.c"],
  [
    /^openssl\//,
    (file) => OPENSSL.includes(file.path) || (file.room === "web" && /^(op_)?crypto/.test(file.stem)),
    `${OPENSSL.join(", ").replaceAll("src/", "")}, web/op_crypto*.c and web/crypto*.c`,
  ],
  [
    /^(zlib\.h|zstd\.h|brotli\/)/,
    inFiles("src/web/codec.c", "src/http/websocket_deflate.c", "src/s3/s3_checksum.c"),
    "web/codec.c, http/websocket_deflate.c and s3/s3_checksum.c",
  ],
  [/^expat\.h$/, inFiles("src/s3/s3_xml.c"), "s3/s3_xml.c"],
  [/^wslay\//, inFiles("src/http/websocket.c"), "http/websocket.c"],
  [/^unicode\//, inRooms("web"), "web/"],
  [
    /^sqlite3\.h$/,
    (file) => inRooms("store", "registry")(file) || (file.room === "bindings" && /_store/.test(file.stem)),
    "store/, registry/ and bindings/*/*_store*.c",
  ],
  [
    /^jansson\.h$/,
    (file) =>
      file.path === "src/base/member.h" || inRooms("loop", "registry", "bindings", "s3")(file) || fromRoom("runtime")(file),
    "base/member.h, loop/, registry/, bindings/, s3/ and from runtime/ up",
  ],
  [/^glib/, inFiles("src/loop/glib_bridge.c"), "loop/glib_bridge.c"],
  [/^uv\.h$/, fromRoom("loop"), "the rooms from loop/ up"],
];

function* includes(file) {
  for (const [index, line] of file.codeWithLiterals.split("\n").entries()) {
    const found = line.match(/^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)/);
    if (found) yield { ours: found[1], theirs: found[2], line: index + 1 };
  }
}

function wrongOurs(file, header) {
  const [, room] = header.match(/^(\w+)\//) ?? [];
  if (!room) return `include "${header}" with its room: "${file.room}/${header}"`;
  if (!ROOMS.includes(room)) return `there is no room ${room}`;
  if (ROOMS.indexOf(room) > ROOMS.indexOf(file.room)) return `${file.room} may not include ${room}, which is above it`;
  if (/_private\.h$/.test(header) && room !== file.room) return `${header} is private to ${room}`;
  return undefined;
}

function wrongTheirs(file, header) {
  const wall = WALLS.find(([pattern]) => pattern.test(header));
  return wall && !wall[1](file) ? `<${header}> belongs in ${wall[2]}` : undefined;
}

export function* rooms(tree) {
  const sources = tree.filter((file) => file.room && file.code);
  for (const file of sources) {
    if (!ROOMS.includes(file.room)) yield { file, line: 1, message: `room ${file.room} is not in the list of rooms` };
    for (const { ours, theirs, line } of includes(file)) {
      const message = ours ? wrongOurs(file, ours) : wrongTheirs(file, theirs);
      if (message) yield { file, line, message };
    }
  }
  for (const room of new Set(sources.map((file) => file.room))) {
    const readme = tree.find((file) => file.path === `src/${room}/README.md`);
    const path = `src/${room}/README.md`;
    if (!readme && room !== "main") yield { file: { path }, line: 1, message: "every room has a README.md" };
    if (readme && readme.lines.length - 1 > README_LINES_MAX)
      yield { file: readme, line: README_LINES_MAX, message: `more than ${README_LINES_MAX} lines` };
  }
}
