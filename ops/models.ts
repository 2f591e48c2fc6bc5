import {
  BedrockClient,
  type FoundationModelLifecycle,
  GetFoundationModelCommand,
} from "@aws-sdk/client-bedrock";
import { derive } from "../config/derived.ts";
import type { Settings } from "../config/settings.ts";
import { models } from "../functions/domain/models.ts";
import { type Dated, dayOf } from "./calendar.ts";
import { explainAws } from "./errors.ts";

export interface ModelReport {
  /** The models whose end is announced, or that are legacy or gone. */
  readonly dated: readonly Dated[];
  /** Models whose lifecycle could not be read, and why, one line each. */
  readonly unknown: readonly string[];
}

/** Whether there are credentials to ask AWS with. */
export function hasCredentials(): Promise<boolean> {
  const { config } = new BedrockClient({ region: "us-west-2" });
  return config.credentials().then(
    () => true,
    () => false,
  );
}

/** When the models of an environment end, as far as a catalogue knows. Default: the project's. */
export function readCatalogue(settings: Settings, catalogue = models): Dated[] {
  return derive(settings).modelChain.flatMap(({ id, region }) => {
    const { endOfLife } = catalogue.find((model) => model.id === id) ?? {};
    return endOfLife === undefined ? [] : move(`\`${id}\` in ${region} reaches its end of life`, endOfLife);
  });
}

/** Asks Amazon Bedrock when each model of an environment ends. */
export async function checkModels(settings: Settings, today: Date): Promise<ModelReport> {
  const answers = await Promise.all(
    derive(settings).modelChain.map(async ({ id, region }) => {
      try {
        return { dated: describe(`\`${id}\` in ${region}`, await readLifecycle(id, region), today) };
      } catch (error) {
        return {
          unknown: `Cannot read the lifecycle of \`${id}\` in ${region}. ${explainAws(error).message}`,
        };
      }
    }),
  );
  return {
    dated: answers.flatMap(({ dated }) => dated ?? []),
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
function describe(model: string, lifecycle: FoundationModelLifecycle | undefined, today: Date): Dated[] {
  if (lifecycle === undefined) return move(`${model} no longer exists in Bedrock`, dayOf(today));
  const { status, legacyTime, endOfLifeTime, publicExtendedAccessTime } = lifecycle;
  const days = [legacyTime, endOfLifeTime].flatMap((time) => (time === undefined ? [] : dayOf(time)));
  // A legacy model can go within 45 days.
  const [first] = status === "ACTIVE" ? days.toSorted() : [dayOf(today)];
  if (first === undefined) return [];
  const parts = [
    status === "ACTIVE" ? "is active" : "is legacy",
    ...(legacyTime === undefined ? [] : [`legacy from ${dayOf(legacyTime)}`]),
    ...(publicExtendedAccessTime === undefined ? [] : [`dearer from ${dayOf(publicExtendedAccessTime)}`]),
    endOfLifeTime === undefined ? "no end of life announced" : `end of life on ${dayOf(endOfLifeTime)}`,
  ];
  return move(`${model} ${parts.join(", ")}`, first);
}

function move(what: string, day: string): Dated[] {
  const todo = "Move to another model in config/environments, then deploy";
  return [{ day, what, todo, page: "docs/runbooks/model-fallback.md", names: [] }];
}
