import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import {
  ChangeMessageVisibilityCommand,
  GetQueueAttributesCommand,
  ListQueueTagsCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { expect, it, onTestFinished } from "vitest";
import { type EmulatorOptions, startEmulator } from "../local/aws/emulator.ts";
import type { QueueSpec } from "../local/stack/stack.ts";

async function start(options: Partial<EmulatorOptions> = {}) {
  const emulator = await startEmulator({ port: 0, region: "eu-west-1", ...options });
  onTestFinished(() => emulator.stop());
  const sqs = new SQSClient({
    endpoint: emulator.endpoint,
    region: "eu-west-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  return { emulator, sqs };
}

async function folder() {
  const path = await mkdtemp(join(tmpdir(), "local-emulator-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

function queueAt(endpoint: string, attributes: Record<string, string> = {}): QueueSpec {
  return {
    name: "prompts",
    url: `${endpoint}/000000000000/prompts`,
    arn: "arn:aws:sqs:eu-west-1:000000000000:prompts",
    attributes,
    tags: { Seconds: attributes.VisibilityTimeout ?? "0" },
  };
}

it("listens on the loopback address only", async () => {
  const { emulator } = await start();
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal);
  // 127.0.0.2 reaches a server on 0.0.0.0, on machines that have no other address.
  const other = emulator.endpoint.replace("127.0.0.1", outside?.address ?? "127.0.0.2");
  expect((await fetch(`${emulator.endpoint}/health`)).status).toBe(200);
  await expect(fetch(`${other}/health`)).rejects.toThrow("fetch failed");
});

it("names the port that is taken and the option that chooses another", async () => {
  const holder = createServer();
  const port = await new Promise<number>((resolve) => {
    holder.listen(0, "127.0.0.1", () => {
      const address = holder.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  onTestFinished(() => void holder.close());
  await expect(startEmulator({ port, region: "eu-west-1" })).rejects.toThrow(
    `Port ${port} is taken. Choose another with --port <number>.`,
  );
});

it("keeps messages and brings a queue's settings up to date across runs", async () => {
  const stateDirectory = await folder();
  const first = await startEmulator({ port: 0, region: "eu-west-1", stateDirectory });
  await first.ensureQueue(queueAt(first.endpoint, { VisibilityTimeout: "30" }));
  const sender = new SQSClient({
    endpoint: first.endpoint,
    region: "eu-west-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  await sender.send(
    new SendMessageCommand({ QueueUrl: queueAt(first.endpoint).url, MessageBody: "Me on top of K2" }),
  );
  await first.stop();

  const { emulator, sqs } = await start({ stateDirectory });
  const queue = queueAt(emulator.endpoint, { VisibilityTimeout: "60" });
  await emulator.ensureQueue(queue);
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: ["VisibilityTimeout"] }),
  );
  expect(Attributes).toEqual({ VisibilityTimeout: "60" });
  const { Tags } = await sqs.send(new ListQueueTagsCommand({ QueueUrl: queue.url }));
  expect(Tags).toEqual(queue.tags);
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queue.url }));
  expect(Messages?.map(({ Body }) => Body)).toEqual(["Me on top of K2"]);
});

it("makes visible again what was in flight when the last run ended, and counts it", async () => {
  const stateDirectory = await folder();
  const first = await start({ stateDirectory });
  const attributes = { VisibilityTimeout: "720" };
  await first.emulator.ensureQueue(queueAt(first.emulator.endpoint, attributes));
  const { url } = queueAt(first.emulator.endpoint);
  await first.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "Me on top of K2" }));
  await first.sqs.send(new ReceiveMessageCommand({ QueueUrl: url }));
  await first.emulator.stop();

  const { emulator, sqs } = await start({ stateDirectory });
  const queue = queueAt(emulator.endpoint, attributes);
  expect(await emulator.ensureQueue(queue)).toBe(1);
  const receive = new ReceiveMessageCommand({ QueueUrl: queue.url, WaitTimeSeconds: 10 });
  expect((await sqs.send(receive)).Messages?.map(({ Body }) => Body)).toEqual(["Me on top of K2"]);
});

it.each([
  ["in memory", undefined],
  ["in a folder", folder],
])("keeps a message that is made visible at once, with its state %s", async (_, state) => {
  const { emulator, sqs } = await start({ ...(state && { stateDirectory: await state() }) });
  const queue = queueAt(emulator.endpoint, { VisibilityTimeout: "60" });
  await emulator.ensureQueue(queue);
  await sqs.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: "Me on top of K2" }));
  const receive = async () => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: queue.url, WaitTimeSeconds: 10 }),
    );
    return Messages.map(({ ReceiptHandle }) => ReceiptHandle);
  };
  for (const ReceiptHandle of await receive()) {
    await sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl: queue.url, ReceiptHandle, VisibilityTimeout: 0 }),
    );
  }
  expect(await receive()).toHaveLength(1);
});

it("says that /proc cannot keep state, instead of trying for ever", async () => {
  await expect(start({ stateDirectory: "/proc/x" })).rejects.toThrow(
    "Cannot keep state in /proc/x (no such file or directory). Name a folder you may write to with --state <folder>.",
  );
});

it("says which folder cannot keep state and which option names another", async () => {
  const file = join(await folder(), "a-file");
  await writeFile(file, "");
  await expect(
    startEmulator({ port: 0, region: "eu-west-1", stateDirectory: join(file, "state") }),
  ).rejects.toThrow(
    /^Cannot keep state in .*a-file\/state \(not a directory\)\. Name a folder you may write to with --state <folder>\.$/,
  );
});
