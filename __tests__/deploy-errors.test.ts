import { describe, expect, it } from "vitest";
import { explain } from "../ops/errors.ts";

// Texts as Terraform and AWS print them; __tests__/deploy makes the failures that can be made without AWS.
describe("a failure of a tool", () => {
  it("is a session that is over, for an expired token", () => {
    const printed =
      "Error: validating provider credentials: retrieving caller identity from STS: operation error STS: GetCallerIdentity, https response error StatusCode: 403, api error ExpiredToken: The security token included in the request is expired";
    expect(explain(printed)?.message).toMatch(/^Your AWS session has expired\. Type: aws sso login/);
  });

  it("is an apply that was cut off, for a second Ctrl-C", () => {
    const printed = "Two interrupts received. Exiting immediately. Note that data loss may have occurred.";
    expect(explain(printed)?.message).toMatch(/the lock may be left over\. Type the same command again/);
  });

  it("is an interrupted apply, for a resource that is there but not in the state", () => {
    const printed = [
      "╷",
      "│ Error: creating IAM Role (image-processor-dev): operation error IAM: CreateRole, https response error StatusCode: 409, RequestID: 1, EntityAlreadyExists: Role with name image-processor-dev already exists.",
      "│ ",
      "│   with aws_iam_role.processor_consumer_role_6826F261,",
      "│   on cdk.tf.json line 91, in resource.aws_iam_role.processor_consumer_role_6826F261:",
      "╵",
    ].join("\n");
    expect(explain(printed)?.message).toContain(
      "stacks/pipeline import aws_iam_role.processor_consumer_role_6826F261 <its name, or its ARN>",
    );
  });

  it("is the same, for what cdktf makes of it", () => {
    const printed = [
      "pipeline  Error: creating IAM Role (image-processor-dev): api error EntityAlreadyExists: Role with name image-processor-dev already exists.",
      "",
      "            with aws_iam_role.processor_consumer_role_6826F261 (processor/consumer/role),",
      "pipeline    on cdk.tf.json line 91, in resource.aws_iam_role.processor_consumer_role_6826F261 (processor/consumer/role):",
    ].join("\n");
    expect(explain(printed)?.message).toContain(
      "stacks/pipeline import aws_iam_role.processor_consumer_role_6826F261 <its name, or its ARN>",
    );
  });

  it("is a state that is locked, for a lock that cdktf names in two parts", () => {
    const printed = [
      "pipeline  Error: Error acquiring the state lock",
      "          Lock Info:",
      "pipeline    ID:        1a541acf-3051",
      "            Path:      couch-explorers-state/dev/pipeline.tfstate",
      "            Operation: OperationTypeApply",
      "            Who:       somebody@runner",
      "            Version:   1.11.4",
      "            Created:   2026-11-22 20:37:09.1 +0000 UTC",
    ].join("\n");
    expect(explain(printed)?.message).toMatch(/npm run unlock -- 1a541acf-3051$/);
  });

  it("is one of the bootstrap, for GitHub's provider that somebody made before", () => {
    const printed = [
      "│ Error: creating IAM OIDC Provider: operation error IAM: CreateOpenIDConnectProvider, https response error StatusCode: 409, RequestID: 1, EntityAlreadyExists: Provider with url https://token.actions.githubusercontent.com already exists.",
      "│   with aws_iam_openid_connect_provider.github,",
      "│   on cdk.tf.json line 60, in resource.aws_iam_openid_connect_provider.github:",
    ].join("\n");
    expect(explain(printed, "bootstrap")?.message).toMatch(
      / Type: terraform -chdir=cdktf\.out\/stacks\/bootstrap import aws_iam_openid_connect_provider\.github <its name, or its ARN>$/,
    );
  });

  it("is a protected resource, with the command on its stack", () => {
    const printed =
      "Error: Instance cannot be destroyed on cdk.tf.json line 99: Resource aws_s3_bucket.state_bucket_1 has lifecycle.prevent_destroy set";
    expect(explain(printed, "bootstrap")?.message).toMatch(
      /: terraform -chdir=cdktf\.out\/stacks\/bootstrap state rm aws_s3_bucket\.state_bucket_1$/,
    );
  });

  it("is a state that is locked, for an answer of S3 that has ids of its own", () => {
    const printed = [
      "│ Error: Error acquiring the state lock",
      "│ Error message: operation error S3: PutObject, https response error StatusCode: 412, RequestID: R1, HostID: H1, api error PreconditionFailed",
      "│ Lock Info:",
      "│   ID:        1a541acf-3051",
      "│   Path:      couch-explorers-state/dev/pipeline.tfstate",
      "│   Operation: OperationTypeApply",
      "│   Who:       somebody@runner",
      "│   Version:   1.11.4",
      "│   Created:   2026-11-22 20:37:09.1 +0000 UTC",
    ].join("\n");
    expect(explain(printed)?.message).toBe(
      "State locked: couch-explorers-state/dev/pipeline.tfstate, by somebody@runner (OperationTypeApply) since 2026-11-22 20:37:09 UTC. If that run still works, wait for it. If it is dead, type: npm run unlock -- 1a541acf-3051",
    );
  });

  it("is a missing permission, for an action that the role does not have", () => {
    const printed =
      "Error: creating SNS Topic: api error AuthorizationError: User: arn:aws:sts::1:assumed-role/couch-explorers-apply-dev/x is not authorized to perform: SNS:CreateTopic on resource: arn:aws:sns:eu-west-1:1:t because no identity-based policy allows the SNS:CreateTopic action";
    expect(explain(printed)?.message).toBe(
      "Your role may not do SNS:CreateTopic. If the stack has a new type of resource, add it to constructs/deployable-services.ts, then type: npm run bootstrap",
    );
  });

  it("is an account that was bootstrapped before functions had a boundary, for a boundary that is not there", () => {
    const printed =
      "Error: creating IAM Role (image-processor-dev): operation error IAM: CreateRole, https response error StatusCode: 404, RequestID: 1, NoSuchEntity: Scope ARN: arn:aws:iam::123456789012:policy/couch-explorers-boundary-dev does not exist or is not attachable.";
    expect(explain(printed)?.message).toMatch(
      /^The permissions boundary couch-explorers-boundary-dev does not exist yet\. .* type: npm run bootstrap$/,
    );
  });

  it("has no better words for what nobody has seen yet", () => {
    expect(explain("Error: the moon is full")).toBeUndefined();
  });
});
