import { z } from "zod";
import { nested, type Terraform } from "../stack/terraform.ts";
import { UserError } from "../user-error.ts";

/** A rule with the webhook that it delivers to. */
export interface EventRule {
  readonly arn: string;
  readonly busName: string;
  readonly pattern: EventPattern;
  readonly target: WebhookTarget;
}

/** An API destination as the target of a rule. */
export interface WebhookTarget {
  readonly arn: string;
  /** The URL on AWS. Nothing here ever calls it. */
  readonly url: string;
  readonly method: string;
  readonly header: { readonly name: string; readonly value: string };
  /** Whether the body is the event's detail alone, and not the whole event. */
  readonly isDetailOnly: boolean;
  readonly ratePerSecond: number;
  readonly maximumRetries: number;
  readonly maximumAgeSeconds: number;
  readonly deadLetterArn: string | undefined;
}

/** Texts that an event has to have, by field. */
export interface EventPattern {
  readonly [field: string]: readonly string[] | EventPattern;
}
// Comparisons other than with texts are for nobody here.
const patternSchema: z.ZodType<EventPattern> = z.lazy(() =>
  z.record(z.string(), z.union([z.array(z.string()), patternSchema])),
);

const ruleSchema = z.object({
  name: z.string(),
  arn: z.string(),
  event_bus_name: z.string(),
  event_pattern: z.string(),
});
const targetSchema = z.object({
  rule: z.string(),
  event_bus_name: z.string(),
  arn: z.string(),
  input_path: z.enum(["$.detail"]).optional(),
  // EventBridge's own defaults: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
  retry_policy: nested(
    z
      .object({
        maximum_event_age_in_seconds: z.number().default(86_400),
        maximum_retry_attempts: z.number().default(185),
      })
      .prefault({}),
  ),
  dead_letter_config: nested(z.object({ arn: z.string() }).optional()),
});
const destinationSchema = z.object({
  arn: z.string(),
  invocation_endpoint: z.string(),
  http_method: z.string(),
  connection_arn: z.string(),
  invocation_rate_limit_per_second: z.number().default(300),
});
const connectionSchema = z.object({
  arn: z.string(),
  auth_parameters: nested(z.object({ api_key: nested(z.object({ key: z.string(), value: z.string() })) })),
});

/** The rules of the stack that deliver to a webhook. */
export function readEventRules(terraform: Terraform): EventRule[] {
  const rules = terraform.resources("aws_cloudwatch_event_rule", ruleSchema);
  const destinations = terraform.resources("aws_cloudwatch_event_api_destination", destinationSchema);
  const connections = terraform.resources("aws_cloudwatch_event_connection", connectionSchema);
  return terraform.resources("aws_cloudwatch_event_target", targetSchema).map((target) => {
    const rule = rules.find(({ name }) => name === target.rule);
    const destination = destinations.find(({ arn }) => arn === target.arn);
    const connection = connections.find(({ arn }) => arn === destination?.connection_arn);
    if (rule === undefined || destination === undefined || connection === undefined) {
      throw new UserError(
        `${target.address}: the stack lacks its rule, its API destination or its connection.`,
      );
    }
    const { key: name, value } = connection.auth_parameters.api_key;
    return {
      arn: rule.arn,
      busName: rule.event_bus_name,
      pattern: patternSchema.parse(JSON.parse(rule.event_pattern)),
      target: {
        arn: target.arn,
        url: destination.invocation_endpoint,
        method: destination.http_method,
        header: { name, value },
        isDetailOnly: target.input_path !== undefined,
        ratePerSecond: destination.invocation_rate_limit_per_second,
        maximumRetries: target.retry_policy.maximum_retry_attempts,
        maximumAgeSeconds: target.retry_policy.maximum_event_age_in_seconds,
        deadLetterArn: target.dead_letter_config?.arn,
      },
    };
  });
}

/** A rule for a stack without webhooks: delivers every event of a bus. */
export function everyEvent(busName: string): EventRule {
  return {
    ...{ arn: `every event of ${busName}`, busName, pattern: {} },
    target: {
      ...{ arn: "webhook", url: "", method: "POST", isDetailOnly: true, deadLetterArn: undefined },
      header: { name: "authorization", value: "local" },
      ...{ ratePerSecond: 300, maximumRetries: 185, maximumAgeSeconds: 86_400 },
    },
  };
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html */
export function matches(pattern: EventPattern, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  return Object.entries(pattern).every(([name, wanted]) => {
    const found = fields.get(name);
    return isTexts(wanted) ? typeof found === "string" && wanted.includes(found) : matches(wanted, found);
  });
}

function isTexts(wanted: readonly string[] | EventPattern): wanted is readonly string[] {
  return Array.isArray(wanted);
}
