/** With THOROUGH=1, as in `.ci/run`, the tests draw all their random cases, and check what only a quiet machine shows. */
export const isThorough = process.env.THOROUGH === "1";

/** How many random cases to draw: all of them, or a tenth while somebody waits for the answer. */
export function caseCount(all: number): number {
  return isThorough ? all : Math.ceil(all / 10);
}
