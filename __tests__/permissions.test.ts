import { runSimulation } from "@cloud-copilot/iam-simulate";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { unusedPermissions } from "../config/unused-permissions.ts";
import type { Call } from "../local/chaos/call.ts";
import type { PlannedPrompt } from "../local/chaos/plan.ts";
import { runPlan } from "../local/chaos/run.ts";
import { startWorld } from "../local/chaos/world.ts";
import { Terraform } from "../local/terraform.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

const ACCOUNT = "000000000000";
const NAME = "image-processor";
const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const policySchema = z.object({
  Version: z.string(),
  Statement: z.array(z.looseObject({ Effect: z.literal("Allow"), Action: oneOrMore, Resource: oneOrMore })),
});

let policy: z.output<typeof policySchema>;
let calls: readonly Call[];

const sound: PlannedPrompt = { body: "request", sent: 1, duplicates: 0, deletesLost: 0, faults: [] };

/** Ways on which the consumer makes each of its calls: painted, taken over, hidden, sent anew, by either model. */
const prompts: readonly PlannedPrompt[] = [
  sound,
  { ...sound, sent: 3 },
  { ...sound, faults: [{ on: "store", nth: 1, kind: "kill after" }] },
  { ...sound, faults: Array.from({ length: 24 }, (_, nth) => ({ on: "model", nth, kind: "throttled" })) },
];

beforeAll(async () => {
  const { folder } = synthesise(settingsWith());
  const terraform = await Terraform.read({ directory: folder, endpoint: "http://local" });
  const policies = terraform.resources(
    "aws_iam_role_policy",
    z.object({ name: z.string(), policy: z.string() }),
  );
  const own = policies.find(({ name }) => name.startsWith(NAME));
  policy = policySchema.parse(JSON.parse(own?.policy ?? "{}"));
  await using world = await startWorld({ stackDir: folder });
  const plan = { batchSizes: [1], clockSkewsMs: [0], invocationsAtOnce: 3, stormMinutes: 0, order: 1 };
  const left = await runPlan(world, { prompts, ...plan });
  calls = left.flatMap((evidence) =>
    evidence.prompts.flatMap((prompt) => prompt.calls.map(({ call }) => call)),
  );
}, 120_000);

async function isAllowed(action: string, resource: string, statement?: unknown): Promise<boolean> {
  const response = await runSimulation(
    {
      identityPolicies: [
        {
          name: NAME,
          policy: statement === undefined ? policy : { Version: policy.Version, Statement: [statement] },
        },
      ],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      request: {
        action,
        resource: { resource, accountId: ACCOUNT },
        principal: `arn:aws:iam::${ACCOUNT}:role/${NAME}`,
        contextVariables: {},
      },
    },
    {},
  );
  if (response.resultType === "error") throw new Error(JSON.stringify(response));
  return response.overallResult === "Allowed";
}

describe("the consumer's role", () => {
  it("may make every call that the consumer makes", async () => {
    const distinct = new Map(calls.map((call) => [`${call.action} ${call.resource}`, call]));
    for (const [name, { action, resource }] of distinct) {
      expect(await isAllowed(action, resource), name).toBe(true);
    }
  });

  it("may not read another object, another queue or another model", async () => {
    for (const [action, resource] of [
      ["s3:GetObject", "arn:aws:s3:::couch-explorers-images-dev/secrets/one.json"],
      ["s3:DeleteObject", "arn:aws:s3:::couch-explorers-images-dev/images/one.png"],
      ["sqs:SendMessage", `arn:aws:sqs:eu-west-1:${ACCOUNT}:another-queue`],
      [
        "bedrock:InvokeModel",
        "arn:aws:bedrock:us-west-2::foundation-model/stability.stable-image-ultra-v1:1",
      ],
    ] as const) {
      expect(await isAllowed(action, resource), `${action} ${resource}`).toBe(false);
    }
  });

  it("has no action on no resource that is not used, but for those that are listed with their reason", async () => {
    const listed = unusedPermissions.flatMap(({ functionName, actions }) =>
      functionName === NAME ? actions : [],
    );
    const unused: string[] = [];
    for (const statement of policy.Statement) {
      for (const Action of statement.Action) {
        for (const Resource of statement.Resource) {
          const part = { Effect: "Allow", Action, Resource };
          const used = await Promise.all(
            calls
              .filter(({ action }) => action === Action)
              .map(({ resource }) => isAllowed(Action, resource, part)),
          );
          if (!used.includes(true)) unused.push(Action);
        }
      }
    }
    expect(new Set(unused)).toEqual(new Set(listed));
  });
});
