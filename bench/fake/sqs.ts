// SQS on a thread of its own, so that it does not take turns with those who are measured.
import { parentPort } from "node:worker_threads";
import { startEmulator } from "../../local/aws/emulator.ts";

const emulator = await startEmulator({ port: 0, region: "eu-west-1" });
const url = `${emulator.endpoint}/000000000000/prompts`;
await emulator.ensureQueue({
  name: "prompts",
  arn: "arn:aws:sqs:eu-west-1:000000000000:prompts",
  url,
  attributes: {},
  tags: {},
});
parentPort?.postMessage(url);
