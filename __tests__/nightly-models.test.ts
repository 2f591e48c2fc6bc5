import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { linesDue } from "../ops/calendar.ts";
import { checkModels } from "../ops/models.ts";
import { type Answer, BedrockCatalogue } from "./support/bedrock-catalogue.ts";
import { settingsWith } from "./support/synthesise.ts";

const [FIRST, SECOND] = ["stability.stable-image-core-v1:1", "stability.sd3-5-large-v1:0"] as const;
const TODAY = new Date("2026-11-24T03:17:00Z");
const MOVE = "Move to another model in config/environments, then deploy. See docs/runbooks/model-fallback.md";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Asks an Amazon Bedrock that answers like this about the first model; the second one is active. */
async function check(first: Answer) {
  const bedrock = await BedrockCatalogue.start({ [FIRST]: first });
  onTestFinished(() => bedrock.stop());
  const env = {
    ...bedrock.env,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_PROFILE: undefined,
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const { dated, unknown } = await checkModels(settingsWith(), TODAY);
  return { bedrock, report: { findings: linesDue(dated, TODAY), unknown } };
}

describe("the nightly check of the models", () => {
  it("asks about each model in the region where the consumer calls it", async () => {
    const { bedrock, report } = await check({ lifecycle: { status: "ACTIVE" } });
    expect(new Set(bedrock.asked)).toEqual(new Set([`us-west-2 ${FIRST}`, `us-west-2 ${SECOND}`]));
    expect(report).toEqual({ findings: [], unknown: [] });
  });

  it.each([
    [
      "legacy, with all dates",
      {
        status: "LEGACY",
        legacyTime: "2026-10-01T00:00:00Z",
        publicExtendedAccessTime: "2027-01-01T00:00:00Z",
        endOfLifeTime: "2027-04-01T00:00:00Z",
      },
      "2026-11-24",
      "is legacy, legacy from 2026-10-01, dearer from 2027-01-01, end of life on 2027-04-01",
    ],
    ["legacy, without a date", { status: "LEGACY" }, "2026-11-24", "is legacy, no end of life announced"],
    [
      "soon legacy",
      { status: "ACTIVE", legacyTime: "2027-01-08T00:00:00Z", endOfLifeTime: "2027-12-31T00:00:00Z" },
      "2027-01-08",
      "is active, legacy from 2027-01-08, end of life on 2027-12-31",
    ],
    [
      "at its end within 90 days",
      { status: "ACTIVE", endOfLifeTime: "2027-02-22T00:00:00Z" },
      "2027-02-22",
      "is active, end of life on 2027-02-22",
    ],
  ])("reports a model that is %s", async (_, lifecycle, day, says) => {
    const { report } = await check({ lifecycle });
    expect(report).toEqual({ findings: [`${day}: \`${FIRST}\` in us-west-2 ${says}. ${MOVE}`], unknown: [] });
  });

  it("says nothing of a model whose end is announced, but far", async () => {
    const { report } = await check({
      lifecycle: { status: "ACTIVE", endOfLifeTime: "2027-02-23T00:00:00Z" },
    });
    expect(report).toEqual({ findings: [], unknown: [] });
  });

  it.each([
    [
      "ResourceNotFoundException",
      404,
      "Could not resolve the foundation model from the provided model identifier.",
    ],
    ["ValidationException", 400, "The provided model identifier is invalid."],
  ])("reports a model that is gone, for a %s", async (error, status, message) => {
    const { report } = await check({ error, status, message });
    expect(report).toEqual({
      findings: [`2026-11-24: \`${FIRST}\` in us-west-2 no longer exists in Bedrock. ${MOVE}`],
      unknown: [],
    });
  });

  it.each([
    [
      "its role may not ask",
      {
        error: "AccessDeniedException",
        status: 403,
        message: `User: arn:aws:sts::1:assumed-role/couch-explorers-plan-dev/x is not authorized to perform: bedrock:GetFoundationModel on resource: arn:aws:bedrock:us-west-2::foundation-model/${FIRST}`,
      },
      "Your role may not do bedrock:GetFoundationModel. ",
    ],
    [
      "the session is over",
      {
        error: "ExpiredTokenException",
        status: 403,
        message: "The security token included in the request is expired",
      },
      "Your AWS session has expired. ",
    ],
    [
      "AWS is out of order",
      { error: "InternalServerException", status: 500, message: "An internal server error occurred." },
      "AWS answers InternalServerException: An internal server error occurred.",
    ],
  ])("says that it does not know where %s", async (_, answer, why) => {
    const { report } = await check(answer);
    expect(report).toEqual({
      findings: [],
      unknown: [expect.stringContaining(`Cannot read the lifecycle of \`${FIRST}\` in us-west-2. ${why}`)],
    });
  });
});
