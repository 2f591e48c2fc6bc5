const real = Date.now.bind(Date);
let aheadMs = 0;

/** How far this process's clock is ahead of the machine's, in milliseconds. */
export const clock = {
  /** From now on, this process's clock shows `now`, in milliseconds since the epoch, and goes on from there. */
  set(now: number): void {
    aheadMs = now - real();
  },
  advance(ms: number): void {
    aheadMs += ms;
  },
};

const now = () => real() + aheadMs;

/** Everything in this process that asks for the date sees the clock above: fauxqs and the consumer's bundle too. */
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, key, receiver) => (key === "now" ? now : Reflect.get(target, key, receiver)),
});
