import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { models } from "../functions/domain/models.ts";
import { cloneSources } from "./support/clone-sources.ts";

const run = promisify(execFile);

async function synthesise(folder: string, environment: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  await run(process.execPath, ["main.ts"], {
    cwd: folder,
    env: { ...process.env, ENVIRONMENT: environment, ...env },
  });
}

/** The SHA-256 of every file below a folder, by its path. */
function digests(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [relative(folder, path), createHash("sha256").update(readFileSync(path)).digest("hex")];
    }),
  );
}

describe("node main.ts", () => {
  it("writes the same bytes in two clones in different folders", async () => {
    const [one, other] = [cloneSources(), cloneSources()];
    await Promise.all([synthesise(one, "prod"), synthesise(other, "prod")]);
    const written = digests(join(one, "cdktf.out"));
    expect(Object.keys(written).filter((path) => path.endsWith(".zip"))).not.toEqual([]);
    expect(digests(join(other, "cdktf.out"))).toEqual(written);
  });

  it.each([
    [
      "prod/pipeline",
      "dev/pipeline",
      /have the same state, couch-explorers-state\/dev\/pipeline\.tfstate\. Give each its own state\.key\.\n$/,
    ],
    [
      "couch-explorers-images-prod",
      "couch-explorers-images-dev",
      /have the same place for pictures, couch-explorers-images-dev\. Give each a bucket, or an existing bucket and a keyPrefix of its own\.\n$/,
    ],
    [
      'bucket: "couch-explorers-state"',
      'bucket: "couch-explorers-images-dev"',
      /use one bucket for the pictures of one and the state of the other\. Give the pictures another bucket\.\n$/,
    ],
  ])("refuses two environments that would destroy each other's: %s as %s", async (own, others, message) => {
    const folder = cloneSources();
    const prod = join(folder, "config/environments/prod.ts");
    writeFileSync(prod, readFileSync(prod, "utf8").replace(own, others));
    for (const environment of ["dev", "prod"]) {
      await expect(synthesise(folder, environment)).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          new RegExp(`^config/environments/\\w+\\.ts and \\w+\\.ts ${message.source}`),
        ),
      });
    }
  });

  it("leaves nothing of an earlier synthesis in another syntax, which Terraform would read as well", async () => {
    const folder = cloneSources();
    const written = () =>
      readdirSync(join(folder, "cdktf.out/stacks/pipeline")).filter((name) => name.startsWith("cdk.tf"));
    await synthesise(folder, "dev");
    expect(written()).toEqual(["cdk.tf.json"]);
    await synthesise(folder, "dev", { SYNTH_HCL_OUTPUT: "true" });
    expect(written()).toEqual(["cdk.tf"]);
  });

  it("lists all mistakes in the settings and exits with 1, without a stack trace", async () => {
    const clone = cloneSources();
    const broken = join(clone, "config", "environments", "dev.ts");
    writeFileSync(
      broken,
      readFileSync(broken, "utf8")
        .replace("stability.stable-image-core-v1:1", "amazon.titan-image-generator-v1")
        .replace("receiveLimit: 10", "receiveLimit: 0"),
    );
    const failure = await synthesise(clone, "dev").then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      code: 1,
      stderr:
        "config/environments/dev.ts has 2 problems:\n" +
        '  models[0].id = "amazon.titan-image-generator-v1" is at its end of life. ' +
        `Use one of ${models.map(({ id }) => id).join(", ")}\n` +
        "  consumer.receiveLimit = 0 must be a whole number of receives from 3 to 1000\n",
    });
  });

  it("names the environments there are when it is asked for another, and exits with 1", async () => {
    await expect(synthesise(cloneSources(), "staging")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^There is no environment "staging".*Set ENVIRONMENT to one of dev, prod.*\n$/,
      ),
    });
  });
});
