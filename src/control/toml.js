// Reads TOML for config.c: text in, JSON out, either {value} or {message, line, column}.
import { parse } from "smol-toml";

// The library's message has a drawing of the line behind the first paragraph: the text before it
// says what is wrong.
const reason = (error) => error.message.split("\n\n")[0].replace(/^Invalid TOML document: /, "");

globalThis.oneshot = (text) => {
  try {
    return JSON.stringify({ value: parse(text) });
  } catch (error) {
    return JSON.stringify({ message: reason(error), line: error.line, column: error.column });
  }
};
