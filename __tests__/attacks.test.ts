import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callerGroup, principalOf } from "../functions/api/caller.ts";
import { ConsumerBench } from "./support/consumer-bench.ts";
import { type Authorizer, requestOf } from "./support/http-request.ts";

let bench: ConsumerBench;
beforeAll(async () => {
  bench = await ConsumerBench.start();
  bench.bedrock.setTrouble({ latencyMs: 0 });
});
afterAll(() => bench[Symbol.asyncDispose]());

describe("to be given another person's picture", () => {
  it("by using an id again whose record was deleted: nothing is delivered or overwritten", async () => {
    const requestId = `holiday-${randomUUID()}`;
    await bench.deliver([JSON.stringify({ requestId, prompt: "Alice on the beach" })]);
    const alice = await bench.get(`images/${requestId}.png`);
    await bench.remove(`requests/${requestId}.json`);
    const calls = bench.bedrock.calls.length;
    const bob = JSON.stringify({ requestId, prompt: "Bob in the mountains" });
    for (let delivery = 0; delivery < 3; delivery++) await bench.deliver([bob]);
    expect(await bench.record(requestId)).toMatchObject({ status: "rejected", reason: { code: "IdTaken" } });
    expect(Buffer.from(await bench.get(`images/${requestId}.png`)).equals(alice)).toBe(true);
    expect(bench.bedrock.calls.length - calls).toBeLessThanOrEqual(1);
  });
});

describe("to fill the log and the bucket", () => {
  it("with names of fields: the log has none of them, and the record a few", async () => {
    const requestId = randomUUID();
    const fields = Array.from({ length: 20_000 }, (_, index) => [`My neighbour ${index}`, 1]);
    const { log } = await bench.deliver([
      JSON.stringify({ requestId, prompt: "K2", ...Object.fromEntries(fields) }),
    ]);
    expect(log).not.toContain("neighbour");
    expect(log).toContain('"fields":["unknown","body"]');
    const record = await bench.record(requestId);
    if (record.status !== "rejected") throw new Error(`it is ${record.status}`);
    expect(record.reason.message.length).toBeLessThan(2_000);
    expect(record.reason.message).toMatch(/body: has 19990 more unknown fields$/);
  });
});

describe("to take more than one's share of the queue, or to pass for another caller", () => {
  const sts = (name: string): Authorizer => ({ iam: { userArn: `arn:aws:sts::000000000000:${name}` } });
  const cognito = (identityId: string): Authorizer => ({
    iam: {
      userArn: "arn:aws:sts::000000000000:assumed-role/pool/CognitoIdentityCredentials",
      cognitoIdentity: { identityId },
    },
  });
  const token = (iss: string): Authorizer => ({ jwt: { claims: { iss, sub: "1" } } });

  it.each<[string, Authorizer, Authorizer, Authorizer]>([
    [
      "by naming sessions",
      sts("assumed-role/app/a"),
      sts("assumed-role/app/b/\n"),
      sts("assumed-role/ops/a"),
    ],
    [
      "by naming federated users",
      sts("federated-user/a"),
      sts("federated-user/b"),
      sts("assumed-role/federated-user/a"),
    ],
    ["by sharing a pool's role", cognito("eu-west-1:1"), cognito("eu-west-1:1"), cognito("eu-west-1:2")],
    ["by a subject of another issuer", token("https://a"), token("https://a"), token("https://b")],
  ])("%s: a caller is one principal", (_, one, same, other) => {
    expect(callerGroup(requestOf(same))).toBe(callerGroup(requestOf(one)));
    expect(callerGroup(requestOf(other))).not.toBe(callerGroup(requestOf(one)));
    expect(principalOf(requestOf(one))).toBeDefined();
  });
});
