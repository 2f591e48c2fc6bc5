import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readOwner } from "../functions/api/caller.ts";
import { ApiBench } from "./support/api-bench.ts";
import { requestOf } from "./support/http-request.ts";
import { isThorough } from "./support/thorough.ts";

const PROMPT = { prompt: "Norwegian mountain landscape with sunset" };
const ISSUER = "https://issuer.example";

/** Headers as a signature brings them; nobody checks it here. */
function signedBy(user: string, role?: string): Record<string, string> {
  const authorization = `AWS4-HMAC-SHA256 Credential=${user}/20260101/eu-west-1/execute-api/aws4_request`;
  return { authorization, ...(role !== undefined && { "x-amz-security-token": role }) };
}

function withToken(claims: object): Record<string, string> {
  return { authorization: `Bearer e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.e30` };
}

interface Mode {
  readonly authorisation: { kind: "iam" } | { kind: "jwt"; issuer: string; audience: [string] };
  readonly ada: Record<string, string>;
  /** The same caller in another session. */
  readonly adaAgain: Record<string, string>;
  readonly ben: Record<string, string>;
}

const modes: readonly Mode[] = [
  {
    authorisation: { kind: "iam" },
    ada: signedBy("a-session", "ada"),
    adaAgain: signedBy("another-session", "ada"),
    ben: signedBy("a-session", "ben"),
  },
  {
    authorisation: { kind: "jwt", issuer: ISSUER, audience: ["couch"] },
    ada: withToken({ iss: ISSUER, sub: "ada" }),
    adaAgain: withToken({ iss: ISSUER, sub: "ada", iat: 1 }),
    ben: withToken({ iss: ISSUER, sub: "ben" }),
  },
];

describe.each(modes)(
  "with the authorisation $authorisation.kind",
  ({ authorisation, ada, adaAgain, ben }) => {
    let api: ApiBench;
    beforeAll(async () => {
      const throttling = { burst: 2000, ratePerSecond: 500 };
      api = await ApiBench.start({ consumer: false, settings: { api: { authorisation, throttling } } });
    });
    afterAll(() => api[Symbol.asyncDispose]());

    it("a request is its caller's: another gets the answer for an id that does not exist", async () => {
      const { body } = await api.generate(PROMPT, ada);
      const id = String(body.requestId);
      expect((await api.call(`/requests/${id}`, { headers: adaAgain })).body).toMatchObject(PROMPT);
      const unknown = await api.call("/requests/unknown", { headers: ben });
      const others = await api.call(`/requests/${id}`, { headers: ben });
      expect(others.status).toBe(404);
      expect(JSON.stringify(others.body).replaceAll(id, "unknown")).toBe(JSON.stringify(unknown.body));
    });

    it("two callers may use one key, for the same prompt and for another", async () => {
      const key = { "idempotency-key": "1" };
      const first = await api.generate(PROMPT, { ...ada, ...key });
      const again = await api.generate(PROMPT, { ...adaAgain, ...key });
      const same = await api.generate(PROMPT, { ...ben, ...key });
      const another = await api.generate({ prompt: "a fjord" }, { ...ben, "idempotency-key": "2" });
      expect((await api.generate(PROMPT, { ...ada, "idempotency-key": "2" })).status).toBe(202);
      expect(another.status).toBe(202);
      expect(again.body.requestId).toBe(first.body.requestId);
      expect(same.body.requestId).not.toBe(first.body.requestId);
      expect(same.body.seed).not.toBe(first.body.seed);
    });
  },
);

it("a token without a subject is refused, because nobody would own the request", () => {
  expect(() => readOwner(requestOf({ jwt: { claims: { iss: ISSUER } } }))).toThrow("`sub`");
  expect(readOwner(requestOf(undefined))).toBeUndefined();
});

it("two callers who ask for the same under the same keys at once never get to see anything of the other", {
  timeout: 300_000,
}, async () => {
  const ROUNDS = isThorough ? 1000 : 20;
  await using api = await ApiBench.start({
    consumer: false,
    settings: { api: { throttling: { burst: 5000, ratePerSecond: 10_000 } } },
  });
  /** Everything that a caller was told. */
  const told = { ada: "", ben: "" };
  const ids = { ada: new Set<string>(), ben: new Set<string>() };
  const ask = async (name: "ada" | "ben", path: string, init: RequestInit = {}): Promise<string> => {
    const headers = { ...signedBy(name), "content-type": "application/json", ...init.headers };
    const answer = await (await fetch(`${api.url}${path}`, { ...init, headers })).text();
    told[name] += answer;
    return answer;
  };
  const generate = async (name: "ada" | "ben", key: string): Promise<string> => {
    const headers = { "idempotency-key": key };
    const answer = await ask(name, "/generate", { method: "POST", headers, body: JSON.stringify(PROMPT) });
    const id: string = JSON.parse(answer).requestId;
    ids[name].add(id);
    return id;
  };
  for (let round = 1; round <= ROUNDS; round++) {
    const key = String(round);
    const [adas, bens] = await Promise.all([generate("ada", key), generate("ben", key)]);
    const looks = await Promise.all([
      ask("ada", `/requests/${bens}`),
      ask("ben", `/requests/${adas}`),
      ask("ben", `/requests/${adas}/image`),
      ask("ada", "/requests?limit=3"),
      ask("ben", "/requests?limit=3"),
    ]);
    for (const look of looks.slice(0, 3)) expect(look).toContain('"status":404');
  }
  expect([ids.ada.size, ids.ben.size]).toEqual([ROUNDS, ROUNDS]);
  // A 404 repeats the id that was asked for.
  const others = (text: string, of: ReadonlySet<string>) =>
    [...of].filter((id) => text.replaceAll(`There is no request ${id}.`, "").includes(id));
  expect(others(told.ada, ids.ben)).toEqual([]);
  expect(others(told.ben, ids.ada)).toEqual([]);
});

describe("a prompt that is sent to the queue", () => {
  it("belongs to the user or role that SQS names as its sender", async () => {
    await using api = await ApiBench.start();
    const { endpoint, queueUrl } = api.cloud;
    const credentials = { accessKeyId: "job-7", secretAccessKey: "local", sessionToken: "ada" };
    const sqs = new SQSClient({ endpoint, region: "eu-west-1", credentials });
    const MessageBody = JSON.stringify({ ...PROMPT, requestId: "from-the-queue" });
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
    await api.cloud.spy.waitForMessage(
      (sent) => sent.service === "sqs" && sent.body === MessageBody,
      "consumed",
    );
    const show = (headers: Record<string, string>) => api.call("/requests/from-the-queue", { headers });
    expect((await show(signedBy("laptop", "ada"))).body).toMatchObject({ ...PROMPT, status: "succeeded" });
    expect((await show(signedBy("laptop", "ben"))).status).toBe(404);
    const list = (headers: Record<string, string>) => api.call("/requests", { headers });
    expect((await list(signedBy("laptop", "ada"))).body.requests).toMatchObject([PROMPT]);
    expect((await list(signedBy("laptop", "ben"))).body.requests).toEqual([]);
  });
});
