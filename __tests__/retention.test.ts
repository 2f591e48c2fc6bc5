import { describe, expect, it } from "vitest";
import { checkSettings } from "../config/check.ts";
import type { SettingsInput } from "../config/settings.ts";
import { sampleSettings, settingsWith, synthesise } from "./support/synthesise.ts";

describe("the retention of", () => {
  const rulesOf = (retention: SettingsInput["retention"]) => {
    const stack = synthesise(settingsWith({ retention }));
    const [rules] = Object.values(stack.resources("aws_s3_bucket_lifecycle_configuration")).map(
      ({ rule }) => rule,
    );
    return rules;
  };

  it("pictures and records becomes lifecycle rules, which leave no version and no marker", () => {
    const expiring = (name: string, days: number) => ({
      ...{ id: `expire-${name}`, status: "Enabled", filter: [{ prefix: `${name}/` }] },
      ...{ expiration: [{ days }], noncurrent_version_expiration: [{ noncurrent_days: 1 }] },
    });
    expect(rulesOf({ picturesDays: 7, recordsDays: 60 })).toEqual([
      expect.objectContaining({ id: "tidy-up" }),
      expiring("images", 7),
      expiring("requests", 60),
      expiring("index", 60),
      expect.objectContaining({ expiration: [{ expired_object_delete_marker: true }] }),
    ]);
  });

  it("neither is set by default: all is kept", () => {
    expect(rulesOf({})).toEqual([expect.objectContaining({ id: "tidy-up" })]);
  });

  it.each<[SettingsInput["retention"], string]>([
    [{ picturesDays: 0 }, "retention.picturesDays must be a whole number of days from 1"],
    [{ picturesDays: 1.5 }, "retention.picturesDays must be a whole number of days from 1"],
    [{ picturesDays: 1, recordsDays: 29 }, "retention.recordsDays must be a whole number of days from 30"],
    [{ recordsDays: 30 }, "retention.recordsDays is shorter than pictures are kept"],
    [{ picturesDays: 31, recordsDays: 30 }, "retention.recordsDays is shorter than pictures are kept"],
  ])("%j is refused: %s", (retention, message) => {
    const result = checkSettings({ ...sampleSettings, retention });
    const problems = result.ok
      ? []
      : result.problems.map(({ path, message }) => `${path.join(".")} ${message}`);
    expect(problems).toEqual([expect.stringContaining(message)]);
  });

  it("an existing bucket is refused, with what to set there instead", () => {
    const result = checkSettings({
      ...sampleSettings,
      imageBucket: { kind: "existing", name: "the-teams-bucket", keyPrefix: "couch/" },
      retention: { picturesDays: 7 },
    });
    expect(result).toMatchObject({
      problems: [{ path: ["retention"], message: expect.stringContaining("couch/images/") }],
    });
  });
});
