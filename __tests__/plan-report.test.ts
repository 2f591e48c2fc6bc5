import { describe, expect, it } from "vitest";
import { deployableTypes } from "../constructs/deploy-permissions.ts";
import { dataLosses, outages } from "../ops/consequences.ts";
import { reportOn } from "../ops/plan-report.ts";
import { type Plan, planSchema } from "../ops/terraform-plan.ts";

type Attributes = Readonly<Record<string, unknown>> | null;

/** A plan for one resource; what it is before and after says what is done to it. */
function planFor(type: string, before: Attributes, after: Attributes): Plan {
  const actions = [...(before === null ? [] : ["delete"]), ...(after === null ? [] : ["create"])];
  return planSchema.parse({
    resource_changes: [
      {
        address: `${type}.it`,
        mode: "managed",
        type,
        change: { actions, before, after, replace_paths: [["name"]] },
      },
    ],
  });
}

const sound = { kept: 0, resources: 0, violations: [], waived: [] };
const report = (plan: Plan) => reportOn(plan, sound, "dev", false);

describe("the report on a plan", () => {
  it.each(["replaced", "destroyed"])(
    "refuses an API that is %s, because every caller has its address",
    (how) => {
      const plan = planFor("aws_apigatewayv2_api", {}, how === "replaced" ? {} : null);
      expect(report(plan).refusals).toEqual([
        expect.stringContaining(
          `aws_apigatewayv2_api.it would be ${how}: its address is lost: every caller needs the new one.`,
        ),
      ]);
    },
  );

  it("refuses to replace what an interrupted apply has left tainted, and says how to keep it", () => {
    const plan = planFor("aws_sqs_queue", {}, {});
    const tainted = planSchema.parse({
      resource_changes: plan.resource_changes.map((change) => ({
        ...change,
        change: { ...change.change, replace_paths: undefined },
        action_reason: "replace_because_tainted",
      })),
    });
    const { markdown, refusals } = report(tainted);
    expect(refusals).toEqual([
      "aws_sqs_queue.it would be replaced: the messages in it are lost, and clients have the old address. It is tainted: an apply was interrupted while it made it, or somebody typed terraform taint. To keep it, type: terraform -chdir=cdktf.out/stacks/pipeline untaint aws_sqs_queue.it. To replace it, give the pull request the label allow-data-loss (on a laptop: ALLOW_DATA_LOSS=true)",
    ]);
    expect(markdown).toContain("| replace | `aws_sqs_queue.it` | it is tainted: the messages in it are lost");
  });

  it("refuses a plan on the state of another environment", () => {
    const resources = [{ type: "aws_sqs_queue", values: { tags_all: { Environment: "prod" } } }];
    const plan = planSchema.parse({ prior_state: { values: { root_module: { resources } } } });
    expect(report(plan).refusals).toEqual([
      expect.stringContaining("the settings are for dev, but their state belongs to prod."),
    ]);
  });

  it("says what is lost with the versioning of a bucket", () => {
    expect(report(planFor("aws_s3_bucket_versioning", {}, null)).markdown).toContain(
      "what is overwritten or deleted meanwhile cannot be restored",
    );
  });

  it.each([
    ["destroyed", null],
    ["replaced", {}],
  ])("says that it does not know the consequence of an unknown type, %s", (_, after) => {
    expect(report(planFor("aws_dynamodb_table", {}, after)).markdown).toContain(
      "the consequence is not known",
    );
  });

  it("knows the consequence for every type that the pipeline may have", () => {
    expect(deployableTypes.filter((type) => !(type in dataLosses || type in outages))).toEqual([]);
  });
});

describe("the monthly fixed cost", () => {
  const metric = { metric: [{ metric_name: "Errors" }] };
  const math = (metrics: number) => ({
    metric_query: [{ expression: "a / b", metric: [] }, ...Array.from({ length: metrics }, () => metric)],
  });

  it.each<[what: string, type: string, before: Attributes, after: Attributes, cost: string]>([
    ["of an alarm on one metric", "aws_cloudwatch_metric_alarm", null, { metric_query: [] }, "+$0.10."],
    [
      "of an alarm on an expression of three metrics",
      "aws_cloudwatch_metric_alarm",
      null,
      math(3),
      "+$0.30.",
    ],
    ["of a dashboard that goes", "aws_cloudwatch_dashboard", {}, null, "−$3.00."],
    [
      "of an expression that reads one metric less",
      "aws_cloudwatch_metric_alarm",
      math(3),
      math(2),
      "−$0.10.",
    ],
    ["of a replaced dashboard", "aws_cloudwatch_dashboard", {}, {}, "unchanged."],
  ])("%s", (_, type, before, after, cost) => {
    expect(report(planFor(type, before, after)).markdown).toContain(`Monthly fixed cost: ${cost}`);
  });
});
