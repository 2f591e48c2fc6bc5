import { type Cost, costOf } from "./cost.ts";
import type { Question } from "./question.ts";
import { type Run, simulate } from "./simulate.ts";

/** What the planner says. Times are in seconds. */
export interface Answer {
  readonly run: Run;
  readonly lastPicture: number;
  readonly wait: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly cost: Cost;
}

export function answer(question: Question): Answer {
  const run = simulate(question);
  const wait = {
    p50: percentile(run.waits, 0.5),
    p95: percentile(run.waits, 0.95),
    p99: percentile(run.waits, 0.99),
  };
  return { run, wait, lastPicture: run.finished.at(-1) ?? 0, cost: costOf(run, question) };
}

/** How to read the times of a run on which an alarm on spending fires. */
export const SPEND_NOTE =
  "Where a `spend-…` alarm stops the consumer, somebody has to resume it: the times are those without that stop.";

/** What somebody will be told of, for people: the alarms that fire, in order, and prompts that are never painted. */
export function troubles(
  { thresholds }: Question,
  { run, lastPicture }: Pick<Answer, "run" | "lastPicture">,
): string[] {
  return [
    ...run.telemetry
      .alarms(thresholds, lastPicture)
      .map(
        ({ id, at }) =>
          `${id}${id.startsWith("spend-") ? ", which stops the consumer," : ""} after ${duration(at)}`,
      ),
    ...(run.deadLetters > 0
      ? [`${run.deadLetters.toLocaleString("en")} prompts in the dead-letter queue`]
      : []),
    ...(run.expired > 0
      ? [`LOST: ${run.expired.toLocaleString("en")} prompts were older than the queue keeps them`]
      : []),
  ];
}

/** Something that could be changed, and what it would bring. */
export interface Change {
  readonly what: string;
  readonly answer: Answer;
}

/** Prompts that no picture comes of. */
export function unpainted({ run }: Answer): number {
  return run.deadLetters + run.expired;
}

/** Every change that can be made with one setting: the one that loses least first, then the one that shortens the wait most. */
export function changes(question: Question): Change[] {
  const { consumer } = question;
  const [first] = question.models;
  if (first === undefined) return [];
  const options: readonly { readonly what: string; readonly question: Question }[] = [
    {
      what: `a limit of ${2 * consumer.maximumConcurrency} calls at once for ${first.id} (a higher quota, or a second model or region of its own)`,
      question: {
        ...question,
        consumer: { ...consumer, maximumConcurrency: 2 * consumer.maximumConcurrency },
      },
    },
    {
      what: "twice the memory",
      question: { ...question, consumer: { ...consumer, memoryMb: Math.min(10_240, 2 * consumer.memoryMb) } },
    },
  ];
  return options
    .map(({ what, question: changed }) => ({ what, answer: answer(changed) }))
    .sort(({ answer: a }, { answer: b }) => unpainted(a) - unpainted(b) || a.wait.p95 - b.wait.p95);
}

/** @param sorted shortest first */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/** Seconds for people. */
export function duration(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  if (seconds < 6000) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** US dollars for people. */
export function dollars(amount: number): string {
  return amount > 0 && amount < 1 ? `$${amount.toPrecision(2)}` : `$${amount.toFixed(2)}`;
}
