import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BedrockClient, GetFoundationModelCommand } from "@aws-sdk/client-bedrock";
import { BedrockRuntimeClient, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Model } from "../../functions/domain/models/contract.ts";
import { models } from "../../functions/domain/models.ts";
import { drawSeed } from "../../functions/domain/record.ts";
import { describeProblems, validateRequest } from "../../functions/domain/request.ts";
import { cannotWrite } from "../folder.ts";
import { systemErrorCode, UserError } from "../user-error.ts";
import type { Arguments } from "./arguments.ts";
import { NO_CREDENTIALS } from "./real-model.ts";

/** A model may take a minute; the SDK itself waits for ever. */
const TIMEOUT_MS = 120_000;

/**
 * Paints one prompt with one model on Amazon Bedrock, and says what its file in the catalogue should say.
 * @throws UserError where the model or AWS does not answer with a picture
 */
export async function tryModel(id: string, given: Arguments): Promise<string> {
  const known = models.find((model) => model.id === id);
  const like = known ?? sibling(id);
  const [region] = like.regions;
  const parsed = validateRequest({ ...given.wishes, prompt: given.prompts[0] });
  if (!parsed.ok) throw new UserError(describeProblems(parsed.problems));
  const asked = { ...parsed.request, requestId: "try", seed: parsed.request.seed ?? drawSeed() };
  const { modelDetails } = await ask(id, region, () =>
    new BedrockClient({ region, maxAttempts: 1 }).send(
      new GetFoundationModelCommand({ modelIdentifier: id }),
    ),
  );
  // The same handler as in the consumer: the default speaks HTTP/2 and has no time limit.
  const requestHandler = new NodeHttpHandler({ requestTimeout: TIMEOUT_MS, throwOnRequestTimeout: true });
  const client = new BedrockRuntimeClient({ region, maxAttempts: 1, requestHandler });
  const started = performance.now();
  const { body } = await ask(id, region, () =>
    client.send(
      new InvokeModelCommand({
        modelId: id,
        contentType: "application/json",
        accept: "application/json",
        body: JSON.stringify(like.writeRequest(asked)),
      }),
    ),
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const answer = like.readAnswer(Buffer.from(body), asked.seed);
  if (answer.kind !== "painted") {
    throw new UserError(
      `${id} answered without a picture, and may have been paid: ${answer.reason.message}. If another prompt fails too, its answer has another form: write readAnswer in its file in functions/domain/models.`,
    );
  }
  const file = join(given.output, `${id.replaceAll(/[^\w.-]/g, "-")}-${answer.seed}.${asked.outputFormat}`);
  await writeFile(file, answer.bytes).catch((error: unknown) => {
    throw cannotWrite("--output", given.output, error);
  });
  const { status = "ACTIVE", endOfLifeTime } = modelDetails?.modelLifecycle ?? {};
  const end = endOfLifeTime?.toISOString().slice(0, 10);
  return [
    `${id} painted ${file} in ${seconds} s. One picture is on the bill.`,
    known === undefined
      ? `It is not in the catalogue. It took the request of ${like.id}. For its file in functions/domain/models:`
      : "Its file in functions/domain/models should say:",
    `  id: "${id}",`,
    `  regions: ["${region}"],`,
    `  pricePerImageUsd: ${known?.pricePerImageUsd ?? "?"}, // Bedrock does not tell: https://aws.amazon.com/bedrock/pricing/`,
    end === undefined
      ? `  // no endOfLife: AWS says ${status}, and announces no end`
      : `  endOfLife: "${end}",`,
  ].join("\n");
}

/** The model of the catalogue whose requests a model of the same maker may take. */
function sibling(id: string): Model {
  const maker = `${id.split(".")[0]}.`;
  const shared = (other: string) => [...`${other}\n`].findIndex((letter, at) => letter !== id[at]);
  const [first] = models
    .filter((model) => model.id.startsWith(maker))
    .toSorted((one, other) => shared(other.id) - shared(one.id));
  if (first !== undefined) return first;
  throw new UserError(
    `${id} is not in the catalogue, and no model of its maker is. Write its file in functions/domain/models first, as contract.ts says. The catalogue has ${models.map((model) => model.id).join(", ")}.`,
  );
}

/** Waits for Bedrock's answer, and explains a failure in one line. */
async function ask<T>(id: string, region: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    if (name === "CredentialsProviderError") throw new UserError(NO_CREDENTIALS);
    if (name === "ResourceNotFoundException" || name === "ValidationException") {
      throw new UserError(
        `Amazon Bedrock does not serve ${id} in ${region}, or not with this request (${message}). To see what it serves, type: aws bedrock list-foundation-models --region ${region} --by-output-modality IMAGE`,
      );
    }
    const code = systemErrorCode(error);
    if (code !== undefined || name === "TimeoutError") {
      throw new UserError(
        `Cannot reach Amazon Bedrock in ${region} (${code ?? name}). Check the network, or drop --bedrock aws.`,
      );
    }
    throw new UserError(`Amazon Bedrock does not paint with ${id} in ${region}: ${name}: ${message}`);
  }
}
