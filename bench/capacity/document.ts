import { writeFileSync } from "node:fs";
import { writeSection } from "../write-section.ts";
import { type Answer, answer, changes, dollars, duration, SPEND_NOTE, troubles } from "./answer.ts";
import { type Asked, questionOf } from "./ask.ts";
import { plot } from "./plot.ts";
import type { Question } from "./question.ts";

const USUAL = {
  environment: "prod",
  promptsPerUser: 1,
  latency: 10,
  latencySpread: 0.25,
  throttle: 0,
  failures: 0,
  seed: 1,
} satisfies Partial<Asked>;

/** The loads that the documentation answers. */
const LOADS: readonly { readonly name: string; readonly image: string; readonly asked: Asked }[] = [
  { name: "1,000 users at once", image: "at-once", asked: { ...USUAL, users: 1000, within: 0 } },
  {
    name: "1,000 users, 3 prompts each, within 10 minutes",
    image: "ten-minutes",
    asked: { ...USUAL, users: 1000, promptsPerUser: 3, within: 600 },
  },
  {
    name: "100,000 prompts within an hour",
    image: "an-hour",
    asked: { ...USUAL, users: 100_000, within: 3600 },
  },
  { name: "a million within a day", image: "a-day", asked: { ...USUAL, users: 1_000_000, within: 86_400 } },
];

/** Answers them all, draws them, and writes the answers into `docs/performance.md`. */
export async function document(): Promise<void> {
  const rows: string[] = [];
  const images: string[] = [];
  for (const { name, image, asked } of LOADS) {
    const question = await questionOf(asked);
    const found = answer(question);
    const [first] = changes(question);
    rows.push(row(name, question, found));
    if (first !== undefined) rows.push(row(`↳ with ${first.what}`, question, first.answer));
    const enough = await smallestLimit(asked, question.thresholds.timeToImageSeconds);
    rows.push(
      row(
        `↳ with ${enough.concurrency} calls at once, the first that keeps the objective`,
        question,
        enough.answer,
      ),
    );
    writeFileSync(new URL(`../../docs/images/capacity-${image}.svg`, import.meta.url), plot(name, found.run));
    images.push(`![Prompts waiting and pictures there over time: ${name}](images/capacity-${image}.svg)`);
  }
  const { latency, latencySpread, environment } = USUAL;
  writeSection(
    "capacity",
    [
      `Settings of \`${environment}\`; models that take ${latency} s (median; the logarithm varies by ${latencySpread}). Times are simulated, costs follow from the list prices. ${SPEND_NOTE}`,
      "",
      "| load | last picture | p50 | p95 | p99 | cost | alarms |",
      "|---|---|---|---|---|---|---|",
      ...rows,
      "",
      images.join("\n\n"),
    ].join("\n"),
  );
}

function row(name: string, question: Question, found: Answer): string {
  const { lastPicture, wait, cost } = found;
  const times = [lastPicture, wait.p50, wait.p95, wait.p99].map(duration);
  return `| ${[name, ...times, dollars(cost.total), troubles(question, found).join("; ") || "none"].join(" | ")} |`;
}

/** Doubles the models' limit until 19 of 20 users get their picture in time. */
async function smallestLimit(asked: Asked, objective: number) {
  const first = (await questionOf(asked)).consumer;
  for (let concurrency = first.maximumConcurrency; ; concurrency *= 2) {
    const found = answer(await questionOf({ ...asked, concurrency: Math.min(1000, concurrency) }));
    if (found.wait.p95 <= objective || concurrency >= 1000) {
      return { concurrency: Math.min(1000, concurrency), answer: found };
    }
  }
}
