import { GetAccountSettingsCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  GetBucketEncryptionCommand,
  HeadBucketCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { z } from "zod";
import type { Settings } from "../config/settings.ts";
import { DeployError, explain } from "./errors.ts";
import { run, terraformBinary } from "./tool.ts";

/** The first version in which S3's own lock is not experimental any more. */
const OLDEST_TERRAFORM = [1, 11] as const;

/** Checks what a command needs before it begins: Terraform, credentials of the right account. Returns the account. */
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
  const { Account: account } = await new STSClient({ region })
    .send(new GetCallerIdentityCommand({}))
    .catch((error: unknown) => {
      throw explainAws(error);
    });
  if (account === undefined) throw new DeployError("AWS does not say whose account this is.");
  if (accountId === undefined || accountId === account) return account;
  throw new DeployError(
    `Wrong account: these credentials are for ${account}, the settings are for ${accountId}. Type: export AWS_PROFILE=<a profile of ${accountId}>`,
  );
}

/** Whether the state bucket is there. Throws a DeployError where it is not ours, or in another region. */
export async function stateBucketExists({ state }: Settings, account: string): Promise<boolean> {
  const found = await new S3Client({ region: state.region, followRegionRedirects: true })
    .send(new HeadBucketCommand({ Bucket: state.bucket, ExpectedBucketOwner: account }))
    .catch((error: unknown) => {
      if (!(error instanceof Error)) throw error;
      if (error.name === "NotFound") return undefined;
      // An answer to HEAD has no body, and so its error has no name of its own.
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 403) {
        throw new DeployError(
          `The state bucket ${state.bucket} is not ours: account ${account} may not read it. Choose another name for state.bucket in config/environments, then type: npm run bootstrap`,
        );
      }
      throw explainAws(error);
    });
  if (found === undefined) return false;
  if (found.BucketRegion === undefined || found.BucketRegion === state.region) return true;
  throw new DeployError(
    `Wrong region: the state bucket ${state.bucket} is in ${found.BucketRegion}, state.region says ${state.region}. Put that right in config/environments, then type: npm run plan`,
  );
}

/** Checks all that a command on the pipeline needs. */
export async function preflight(settings: Settings): Promise<void> {
  const account = await checkTools(settings);
  if (!(await stateBucketExists(settings, account))) {
    throw new DeployError(
      `There is no state bucket ${settings.state.bucket} in account ${account}. Type: npm run bootstrap`,
    );
  }
  await checkConcurrency(settings);
  await checkKey(settings);
}

/** Throws a DeployError where a bucket that was there before encrypts with a key that the settings do not name. */
export async function checkKey({ imageBucket, region }: Settings): Promise<void> {
  if (imageBucket.kind === "new") return;
  const s3 = new S3Client({ region, followRegionRedirects: true });
  let key: string | undefined;
  try {
    const { ServerSideEncryptionConfiguration: encryption } = await s3.send(
      new GetBucketEncryptionCommand({ Bucket: imageBucket.name }),
    );
    // Without an id it is the key of AWS, which everybody in the account may use through S3.
    key = encryption?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID;
  } catch (error) {
    const code = error instanceof Error ? error.name : "unknown";
    // The plan says that there is no bucket; an emulator may have one without encryption.
    if (["NoSuchBucket", "ServerSideEncryptionConfigurationNotFoundError"].includes(code)) return;
    console.warn(
      `Warning: AWS does not say whether ${imageBucket.name} encrypts with a key of its own (${code}).`,
    );
  }
  if (key === undefined) return;
  const named = imageBucket.kmsKeyArn;
  // An alias does not say which key it is; a key of this account may be there by its id alone.
  if (named !== undefined && (key.includes("alias/") || named === key || named.endsWith(`:key/${key}`)))
    return;
  throw new DeployError(
    `The bucket ${imageBucket.name} encrypts with the key ${key}, and imageBucket.kmsKeyArn in config/environments ${named === undefined ? "is missing" : "names another"}: the functions could neither read nor write. Put the key's ARN there: aws kms describe-key --key-id ${key} --query KeyMetadata.Arn`,
  );
}

/** Throws a DeployError where the account runs fewer functions at once than the settings reckon with. */
export async function checkConcurrency({ accountConcurrency, region }: Settings): Promise<void> {
  const { AccountLimit } = await new LambdaClient({ region })
    .send(new GetAccountSettingsCommand({}))
    .catch((error: unknown) => {
      throw explainAws(error);
    });
  const limit = AccountLimit?.ConcurrentExecutions ?? accountConcurrency;
  if (limit >= accountConcurrency) return;
  throw new DeployError(
    `This account runs at most ${limit} functions at once in ${region}, the settings reckon with ${accountConcurrency}. Set accountConcurrency to ${limit} in config/environments, or ask for more: aws service-quotas request-service-quota-increase --region ${region} --service-code lambda --quota-code L-B99A9384 --desired-value ${accountConcurrency}`,
  );
}

/** Says in one line what AWS has answered. Throws what is no error. */
export function explainAws(error: unknown): Error {
  if (!(error instanceof Error)) throw error;
  const explained = explain(`${error.name}: ${error.message}`);
  if (explained !== undefined) return explained;
  if (error.name === "CredentialsProviderError") {
    const { AWS_PROFILE: profile } = process.env;
    return new DeployError(
      profile === undefined
        ? "No AWS credentials. Type: aws configure sso, then aws sso login, then export AWS_PROFILE=<the profile>"
        : `The AWS profile ${profile} is not there, or gives no credentials. See which there are: aws configure list-profiles. Then type: export AWS_PROFILE=<the profile>`,
    );
  }
  if (error.name === "InvalidClientTokenId") {
    return new DeployError("AWS does not know these credentials. Type: aws sts get-caller-identity");
  }
  return new DeployError(`AWS answers ${error.name}: ${error.message}`);
}
