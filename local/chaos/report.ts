import type { Evidence } from "./evidence.ts";
import { followed } from "./growth.ts";
import { diedWithOwner, lostPictures, type PromiseName, violations } from "./invariants.ts";

/** The figures of runs, as lines of a Markdown table. */
export function figures(evidence: readonly Evidence[]): string[] {
  // What a plan left behind once its dead letters were sent back has in it all that was there before.
  const ended = evidence.filter(({ plan }, index) => evidence[index + 1]?.plan !== plan);
  const sum = (of: (one: Evidence) => number) => ended.reduce((total, one) => total + of(one), 0);
  const count = (is: (prompt: Evidence["prompts"][number]) => boolean) =>
    sum(({ prompts }) => prompts.filter(is).length);
  const withDeadLetter = evidence.flatMap(({ prompts }) =>
    prompts.filter(({ deadLetters }) => deadLetters.length > 0),
  ).length;
  const faults = new Map<string, number>();
  for (const { fault } of ended.flatMap(({ prompts }) => prompts.flatMap(({ calls }) => calls))) {
    if (fault !== undefined) faults.set(fault, (faults.get(fault) ?? 0) + 1);
  }
  const broken = evidence.flatMap(violations);
  const times = (promise: PromiseName) => broken.filter((violation) => violation.promise === promise).length;
  const lost = ended.flatMap(({ prompts }) => prompts.flatMap(lostPictures));
  const usage = ended.flatMap((each) => each.usage);
  const rows: [string, number][] = [
    ["lost", times("nothing is lost")],
    ["paid twice outside the named windows", times("nobody pays twice")],
    ["prompts", sum(({ prompts }) => prompts.length)],
    ["messages sent", sum(({ messages }) => messages)],
    ["deliveries", sum(({ deliveries }) => deliveries)],
    ["simulated hours", Math.round(sum(({ seconds }) => seconds) / 3600)],
    ["pictures", count(({ record }) => record?.status === "succeeded")],
    ["cancelled", count(({ record }) => record?.status === "cancelled")],
    ["expired", count(({ record }) => record?.status === "expired")],
    ["deleted", count(({ record }) => record?.status === "deleted")],
    ["rejected", count(({ record }) => record?.status === "rejected")],
    ["prompts with a dead letter, which was sent back", withDeadLetter],
    ["events", sum(({ prompts }) => prompts.reduce((total, { told }) => total + told.length, 0))],
    ["not told, or told under two ids", times("every end is told, under one id")],
    ["pictures on the model's bill", sum(({ billed }) => billed)],
    ["paid for again inside the named windows", lost.length],
    ["of these, as their owner died or could not store", lost.filter(diedWithOwner).length],
    ["of these, as the answer was lost", lost.filter((paid) => !diedWithOwner(paid)).length],
    ["owners that died or could not write, by the metric `AbandonedLeases`", sum((e) => e.abandonedLeases)],
    ["execution environments killed", sum(({ kills }) => kills)],
    ["environments that were watched for growing", ended.flatMap(followed).length],
    ["largest heap between invocations, MB", Math.ceil(most(usage.map(({ heapBytes }) => heapBytes)) / 1e6)],
    ["most handles between invocations", most(usage.map(({ handles }) => handles))],
    ...[...faults].toSorted().map(([kind, times]): [string, number] => [`fault: ${kind}`, times]),
  ];
  return ["| figure | count |", "|---|---|", ...rows.map(([name, value]) => `| ${name} | ${value} |`)];
}

function most(values: readonly number[]): number {
  return Math.max(0, ...values);
}
