import type { IncomingMessage } from "node:http";
import { z } from "zod";
import type { Target } from "./faults.ts";

/** One call of an AWS service, as it came over the wire. */
export interface Call {
  /** The access key it was signed with: tells the execution environments apart. */
  readonly caller: string;
  readonly target: Target;
  /** As IAM calls it, such as `s3:PutObject`. */
  readonly action: string;
  /** The ARN that IAM would judge by. */
  readonly resource: string;
  /** What says for which prompt it is: the object's key, the prompt, or the message. */
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
};

const sqsSchema = z.object({
  QueueUrl: z.string(),
  ReceiptHandle: z.string().optional(),
  MessageBody: z.string().optional(),
});
const bedrockSchema = z.object({ prompt: z.string() });

/** Reads what a signed request asks for. Throws for one that no function of this project makes. */
export function readCall(request: IncomingMessage, body: Buffer): Call {
  const [, caller, region, service] = SCOPE.exec(request.headers.authorization ?? "") ?? [];
  const { method = "", url = "" } = request;
  const path = decodeURIComponent(url.split("?")[0] ?? "");
  if (caller === undefined) throw new Error(`${method} ${path} is not signed`);
  switch (service) {
    case "s3": {
      const object = path.slice(1);
      const action = object.includes("/") ? S3_ACTIONS[method] : "s3:ListBucket";
      if (action === undefined) throw new Error(`${method} on S3 is not known here`);
      return { caller, target: "store", action, resource: `arn:aws:s3:::${object}`, about: object, method };
    }
    case "sqs": {
      const { QueueUrl, ReceiptHandle, MessageBody } = sqsSchema.parse(JSON.parse(body.toString()));
      const [name, account] = QueueUrl.split("/").reverse();
      const action = `sqs:${String(request.headers["x-amz-target"]).replace("AmazonSQS.", "")}`;
      const resource = `arn:aws:sqs:${region}:${account}:${name}`;
      return { caller, target: "queue", action, resource, about: ReceiptHandle ?? MessageBody ?? "", method };
    }
    case "bedrock": {
      const modelId = path.split("/")[2];
      const resource = `arn:aws:bedrock:${region}::foundation-model/${modelId}`;
      const { prompt } = bedrockSchema.parse(JSON.parse(body.toString()));
      return { caller, target: "model", action: "bedrock:InvokeModel", resource, about: prompt, method };
    }
    default:
      throw new Error(`${service} is not known here`);
  }
}
