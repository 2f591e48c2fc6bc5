import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { LOCAL_ACCOUNT_ID } from "../stack/terraform-attributes.ts";
import type { Target } from "./plan.ts";

/** One call of an AWS service, as it came over the wire. */
export interface Call {
  /** The access key it was signed with: tells the execution environments apart. */
  readonly caller: string;
  /** `control`: what stops, resumes and looks at the pipeline itself. */
  readonly target: Target | "control";
  /** As IAM calls it, such as `s3:PutObject`. */
  readonly action: string;
  /** The ARN that IAM would judge by; `*` for actions that know no resource. */
  readonly resource: string;
  /** What says for which prompt it is: the object's key, the prompt, the message, or the event. */
  readonly about: string;
  /** The method, for services that are told apart by it. */
  readonly method: string;
}

const SCOPE = /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\/aws4_request/;
const S3_ACTIONS: Readonly<Record<string, string>> = {
  GET: "s3:GetObject",
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html: needs s3:GetObject
  HEAD: "s3:GetObject",
  PUT: "s3:PutObject",
  DELETE: "s3:DeleteObject",
};

const sqsSchema = z.object({
  QueueUrl: z.string(),
  ReceiptHandle: z.string().optional(),
  MessageBody: z.string().optional(),
});
const bedrockSchema = z.object({ prompt: z.string() });
const eventsSchema = z.object({
  Entries: z.tuple([z.object({ EventBusName: z.string(), Detail: z.string() })]),
});
/** All are of one environment: the first stands for all. */
const alarmsSchema = z.object({ AlarmNames: z.tuple([z.string()], z.string()) });

/** Reads what a signed request or link asks for. Throws for one that nothing in this project makes. */
export function readCall(request: IncomingMessage, body: Buffer): Call {
  const { method = "", url = "" } = request;
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const path = decodeURIComponent(pathname);
  // A link carries in its query what a request has in its header.
  const link = `Credential=${searchParams.get("X-Amz-Credential")}`;
  const [, caller, region, service] = SCOPE.exec(request.headers.authorization ?? link) ?? [];
  if (caller === undefined) throw new Error(`${method} ${path} is not signed`);
  const arn = `arn:aws:${service}:${region}:${LOCAL_ACCOUNT_ID}`;
  switch (service) {
    case "s3": {
      const [, bucket = "", key = ""] = path.split(/^\/([^/]+)\/?/);
      const list = searchParams.has("versions") ? "s3:ListBucketVersions" : "s3:ListBucket";
      const version = searchParams.has("versionId") ? "Version" : "";
      const action = key === "" ? list : S3_ACTIONS[method] && `${S3_ACTIONS[method]}${version}`;
      if (action === undefined) throw new Error(`${method} on S3 is not known here`);
      const about = key === "" ? bucket : `${bucket}/${key}`;
      const target = key.startsWith("index/") ? "index" : "store";
      return { caller, target, action, resource: `arn:aws:s3:::${about}`, about, method };
    }
    case "sqs": {
      const { QueueUrl, ReceiptHandle, MessageBody } = sqsSchema.parse(JSON.parse(body.toString()));
      const resource = `${arn}:${QueueUrl.split("/").at(-1)}`;
      const about = ReceiptHandle ?? MessageBody ?? "";
      return { caller, target: "queue", action: `sqs:${operation(request)}`, resource, about, method };
    }
    case "bedrock": {
      const modelId = path.split("/")[2];
      const resource = `arn:aws:bedrock:${region}::foundation-model/${modelId}`;
      const { prompt } = bedrockSchema.parse(JSON.parse(body.toString()));
      return { caller, target: "model", action: "bedrock:InvokeModel", resource, about: prompt, method };
    }
    case "lambda": {
      const [, uuid] = /\/event-source-mappings\/(.+)$/.exec(path) ?? [];
      const action = LAMBDA_ACTIONS[`${method} ${uuid === undefined ? "all" : "one"}`];
      if (action === undefined) throw new Error(`${method} ${path} on Lambda is not known here`);
      const resource = uuid === undefined ? "*" : `${arn}:event-source-mapping:${uuid}`;
      return { caller, target: "control", action, resource, about: uuid ?? "", method };
    }
    case "monitoring": {
      const [name] = alarmsSchema.parse(JSON.parse(body.toString())).AlarmNames;
      const action = `cloudwatch:${operation(request)}`;
      const resource = `arn:aws:cloudwatch:${region}:${LOCAL_ACCOUNT_ID}:alarm:${name}`;
      return { caller, target: "control", action, resource, about: name, method };
    }
    case "events": {
      const [{ EventBusName, Detail }] = eventsSchema.parse(JSON.parse(body.toString())).Entries;
      const resource = `${arn}:event-bus/${EventBusName}`;
      return { caller, target: "events", action: "events:PutEvents", resource, about: Detail, method };
    }
    default:
      throw new Error(`${service} is not known here`);
  }
}

const LAMBDA_ACTIONS: Readonly<Record<string, string>> = {
  "GET all": "lambda:ListEventSourceMappings",
  "GET one": "lambda:GetEventSourceMapping",
  "PUT one": "lambda:UpdateEventSourceMapping",
};

/** A batch needs the permission of the single call. */
function operation(request: IncomingMessage): string {
  return String(request.headers["x-amz-target"])
    .replace(/^.*\./, "")
    .replace(/Batch$/, "");
}
