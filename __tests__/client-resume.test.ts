import { describe, expect, it } from "vitest";
import { type Answer, runClient, startScriptedAws } from "./support/client.ts";

// local-cloudwatch.test.ts resumes a consumer that the breaker has really stopped.

const MAPPINGS = "/2015-03-31/event-source-mappings";
const STOPPED: Answer = { status: 200, body: { EventSourceMappings: [{ UUID: "u", State: "Disabled" }] } };
const DONE: Answer = { status: 200, body: {} };
const DENIED: Answer = { status: 403, body: { __type: "AccessDeniedException", message: "no" } };

/** Runs `resume` against an AWS that answers by the beginning of a call's name, and says DONE to all else. */
async function resume(answers: Readonly<Record<string, Answer>>) {
  await using aws = await startScriptedAws(
    (action) => Object.entries(answers).find(([call]) => action.startsWith(call))?.[1] ?? DONE,
  );
  const SQS_QUEUE_URL = aws.env.SQS_QUEUE_URL?.replace(/prompts$/, "image-generation-queue-dev") ?? "";
  return await runClient(["resume"], { env: { ...aws.env, SQS_QUEUE_URL, AWS_REGION: "eu-west-1" } });
}

describe("resume", () => {
  it.each<[string, Record<string, Answer>]>([
    ["lambda:ListEventSourceMappings", { [`GET ${MAPPINGS}`]: DENIED }],
    ["cloudwatch:DescribeAlarms", { [`GET ${MAPPINGS}`]: STOPPED, GraniteServiceVersion20100801: DENIED }],
    ["lambda:UpdateEventSourceMapping", { [`GET ${MAPPINGS}`]: STOPPED, [`PUT ${MAPPINGS}`]: DENIED }],
  ])("names the permission %s where it is missing", async (permission, answers) => {
    expect(await resume(answers)).toEqual({
      code: 1,
      stdout: "",
      stderr: `Access denied: these credentials need the permission ${permission}.\n`,
    });
  });

  it.each<[string, Answer]>([
    ["no event source", { status: 200, body: { EventSourceMappings: [] } }],
    [
      "no consumer",
      { status: 404, body: { __type: "ResourceNotFoundException", Message: "Function not found" } },
    ],
  ])("says so where there is %s", async (_what, answer) => {
    expect(await resume({ [`GET ${MAPPINGS}`]: answer })).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "image-processor-dev has no event source in eu-west-1. Check the account and the name in SQS_QUEUE_URL, or deploy the pipeline again.\n",
    });
  });

  it("is to be typed again while the consumer is still being stopped", async () => {
    const busy: Answer = { status: 400, body: { __type: "ResourceInUseException", Message: "Disabling" } };
    expect(await resume({ [`GET ${MAPPINGS}`]: STOPPED, [`PUT ${MAPPINGS}`]: busy })).toEqual({
      code: 1,
      stdout: "",
      stderr: "The consumer is being started or stopped right now. Try again in a minute.\n",
    });
  });

  it("is wrong use with a queue that no environment has", async () => {
    const SQS_QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/prompts";
    expect(await runClient(["resume"], { env: { SQS_QUEUE_URL } })).toEqual({
      code: 2,
      stdout: "",
      stderr: `SQS_QUEUE_URL is not that of a queue of prompts, image-generation-queue-<environment>: ${SQS_QUEUE_URL}\n`,
    });
  });
});
