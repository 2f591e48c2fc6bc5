import { PutObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { checkSettings } from "../config/check.ts";
import type { SettingsInput } from "../config/settings.ts";
import { succeededSchema } from "../functions/domain/record.ts";
import { ApiBench } from "./support/api-bench.ts";
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

it("a picture whose days are over has no link, and its path says that it was deleted", async () => {
  await using api = await ApiBench.start({ settings: { retention: { picturesDays: 1 } } });
  const { body } = await api.generate({ prompt: "K2" }, { prefer: "wait=20" });
  const [path, { s3, bucket: Bucket }] = [`/requests/${body.requestId}`, api.cloud];
  expect(body).toMatchObject({ status: "succeeded", imageUrl: expect.anything() });
  const Key = `requests/${body.requestId}.json`;
  const record = succeededSchema.parse(await (await fetch(`${api.cloud.endpoint}/${Bucket}/${Key}`)).json());
  record.timings.finishedAt = new Date(Date.now() - 86_400_000).toISOString();
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: JSON.stringify(record) }));
  const later = await api.call(path);
  expect([later.status, later.body.status, later.body.imageUrl]).toEqual([200, "succeeded", undefined]);
  expect((await api.call(`${path}/image`)).status).toBe(410);
});
