import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { SettingsError } from "../config/load.ts";
import { platforms, readPlatform, useEngine } from "../config/platform.ts";
import { makeOnce } from "./support/make-once.ts";

type Name = keyof typeof platforms;

const isInstalled = existsSync("ops/twin/node_modules/cdktn");
if (!isInstalled) {
  console.warn("Skipped: synthesis with the next engine. Type: npm ci --prefix ops/twin");
}

function synthesise(platform: Name, stack: string): unknown {
  const folder = makeOnce(`twin-${platform}`, (outdir) => {
    const env = { ...process.env, PLATFORM: platform, ENVIRONMENT: "dev", CDKTF_OUTDIR: outdir };
    execFileSync(process.execPath, ["main.ts"], { env, stdio: ["ignore", "ignore", "pipe"] });
  });
  return JSON.parse(readFileSync(join(folder, "stacks", stack, "cdk.tf.json"), "utf8"));
}

/** Every value that differs between two JSON values, as `path: before -> after`. */
function differences(before: unknown, after: unknown, path = ""): string[] {
  if (typeof before !== "object" || typeof after !== "object" || before === null || after === null) {
    return before === after ? [] : [`${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`];
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) =>
    differences(Reflect.get(before, key), Reflect.get(after, key), path === "" ? key : `${path}.${key}`),
  );
}

/** The engine says which it is; and it names the provider in full, which for Terraform is the same provider. */
const ENGINE = [
  '//.metadata.version: "0.21.0" -> "0.24.0"',
  'terraform.required_providers.aws.source: "aws" -> "hashicorp/aws"',
];
const PROVIDER = 'terraform.required_providers.aws.version: "5.100.0" -> "6.66.0"';
const RUNTIME = '"nodejs22.x" -> "nodejs24.x"';

describe.skipIf(!isInstalled)("the same constructs with the next engine", () => {
  it.each(["bootstrap", "pipeline"])("synthesise %s with two differences, which say the same", (stack) => {
    expect(differences(synthesise("cdktf-5", stack), synthesise("cdktn-5", stack))).toEqual(ENGINE);
  });

  it("differ with the next provider in its version and in the runtime of the functions, and in nothing else", () => {
    const found = differences(synthesise("cdktn-5", "pipeline"), synthesise("cdktn-6", "pipeline"));
    expect(
      found.map((line) => line.replace(/^resource\.aws_lambda_function\.\w+\.runtime/, "runtime")),
    ).toEqual([...Array.from({ length: 3 }, () => `runtime: ${RUNTIME}`), PROVIDER]);
    const account = differences(synthesise("cdktn-5", "bootstrap"), synthesise("cdktn-6", "bootstrap"));
    expect(account).toEqual([PROVIDER]);
  });

  it("fit the types of the next provider", () => {
    const { stdout } = spawnSync("node_modules/.bin/tsc", ["-p", "ops/twin"], { encoding: "utf8" });
    expect(stdout).toBe("");
  });
});

describe("the choice of a platform", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("is what is deployed today, unless another one is named", () => {
    vi.stubEnv("PLATFORM", undefined);
    expect(readPlatform()).toEqual(platforms["cdktf-5"]);
  });

  it("names the platforms there are when it is asked for another, in one line", () => {
    const { status, stderr } = spawnSync(process.execPath, ["main.ts"], {
      env: { ...process.env, PLATFORM: "cdktf-6" },
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([
      1,
      'There is no platform "cdktf-6". Set PLATFORM to one of cdktf-5, cdktn-5, cdktn-6, or unset it.\n',
    ]);
  });

  const [OLD, NEW] = [
    ["cdktf", "@cdktf/provider-aws"],
    ["cdktn", "@cdktn/provider-aws"],
  ] as const;

  /** A project with packages installed in its own folder, and in that of the next engine. */
  function projectWith(own: readonly string[], twin: readonly string[]): string {
    const root = mkdtempSync(join(tmpdir(), "couch-twin-"));
    const packages = [...own, ...twin.map((name) => `../ops/twin/node_modules/${name}`)];
    for (const name of packages) {
      mkdirSync(join(root, "node_modules", name), { recursive: true });
      writeFileSync(join(root, "node_modules", name, "package.json"), "{}");
    }
    return root;
  }

  it.each([
    ["cdktf-5", [...OLD, ...NEW, "constructs"], [], "without cdktn: see node_modules."],
    ["cdktf-5", [...OLD, NEW[1], "constructs"], [], "without cdktn: see node_modules."],
    ["cdktn-5", [...OLD, "constructs"], NEW, "without cdktf: see ops/twin/node_modules."],
    ["cdktn-5", [...OLD, ...NEW, "constructs"], [], "without cdktf: see node_modules."],
    ["cdktn-6", [], [...OLD, ...NEW, "constructs"], "without cdktf: see ops/twin/node_modules."],
  ])(
    "%s refuses parts of both engines in one folder, or of one engine in two (%j, %j)",
    (platform, own, twin, where) => {
      vi.stubEnv("PLATFORM", platform);
      expect(() => useEngine(projectWith(own, twin))).toThrow(where);
    },
  );

  it.each([
    ["cdktf-5", ["cdktf", "constructs"], [], "@cdktf/provider-aws is not installed. Type: npm ci"],
    ["cdktn-5", [...OLD, "constructs"], [], "cdktn is not installed. Type: npm ci --prefix ops/twin"],
  ])("%s says what to type where a part is not installed", (platform, own, twin, message) => {
    vi.stubEnv("PLATFORM", platform);
    expect(() => useEngine(projectWith(own, twin))).toThrow(new SettingsError(message));
  });
});
