import { once } from "node:events";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { readArguments } from "../local/command-line/arguments.ts";
import { tryModel } from "../local/command-line/try-model.ts";
import { type Bedrock, startBedrock } from "../local/model/bedrock.ts";
import { BedrockCatalogue } from "./support/bedrock-catalogue.ts";
import { npmStart } from "./support/npm-start.ts";
import { quickPainter } from "./support/quick-painter.ts";

const CORE = "stability.stable-image-core-v1:1";

describe("npm start -- --bedrock aws --model", () => {
  let runtime: Bedrock;
  let catalogue: BedrockCatalogue;
  const folder = mkdtempSync(join(tmpdir(), "couch-try-"));
  const environment = () => ({
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: runtime.endpoint,
    ...catalogue.env,
  });
  const options = (id: string) => [
    ...["--output", folder, "--bedrock", "aws", "--model", id, "--seed", "7"],
    "K2",
  ];

  beforeAll(async () => {
    runtime = await startBedrock({}, quickPainter);
    catalogue = await BedrockCatalogue.start({
      [CORE]: { lifecycle: { status: "ACTIVE", endOfLifeTime: "2027-06-30T00:00:00Z" } },
      "stability.gone-v1:0": { status: 404, error: "ResourceNotFoundException", message: "No such model." },
    });
  });
  afterAll(async () => {
    catalogue.stop();
    await runtime.stop();
  });
  beforeEach(() => {
    runtime.setTrouble({ latencyMs: 0 });
    for (const [name, value] of Object.entries(environment())) vi.stubEnv(name, value);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("paints one picture and says what the catalogue should say, with AWS's own end of life", async () => {
    const { child, output } = npmStart(options(CORE), { PATH: process.env.PATH, ...environment() });
    expect(await once(child, "close")).toEqual([0, null]);
    expect(readdirSync(folder)).toEqual(["stability.stable-image-core-v1-1-7.png"]);
    expect(output.stdout).toMatch(/painted \S+\.png in \d+\.\d s\. One picture is on the bill\.\n/);
    expect(output.stdout).toContain(`  id: "${CORE}",\n  regions: ["us-west-2"],\n  pricePerImageUsd: 0.04,`);
    expect(output.stdout).toContain('  endOfLife: "2027-06-30",\n');
    expect(runtime.bill).toHaveLength(1);
  });

  async function refusal(id: string): Promise<string> {
    const line = await tryModel(id, readArguments(options(id))).catch(String);
    expect(line).not.toContain("\n");
    return line;
  }

  it("asks a model that AWS does not know nothing that is paid, and says how to find those that it knows", async () => {
    const calls = runtime.calls.length;
    expect(await refusal("stability.gone-v1:0")).toMatch(
      /does not serve stability\.gone-v1:0 in us-west-2.*No such model.*aws bedrock list/,
    );
    expect(runtime.calls).toHaveLength(calls);
  });

  it("says which file to write for a model of a maker that the catalogue lacks", async () => {
    expect(await refusal("acme.paint")).toMatch(/acme\.paint is not in the catalogue.*contract\.ts says/);
  });

  it("says so when AWS cannot be reached", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL_BEDROCK", "http://127.0.0.1:1");
    expect(await refusal(CORE)).toMatch(/Cannot reach Amazon Bedrock in us-west-2 \(ECONNREFUSED\)/);
  });

  it.each([
    ["FilteredImage", /may have been paid: Filter reason: output image\. /],
    ["AccessDeniedException", /AccessDeniedException: Model access is denied/],
    ["ValidationException", /does not serve .* or not with this request/],
  ] as const)("says what AWS said for %s", async (every, message) => {
    runtime.setTrouble({ latencyMs: 0, every });
    expect(await refusal(CORE)).toMatch(message);
  });
});
