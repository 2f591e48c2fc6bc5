import { writeFileSync } from "node:fs";
import { writeSection } from "../table.ts";
import { type Answer, answer, lowestSufficientLimit } from "./answer.ts";
import { questionOf } from "./ask.ts";
import { plot } from "./plot.ts";
import type { Question } from "./question.ts";
import { dollars, duration, SPEND_NOTE, troubles } from "./report.ts";
import { describeCosts } from "./service-cost.ts";

const USUAL = {
  environment: "prod",
  promptsPerUser: 1,
  latency: 10,
  latencySpread: 0.25,
  throttle: 0,
  failures: 0,
  seed: 1,
};

/** The loads that the documentation answers. */
const LOADS = [
  { name: "1,000 users at once", image: "at-once", users: 1000, within: 0 },
  {
    name: "1,000 users, 3 prompts each, within 10 minutes",
    image: "ten-minutes",
    ...{ users: 1000, promptsPerUser: 3, within: 600 },
  },
  { name: "100,000 prompts within an hour", image: "an-hour", users: 100_000, within: 3600 },
  { name: "a million within a day", image: "a-day", users: 1_000_000, within: 86_400 },
];

/** Answers them all, draws them, and writes the answers into `docs/performance.md` and the costs beside it. */
export async function document(): Promise<void> {
  writeSection("cost", await describeCosts({ ...USUAL, users: 1, within: 0 }));
  const rows: string[] = [];
  const images: string[] = [];
  for (const { name, image, ...load } of LOADS) {
    const question = await questionOf({ ...USUAL, ...load });
    const found = answer(question);
    rows.push(row(name, question, found));
    const maximumConcurrency = 2 * question.maximumConcurrency;
    const doubled = answer({ ...question, maximumConcurrency });
    rows.push(row(`↳ with a limit of ${maximumConcurrency} calls at once`, question, doubled));
    const enough = lowestSufficientLimit(question);
    rows.push(row(`↳ ${enough.what}`, question, enough.answer));
    writeFileSync(new URL(`../../docs/images/capacity-${image}.svg`, import.meta.url), plot(name, found.run));
    images.push(`![Prompts waiting and pictures there over time: ${name}](images/capacity-${image}.svg)`);
  }
  const { latency, latencySpread, environment } = USUAL;
  const { timeToImageSeconds } = (await questionOf({ ...USUAL, users: 1, within: 0 })).thresholds;
  writeSection(
    "capacity",
    [
      `Settings of \`${environment}\`; models that take ${latency} s (median; the logarithm varies by ${latencySpread}). The objective: 19 of 20 users wait at most ${timeToImageSeconds} s. Times are simulated, costs follow from the list prices. ${SPEND_NOTE}`,
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
  const { lastPicture, p50, p95, p99, cost } = found;
  const times = [lastPicture, p50, p95, p99].map(duration);
  return `| ${[name, ...times, dollars(cost.total), troubles(question, found).join("; ") || "none"].join(" | ")} |`;
}
