// Budgets: what is too long for one head.
import { functionsOf } from "./tree.mjs";

const FUNCTION_LINES_MAX = 70, PARAMETERS_MAX = 6;
const FILE_LINES_MAX = { ".c": 900, ".h": 250 };
const COLUMNS_MAX = { ".c": 100, ".h": 100, ".js": 130, ".mjs": 130 };
const HAS_DATA = /^tests\/.*js$/; // the rows of a test may be long

export function* budgets(tree) {
  for (const file of tree) {
    const columns = HAS_DATA.test(file.path) ? Infinity : COLUMNS_MAX[file.ext] ?? Infinity;
    for (const [index, line] of file.lines.entries())
      if ([...line].length > columns)
        yield { file, line: index + 1, message: `${[...line].length} columns; at most ${columns}` };
    if (!file.code) continue;
    const count = file.lines.length - 1, most = FILE_LINES_MAX[file.ext];
    if (count > most) yield { file, line: most, message: `${count} lines; at most ${most}` };
    for (const { name, line, length, parameters } of functionsOf(file)) {
      const say = (message) => ({ file, line, name, message: `${name} has ${message}` });
      if (length > FUNCTION_LINES_MAX) yield say(`${length} lines; at most ${FUNCTION_LINES_MAX}`);
      if (parameters > PARAMETERS_MAX) yield say(`${parameters} parameters; at most ${PARAMETERS_MAX}`);
    }
  }
}
