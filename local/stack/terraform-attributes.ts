import { uniqueId } from "../aws/principal.ts";

/** The account every emulated resource belongs to. */
export const LOCAL_ACCOUNT_ID = "000000000000";

export interface LocalAccount {
  /** Where the emulator listens, without a trailing slash. */
  readonly endpoint: string;
  readonly region: string;
}

type Attributes = Readonly<Record<string, unknown>>;
/** Reads a configured attribute as text; the resource's own id in the stack stands in for a missing name. */
type Own = (attribute: string) => string;
type Compute = (own: Own, local: LocalAccount) => Attributes;

/** Of a resource whose name is its id too. @param arnOf its ARN, from its name and what comes before that in most ARNs */
function named(
  attribute: string,
  arnOf: (name: string, account: string) => string,
  more: (name: string, local: LocalAccount, arn: string) => Attributes = () => ({}),
): Compute {
  return (own, local) => {
    const name = own(attribute);
    const arn = `arn:aws:${arnOf(name, `${local.region}:${LOCAL_ACCOUNT_ID}`)}`;
    return { [attribute]: name, id: name, arn, ...more(name, local, arn) };
  };
}

const alarm = named("alarm_name", (name, account) => `cloudwatch:${account}:alarm:${name}`);

/** What AWS would answer for the attributes that a resource does not configure itself. */
const computed: Readonly<Record<string, Compute>> = {
  aws_sqs_queue: named(
    "name",
    (name, account) => `sqs:${account}:${name}`,
    (name, { endpoint }) => {
      const url = `${endpoint}/${LOCAL_ACCOUNT_ID}/${name}`;
      return { id: url, url };
    },
  ),
  aws_sns_topic: named(
    "name",
    (name, account) => `sns:${account}:${name}`,
    (_name, _local, arn) => ({ id: arn }),
  ),
  aws_cloudwatch_metric_alarm: alarm,
  aws_cloudwatch_composite_alarm: alarm,
  aws_s3_bucket: named(
    "bucket",
    (name) => `s3:::${name}`,
    (name, { region }) => ({
      region,
      bucket_domain_name: `${name}.s3.amazonaws.com`,
      bucket_regional_domain_name: `${name}.s3.${region}.amazonaws.com`,
    }),
  ),
  aws_lambda_function: named(
    "function_name",
    (name, account) => `lambda:${account}:function:${name}`,
    (_name, { region }, arn) => ({
      version: "$LATEST",
      qualified_arn: `${arn}:$LATEST`,
      invoke_arn: `arn:aws:apigateway:${region}:lambda:path/2015-03-31/functions/${arn}/invocations`,
    }),
  ),
  aws_apigatewayv2_api: (own) => ({ id: own("id") }),
  aws_apigatewayv2_integration: (own) => ({ id: own("id") }),
  aws_lambda_event_source_mapping: named(
    "uuid",
    (uuid, account) => `lambda:${account}:event-source-mapping:${uuid}`,
  ),
  aws_cloudwatch_event_bus: named("name", (name, account) => `events:${account}:event-bus/${name}`),
  aws_cloudwatch_event_rule: (own, { region }) => {
    const [name, bus] = [own("name"), own("event_bus_name")];
    return { name, id: name, arn: `arn:aws:events:${region}:${LOCAL_ACCOUNT_ID}:rule/${bus}/${name}` };
  },
  aws_cloudwatch_event_connection: named("name", (name, account) => `events:${account}:connection/${name}/1`),
  aws_cloudwatch_event_api_destination: named(
    "name",
    (name, account) => `events:${account}:api-destination/${name}/1`,
  ),
  aws_cloudwatch_log_group: named("name", (name, account) => `logs:${account}:log-group:${name}`),
  aws_iam_role: named(
    "name",
    (name) => `iam::${LOCAL_ACCOUNT_ID}:role/${name}`,
    (name) => ({ unique_id: uniqueId("AROA", name) }),
  ),
  aws_caller_identity: () => ({ account_id: LOCAL_ACCOUNT_ID, id: LOCAL_ACCOUNT_ID }),
  aws_region: (_own, { region }) => ({ name: region, id: region, region }),
  aws_partition: () => ({ partition: "aws", id: "aws", dns_suffix: "amazonaws.com" }),
};

/** The computed attributes of a resource; undefined for a type the local cloud does not know. */
export function computedAttributes(type: string, own: Own, local: LocalAccount): Attributes | undefined {
  return computed[type]?.(own, local);
}
