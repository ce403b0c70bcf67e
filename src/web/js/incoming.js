// The body of an incoming request, read from the server in C.

const { completion } = use("core");
const { op_body_pull, op_body_collect } = ops;

// A native source; see body.js.
class Incoming {
  constructor(id, length) {
    this.id = id;
    this.length = length;
  }
  pull() {
    return completion((done) => op_body_pull(this.id, done));
  }
  collect() {
    return op_body_collect(this.id, false) ?? completion((done) => op_body_collect(this.id, false, done));
  }
  text() {
    return op_body_collect(this.id, true) ?? completion((done) => op_body_collect(this.id, true, done));
  }
  cancel() {} // what is left is thrown away by the server when the request ends
}

exports.bodyOf = (id, length) => use("body").fromSource(new Incoming(id, length), length);
