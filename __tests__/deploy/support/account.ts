import { CreatePolicyCommand, IAMClient } from "@aws-sdk/client-iam";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { loadSettings } from "../../../config/load.ts";
import { boundaryName } from "../../../config/names.ts";
import { boundaryPermissions } from "../../../constructs/function-boundary.ts";
import { policyJson } from "../../../constructs/policy.ts";
import { rootCredentials } from "./project.ts";

/** Creates what a deployment of `dev` needs of the bootstrap: the state bucket and the boundary of the functions' roles. */
export async function prepareAccount(endpoint: string): Promise<void> {
  const settings = await loadSettings("dev");
  const client = { endpoint, region: settings.region, credentials: rootCredentials };
  await new S3Client(client).send(new CreateBucketCommand({ Bucket: settings.state.bucket }));
  await new IAMClient(client).send(
    new CreatePolicyCommand({
      PolicyName: boundaryName(settings.suffix),
      PolicyDocument: policyJson(boundaryPermissions(settings, "123456789012")),
    }),
  );
}
