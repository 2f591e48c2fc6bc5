import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Who is told of alarms, in every deployment to the emulator. */
export const ALARM_EMAIL = "on-call@example.com";

/** A cache of providers that this process has to itself. */
function pluginCache(): string {
  const folder = join(tmpdir(), `couch-providers-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * The variables of a command that runs Terraform against an emulated AWS, and nothing of the machine's own settings.
 * @param terraformConfig Terraform's CLI configuration that names a provider mirror; empty to ask the registry
 */
export function emulatedAws(
  endpoint: string,
  credentials: Credentials,
  terraformConfig: string,
): NodeJS.ProcessEnv {
  const { PATH, HOME, TERRAFORM_BINARY_NAME } = process.env;
  return {
    PATH,
    HOME,
    ...(TERRAFORM_BINARY_NAME !== undefined && { TERRAFORM_BINARY_NAME }),
    // cdktf shares a cache of providers between all projects, which two of them must not fill at once:
    // https://developer.hashicorp.com/terraform/cli/config/config-file#provider-plugin-cache
    ...(terraformConfig === ""
      ? { TF_PLUGIN_CACHE_DIR: pluginCache() }
      : { TF_CLI_CONFIG_FILE: terraformConfig, CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1" }),
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ...(credentials.sessionToken !== undefined && { AWS_SESSION_TOKEN: credentials.sessionToken }),
    // The address stands there twice, as it does where two people add it.
    TF_VAR_alarm_email: `${ALARM_EMAIL}, ${ALARM_EMAIL}`,
    AWS_EC2_METADATA_DISABLED: "true",
    CHECKPOINT_DISABLE: "1",
  };
}
