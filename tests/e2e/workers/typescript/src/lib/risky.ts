type Level = number;

/** Throws from the fifth line on. */
export function risky(level: Level): Level {
  if (level > 2) {
    throw new RangeError(`level ${level} is too high`);
  }
  return level;
}
