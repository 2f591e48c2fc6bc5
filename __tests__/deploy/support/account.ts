import { CreatePolicyCommand, IAMClient } from "@aws-sdk/client-iam";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { loadNeighbours, loadSettings } from "../../../config/load.ts";
import { boundaryName } from "../../../config/names.ts";
import { boundaryPermissions } from "../../../constructs/function-boundary.ts";
import { policyJson } from "../../../constructs/policy.ts";
import { rootCredentials } from "./project.ts";

/** Creates what a deployment needs of the bootstrap: the state bucket, and for each environment the boundary of its functions' roles. */
export async function prepareAccount(endpoint: string): Promise<void> {
  const dev = await loadSettings("dev");
  const client = { endpoint, region: dev.region, credentials: rootCredentials };
  await new S3Client(client).send(new CreateBucketCommand({ Bucket: dev.state.bucket }));
  // Tests rename dev to staging.
  for (const settings of [dev, { ...dev, suffix: "staging" }, ...(await loadNeighbours(dev))]) {
    await new IAMClient(client).send(
      new CreatePolicyCommand({
        PolicyName: boundaryName(settings.suffix),
        PolicyDocument: policyJson(boundaryPermissions(settings, "123456789012")),
      }),
    );
  }
}
