// The body of an incoming request, read from the server in C.

const { completion } = use("core");
const { op_body_pull, op_body_collect } = ops;

exports.bodyOf = (id, length) =>
  use("body").fromSource(
    {
      pull: () => completion((done) => op_body_pull(id, done)),
      collect: () => completion((done) => op_body_collect(id, done)),
      cancel() {}, // what is left is thrown away by the server when the request ends
      length,
    },
    length,
  );
