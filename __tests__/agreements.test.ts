import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { acceptAgreement, findMissingAgreements } from "../ops/agreements.ts";
import { serveAs } from "./support/serve-as.ts";
import { settingsWith } from "./support/synthesise.ts";

const ID = "stability.stable-image-core-v1:1";
const settings = settingsWith({ models: [{ id: ID, concurrency: 8 }] });

interface Reply {
  readonly status?: number;
  readonly body: object;
  readonly error?: string;
}
/** What Amazon Bedrock answers, by method and path. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock.html */
let replies: Record<string, Reply>;
let requests: string[];
let stop: () => Promise<void>;
const server = createServer(async (request, response) => {
  const name = `${request.method} ${decodeURIComponent(request.url ?? "")}`;
  requests.push(`${name} ${await text(request)}`.trim());
  const {
    status = 200,
    body,
    error,
  } = replies[name] ?? { status: 404, body: {}, error: "ResourceNotFoundException" };
  response.writeHead(status, {
    "content-type": "application/json",
    ...(error !== undefined && { "x-amzn-errortype": error }),
  });
  response.end(JSON.stringify(body));
});

const AVAILABILITY = `GET /foundation-model-availability/${ID}`;
const OFFERS = `GET /list-foundation-model-agreement-offers/${ID}?offerType=PUBLIC`;
const CREATE = "POST /create-foundation-model-agreement";
const agreement = (status: string) => ({ body: { modelId: ID, agreementAvailability: { status } } });

beforeEach(async () => {
  [replies, requests] = [{}, []];
  stop = await serveAs("BEDROCK", server);
});
afterEach(() => stop());

it("a model whose agreement is made needs nothing", async () => {
  replies = { [AVAILABILITY]: agreement("AVAILABLE") };
  expect(await findMissingAgreements([settings, settings])).toEqual([]);
  expect(requests).toEqual([AVAILABILITY]);
});

it("a model in a new account comes with its offer and where the terms are, and the offer is accepted", async () => {
  const offer = { offerToken: "token-1", termDetails: { legalTerm: { url: "https://terms.example" } } };
  replies = {
    [AVAILABILITY]: agreement("NOT_AVAILABLE"),
    [OFFERS]: { body: { modelId: ID, offers: [offer] } },
    [CREATE]: { status: 202, body: { modelId: ID } },
  };
  expect(await findMissingAgreements([settings])).toEqual([
    { id: ID, region: "us-west-2", kind: "offered", offerToken: "token-1", terms: "https://terms.example" },
  ]);
  await acceptAgreement(ID, "us-west-2", "token-1");
  expect(JSON.parse(requests.at(-1)?.replace(CREATE, "") ?? "")).toEqual({
    modelId: ID,
    offerToken: "token-1",
  });
});

it.each([
  ["is still being made", { [AVAILABILITY]: agreement("PENDING") }, "wait some minutes"],
  [
    "has no offer",
    { [AVAILABILITY]: agreement("NOT_AVAILABLE"), [OFFERS]: { body: { modelId: ID, offers: [] } } },
    "AWS has no offer",
  ],
  [
    "may not be asked for",
    { [AVAILABILITY]: { status: 403, body: { message: "no" }, error: "AccessDeniedException" } },
    "AccessDeniedException: no",
  ],
])("an agreement that %s is named with what to click", async (_, answers, problem) => {
  replies = answers;
  const [missing] = await findMissingAgreements([settings]);
  expect(missing).toMatchObject({ kind: "by-hand", problem: expect.stringContaining(problem) });
  expect(missing).toMatchObject({
    problem: expect.stringContaining(`us-west-2#/model-catalog, choose ${ID}`),
  });
});

it("an agreement that AWS refuses says which permissions it needs, and what to click", async () => {
  replies = {
    [CREATE]: { status: 403, body: { message: "not subscribed" }, error: "AccessDeniedException" },
  };
  await expect(acceptAgreement(ID, "us-west-2", "token-1")).rejects.toThrow(
    /not subscribed.*aws-marketplace:Subscribe.*valid payment method.*model-catalog, choose stability/,
  );
});
