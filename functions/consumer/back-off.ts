const FIRST_SECONDS = 5;
const LONGEST_SECONDS = 300;

/**
 * How long to wait before the next try: exponential, half of it random, so that messages that failed together do
 * not come back together.
 * @param receives how often the message was received so far; 1 or more
 * @param random draws a number in [0, 1)
 * @returns whole seconds, from 3 to 300
 */
export function backOffSeconds(receives: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** (receives - 1));
  return Math.ceil(ceiling / 2 + (random() * ceiling) / 2);
}
