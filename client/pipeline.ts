import { S3Client } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, ListQueueTagsCommand, SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod/mini";
import { rememberAction } from "./aws-errors.ts";
import { ClientError, EXIT, interrupted, usageError } from "./exit.ts";

/** Where pictures and records are. */
export interface ImagePlace {
  readonly bucket: string;
  /** Put before every key; empty or ending in `/`. */
  readonly keyPrefix: string;
}

/** How many messages a queue holds, as SQS counts them: about right. */
export interface QueueDepth {
  readonly visible: number;
  /** Received by somebody and not deleted yet. */
  readonly hidden: number;
}

const redrivePolicySchema = z.object({ deadLetterTargetArn: z.string() });

/** The pipeline that `SQS_QUEUE_URL` belongs to: all else is found from its queue. */
export class Pipeline {
  readonly queueUrl: string;
  readonly region: string;
  readonly sqs: SQSClient;
  readonly s3: S3Client;
  readonly #env: NodeJS.ProcessEnv;
  #imagePlace: Promise<ImagePlace> | undefined;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
    const url = parseQueueUrl(env.SQS_QUEUE_URL);
    this.queueUrl = url.href;
    // An emulator's URL names no region, and emulators take any.
    this.region = regionOf(url) ?? regionIn(env);
    checkEndpoints(env);
    // As for the SDK, which reads these variables as well, an empty one counts as unset.
    const sqsEndpoint = env.AWS_ENDPOINT_URL_SQS || env.AWS_ENDPOINT_URL || url.origin;
    const s3Endpoint = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL;
    // Without an endpoint of its own the SDK warns on standard error where a queue's URL has another host than the
    // region's usual one (FIPS, VPC endpoints).
    this.sqs = new SQSClient({ region: this.region, endpoint: sqsEndpoint });
    // `bucket.127.0.0.1` is no host name: emulators want the bucket in the path.
    this.s3 = new S3Client({ region: this.region, forcePathStyle: Boolean(s3Endpoint) });
    this.sqs.middlewareStack.add(rememberAction("sqs"), { step: "initialize" });
    this.s3.middlewareStack.add(rememberAction("s3"), { step: "initialize" });
  }

  async depth(queueUrl = this.queueUrl): Promise<QueueDepth> {
    const { Attributes } = await this.sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl: queueUrl,
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      }),
      { abortSignal: interrupted },
    );
    return {
      visible: Number(Attributes?.ApproximateNumberOfMessages ?? 0),
      hidden: Number(Attributes?.ApproximateNumberOfMessagesNotVisible ?? 0),
    };
  }

  /** The URL of the queue that SQS moves hopeless messages to. */
  async deadLetterQueueUrl(): Promise<string> {
    const { Attributes } = await this.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: this.queueUrl, AttributeNames: ["RedrivePolicy"] }),
      { abortSignal: interrupted },
    );
    if (Attributes?.RedrivePolicy === undefined) {
      throw new ClientError(
        `${this.queueUrl} has no dead-letter queue. Is SQS_QUEUE_URL the queue of prompts?`,
        EXIT.failed,
      );
    }
    const { deadLetterTargetArn } = redrivePolicySchema.parse(JSON.parse(Attributes.RedrivePolicy));
    const [account, name] = deadLetterTargetArn.split(":").slice(-2);
    // SQS wants a dead-letter queue in the region and account of its source.
    return new URL(`/${account}/${name}`, this.queueUrl).href;
  }

  /** Where pictures and records are: as the queue's tags say, or `IMAGE_BUCKET` and `KEY_PREFIX`. */
  imagePlace(): Promise<ImagePlace> {
    this.#imagePlace ??= this.#findImagePlace();
    return this.#imagePlace;
  }

  async #findImagePlace(): Promise<ImagePlace> {
    const { IMAGE_BUCKET, KEY_PREFIX = "" } = this.#env;
    if (IMAGE_BUCKET) return { bucket: IMAGE_BUCKET, keyPrefix: KEY_PREFIX };
    const { Tags = {} } = await this.sqs.send(new ListQueueTagsCommand({ QueueUrl: this.queueUrl }), {
      abortSignal: interrupted,
    });
    if (Tags.ImageBucket === undefined) {
      throw new ClientError(
        `${this.queueUrl} has no tag ImageBucket. Deploy the pipeline again, or set IMAGE_BUCKET (and KEY_PREFIX).`,
        EXIT.failed,
      );
    }
    return { bucket: Tags.ImageBucket, keyPrefix: Tags.KeyPrefix ?? "" };
  }
}

const EXAMPLE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/image-generation-queue-prod";

function parseQueueUrl(text: string | undefined): URL {
  if (!text) {
    throw usageError(
      `SQS_QUEUE_URL is not set. Set it to the pipeline's output sqs_queue_url: ${EXAMPLE_URL}`,
    );
  }
  const url = parseHttpUrl(text);
  if (url === undefined || !/^\/\d+\/[\w-]+$/.test(url.pathname)) {
    throw usageError(`SQS_QUEUE_URL is not the URL of a queue: ${text}. One looks like ${EXAMPLE_URL}`);
  }
  return url;
}

function parseHttpUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) ? url : undefined;
}

/** Throws a usage error for a variable `AWS_ENDPOINT_URL`, or `AWS_ENDPOINT_URL_<service>`, that is no URL. */
function checkEndpoints(env: NodeJS.ProcessEnv): void {
  for (const [name, text] of Object.entries(env)) {
    if (text && name.startsWith("AWS_ENDPOINT_URL") && parseHttpUrl(text) === undefined) {
      throw usageError(`${name} is not a URL: ${text}. One looks like http://127.0.0.1:4566.`);
    }
  }
}

function regionIn(env: NodeJS.ProcessEnv): string {
  const name = env.AWS_REGION ? "AWS_REGION" : "AWS_DEFAULT_REGION";
  const region = env[name] || "us-east-1";
  if (/^[a-z\d]+(-[a-z\d]+)*$/i.test(region)) return region;
  throw usageError(`${name} is not a region: ${region}. One looks like eu-west-1.`);
}

/**
 * `sqs.<region>.amazonaws.com`, and the forms with `sqs-fips`, `.api.aws`, `.vpce.` and the old `<region>.queue.`.
 * https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
 */
function regionOf({ hostname }: URL): string | undefined {
  if (!/\.(amazonaws\.com(\.cn)?|api\.aws)$/.test(hostname)) return undefined;
  return hostname.split(".").find((label) => /^[a-z]{2}(-[a-z]+)+-\d$/.test(label));
}
