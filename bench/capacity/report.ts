import { type Answer, keepsObjective, type lowestSufficientLimit } from "./answer.ts";
import type { Question } from "./question.ts";

/** The answer, for a terminal. */
export function describe(question: Question, found: Answer): string {
  const { prompts, within } = question;
  const { run, lastPicture, p50, p95, p99, cost } = found;
  const told = troubles(question, found).join("; ") || "none";
  const load = within === 0 ? "at once" : `within ${duration(within)}`;
  return [
    `${count(prompts)} prompts ${load}`,
    `  last picture   after ${duration(lastPicture)}`,
    `  time to image  p50 ${duration(p50)}, p95 ${duration(p95)}, p99 ${duration(p99)}`,
    `  cost           ${dollars(cost.total)}: models ${dollars(cost.models)}, Lambda ${dollars(cost.lambda)}, SQS ${dollars(cost.sqs)}, S3 ${dollars(cost.s3)}`,
    `  invocations    ${count(run.invocations)} (${run.coldStarts} cold starts), ${count(run.throttled)} calls throttled`,
    `  alarms         ${told}`,
    ...(told.includes("spend") ? [`  ${SPEND_NOTE}`] : []),
  ].join("\n");
}

/** What to change first, for a terminal. */
export function describeChange(
  question: Question,
  before: Answer,
  { what, answer }: ReturnType<typeof lowestSufficientLimit>,
): string {
  const objective = `the objective: 19 of 20 wait at most ${duration(question.thresholds.timeToImageSeconds)}`;
  if (keepsObjective(question, before)) return `Nothing to change: this keeps ${objective}.`;
  const effect = `p95 ${duration(answer.p95)}, last picture after ${duration(answer.lastPicture)}, ${dollars(answer.cost.total)}`;
  const losses = keepsObjective(question, answer) ? [] : troubles(question, answer);
  return `What to change first (${objective}):\n  ${[`${what}: ${effect}`, ...losses].join("; ")}`;
}

/** How to read the times of a run on which an alarm on spending fires. */
export const SPEND_NOTE =
  "A `spend-…` alarm stops the consumer until somebody resumes it. The times do not include that stop.";

/** Alarms that fire, in order, and prompts that are never painted, for people. */
export function troubles({ thresholds }: Question, { run, lastPicture }: Answer): string[] {
  const lines = run.telemetry.alarms(thresholds, lastPicture).map(({ id, at }) => {
    const effect = id.startsWith("spend-") ? ", which stops the consumer," : "";
    return `${id}${effect} after ${duration(at)}`;
  });
  if (run.deadLetters > 0) lines.push(`${count(run.deadLetters)} prompts in the dead-letter queue`);
  if (run.expired > 0) lines.push(`LOST: ${count(run.expired)} prompts were older than the queue keeps them`);
  return lines;
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

export function count(number: number): string {
  return number.toLocaleString("en");
}
