import { GetPolicyCommand, GetPolicyVersionCommand, IAMClient } from "@aws-sdk/client-iam";
import { GetAccountSettingsCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  GetBucketEncryptionCommand,
  HeadBucketCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { z } from "zod";
import { concurrencyProblems } from "../config/concurrency.ts";
import { derive } from "../config/derived.ts";
import { boundaryArn, boundaryName, modelArn } from "../config/names.ts";
import type { Settings } from "../config/settings.ts";
import { errorName } from "../functions/domain/error-name.ts";
import { askAws, DeployError, explainAws } from "./errors.ts";
import { checkEnvironments } from "./repository.ts";
import { run, terraformBinary } from "./tool.ts";

/** The first version with native S3 locking that is not experimental. */
const OLDEST_TERRAFORM = [1, 11] as const;

/** Checks Terraform and the credentials. Returns the account. Throws a DeployError. */
export async function checkTools(settings: Settings): Promise<string> {
  await checkTerraform();
  return checkAccount(settings);
}

async function checkTerraform(): Promise<void> {
  const printed = await run(terraformBinary, ["version", "-json"], { quiet: true });
  const { terraform_version: version } = z
    .object({ terraform_version: z.string() })
    // Terraform prints its warnings first.
    .parse(JSON.parse(printed.slice(printed.indexOf("{"))));
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST_TERRAFORM[0] || (major === OLDEST_TERRAFORM[0] && minor >= OLDEST_TERRAFORM[1])) return;
  throw new DeployError(
    `Terraform ${version} is too old: ${OLDEST_TERRAFORM.join(".")} or newer is needed, for locks in S3. Install it, then type: terraform version`,
  );
}

async function checkAccount({ accountId, region }: Settings): Promise<string> {
  const { Account: account } = await askAws(new STSClient({ region }).send(new GetCallerIdentityCommand({})));
  if (account === undefined) throw new DeployError("AWS returned no account id for these credentials.");
  if (accountId === undefined || accountId === account) return account;
  throw new DeployError(
    `Wrong account: these credentials are for ${account}, the settings are for ${accountId}. Type: export AWS_PROFILE=<a profile of ${accountId}>`,
  );
}

/** Whether the state bucket exists. Throws a DeployError if it belongs to another account or is in another region. */
export async function stateBucketExists({ state }: Settings, account: string): Promise<boolean> {
  const found = await new S3Client({ region: state.region, followRegionRedirects: true })
    .send(new HeadBucketCommand({ Bucket: state.bucket, ExpectedBucketOwner: account }))
    .catch((error: unknown) => {
      if (!(error instanceof Error)) throw error;
      if (error.name === "NotFound") return undefined;
      // The response to HEAD has no body, so the error has no name of its own.
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 403) {
        throw new DeployError(
          `The state bucket ${state.bucket} belongs to another account, or account ${account} may not read it. Choose another name for state.bucket in config/environments, then type: npm run bootstrap`,
        );
      }
      throw explainAws(error);
    });
  if (found === undefined) return false;
  if (found.BucketRegion === undefined || found.BucketRegion === state.region) return true;
  throw new DeployError(
    `Wrong region: the state bucket ${state.bucket} is in ${found.BucketRegion}, state.region is ${state.region}. Correct it in config/environments, then type: npm run plan`,
  );
}

/** Checks what each command on the pipeline needs. Returns the account. Throws a DeployError. */
export async function preflight(settings: Settings): Promise<string> {
  const account = await checkTools(settings);
  if (!(await stateBucketExists(settings, account))) {
    throw new DeployError(
      `There is no state bucket ${settings.state.bucket} in account ${account}. Type: npm run bootstrap`,
    );
  }
  await checkConcurrency(settings);
  await checkKey(settings);
  return account;
}

/** Checks what a deployment needs besides. Throws a DeployError. */
export async function checkTrust(settings: Settings, account: string): Promise<void> {
  await checkBoundary(settings, account);
  // Who cannot ask GitHub may deploy all the same: the bootstrap has warned.
  await checkEnvironments(settings.github.repository, [settings.suffix]);
}

/** Throws a DeployError if the permissions boundary does not let the functions call a model of the settings. */
export async function checkBoundary(settings: Settings, account: string): Promise<void> {
  const iam = new IAMClient({ region: settings.region });
  const PolicyArn = boundaryArn(settings, account);
  const { Policy } = await askAws(iam.send(new GetPolicyCommand({ PolicyArn })));
  const { PolicyVersion } = await askAws(
    iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId })),
  );
  // IAM returns it percent-encoded.
  const document = decodeURIComponent(PolicyVersion?.Document ?? "");
  const denied = derive(settings).modelChain.filter((model) => !document.includes(`"${modelArn(model)}"`));
  if (denied.length === 0) return;
  throw new DeployError(
    `The permissions boundary ${boundaryName(settings.suffix)} does not allow ${denied.map(modelArn).join(", ")}, so each call would be denied. As an administrator, type: npm run bootstrap. Keep the models of before in the settings until the new ones are deployed`,
  );
}

/** Throws a DeployError if an existing bucket encrypts with a key that the settings do not name. */
export async function checkKey({ imageBucket, region }: Settings): Promise<void> {
  if (imageBucket.kind === "new") return;
  const s3 = new S3Client({ region, followRegionRedirects: true });
  let key: string | undefined;
  try {
    const { ServerSideEncryptionConfiguration: encryption } = await s3.send(
      new GetBucketEncryptionCommand({ Bucket: imageBucket.name }),
    );
    // Without an id it is the AWS managed key, which everybody in the account may use through S3.
    key = encryption?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID;
  } catch (error) {
    const code = errorName(error);
    // The plan reports a missing bucket. An emulator may have a bucket without encryption.
    if (["NoSuchBucket", "ServerSideEncryptionConfigurationNotFoundError"].includes(code)) return;
    console.warn(
      `Warning: cannot read the encryption of ${imageBucket.name} (${code}): it may use a KMS key that the settings do not name.`,
    );
  }
  if (key === undefined) return;
  const named = imageBucket.kmsKeyArn;
  // An alias does not tell the key. A key of this account may be named by its id alone.
  if (named !== undefined && (key.includes("alias/") || named === key || named.endsWith(`:key/${key}`)))
    return;
  throw new DeployError(
    `The bucket ${imageBucket.name} encrypts with the key ${key}, but imageBucket.kmsKeyArn in config/environments ${named === undefined ? "is missing" : "names another key"}, so the functions could not use the bucket. Set it to the ARN that this prints: aws kms describe-key --key-id ${key} --query KeyMetadata.Arn`,
  );
}

/** Throws a DeployError if the account's concurrency is below accountConcurrency in the settings. */
export async function checkConcurrency(settings: Settings): Promise<void> {
  const { accountConcurrency, region } = settings;
  const { AccountLimit } = await askAws(new LambdaClient({ region }).send(new GetAccountSettingsCommand({})));
  const limit = AccountLimit?.ConcurrentExecutions ?? accountConcurrency;
  if (limit >= accountConcurrency) return;
  const [problem] = concurrencyProblems({ ...settings, accountConcurrency: limit });
  const advice = problem === undefined ? "" : `. With that, ${problem.path.join(".")} ${problem.message}`;
  throw new DeployError(
    `This account runs at most ${limit} functions at once in ${region}, but accountConcurrency is ${accountConcurrency}. Set it to ${limit} in config/environments${advice}, or request a higher quota: aws service-quotas request-service-quota-increase --region ${region} --service-code lambda --quota-code L-B99A9384 --desired-value ${accountConcurrency}`,
  );
}
