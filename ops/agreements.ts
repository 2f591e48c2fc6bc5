import {
  BedrockClient,
  CreateFoundationModelAgreementCommand,
  GetFoundationModelAvailabilityCommand,
  ListFoundationModelAgreementOffersCommand,
} from "@aws-sdk/client-bedrock";
import { type ChainedModel, derive } from "../config/derived.ts";
import type { Settings } from "../config/settings.ts";
import { DeployError, explainAws } from "./errors.ts";

/** A model whose agreement with its provider the account lacks. */
export type MissingAgreement = Pick<ChainedModel, "id" | "region"> &
  (
    | {
        readonly kind: "offered";
        readonly offerToken: string;
        /** The URL of the terms. */
        readonly terms: string;
      }
    /** The bootstrap cannot accept it: why, and what to do. */
    | { readonly kind: "by-hand"; readonly problem: string }
  );

/**
 * Finds the agreements that an account lacks for the models of its environments. Without one, calls of a third-party
 * model succeed for up to 15 minutes, then answer AccessDeniedException.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-access.html
 */
export async function findMissingAgreements(environments: readonly Settings[]): Promise<MissingAgreement[]> {
  const all = environments.flatMap((settings) => derive(settings).modelChain);
  const models = [...new Map(all.map((model) => [`${model.id} ${model.region}`, model])).values()];
  return (await Promise.all(models.map(findMissing))).flat();
}

async function findMissing({ id, region }: ChainedModel): Promise<MissingAgreement[]> {
  const client = new BedrockClient({ region });
  const byHand = (problem: string): MissingAgreement[] => [
    { id, region, kind: "by-hand", problem: `${problem}. ${adviseByHand(id, region)}` },
  ];
  try {
    const { agreementAvailability: agreement } = await client.send(
      new GetFoundationModelAvailabilityCommand({ modelId: id }),
    );
    if (agreement?.status === "AVAILABLE") return [];
    if (agreement?.status === "PENDING")
      return byHand(`The agreement for ${id} is pending; wait some minutes`);
    const { offers: [offer] = [] } = await client.send(
      new ListFoundationModelAgreementOffersCommand({ modelId: id, offerType: "PUBLIC" }),
    );
    const terms = offer?.termDetails?.legalTerm?.url;
    return offer?.offerToken === undefined || terms === undefined
      ? byHand(
          `The agreement for ${id} is missing (${agreement?.errorMessage ?? agreement?.status}), and AWS has no offer for it`,
        )
      : [{ id, region, kind: "offered", offerToken: offer.offerToken, terms }];
  } catch (error) {
    return byHand(`Cannot read the agreement for ${id}: ${explainAws(error).message}`);
  }
}

/** Accepts an offer; it takes effect within minutes. Throws a DeployError that says what to do in the console instead. */
export async function acceptAgreement(modelId: string, region: string, offerToken: string): Promise<void> {
  try {
    await new BedrockClient({ region }).send(
      new CreateFoundationModelAgreementCommand({ modelId, offerToken }),
    );
  } catch (error) {
    throw new DeployError(
      `Cannot accept the agreement for ${modelId}: ${explainAws(error).message}. Your role needs aws-marketplace:Subscribe and aws-marketplace:ViewSubscriptions, and the account a valid payment method. ${adviseByHand(modelId, region)}`,
    );
  }
}

function adviseByHand(id: string, region: string): string {
  return `As an administrator, open https://${region}.console.aws.amazon.com/bedrock/home?region=${region}#/model-catalog, choose ${id}, open it in the playground and make one picture`;
}
