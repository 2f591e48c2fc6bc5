/** A problem that the person who deploys can solve. One line: what is wrong, and what to type next. */
export class DeployError extends Error {
  override readonly name = "DeployError";
}

type Explanation = (match: Readonly<Record<string, string>>, stack: string) => string;

/**
 * What a tool prints, and what to say instead. The patterns match text without colours, frames, line breaks and the
 * stack's name; cdktf puts a path behind addresses.
 */
const explanations: readonly (readonly [pattern: RegExp, explanation: Explanation])[] = [
  [
    /Error acquiring the state lock.*?Lock Info: +ID: +(?<id>\S+) .*?Path: +(?<path>\S+) .*?Operation: +(?<operation>\S+) .*?Who: +(?<who>\S+) .*?Created: +(?<created>[\d-]+ [\d:]+)/,
    ({ id, path, operation, who, created }) =>
      `State locked: ${path}, by ${who} (${operation}) since ${created} UTC. If that run still works, wait for it. If it is dead, type: npm run unlock -- ${id}`,
  ],
  [
    /Two interrupts received/,
    () =>
      "Interrupted twice: Terraform stopped at once. The state may lack what it made, and the lock may be left over. Type the same command again: it names both",
  ],
  [
    /ExpiredToken|token (included in the request )?(is|has) expired|run '?aws sso login/i,
    () =>
      "Your AWS session has expired. Type: aws sso login (or get new keys), then the same command again. It also names a lock that is left over",
  ],
  [
    /could not connect to registry\.terraform\.io|Failed to query available provider packages/,
    () =>
      "Cannot download the AWS provider: registry.terraform.io does not answer, and there is no mirror. Connect to the internet, or name a mirror in a file and type: export TF_CLI_CONFIG_FILE=<file>",
  ],
  [
    /(EntityAlreadyExists|BucketAlreadyOwnedByYou|ResourceAlreadyExistsException|ResourceConflictException).*? with (?<address>[\w.-]+)( \(\S+\))?,/,
    ({ address }, stack) =>
      `${address} exists in AWS, but not in the state: somebody made it, or an apply was interrupted before it wrote the state. Type: terraform -chdir=cdktf.out/stacks/${stack} import ${address} <its name, or its ARN>`,
  ],
  [
    /reading S3 Bucket \((?<bucket>[^)]+)\): couldn't find resource/,
    ({ bucket }) =>
      `The bucket ${bucket} does not exist, or belongs to another account. Type: aws s3api head-bucket --bucket ${bucket}`,
  ],
  [
    /UnreservedConcurrentExecution below its minimum value of \[?(?<minimum>\d+)/,
    ({ minimum }) =>
      `Lambda cannot reserve concurrency for the API: fewer than ${minimum} executions would be left for other functions. To see the account's limits, type: aws lambda get-account-settings. Lower accountConcurrency in config/environments, or raise the account's quota`,
  ],
  [
    /Saved plan is stale/,
    () => "The state has changed since the plan was made. To make a new plan, type: npm run deploy",
  ],
  [
    /Instance cannot be destroyed.*?Resource (?<address>\S+)( \(\S+\))? has lifecycle\.prevent_destroy/,
    ({ address }, stack) =>
      `${address} is protected, because its data cannot be restored. To keep it and remove it from the state, type: terraform -chdir=cdktf.out/stacks/${stack} state rm ${address}`,
  ],
  [
    /(Scope ARN:|Policy) \S+?:policy\/(?<name>\S+) (does not exist|(was )?not found)/,
    ({ name }) =>
      `The permissions boundary ${name} does not exist yet. As an administrator, type: npm run bootstrap`,
  ],
  [/not authorized to perform: (?<action>[\w-]+:\w+)/, ({ action }) => explainDenial(`${action}`)],
  [
    // S3 does not name the action.
    /operation error (?<service>[\w ]+): (?<operation>\w+), https response error StatusCode: 403/,
    ({ service, operation }) => explainDenial(`${service}:${operation}`),
  ],
  [/CredentialsProviderError/, explainMissingCredentials],
  [/InvalidClientTokenId/, () => "AWS does not know these credentials. Type: aws sts get-caller-identity"],
  [
    /spawn gh ENOENT/,
    () => "gh is missing. Install it from https://cli.github.com, then type: gh auth login",
  ],
  [
    /gh auth login|Bad credentials/,
    () => "gh is not signed in to GitHub. Type: gh auth login (in a workflow, set GH_TOKEN)",
  ],
  [
    /gh: Not Found|HTTP 404: Not Found|GraphQL: Could not resolve to a Repository/,
    () =>
      "GitHub does not find the repository, or you may not see it. Compare github.repository in config/environments, then type: gh auth status",
  ],
  [
    /(gh: |HTTP 403: |GraphQL: (?=Resource not))(?<refusal>[^(]+?)\.? \((HTTP 403|https:|[\w.]+\))/,
    ({ refusal }) =>
      `GitHub answers gh: ${refusal}. Type: gh auth refresh --scopes repo (in a workflow, give the job the permission)`,
  ],
  [
    // https://github.com/cli/cli/blob/v2.80.0/internal/ghcmd/cmd.go
    /error connecting to [\w.]*github|"https:\/\/api\.github\.com[^"]*": (dial|read|net)/,
    () =>
      "Cannot connect to GitHub. Check your connection and https://www.githubstatus.com, then type the same command again",
  ],
  [
    /spawn \S*terraform\S* ENOENT/,
    () => "Terraform is missing. Install 1.11 or newer, then type: terraform version",
  ],
];

function explainDenial(action: string): string {
  return `Your role may not do ${action}. If the stack has a new type of resource, add it to constructs/deployable-services.ts, then type: npm run bootstrap`;
}

function explainMissingCredentials(): string {
  const { AWS_PROFILE: profile } = process.env;
  return profile === undefined
    ? "No AWS credentials. Type: aws configure sso, then aws sso login, then export AWS_PROFILE=<the profile>"
    : `The AWS profile ${profile} does not exist, or has no credentials. To list the profiles, type: aws configure list-profiles. Then type: export AWS_PROFILE=<the profile>`;
}

/**
 * Explains the output of a tool, or an error of AWS, in one line; undefined for an output that is not known.
 * @param stack the one that the tool worked on
 */
export function explain(output: string, stack = "pipeline"): DeployError | undefined {
  const text = output
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with a control character
    .replaceAll(/\u001b\[[\d;?]*[A-Za-z]/g, "")
    .replaceAll(new RegExp(`^${stack}\\b`, "gm"), "")
    .replaceAll(/[│╷╵\s]+/g, " ");
  for (const [pattern, explanation] of explanations) {
    const match = pattern.exec(text);
    if (match) return new DeployError(explanation(match.groups ?? {}, stack));
  }
  return undefined;
}

/** Explains what AWS has answered to a call. Throws what is not an Error. */
export function explainAws(error: unknown): DeployError {
  if (!(error instanceof Error)) throw error;
  const output = `${error.name}: ${error.message}`;
  return explain(output) ?? new DeployError(`AWS answers ${output}`);
}

/** Waits for AWS's answer to a call. Throws a DeployError that explains a failure. */
export function askAws<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    throw explainAws(error);
  });
}
