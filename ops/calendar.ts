import { Command, InvalidArgumentError } from "commander";
import { NOTICE_DAYS } from "../functions/domain/models.ts";
import { DAY_MS } from "../functions/domain/timing.ts";
import { waivers } from "./policies/waivers.ts";

/** Something that ends on a day, or that somebody has to look at again on it. */
export interface Dated {
  /** `YYYY-MM-DD` */
  readonly day: string;
  /** What happens on the day, as a sentence without its full stop. */
  readonly what: string;
  /** What to do until then. */
  readonly todo: string;
  /** The page, or the file, that tells how. */
  readonly page: string;
  /** What it is about, in the words of the files that use it. The tests find it there. */
  readonly names: readonly string[];
  /** Whether nothing is to be done after the day. Default: it stays due. */
  readonly isOverAfter?: boolean;
}

const NODE_PAGE = "docs/moving-on.md#move-the-provider-and-nodejs";
const ENGINE_PAGE = "docs/moving-on.md#move-the-engine";
/** Twice a year somebody looks at what has no announced end. */
const NEXT_REVIEW = "2027-05-24";

/** All that has a day, but for the models. Delete what is done: a test fails for what is missing, or no longer used. */
export const calendar: readonly Dated[] = [
  {
    day: "2026-12-02",
    what: "Article 50(2) of the EU AI Act applies to systems that were on the market before 2026-08-02 too",
    todo: "Check that each picture has its mark, and decide about the layers that are not done",
    page: "docs/provenance.md#what-the-law-asks-for",
    names: ["EU AI Act", "2026-12-02"],
    isOverAfter: true,
  },
  // https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-supported
  {
    day: "2027-04-30",
    what: "Lambda ends the runtime nodejs22.x",
    todo: "Move the functions to Node.js 24",
    page: NODE_PAGE,
    names: ["nodejs22.x"],
  },
  {
    day: "2027-04-30",
    what: "The AWS provider 5.100.0 knows no runtime that Lambda supports",
    todo: "Move to provider 6",
    page: NODE_PAGE,
    names: ["provider 5.100.0"],
  },
  {
    day: "2027-04-30",
    what: "CDKTF, archived since 2025-12-10, has no typed resources for provider 6 that are maintained",
    todo: "Move to CDK Terrain",
    page: ENGINE_PAGE,
    names: ["cdktf"],
  },
  // https://github.com/nodejs/release#release-schedule
  {
    day: "2027-04-30",
    what: "Node.js 22 ends, which runs the commands and tests, and the client's image",
    todo: "Pin Node.js 24 in package.json, .github/workflows and client/Dockerfile",
    page: NODE_PAGE,
    names: ["Node.js 22", "docker.io/library/node:22-slim", "gcr.io/distroless/nodejs22-debian12:nonroot"],
  },
  {
    day: NEXT_REVIEW,
    what: "The actions, the runners' images, Terraform, the next engine and its provider are due for review",
    todo: "Look for deprecations, merge what Dependabot proposes, then set a new day in ops/calendar.ts",
    page: "ops/calendar.ts",
    names: [
      "actions/attest-build-provenance",
      "actions/checkout",
      "actions/dependency-review-action",
      "actions/github-script",
      "actions/setup-node",
      "aws-actions/configure-aws-credentials",
      "docker/build-push-action",
      "docker/login-action",
      "docker/metadata-action",
      "docker/setup-buildx-action",
      "docker/setup-qemu-action",
      "github/codeql-action/analyze",
      "github/codeql-action/init",
      "hashicorp/setup-terraform",
      ...["macos-latest", "ubuntu-24.04", "ubuntu-24.04-arm", "ubuntu-latest"],
      ...["Terraform 1.11.4", "cdktn", "provider 6.66.0"],
    ],
  },
  ...waiverReviews(),
  {
    day: "2028-04-30",
    what: "Lambda ends the runtime nodejs24.x, and Node.js 24 ends",
    todo: "Add the next Node.js to config/platform.ts, and move to it",
    page: NODE_PAGE,
    names: ["nodejs24.x", "Node.js 24"],
  },
];

/** The waivers of each review date. */
function waiverReviews(): Dated[] {
  const byDay = Map.groupBy(waivers, ({ reviewBy }) => reviewBy);
  return [...byDay].map(([day, due]) => ({
    day,
    what: `${due.length} waivers are due for review (${[...new Set(due.map(({ rule }) => rule))].join(", ")})`,
    todo: "Fix each resource, or set a new date",
    page: "ops/policies/waivers.ts",
    names: due.map(({ rule, resource }) => `waiver of ${rule} for ${resource}`),
  }));
}

/** What is due on a day or within the next {@link NOTICE_DAYS}, a line each, the earliest first. */
export function linesDue(dated: readonly Dated[], today: Date): string[] {
  const from = dayOf(today);
  const until = lastDay(today);
  return dated
    .filter(({ day, isOverAfter }) => day <= until && !(isOverAfter && day < from))
    .toSorted((one, other) => one.day.localeCompare(other.day))
    .map(({ day, what, todo, page }) => `${day}: ${what}. ${todo}. See ${page}`);
}

/** The last day that counts on a day. */
export function lastDay(today: Date): string {
  return dayOf(new Date(today.getTime() + NOTICE_DAYS * DAY_MS));
}

export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

/** Reads the day that a command is about, `--date`. Default: today. A wrong one ends the process with one line. */
export function readDay(script: string): Date {
  const { date = new Date() } = new Command(`npm run ${script} --`)
    .option("--date <day>", "the day to look from, in the form 2027-04-30 (default: today)", parseDay)
    .showHelpAfterError(false)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "")) })
    .parse()
    .opts<{ date?: Date }>();
  return date;
}

function parseDay(text: string): Date {
  const day = new Date(`${text}T00:00:00Z`);
  if (/^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(day.getTime()) && dayOf(day) === text) return day;
  throw new InvalidArgumentError("It is not a day of the calendar. Use the form 2027-04-30.");
}
