import { CreateUserCommand, IAMClient, ListAttachedRolePoliciesCommand } from "@aws-sdk/client-iam";
import { DeletePublicAccessBlockCommand, S3Client } from "@aws-sdk/client-s3";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type Emulator, startEmulator } from "./support/emulator.ts";
import type { Credentials } from "./support/environment.ts";
import { Project, rootCredentials } from "./support/project.ts";

// The emulator refuses actions that the role does not allow; deploy-roles.test.ts is about the resources.
describe.skipIf(inject("missing") !== "")(
  "the roles of the workflows, in an account that enforces them",
  () => {
    let emulator: Emulator;
    let project: Project;
    let planner: Credentials;
    let applier: Credentials;

    beforeAll(async () => {
      emulator = await startEmulator();
      project = new Project(emulator.endpoint);
      const { code, output } = await project.npm("bootstrap", { args: ["--yes"] });
      expect(code, output).toBe(0);
      planner = await assume("couch-explorers-plan-dev");
      applier = await assume("couch-explorers-apply-dev");
      await emulator.enforceIam(true);
    });
    afterAll(() => emulator.stop());

    async function assume(role: string): Promise<Credentials> {
      const { Credentials: given } = await new STSClient({
        endpoint: emulator.endpoint,
        region: "eu-west-1",
        credentials: rootCredentials,
      }).send(
        new AssumeRoleCommand({ RoleArn: `arn:aws:iam::123456789012:role/${role}`, RoleSessionName: "test" }),
      );
      if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken)
        throw new Error("no credentials");
      return {
        accessKeyId: given.AccessKeyId,
        secretAccessKey: given.SecretAccessKey,
        sessionToken: given.SessionToken,
      };
    }

    it("says that credentials are not known", async () => {
      const { code, output } = await project.npm("plan");
      expect(code).toBe(1);
      expect(output.trim()).toBe("AWS does not know these credentials. Type: aws sts get-caller-identity");
    });

    it("lets the plan role plan an environment that is not there yet", async () => {
      const { code, output } = await project.npm("plan", { credentials: planner });
      expect(code, output).toBe(0);
      expect(output).toMatch(/### Plan for dev: \d+ created\n/);
    });

    it("does not let the plan role apply", async () => {
      const { code, output } = await project.npm("deploy", { credentials: planner, args: ["--yes"] });
      expect(code).toBe(1);
      expect(output.trim().split("\n").at(-1)).toMatch(/^Your role may not /);
    });

    it("lets the apply role apply", async () => {
      const { code, output } = await project.npm("deploy", { credentials: applier, args: ["--yes"] });
      expect(code, output).toBe(0);
    });

    it("lets the plan role read all that is deployed", async () => {
      const { code, output } = await project.npm("plan", { credentials: planner });
      expect(code, output).toBe(0);
      expect(output).toContain("### Plan for dev: no change");
    });

    it("does not let the apply role make keys for a user of its own", async () => {
      await expect(
        new IAMClient({ endpoint: emulator.endpoint, region: "eu-west-1", credentials: applier }).send(
          new CreateUserCommand({ UserName: "somebody" }),
        ),
      ).rejects.toThrow("not authorized to perform: iam:CreateUser");
    });

    it("takes from the apply role what only the first deploy needed, with the next bootstrap", async () => {
      const iam = new IAMClient({
        endpoint: emulator.endpoint,
        region: "eu-west-1",
        credentials: rootCredentials,
      });
      const firstDeploy = async () => {
        const { AttachedPolicies = [] } = await iam.send(
          new ListAttachedRolePoliciesCommand({ RoleName: "couch-explorers-apply-dev" }),
        );
        return AttachedPolicies.filter(({ PolicyName }) => PolicyName === "couch-explorers-first-deploy-dev");
      };
      await emulator.enforceIam(false);
      expect(await firstDeploy()).toHaveLength(1);
      const { code, output } = await project.npm("bootstrap", { args: ["--yes"] });
      expect(code, output).toBe(0);
      expect(await firstDeploy()).toEqual([]);
      await emulator.enforceIam(true);
      const s3 = new S3Client({
        endpoint: emulator.endpoint,
        region: "eu-west-1",
        credentials: applier,
        forcePathStyle: true,
      });
      const Bucket = "couch-explorers-images-dev";
      await expect(s3.send(new DeletePublicAccessBlockCommand({ Bucket }))).rejects.toThrow(
        /denied|not authorized/i,
      );
    });
  },
);
