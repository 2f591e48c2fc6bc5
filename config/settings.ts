import { z } from "zod";
import { lifecycleOf, models } from "../functions/domain/models.ts";
import { retentionSchema } from "./retention.ts";
import { text } from "./text.ts";
import { webhooksSchema } from "./webhooks.ts";

const region = text("an AWS region, such as eu-west-1")
  .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: "is not a valid AWS region. Use the form eu-west-1" })
  // Other partitions have other ARNs, and no model of the catalogue:
  // https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
  .refine((name) => !/^(cn|us-gov|us-iso[a-z]*|eu-iso[a-z]*)-/.test(name), {
    error:
      "is in China, GovCloud or an isolated partition, which are not supported. Use a region of the partition aws",
  });

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
const bucketName = text("a bucket name")
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, {
    error: "is not a valid bucket name. Use 3 to 63 characters out of a-z, 0-9, dot and hyphen",
    abort: true,
  })
  .refine((name) => !/\.\.|^\d+\.\d+\.\d+\.\d+$/.test(name), {
    error:
      "is not a valid bucket name: S3 accepts no two dots in a row, and no IP address. Choose another name",
  })
  .refine(
    (name) => !/^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(name),
    {
      error:
        "begins or ends with what S3 keeps for itself: xn--, sthree-, amzn-s3-demo-, -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3. Choose another name",
    },
  );

/** The longest value of a tag: the queue's tags name the key prefix. A key of S3 could have 1,024 bytes. */
const LONGEST_PATH = 256;
const FOLDER = /^(?!\.{1,2}$)[A-Za-z0-9_.-]+$/;

/** A key of S3, or the beginning of one. IAM takes `*` and `?` for patterns, and `..` leaves a folder in other tools. */
function isPath(path: string): boolean {
  return path.length <= LONGEST_PATH && path.split("/").every((folder) => FOLDER.test(folder));
}
const PATH_CHARACTERS = `up to ${LONGEST_PATH} characters out of A-Z, a-z, 0-9, dot, hyphen and underscore, without a folder . or ..`;

function whole(from: number, to: number, unit: string) {
  const error = `must be a whole number of ${unit} from ${from} to ${to}`;
  return z.int({ error }).min(from, { error }).max(to, { error });
}

const NO_GITHUB_ID = "is not a GitHub id. Use the whole number that npm run bootstrap prints";

const apiSchema = z.strictObject({
  /** How callers are authorised: by AWS signature, by token, or not at all. With `iam` the studio is off: a browser does not sign. */
  authorisation: z
    .discriminatedUnion(
      "kind",
      [
        z.strictObject({ kind: z.literal("iam") }),
        z.strictObject({
          kind: z.literal("jwt"),
          /** The issuer of the tokens, which publishes `/.well-known/openid-configuration`. */
          issuer: text("the URL of the token's issuer").regex(/^https:\/\/[\w.-]+(:\d+)?(\/[^\s?#]*)?$/, {
            error: "must be a URL that starts with https://, without a user, a query and a fragment",
          }),
          /** A token's `aud` must contain one of these. */
          audience: z
            .array(text("an audience").min(1, { error: "must not be empty" }))
            .min(1, { error: "is empty. Name at least one audience" }),
          /**
           * The studio's client id at the issuer: a public client (PKCE), whose redirect URI is the API's address with a
           * slash at the end. Default: none, and the studio is off.
           */
          clientId: text("the client id of the studio").min(1, { error: "must not be empty" }).optional(),
        }),
        z.strictObject({ kind: z.literal("none") }),
      ],
      { error: "must have the kind iam, jwt or none" },
    )
    .default({ kind: "iam" }),
  /** The origins of the web pages that may call the API; `*` for all. Default: none. */
  corsOrigins: z
    .array(
      text("an origin").regex(/^(\*|https?:\/\/(\*|[a-z0-9.-]+(:\d+)?))$/, {
        error: "is not a valid origin. Use the form https://couch.example, without a path, or *",
      }),
    )
    .default([]),
  /** The limit for all callers together. Requests above it get a 429. */
  throttling: z.strictObject({
    burst: whole(1, 5000, "requests"),
    ratePerSecond: whole(1, 10_000, "requests"),
  }),
});

const githubId = z.int({ error: NO_GITHUB_ID }).positive({ error: NO_GITHUB_ID }).optional();

/**
 * The repository whose workflows plan and apply. GitHub's tokens name a repository that was created, renamed or
 * transferred on or after 2026-07-15 by its ids too; for an older one leave both ids out, until it opts in.
 * https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/
 */
const githubSchema = z
  .strictObject({
    repository: text("the repository as owner/name").regex(/^[\w-]+\/[\w.-]+$/, {
      error: "is not a repository. Use the form owner/name",
    }),
    /** Of the user or the organization that owns it. */
    ownerId: githubId,
    repositoryId: githubId,
    /**
     * Whether AWS is to look at the branch too, by the claim `ref` of a token: `probe` makes a role that finds out whether
     * it does, `require` lets `main` alone take the apply role. Default: neither. docs/deploy.md
     */
    ref: z
      .enum(["probe", "require"], { error: "must be probe or require. Leave it out for neither" })
      .optional(),
  })
  .refine(({ ownerId, repositoryId }) => (ownerId === undefined) === (repositoryId === undefined), {
    error: "has one id only. Give both ownerId and repositoryId, or neither",
  });

export type GithubSettings = z.output<typeof githubSchema>;

const MODEL_IDS = models.map(({ id }) => id).join(", ");

const modelFields = z.strictObject({
  /** A model in the catalogue, `functions/domain/models.ts`. */
  id: text(`one of ${MODEL_IDS}`).superRefine((id, context) => {
    const lifecycle = lifecycleOf(id, new Date());
    if (lifecycle.state === "unknown") context.addIssue(`is not in the catalogue. Use one of ${MODEL_IDS}`);
    if (lifecycle.state !== "retired") return;
    const since = lifecycle.endOfLife === undefined ? "" : ` since ${lifecycle.endOfLife}`;
    context.addIssue(`is at its end of life${since}. Use one of ${MODEL_IDS}`);
  }),
  /** Where to call it. Default: the first region that serves it. */
  region: region.optional(),
  /** The account's quota for this model in this region. The number of concurrent calls follows from it. */
  requestsPerMinute: whole(1, 6000, "calls a minute").optional(),
  /** The number of concurrent calls. Keep it small: Bedrock throttles calls above the account's quota. */
  concurrency: whole(1, 1000, "calls at once").optional(),
  /** US dollars for one picture, if the account does not pay the list price. */
  pricePerImageUsd: z.number().positive({ error: "must be above 0" }).optional(),
});

const modelSchema = modelFields.superRefine(({ requestsPerMinute, concurrency }, context) => {
  if ((requestsPerMinute === undefined) !== (concurrency === undefined)) return;
  const what = concurrency === undefined ? "has no limit" : "has two limits";
  context.addIssue(
    `${what}. Give requestsPerMinute (the account's quota for the model) or concurrency (calls at once), not both`,
  );
});

// A FIFO topic, which ends in .fifo, cannot send e-mail.
const topicArn = text("the ARN of a topic").regex(/^arn:aws:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/, {
  error: "is not the ARN of a standard topic. Use the form arn:aws:sns:eu-west-1:123456789012:on-call",
});
const amount = z.number().positive({ error: "must be above 0" });

/** When alarms fire, and whom they notify. */
const alarmsSchema = z.strictObject({
  /** The maximum time to image for 19 of 20 users, in seconds. Default: one model call, and storing the picture. */
  timeToImageObjectiveSeconds: amount.optional(),
  /** The maximum of the consumer's run time (95th percentile), in seconds. Default: the model timeout. */
  consumerDurationSeconds: amount.optional(),
  /** The maximum share of rejected prompts, in per cent. Default: 50. */
  rejectedPercent: amount.lt(100, { error: "must be below 100" }).optional(),
  /**
   * The model cost within an hour, in US dollars, above which the consumer is stopped. Default: 2 % of
   * `monthlyBudgetUsd`. The limits for a day and a week always follow from the budget.
   */
  spendLimitUsdPerHour: amount.optional(),
  /** Existing topics, for one severity or both. The stack subscribes no address to them. */
  existingTopics: z.strictObject({ page: topicArn.optional(), ticket: topicArn.optional() }).optional(),
});

/** Where `npm run bootstrap` keeps its own state, in the state bucket of all environments. */
export const BOOTSTRAP_KEY = "bootstrap.tfstate";
/** Terraform's lock is beside the state. https://developer.hashicorp.com/terraform/language/backend/s3#state-locking */
const LOCK_ENDING = ".tflock";

/** The settings of an environment. */
export const settingsSchema = z.strictObject({
  /** The region of the infrastructure. Models may be in another one. */
  region,
  /** The suffix of all names, so that environments can share an account. */
  suffix: text("the environment's name")
    .regex(/^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/, {
      error: "must have 1 to 20 characters out of a-z, 0-9 and hyphen, and no hyphen at an end",
      abort: true,
    })
    // The queue of `dev-dlq` would have the name of the dead-letter queue of `dev`.
    .refine((suffix) => !suffix.endsWith("-dlq"), {
      error: "ends in -dlq, as the names of dead-letter queues do. Choose another name",
    }),
  /** The only account that Terraform may change. Default: any. */
  accountId: text("the account's number")
    .regex(/^\d{12}$/, { error: "must have 12 digits" })
    .optional(),
  /** Whether people depend on this environment: `npm run destroy` refuses to destroy it. */
  production: z.boolean({ error: "must be true or false" }).default(false),
  github: githubSchema,
  /** The bucket for pictures and records: a new one, or an existing one. */
  imageBucket: z.discriminatedUnion(
    "kind",
    [
      z.strictObject({ kind: z.literal("new"), name: bucketName }),
      z.strictObject({
        kind: z.literal("existing"),
        name: bucketName,
        /** The prefix of every key. */
        keyPrefix: text('the prefix of every key, or ""').refine(
          (prefix) =>
            prefix === "" ||
            (prefix.endsWith("/") && prefix.length <= LONGEST_PATH && isPath(prefix.slice(0, -1))),
          { error: `must be empty, or end in /. Use ${PATH_CHARACTERS}` },
        ),
        /** The customer managed key that the bucket encrypts with, if it has one (SSE-KMS). */
        kmsKeyArn: text("the ARN of a key")
          .regex(/^arn:aws:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, {
            error:
              "is not the ARN of a key. Use the form arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
          })
          .optional(),
      }),
    ],
    { error: "must have the kind new or existing" },
  ),
  /** The location of this environment's Terraform state. */
  state: z.strictObject({
    bucket: bucketName,
    key: text("the path of the state in its bucket")
      .refine(isPath, { error: `is not a valid path. Use ${PATH_CHARACTERS}` })
      .refine((key) => key !== BOOTSTRAP_KEY && !key.endsWith(LOCK_ENDING), {
        error: `belongs to the state of npm run bootstrap, or to a lock. Use a name that is not ${BOOTSTRAP_KEY} and does not end in ${LOCK_ENDING}`,
      }),
    region,
  }),
  /** The models to try, in this order. */
  models: z.array(modelSchema).min(1, { error: "is empty. Name at least one model" }),
  consumer: z.strictObject({
    memoryMb: whole(128, 10_240, "megabytes"),
    timeoutSeconds: whole(30, 900, "seconds"),
    /** The timeout of one model call. */
    modelTimeoutSeconds: whole(5, 600, "seconds"),
    /** The number of receives after which a message goes to the dead-letter queue. */
    receiveLimit: whole(3, 1000, "receives"),
  }),
  api: apiSchema,
  retention: retentionSchema.default({}),
  /** Where to deliver how requests end. Default: nowhere; the event bus has it all the same. */
  webhooks: webhooksSchema.default([]),
  /** The account's concurrency quota in this region: `aws lambda get-account-settings`. */
  accountConcurrency: whole(10, 1_000_000, "executions").default(1000),
  /** The budget for models, in US dollars a month. Above its limits for an hour, a day and a week the consumer is stopped. */
  monthlyBudgetUsd: z
    .number({ error: "is missing. Set the budget for models, in US dollars a month" })
    .positive({ error: "must be above 0" }),
  alarms: alarmsSchema.default({}),
  logRetentionDays: z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], {
    error:
      "must be a number of days that CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731",
  }),
});

export type SettingsInput = z.input<typeof settingsSchema>;
export type Settings = z.output<typeof settingsSchema>;
export type AlarmSettings = Settings["alarms"];

/** A setting that is not valid, and what to do. */
export interface SettingsProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}
