import { z } from "zod";
import { models } from "../functions/domain/models.ts";

const region = z
  .string({ error: "is missing. Fix: give an AWS region, such as eu-west-1" })
  .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: "is not a valid AWS region. Fix: use the form eu-west-1" })
  // Other partitions have other ARNs, and no model of the catalogue:
  // https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
  .refine((name) => !/^(cn|us-gov|us-iso[a-z]*|eu-iso[a-z]*)-/.test(name), {
    error:
      "is in China, GovCloud or an isolated partition, which are not supported. Fix: use a region of the partition aws",
  });

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
const bucketName = z
  .string({ error: "is missing. Fix: give a bucket name" })
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, {
    error: "is no bucket name. Fix: use 3 to 63 characters out of a-z, 0-9, dot and hyphen",
  });

function whole(from: number, to: number, unit: string) {
  const error = `must be a whole number of ${unit} from ${from} to ${to}`;
  return z.int({ error }).min(from, { error }).max(to, { error });
}

const NO_GITHUB_ID = "is not an id of GitHub. Use the whole number that npm run bootstrap prints";

const apiSchema = z.strictObject({
  /** Who may call: by AWS signature, by token, or anybody. */
  authorisation: z
    .discriminatedUnion(
      "kind",
      [
        z.strictObject({ kind: z.literal("iam") }),
        z.strictObject({
          kind: z.literal("jwt"),
          /** Where the tokens come from; it publishes `/.well-known/openid-configuration`. */
          issuer: z
            .string({ error: "is missing. Fix: give the URL of the token's issuer" })
            .regex(/^https:\/\/[^\s/]+(\/\S*)?$/, { error: "must be a URL that starts with https://" }),
          /** Who the tokens are meant for; one of these has to be in the token's `aud`. */
          audience: z
            .array(z.string().min(1, { error: "must not be empty" }))
            .min(1, { error: "is empty. Fix: name at least one audience" }),
        }),
        z.strictObject({ kind: z.literal("none") }),
      ],
      { error: "must have the kind iam, jwt or none" },
    )
    .default({ kind: "iam" }),
  /** The web pages that may call from a browser, by origin; `*` for all. Default: none. */
  corsOrigins: z
    .array(
      z.string().regex(/^(\*|https?:\/\/[^\s/]+)$/, {
        error: "is no origin. Fix: write it like https://couch.example, without a path, or *",
      }),
    )
    .default([]),
  /** What all callers together may ask for; more is answered with 429. */
  throttling: z.strictObject({
    /** At once. */
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
    repository: z
      .string({ error: "is missing. Fix: give the repository as owner/name" })
      .regex(/^[\w-]+\/[\w.-]+$/, { error: "is not a repository. Use the form owner/name" }),
    /** Of the user or the organization that owns it. */
    ownerId: githubId,
    repositoryId: githubId,
  })
  .refine(({ ownerId, repositoryId }) => (ownerId === undefined) === (repositoryId === undefined), {
    error: "has one id only. Fix: give both ownerId and repositoryId, or neither",
  });

export type GithubSettings = z.output<typeof githubSchema>;

/** The models of the catalogue, for messages. */
export const MODEL_IDS = models.map(({ id }) => id).join(", ");

const modelSchema = z.strictObject({
  /** A model of the catalogue, `functions/domain/models.ts`. */
  id: z.string({ error: `is missing. Fix: use one of ${MODEL_IDS}` }),
  /** Where to call it. Default: the first region that serves it. */
  region: region.optional(),
  /** How many calls at once the account may make. Small is safe: what goes over it is throttled. */
  concurrency: whole(1, 1000, "calls at once"),
  /** US dollars for one picture, where the account pays another price than the list says. */
  pricePerImageUsd: z.number().positive({ error: "must be above 0" }).optional(),
});

// A FIFO topic, which ends in .fifo, cannot send e-mail.
const topicArn = z.string().regex(/^arn:aws:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/, {
  error: "is no ARN of a standard topic. Fix: write it like arn:aws:sns:eu-west-1:123456789012:on-call",
});
const amount = z.number().positive({ error: "must be above 0" });

/** When somebody is told, and where. */
const alarmsSchema = z.strictObject({
  /** The longest that 19 of 20 users may wait for their picture, in seconds. Default: one call of a model, and storing. */
  timeToImageObjectiveSeconds: amount.optional(),
  /** The 95th percentile of the consumer's run time, in seconds. Default: the longest that one call of a model may take. */
  consumerDurationSeconds: amount.optional(),
  /** The part of prompts that may be rejected, in per cent. Default: half. */
  rejectedPercent: amount.lt(100, { error: "must be below 100" }).optional(),
  /**
   * What models may cost within an hour, in US dollars, before the consumer is stopped. Default: 2 % of
   * `monthlyBudgetUsd`. The limits of a day and a week always follow from the budget.
   */
  spendLimitUsdPerHour: amount.optional(),
  /** Topics that are there already, for one severity or both. The stack subscribes no address to them. */
  existingTopics: z.strictObject({ page: topicArn.optional(), ticket: topicArn.optional() }).optional(),
});

/** Everything that a deployer may change about one environment. */
export const settingsSchema = z.strictObject({
  /** Where the infrastructure lives. The models may live elsewhere. */
  region,
  /** The end of every name, so that environments can share an account. */
  suffix: z
    .string({ error: "is missing. Fix: give the environment's name" })
    .regex(/^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/, {
      error: "must have 1 to 20 characters out of a-z, 0-9 and hyphen, and no hyphen at an end",
    }),
  /** The only account that Terraform may change. Default: any. */
  accountId: z
    .string()
    .regex(/^\d{12}$/, { error: "must have 12 digits" })
    .optional(),
  /** Whether people depend on this environment: it cannot be destroyed by command. */
  production: z.boolean({ error: "must be true or false" }).default(false),
  github: githubSchema,
  /** Where pictures and records go: a bucket that this stack makes, or one that is there already. */
  imageBucket: z.discriminatedUnion(
    "kind",
    [
      z.strictObject({ kind: z.literal("new"), name: bucketName }),
      z.strictObject({
        kind: z.literal("existing"),
        name: bucketName,
        /** Put before every key. */
        keyPrefix: z.string().regex(/^([A-Za-z0-9_.-]+\/)*$/, { error: "must be empty, or end in /" }),
        /** The customer managed key that the bucket encrypts with, if it has one (SSE-KMS). */
        kmsKeyArn: z
          .string()
          .regex(/^arn:aws:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, {
            error:
              "is not the ARN of a key. Use the form arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
          })
          .optional(),
      }),
    ],
    { error: "must have the kind new or existing" },
  ),
  /** Where Terraform keeps this environment's state. */
  state: z.strictObject({
    bucket: bucketName,
    key: z.string({ error: "is missing. Fix: give the path of the state in its bucket" }).min(1),
    region,
  }),
  /** The models to try, the first one first. */
  models: z.array(modelSchema).min(1, { error: "is empty. Fix: name at least one model" }),
  consumer: z.strictObject({
    memoryMb: whole(128, 10_240, "megabytes"),
    timeoutSeconds: whole(30, 900, "seconds"),
    /** The longest that one call of a model may take. */
    modelTimeoutSeconds: whole(5, 600, "seconds"),
    /** After this many receives a message goes to the dead-letter queue. */
    receiveLimit: whole(3, 1000, "receives"),
  }),
  api: apiSchema,
  /** How many functions the account may run at once in this region: `aws lambda get-account-settings`. */
  accountConcurrency: whole(10, 1_000_000, "executions").default(1000),
  /** What the models may cost in a month, in US dollars. The limits of an hour, a day and a week that follow from it stop the consumer. */
  monthlyBudgetUsd: z
    .number({ error: "is missing. Fix: give what the models may cost in a month, in US dollars" })
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

/** A mistake in the settings: where, what was given, and what to do. */
export interface SettingsProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}
