import { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { z } from "zod";
import type { Cloud } from "../cloud.ts";
import { withinLimit } from "../lambda/lambda.ts";
import { systemErrorCode, UserError } from "../user-error.ts";

/** How long credentials, and an answer of Amazon Bedrock, may take, in milliseconds. */
const LIMIT_MS = 10_000;

export const NO_CREDENTIALS =
  "There are no AWS credentials for --bedrock aws. Sign in with `aws sso login`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID; or drop --bedrock aws.";

const chainSchema = z.array(z.object({ region: z.string() }));

/**
 * Checks, before anything is painted, that there is a way to the real models.
 * @throws UserError without credentials or network
 */
export async function requireRealModels({ functions }: Pick<Cloud, "functions">): Promise<void> {
  const chains = [...functions.values()].flatMap(({ spec }) => spec.environment.MODEL_CHAIN ?? []);
  const regions = new Set(
    chains.flatMap((chain) => chainSchema.parse(JSON.parse(chain)).map(({ region }) => region)),
  );
  for (const region of regions) {
    const { config } = new BedrockRuntimeClient({ region });
    const credentials = await withinLimit(
      config.credentials().catch((error: unknown) => String(error)),
      LIMIT_MS,
    );
    if (typeof credentials === "string") {
      throw new UserError(NO_CREDENTIALS);
    }
    await requireReachable(`bedrock-runtime.${region}.amazonaws.com`);
  }
}

/** @throws UserError where a host does not answer, whatever the answer */
export async function requireReachable(host: string): Promise<void> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  await fetch(`https://${host}/`, { signal, method: "HEAD" }).catch((error: unknown) => {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const why = systemErrorCode(cause) ?? (cause instanceof Error ? cause.name : String(cause));
    throw new UserError(`Cannot reach ${host} (${why}). Check the network, or drop --bedrock aws.`);
  });
}
