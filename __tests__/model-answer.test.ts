import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readAnswer } from "../functions/domain/models/stability.ts";

const SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");

/** Fields beside the picture, some of which look like it. */
const otherFields = fc.dictionary(
  fc.constantFrom("note", 'the "images"', "Images", "images[0]", "size"),
  fc.oneof(
    fc.string(),
    fc.constantFrom('"images":["', '\\"images\\": ["x"]', "images"),
    fc.array(fc.string()),
  ),
);

const answer = fc.record({
  picture: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.concat([SIGNATURE, bytes])),
  before: otherFields,
  after: otherFields,
  indent: fc.constantFrom("", " ", "\t", "\n"),
  more: fc.array(fc.string()),
  escapes: fc.boolean(),
});

describe("the answer of a model", () => {
  it("gives the picture whatever stands around it, and however its JSON is written", () => {
    fc.assert(
      fc.property(answer, ({ picture, before, after, indent, more, escapes }) => {
        const fields = { ...before, images: [picture.toString("base64"), ...more], ...after, seeds: [7] };
        const json = JSON.stringify(fields, undefined, indent);
        const body = Buffer.from(escapes ? json.replaceAll("/", "\\/") : json);
        expect(readAnswer(body, 0)).toEqual({ kind: "painted", bytes: picture, seed: 7 });
      }),
    );
  });

  it.each([7, "7"])("gives the seed %j that the picture was painted with", (seed) => {
    const body = { seeds: [seed], images: [SIGNATURE.toString("base64")] };
    expect(readAnswer(Buffer.from(JSON.stringify(body)), 0)).toMatchObject({ kind: "painted", seed: 7 });
  });

  it.each([[[]], ["7"], [null], [[-1, 7]]])(
    "gives the seed that was asked for where its own are %j",
    (seeds) => {
      const body = { seeds, images: [SIGNATURE.toString("base64")] };
      expect(readAnswer(Buffer.from(JSON.stringify(body)), 5)).toMatchObject({ kind: "painted", seed: 5 });
    },
  );

  it.each([
    ["is cut off within the picture", '{"seeds":[1],"images":["iVBORw0KGgo'],
    ["is cut off behind the picture", '{"seeds":[1],"images":["iVBORw0KGgo"'],
    ["is broken behind the picture", '{"images":["iVBORw0KGgo"]} {'],
  ])("that %s is no picture", (_, body) => {
    expect(readAnswer(Buffer.from(body), 0)).toMatchObject({
      kind: "failed",
      reason: { code: "UnreadableAnswer", message: "the model's answer is not JSON" },
    });
  });

  it("does not take a text that only looks like a picture for one", () => {
    const body = { note: { images: ["iVBORw0KGgo="] }, images: [] };
    expect(readAnswer(Buffer.from(JSON.stringify(body)), 0)).toMatchObject({
      reason: { message: "the model's answer has no picture" },
    });
  });
});
