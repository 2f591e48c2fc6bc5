import { type Answer, type Change, dollars, duration, SPEND_NOTE, troubles, unpainted } from "./answer.ts";
import type { Question } from "./question.ts";

/** The answer, for a terminal. */
export function describe(question: Question, found: Answer): string {
  const { prompts, within } = question;
  const { run, lastPicture, wait, cost } = found;
  const told = troubles(question, found).join("; ") || "none";
  const load = within === 0 ? "at once" : `within ${duration(within)}`;
  return [
    `${prompts.toLocaleString("en")} prompts ${load}`,
    `  last picture   after ${duration(lastPicture)}`,
    `  time to image  p50 ${duration(wait.p50)}, p95 ${duration(wait.p95)}, p99 ${duration(wait.p99)}`,
    `  cost           ${dollars(cost.total)}: models ${dollars(cost.models)}, Lambda ${dollars(cost.lambda)}, SQS ${dollars(cost.sqs)}, S3 ${dollars(cost.s3)}`,
    `  invocations    ${run.invocations.toLocaleString("en")} (${run.coldStarts} cold starts), ${run.throttled.toLocaleString("en")} calls throttled`,
    `  alarms         ${told}`,
    ...(told.includes("spend") ? [`  ${SPEND_NOTE}`] : []),
  ].join("\n");
}

/** What could be changed. */
export function describeChanges(changes: readonly Change[], before: Answer): string {
  const better = changes.filter(
    ({ answer }) =>
      unpainted(answer) < unpainted(before) ||
      (unpainted(answer) === unpainted(before) && answer.wait.p95 < 0.98 * before.wait.p95),
  );
  if (better.length === 0) {
    return unpainted(before) === 0
      ? "Nothing to change: the model itself is what users wait for."
      : "No single setting helps: so many prompts come to no picture because the models fail or are throttled.";
  }
  return [
    "What to change first:",
    ...better.map(
      ({ what, answer }, index) =>
        `  ${index + 1}. ${what}: ${unpainted(before) === 0 ? "" : `${unpainted(answer).toLocaleString("en")} without a picture, `}p95 ${duration(answer.wait.p95)}, last picture after ${duration(answer.lastPicture)}, ${dollars(answer.cost.total)}`,
    ),
  ].join("\n");
}
