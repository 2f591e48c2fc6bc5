/** The account every emulated resource belongs to. */
export const LOCAL_ACCOUNT_ID = "000000000000";

export interface LocalAccount {
  /** Where the emulator listens, without a trailing slash. */
  readonly endpoint: string;
  readonly region: string;
}

/** Reads a configured attribute as text; the resource's own id in the stack stands in for a missing name. */
type Own = (attribute: string) => string;
type Compute = (own: Own, local: LocalAccount) => Readonly<Record<string, unknown>>;

const alarm: Compute = (own, { region }) => ({
  alarm_name: own("alarm_name"),
  id: own("alarm_name"),
  arn: `arn:aws:cloudwatch:${region}:${LOCAL_ACCOUNT_ID}:alarm:${own("alarm_name")}`,
});

/** What AWS would answer for the attributes that a resource does not configure itself. */
const computed: Readonly<Record<string, Compute>> = {
  aws_sqs_queue: (own, { endpoint, region }) => {
    const url = `${endpoint}/${LOCAL_ACCOUNT_ID}/${own("name")}`;
    return {
      name: own("name"),
      id: url,
      url,
      arn: `arn:aws:sqs:${region}:${LOCAL_ACCOUNT_ID}:${own("name")}`,
    };
  },
  aws_sns_topic: (own, { region }) => {
    const arn = `arn:aws:sns:${region}:${LOCAL_ACCOUNT_ID}:${own("name")}`;
    return { name: own("name"), id: arn, arn };
  },
  aws_cloudwatch_metric_alarm: alarm,
  aws_cloudwatch_composite_alarm: alarm,
  aws_s3_bucket: (own, { region }) => ({
    bucket: own("bucket"),
    id: own("bucket"),
    arn: `arn:aws:s3:::${own("bucket")}`,
    region,
    bucket_domain_name: `${own("bucket")}.s3.amazonaws.com`,
    bucket_regional_domain_name: `${own("bucket")}.s3.${region}.amazonaws.com`,
  }),
  aws_lambda_function: (own, { region }) => {
    const arn = `arn:aws:lambda:${region}:${LOCAL_ACCOUNT_ID}:function:${own("function_name")}`;
    const path = `2015-03-31/functions/${arn}/invocations`;
    return {
      function_name: own("function_name"),
      id: own("function_name"),
      arn,
      version: "$LATEST",
      qualified_arn: `${arn}:$LATEST`,
      invoke_arn: `arn:aws:apigateway:${region}:lambda:path/${path}`,
    };
  },
  aws_apigatewayv2_api: (own) => ({ id: own("id") }),
  aws_apigatewayv2_integration: (own) => ({ id: own("id") }),
  aws_lambda_event_source_mapping: (own, { region }) => {
    const uuid = own("uuid");
    return {
      uuid,
      id: uuid,
      arn: `arn:aws:lambda:${region}:${LOCAL_ACCOUNT_ID}:event-source-mapping:${uuid}`,
    };
  },
  aws_cloudwatch_log_group: (own, { region }) => ({
    name: own("name"),
    id: own("name"),
    arn: `arn:aws:logs:${region}:${LOCAL_ACCOUNT_ID}:log-group:${own("name")}`,
  }),
  aws_iam_role: (own) => ({
    name: own("name"),
    id: own("name"),
    arn: `arn:aws:iam::${LOCAL_ACCOUNT_ID}:role/${own("name")}`,
  }),
  aws_caller_identity: () => ({ account_id: LOCAL_ACCOUNT_ID, id: LOCAL_ACCOUNT_ID }),
  aws_region: (_own, { region }) => ({ name: region, id: region, region }),
  aws_partition: () => ({ partition: "aws", id: "aws", dns_suffix: "amazonaws.com" }),
};

/** The computed attributes of a resource; undefined for a type the local cloud does not know. */
export function computedAttributes(
  type: string,
  own: Own,
  local: LocalAccount,
): Readonly<Record<string, unknown>> | undefined {
  return computed[type]?.(own, local);
}
