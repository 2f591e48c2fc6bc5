/** Something that the person who deploys can put right. One line: what is wrong, and what to type next. */
export class DeployError extends Error {
  override readonly name = "DeployError";
}

interface Explanation {
  /** What the tool prints, without colours, frames, line breaks and the stack's name; cdktf puts a path behind addresses. */
  readonly pattern: RegExp;
  readonly say: (match: Readonly<Record<string, string>>, stack: string) => string;
}

const explanations: readonly Explanation[] = [
  {
    pattern:
      /Error acquiring the state lock.*?Lock Info: +ID: +(?<id>\S+) .*?Path: +(?<path>\S+) .*?Operation: +(?<operation>\S+) .*?Who: +(?<who>\S+) .*?Created: +(?<created>[\d-]+ [\d:]+)/,
    say: ({ id, path, operation, who, created }) =>
      `State locked: ${path}, by ${who} (${operation}) since ${created} UTC. If that run still works, wait for it. If it is dead, type: npm run unlock -- ${id}`,
  },
  {
    pattern: /Two interrupts received/,
    say: () =>
      "Interrupted twice: Terraform has dropped what it was doing. What it made since may not be written down, and the lock may be left over. Type the same command again: it names both",
  },
  {
    pattern: /ExpiredToken|token (included in the request )?(is|has) expired|run '?aws sso login/i,
    say: () =>
      "Your AWS session is over. Type: aws sso login (or get new keys), then the same command again. A lock that is left over is named then.",
  },
  {
    pattern: /(could not connect to registry\.terraform\.io|Failed to query available provider packages)/,
    say: () =>
      "The AWS provider cannot be had: registry.terraform.io does not answer, and there is no mirror. Connect to the internet, or name a mirror in a file and type: export TF_CLI_CONFIG_FILE=<file>",
  },
  {
    pattern:
      /(EntityAlreadyExists|BucketAlreadyOwnedByYou|ResourceAlreadyExistsException|ResourceConflictException).*? with (?<address>[\w.-]+)( \(\S+\))?,/,
    say: ({ address }, stack) =>
      `${address} is in AWS already, but not in the state: somebody made it, or an apply was interrupted before it could write it down. Type: terraform -chdir=cdktf.out/stacks/${stack} import ${address} <its name, or its ARN>`,
  },
  {
    pattern: /reading S3 Bucket \((?<bucket>[^)]+)\): couldn't find resource/,
    say: ({ bucket }) =>
      `There is no bucket ${bucket}, or it is not yours. Type: aws s3api head-bucket --bucket ${bucket}`,
  },
  {
    pattern: /UnreservedConcurrentExecution below its minimum value of \[?(?<minimum>\d+)/,
    say: ({ minimum }) =>
      `Lambda cannot reserve the API its share: fewer than ${minimum} executions would be left for other functions. See who has reserved how many: aws lambda get-account-settings. Lower accountConcurrency in config/environments, or raise the account's quota`,
  },
  {
    pattern: /Saved plan is stale/,
    say: () => "The state has changed since the plan was made. Make a new one: npm run deploy",
  },
  {
    pattern:
      /Instance cannot be destroyed.*?Resource (?<address>\S+)( \(\S+\))? has lifecycle\.prevent_destroy/,
    say: ({ address }, stack) =>
      `${address} is protected: it holds what cannot be made again. Take it out of the state instead: terraform -chdir=cdktf.out/stacks/${stack} state rm ${address}`,
  },
  {
    pattern: /Scope ARN: \S+?:policy\/(?<name>\S+) does not exist/,
    say: ({ name }) =>
      `There is no policy ${name} yet, which bounds what functions may do. Somebody who may make policies types: npm run bootstrap`,
  },
  {
    pattern: /not authorized to perform: (?<action>[\w-]+:\w+)/,
    say: ({ action }) => mayNot(`${action}`),
  },
  {
    // S3 does not name the action.
    pattern: /operation error (?<service>[\w ]+): (?<operation>\w+), https response error StatusCode: 403/,
    say: ({ service, operation }) => mayNot(`${service}:${operation}`),
  },
  {
    pattern: /spawn gh ENOENT/,
    say: () => "gh is missing. Install it from https://cli.github.com, then type: gh auth login",
  },
  {
    pattern: /gh auth login|Bad credentials/,
    say: () => "gh is not signed in to GitHub. Type: gh auth login (in a workflow, set GH_TOKEN)",
  },
  {
    pattern: /gh: Not Found|HTTP 404: Not Found|GraphQL: Could not resolve to a Repository/,
    say: () =>
      "GitHub knows no such repository, or does not show it to you. Compare github.repository in config/environments, then type: gh auth status",
  },
  {
    pattern: /(gh: |HTTP 403: |GraphQL: (?=Resource not))(?<refusal>[^(]+?)\.? \((HTTP 403|https:|[\w.]+\))/,
    say: ({ refusal }) =>
      `GitHub answers gh: ${refusal}. Type: gh auth refresh --scopes repo (in a workflow, give the job the permission)`,
  },
  {
    // https://github.com/cli/cli/blob/v2.80.0/internal/ghcmd/cmd.go
    pattern: /error connecting to [\w.]*github|"https:\/\/api\.github\.com[^"]*": (dial|read|net)/,
    say: () =>
      "GitHub cannot be reached. Check your connection and https://www.githubstatus.com, then type the same command again",
  },
  {
    pattern: /spawn \S*terraform\S* ENOENT/,
    say: () => "Terraform is missing. Install 1.11 or newer, then type: terraform version",
  },
];

function mayNot(action: string): string {
  return `Your role may not do ${action}. If the stack got a new kind of resource, add it to constructs/deployable-services.ts, then type: npm run bootstrap`;
}

/**
 * Says in plain words what a tool or AWS has answered; undefined where there are no better words.
 * @param stack the one that the tool worked on
 */
export function explain(output: string, stack = "pipeline"): DeployError | undefined {
  const text = output
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with a control character
    .replaceAll(/\u001b\[[\d;?]*[A-Za-z]/g, "")
    .replaceAll(new RegExp(`^${stack}\\b`, "gm"), "")
    .replaceAll(/[│╷╵\s]+/g, " ");
  for (const { pattern, say } of explanations) {
    const match = pattern.exec(text);
    if (match) return new DeployError(say(match.groups ?? {}, stack));
  }
  return undefined;
}
