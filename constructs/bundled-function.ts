import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group/index.js";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role/index.js";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy/index.js";
import { LambdaFunction } from "@cdktf/provider-aws/lib/lambda-function/index.js";
import { AssetType, TerraformAsset } from "cdktf";
import { Construct } from "constructs";
import { readPlatform } from "../config/platform.ts";
import { bundle } from "./bundle.ts";
import { type PolicyStatement, policyJson } from "./policy.ts";

export interface BundledFunctionProps {
  readonly name: string;
  readonly description: string;
  /** The file to bundle, from the project's root. It exports `handler`. */
  readonly entry: string;
  /** Files beside its code, by path. Default: none. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly memoryMb: number;
  /** In seconds. */
  readonly timeout: number;
  readonly logRetentionDays: number;
  /** Default: the unreserved concurrency of the account. */
  readonly reservedConcurrency?: number | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** The statements of its role, beside those for its log and traces. */
  readonly permissions: readonly PolicyStatement[];
}

/** A Lambda function with a log group and a role of its own. */
export class BundledFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: BundledFunctionProps) {
    super(scope, id);
    const { name, reservedConcurrency } = props;
    // Lambda would create one itself, which has no retention and outlives the stack.
    const logGroup = new CloudwatchLogGroup(this, "logs", {
      name: `/aws/lambda/${name}`,
      retentionInDays: props.logRetentionDays,
    });
    const role = new IamRole(this, "role", {
      name,
      assumeRolePolicy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" },
        ],
      }),
    });
    const permissions = new IamRolePolicy(this, "permissions", {
      name,
      role: role.name,
      policy: policyJson([...allowLogs(`${logGroup.arn}:*`), ...props.permissions]),
    });
    const { zip, version } = bundle(props.entry, props.files);
    const asset = new TerraformAsset(this, "code", { path: zip, type: AssetType.FILE });
    this.function = new LambdaFunction(this, "function", {
      functionName: name,
      description: props.description,
      role: role.arn,
      runtime: `nodejs${readPlatform().node}.x`,
      architectures: ["arm64"],
      handler: "index.handler",
      filename: asset.path,
      sourceCodeHash: `\${filebase64sha256("${asset.path}")}`,
      memorySize: props.memoryMb,
      timeout: props.timeout,
      ...(reservedConcurrency !== undefined && { reservedConcurrentExecutions: reservedConcurrency }),
      environment: { variables: { ...props.environment, ROLE_ID: role.uniqueId, CODE_VERSION: version } },
      tracingConfig: { mode: "Active" },
      loggingConfig: { logFormat: "JSON", logGroup: logGroup.name },
      // Lambda accepts an event source only for a role that may already read it.
      dependsOn: [permissions],
    });
  }
}

/** Lets a function write its log and traces. */
export function allowLogs(logStreams: string | readonly string[]): PolicyStatement[] {
  return [
    {
      Sid: "Log",
      Effect: "Allow",
      Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: logStreams,
    },
    // X-Ray has no resources to name: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
    {
      Sid: "Trace",
      Effect: "Allow",
      Action: ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
      Resource: "*",
    },
  ];
}
