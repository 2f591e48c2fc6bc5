import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Token } from "cdktf";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { checkSettings } from "../config/check.ts";
import { type SettingsInput, settingsSchema } from "../config/settings.ts";
import { BootstrapStack } from "../constructs/bootstrap-stack.ts";
import { PipelineStack } from "../constructs/pipeline-stack.ts";
import { sampleSettings, settingsWith } from "./support/synthesise.ts";
import { isThorough } from "./support/thorough.ts";

// Bundling takes most of a synthesis, and depends on no setting.
vi.mock("../constructs/bundle.ts", () => ({
  bundle: () => ({ zip: join(import.meta.dirname, "settings-fuzz.test.ts"), version: "test" }),
}));

const TOPIC = "arn:aws:sns:eu-west-1:123456789012:on-call";
const { throttling } = sampleSettings.api;

/** Sound settings. Together they have all texts that there are. */
const SOUND: readonly SettingsInput[] = [
  sampleSettings,
  {
    ...sampleSettings,
    api: {
      throttling,
      corsOrigins: ["https://couch.example", "http://localhost:8080"],
      authorisation: {
        kind: "jwt",
        issuer: "https://login.example/tenant/",
        audience: ["api://couch", "studio"],
        clientId: "studio",
      },
    },
    alarms: { existingTopics: { page: TOPIC, ticket: TOPIC } },
  },
  {
    ...sampleSettings,
    accountId: "123456789012",
    webhooks: [{ name: "shop", url: "https://shop.example/hooks" }],
    imageBucket: {
      kind: "existing",
      name: "the-teams-bucket",
      keyPrefix: "couch/prod/",
      kmsKeyArn: "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab",
    },
    models: [{ id: "stability.stable-image-core-v1:1", region: "us-west-2", concurrency: 8 }],
    api: { throttling, authorisation: { kind: "none" }, corsOrigins: ["*"] },
  },
];

/** What Terraform, cdktf, JSON, IAM, S3 or a shell would take for more than a text. */
const HOSTILE = [
  ..."$%{}\"\\'`*?/.:#&<>|; \n\r\t\0\u2028\u001b",
  ...["${", "%{", "#{", "&{", "$${", "}", "..", "../", "//", "\r\n", "*/", "-", "_", "a", "0", "é", "😀"],
  ...[`\${file("/etc/passwd")}`, `\${path.cwd}`, `\${jsonencode(var.alarm_email)}`, `\${aws_iam_role.x.arn}`],
  ...["%{ if true }x%{ endif }", `\${TfToken[TOKEN.0]}`, "#{TfToken[TOKEN.1]}", "&{TfToken[TOKEN.2]}"],
  ...["<<EOF\n", "bootstrap.tfstate", ".tflock", "xn--", "-s3alias", "192.168.1.1"],
] as const;

/** Which text of the settings to change, where, and to what. */
const change = fc.record({
  text: fc.nat(),
  at: fc.nat(),
  put: fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: "binary", maxLength: 4 })),
  isAlone: fc.boolean(),
});

/** Sound settings, and the same with some texts changed. */
const anySettings = fc
  .record({
    sound: fc.constantFrom(...SOUND),
    changes: fc.array(change, { minLength: 1, maxLength: 3 }),
  })
  .map(({ sound, changes }) => ({
    sound,
    changed: changes.reduce<unknown>((settings, { text, at, put, isAlone }) => {
      const chosen = text % textsOf(settings).length;
      return mapTexts(settings, (old, { index }) => {
        if (index !== chosen) return old;
        const start = at % (old.length + 1);
        return isAlone ? put : old.slice(0, start) + put + old.slice(start);
      });
    }, sound),
  }));

type Place = { readonly path: string; readonly index: number };

/** The same settings with each text changed. The path of a text has `[]` for any index of a list. */
function mapTexts(settings: unknown, change: (text: string, place: Place) => string): unknown {
  let count = 0;
  const visit = (value: unknown, path: string): unknown => {
    if (typeof value === "string") return change(value, { path, index: count++ });
    if (Array.isArray(value)) return value.map((item) => visit(item, `${path}[]`));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value);
    return Object.fromEntries(entries.map(([name, item]) => [name, visit(item, `${path}.${name}`)]));
  };
  return visit(settings, "");
}

function textsOf(settings: unknown): { readonly text: string; readonly path: string }[] {
  const texts: { text: string; path: string }[] = [];
  mapTexts(settings, (text, { path }) => {
    texts.push({ text, path });
    return text;
  });
  return texts;
}

const jsonSchema = z.looseObject({
  type: z.string().optional(),
  const: z.unknown().optional(),
  enum: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).default({}),
  items: z.unknown().optional(),
  oneOf: z.array(z.unknown()).default([]),
});

/** The paths of all texts that settings can have, but for those with a list of values. */
function pathsIn(schema: unknown, path = ""): string[] {
  const { type, const: only, enum: values, properties, items, oneOf } = jsonSchema.parse(schema);
  if (type === "string") return only === undefined && values === undefined ? [path] : [];
  return [
    ...Object.entries(properties).flatMap(([name, property]) => pathsIn(property, `${path}.${name}`)),
    ...(items === undefined ? [] : pathsIn(items, `${path}[]`)),
    ...oneOf.flatMap((one) => pathsIn(one, path)),
  ];
}

/** All that Terraform would evaluate in both stacks, in their order. */
function expressionsIn(input: unknown): string[] {
  const checked = checkSettings(input);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const { settings } = checked;
  // Resources are named after these, and so are the expressions that refer to them.
  const webhooks = settings.webhooks.map((webhook, index) => ({ ...webhook, name: `hook-${index}` }));
  const app = new App({ outdir: mkdtempSync(join(tmpdir(), "couch-fuzz-")) });
  const stacks = [
    new PipelineStack(app, "pipeline", { ...settings, webhooks }),
    new BootstrapStack(app, "bootstrap", [{ ...settings, webhooks, suffix: "any" }]),
  ];
  const output = stacks.map((stack) => JSON.stringify(stack.toTerraform())).join("");
  return [...output.matchAll(/[$%]\{[^}]*\}?/g)].map(([expression]) => expression);
}

/** How many to synthesise, of those that are accepted. */
const MOST_SYNTHESES = isThorough ? Number.POSITIVE_INFINITY : 30;

describe("settings with hostile values", () => {
  it("are tried in every text that settings can have", () => {
    const tried = SOUND.flatMap(textsOf).map(({ path }) => path);
    const all = pathsIn(z.toJSONSchema(settingsSchema, { io: "input", unrepresentable: "any" }));
    expect(tried).toEqual(expect.arrayContaining(all));
  });

  it("are refused, or bring no expression into the stacks that is not there without them: 10,000 of them", {
    timeout: 1_200_000,
  }, () => {
    const without = new Map(SOUND.map((sound) => [sound, expressionsIn(sound)]));
    let accepted = 0;
    fc.assert(
      fc.property(anySettings, ({ sound, changed }) => {
        const checked = checkSettings(changed);
        if (!checked.ok) return;
        accepted += 1;
        for (const { text, path } of textsOf(checked.settings)) {
          expect([path, text.includes("${"), text.includes("%{")]).toEqual([path, false, false]);
          expect([path, Token.isUnresolved(text), Token.isUnresolved([text])]).toEqual([path, false, false]);
        }
        if (accepted <= MOST_SYNTHESES) expect(expressionsIn(changed)).toEqual(without.get(sound));
      }),
      { numRuns: 10_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it("would be found in the stacks, were they not refused", () => {
    const settings = settingsWith();
    const path = `\${path.cwd}`;
    const hostile = { ...settings, api: { ...settings.api, corsOrigins: [path] } };
    const app = new App({ outdir: mkdtempSync(join(tmpdir(), "couch-fuzz-")) });
    expect(JSON.stringify(new PipelineStack(app, "pipeline", hostile).toTerraform())).toContain(path);
  });
});
