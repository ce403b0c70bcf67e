// atob and btoa (HTML 8.3).

const { op_encoding_atob, op_encoding_btoa } = ops;
const { named, need } = use("webidl");

function refuse(message) {
  throw new (use("dom_exception").DOMException)(message, "InvalidCharacterError");
}

exports.atob = function (data) {
  need(arguments.length, 1, "atob");
  const text = op_encoding_atob(`${data}`);
  if (text === undefined) refuse("atob: the string is not correctly encoded");
  return text;
};

exports.btoa = function (data) {
  need(arguments.length, 1, "btoa");
  const text = op_encoding_btoa(`${data}`);
  if (text === undefined) refuse("btoa: the string has characters beyond U+00FF");
  return text;
};

named("atob", exports.atob);
named("btoa", exports.btoa);
