import { describe, expect, it } from "vitest";
import { describeProblems, parseRequest, validateRequest } from "../functions/domain/request.ts";

/** The fields that a body is refused for. */
function refusedFields(body: string): string[] {
  const parsed = parseRequest(body);
  return parsed.ok ? [] : parsed.problems.map(({ field }) => field);
}

describe("a message's body", () => {
  it("is a prompt where it does not begin with {", () => {
    expect(parseRequest("  Me on top of K2\n")).toEqual({
      ok: true,
      request: { prompt: "Me on top of K2", aspectRatio: "1:1", outputFormat: "png" },
    });
  });

  it("is JSON where its first non-blank character is {", () => {
    const body = ' \n{"prompt":"K2","requestId":"a_B-9","seed":0,"aspectRatio":"16:9","outputFormat":"jpeg"}';
    expect(parseRequest(body)).toEqual({
      ok: true,
      request: { prompt: "K2", requestId: "a_B-9", seed: 0, aspectRatio: "16:9", outputFormat: "jpeg" },
    });
  });

  it("may have a prompt of 10,000 characters and any script", () => {
    expect(refusedFields("🏔".repeat(5000))).toEqual([]);
    expect(refusedFields("ノルウェーの山\tと\n夕焼け")).toEqual([]);
  });

  it.each([
    ["nothing but blanks", " \n\t ", ["prompt"]],
    ["more than 10,000 characters", "x".repeat(10_001), ["prompt"]],
    ["a megabyte", "x".repeat(2 ** 20), ["prompt"]],
    ["control characters", "K2\u0000", ["prompt"]],
    ["half a surrogate pair", "K2\ud83c", ["prompt"]],
    ["broken JSON", '{"prompt":', ["body"]],
    ["no prompt", "{}", ["prompt"]],
    ["a prompt of the wrong type", '{"prompt":["K2"]}', ["prompt"]],
    ["an unknown field", '{"prompt":"K2","steps":30}', ["steps"]],
    ["a field that is no plain property", '{"prompt":"K2","__proto__":{"seed":1}}', ["__proto__"]],
    ["an id that leaves its folder", '{"prompt":"K2","requestId":"../x"}', ["requestId"]],
    ["an empty id", '{"prompt":"K2","requestId":""}', ["requestId"]],
    ["an id of 65 characters", `{"prompt":"K2","requestId":"${"x".repeat(65)}"}`, ["requestId"]],
    ["a ratio that no model paints", '{"prompt":"K2","aspectRatio":"7:3"}', ["aspectRatio"]],
    ["a seed beyond the last", '{"prompt":"K2","seed":4294967295}', ["seed"]],
    ["a seed below the first", '{"prompt":"K2","seed":-1}', ["seed"]],
    ["a seed in parts", '{"prompt":"K2","seed":1.5}', ["seed"]],
    ["a seed as text", '{"prompt":"K2","seed":"7"}', ["seed"]],
    ["a format that is not offered", '{"prompt":"K2","outputFormat":"webp"}', ["outputFormat"]],
    [
      "an over-long negative prompt",
      `{"prompt":"K2","negativePrompt":"${"x".repeat(10_001)}"}`,
      ["negativePrompt"],
    ],
    ["a deadline of no time", '{"prompt":"K2","expiresInSeconds":0}', ["expiresInSeconds"]],
    ["a deadline in the past", '{"prompt":"K2","expiresInSeconds":-60}', ["expiresInSeconds"]],
    ["a deadline of half a second", '{"prompt":"K2","expiresInSeconds":0.5}', ["expiresInSeconds"]],
    ["a deadline in digits", '{"prompt":"K2","expiresInSeconds":"60"}', ["expiresInSeconds"]],
    [
      "a deadline after more than ten days",
      '{"prompt":"K2","expiresInSeconds":864001}',
      ["expiresInSeconds"],
    ],
  ])("is refused for %s", (_, body, fields) => {
    expect(refusedFields(body)).toEqual(fields);
  });

  it("is refused with all of its problems, each with its field", () => {
    const parsed = parseRequest('{"prompt":"","seed":-1,"colour":"red"}');
    expect(parsed.ok ? "" : describeProblems(parsed.problems)).toBe(
      "prompt: must not be empty; seed: must be an integer from 0 to 4294967294; " +
        "colour: is not a field of a request (known: prompt, requestId, negativePrompt, aspectRatio, seed, outputFormat, expiresInSeconds)",
    );
  });

  it("keeps the sender's id when something else is wrong with it", () => {
    expect(parseRequest('{"requestId":"mine","prompt":""}')).toMatchObject({ ok: false, requestId: "mine" });
  });

  it("tells when a copy was first sent, which over HTTP nobody may say", () => {
    const copy = { prompt: "K2", firstSentMs: 1_700_000_000_000 };
    expect(parseRequest(JSON.stringify(copy))).toMatchObject({ ok: true, firstSentMs: 1_700_000_000_000 });
    expect(validateRequest(copy)).toMatchObject({ ok: false, problems: [{ field: "firstSentMs" }] });
  });
});
