import {
  BedrockClient,
  type FoundationModelLifecycle,
  GetFoundationModelCommand,
} from "@aws-sdk/client-bedrock";
import { derive } from "../config/derived.ts";
import type { Settings } from "../config/settings.ts";
import { explainAws } from "./errors.ts";

/** How long before its legacy or end-of-life date a model is a finding. AWS may give only 45 days' notice. */
const NOTICE_DAYS = 90;
const DAY_MS = 86_400_000;

export interface ModelReport {
  /** Models that are legacy, near their end or gone, one line each. */
  readonly findings: readonly string[];
  /** Models whose lifecycle could not be read, and why, one line each. */
  readonly unknown: readonly string[];
}

/** Reads the lifecycle of each model of an environment from Amazon Bedrock. */
export async function checkModels(settings: Settings, today: Date): Promise<ModelReport> {
  const answers = await Promise.all(
    derive(settings).modelChain.map(async ({ id, region }) => {
      try {
        return { finding: describe(`\`${id}\` in ${region}`, await readLifecycle(id, region), today) };
      } catch (error) {
        return {
          unknown: `Cannot read the lifecycle of \`${id}\` in ${region}. ${explainAws(error).message}`,
        };
      }
    }),
  );
  return {
    findings: answers.flatMap(({ finding }) => finding ?? []),
    unknown: answers.flatMap(({ unknown }) => unknown ?? []),
  };
}

/** Returns undefined for a model that AWS does not know, or no longer knows. */
async function readLifecycle(
  modelIdentifier: string,
  region: string,
): Promise<FoundationModelLifecycle | undefined> {
  try {
    const { modelDetails } = await new BedrockClient({ region }).send(
      new GetFoundationModelCommand({ modelIdentifier }),
    );
    // AWS may leave it out for an active model.
    return modelDetails?.modelLifecycle ?? { status: "ACTIVE" };
  } catch (error) {
    // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetFoundationModel.html#API_GetFoundationModel_Errors
    const isGone =
      error instanceof Error && ["ResourceNotFoundException", "ValidationException"].includes(error.name);
    if (isGone) return undefined;
    throw error;
  }
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_FoundationModelLifecycle.html */
function describe(
  model: string,
  lifecycle: FoundationModelLifecycle | undefined,
  today: Date,
): string | undefined {
  const move = "Move to another model in config/environments, then deploy.";
  if (lifecycle === undefined) return `${model} no longer exists in Bedrock. ${move}`;
  const { status, legacyTime, endOfLifeTime, publicExtendedAccessTime } = lifecycle;
  const isNear = (time: Date | undefined) =>
    time !== undefined && time.getTime() - today.getTime() <= NOTICE_DAYS * DAY_MS;
  if (status === "ACTIVE" && !isNear(legacyTime) && !isNear(endOfLifeTime)) return undefined;
  const parts = [
    status === "ACTIVE" ? "is active" : "is legacy",
    ...(legacyTime === undefined ? [] : [`legacy from ${dayOf(legacyTime)}`]),
    ...(publicExtendedAccessTime === undefined ? [] : [`dearer from ${dayOf(publicExtendedAccessTime)}`]),
    endOfLifeTime === undefined ? "no end of life announced" : `end of life on ${dayOf(endOfLifeTime)}`,
  ];
  return `${model} ${parts.join(", ")}. ${move}`;
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
