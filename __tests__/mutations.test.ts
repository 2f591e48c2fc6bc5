import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import type { Damage } from "./support/broken-consumer.ts";
import { isThorough } from "./support/thorough.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

/** A mistake that somebody could make, and the tests that have to be red with it: a test file, and a part of their names. */
interface Mutation extends Damage {
  readonly name: string;
  readonly red: string;
  readonly test: string;
}

/** Those that `broken-consumers.test.ts` cannot plant, or where another test is faster to tell. */
const MUTATIONS: readonly Mutation[] = [
  {
    name: "a bad request overwrites a record that has not succeeded",
    file: "functions/domain/ledger.ts",
    from: 'if (found?.status === "rejected" && found.body === message.body) return found;',
    to: `if (found?.status === "rejected" && found.body === message.body) return found;
      if (result.found !== undefined && found?.status !== "succeeded") {
        const { etag } = result.found;
        if ((await this.#records.write(record, { ifMatch: etag })).written) return record;
      }`,
    ...{ red: "consumer", test: "never touches" },
  },
  {
    name: "a try fails one receive early",
    file: "functions/consumer/redelivery.ts",
    from: "history.receives < limits.receiveLimit",
    to: "history.receives < limits.receiveLimit - 1",
    ...{ red: "redelivery", test: "what becomes of a message" },
  },
  {
    name: "a back-off grows to 50 minutes",
    file: "functions/consumer/redelivery.ts",
    from: "const LONGEST_SECONDS = 300",
    to: "const LONGEST_SECONDS = 3000",
    ...{ red: "redelivery", test: "exponentially" },
  },
  {
    name: "a leased message comes back after a second",
    file: "functions/consumer/consume.ts",
    from: "reason, waitSeconds }",
    to: "reason, waitSeconds: Math.min(1, waitSeconds) }",
    ...{ red: "consumer-duplicates", test: "left alone" },
  },
  {
    name: "a claim gives up after one race",
    file: "functions/domain/ledger.ts",
    from: "const MAX_RACES = 5",
    to: "const MAX_RACES = 1",
    ...{ red: "ledger", test: "changes four times" },
  },
  {
    name: "404 is not the answer to a condition",
    file: "functions/domain/object-store.ts",
    from: 'CONDITION_FAILURES = ["PreconditionFailed", "NoSuchKey"]',
    to: 'CONDITION_FAILURES = ["PreconditionFailed"]',
    ...{ red: "ledger", test: "is deleted while" },
  },
  {
    name: "a picture goes to S3 without its SHA-256",
    file: "functions/domain/object-store.ts",
    from: '...(object.sha256 && { ChecksumSHA256: object.sha256.toString("base64") }),',
    to: "",
    ...{ red: "ledger", test: "changes on its way" },
  },
  {
    name: "waiting is to help where S3 denies access",
    file: "functions/consumer/consume.ts",
    from: '"AccessDenied", ',
    to: "",
    ...{ red: "chaos", test: "may not reach the bucket" },
  },
  {
    name: "a TypeError does not count as a bug",
    file: "functions/consumer/consume.ts",
    from: "error instanceof TypeError || ",
    to: "",
    ...{ red: "broken-consumers", test: "has a bug" },
  },
  {
    name: "the model's own time-out is not paid",
    file: "functions/consumer/invoke-model.ts",
    from: " || httpStatusCode === 408",
    to: "",
    ...{ red: "lost-answers", test: "ModelTimeoutException" },
  },
  {
    name: "a connection to the model has no time-out",
    file: "functions/consumer/index.ts",
    from: "connectionTimeout: 3_000,",
    to: "",
    ...{ red: "chaos", test: "no connection can be made" },
  },
  {
    name: "the health does not count prompts that are being painted",
    file: "functions/api/backlog.ts",
    from: '"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"',
    to: '"ApproximateNumberOfMessages"',
    ...{ red: "api", test: "that is being painted" },
  },
  {
    name: "a production bucket is destroyed with its pictures",
    file: "constructs/image-bucket.ts",
    from: "forceDestroy: !production",
    to: "forceDestroy: true",
    ...{ red: "pipeline-stack", test: "is destroyed" },
  },
  {
    name: "the pipeline may change any account",
    file: "constructs/account.ts",
    from: "...(accountId !== undefined && { allowedAccountIds: [accountId] }),",
    to: "",
    ...{ red: "pipeline-stack", test: "may change the account" },
  },
  {
    name: "the bootstrap may change any account",
    file: "constructs/bootstrap-stack.ts",
    from: ", ...(accountId !== undefined && { accountId })",
    to: "",
    ...{ red: "pipeline-stack", test: "may change the account" },
  },
  {
    name: "a batch window does not count towards the visibility timeout",
    file: "ops/policies/queues.ts",
    from: " + Number(mapping.maximum_batching_window_in_seconds ?? 0)",
    to: "",
    ...{ red: "policy-rules", test: "QUEUE_VISIBILITY" },
  },
  {
    name: "the local event source does not wait for a batch to fill",
    file: "local/lambda/event-source.ts",
    from: "batchWindowSeconds * 1000",
    to: "0",
    ...{ red: "local-functions", test: "window" },
  },
  {
    name: "the third failure of the spend breaker pages",
    file: "constructs/monitoring/alarm-table.ts",
    from: "m: 1, n: 5, threshold: 0",
    to: "m: 3, n: 5, threshold: 0",
    ...{ red: "alarms", test: "pages at its first failure" },
  },
];

describe.runIf(isThorough)("the tests, where", () => {
  const clone = mkdtempSync(join(tmpdir(), "couch-mutations-"));
  beforeAll(() => {
    const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
      cwd: ROOT,
    });
    for (const file of listed.toString().trim().split("\n")) cpSync(join(ROOT, file), join(clone, file));
    symlinkSync(join(ROOT, "node_modules"), join(clone, "node_modules"));
  });

  /** Runs tests of the copy: some files, and in them the tests that have one of some texts in their names. */
  const testIn = (mutations: readonly Mutation[]) => {
    const files = new Set(mutations.map(({ red }) => `__tests__/${red}.test.ts`));
    const names = mutations.map(({ test }) => test).join("|");
    const vitest = ["node_modules/vitest/vitest.mjs", "run", "--maxWorkers=1", ...files, "-t", names];
    return run(process.execPath, vitest, { cwd: clone });
  };

  it("no mistake is put in: all are green", { timeout: 600_000 }, async () => {
    await expect(testIn(MUTATIONS)).resolves.toMatchObject({
      stdout: expect.stringMatching(/Tests .*passed/),
    });
  });

  it.each(MUTATIONS)("$name", async (mutation) => {
    const { file, from, to } = mutation;
    const path = join(clone, file);
    const sound = readFileSync(path, "utf8");
    expect(sound.split(from)).toHaveLength(2);
    writeFileSync(
      path,
      sound.replace(from, () => to),
    );
    try {
      // Of all that can go wrong, only a test that fails counts.
      await expect(testIn([mutation])).rejects.toMatchObject({
        stdout: expect.stringMatching(/Tests .*\d+ failed/),
      });
    } finally {
      writeFileSync(path, sound);
    }
  });
});
