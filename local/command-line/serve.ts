import { makePrintable } from "../../functions/domain/printable.ts";

import { askedIn } from "../../functions/domain/record.ts";
import type { Cloud } from "../cloud.ts";
import type { HttpApi } from "../gateway/http-api.ts";
import type { Bedrock } from "../model/bedrock.ts";
import { readRecord, uploads } from "./follow.ts";
import type { Progress } from "./progress.ts";

/** How much of a prompt is shown, in characters. */
const SHOWN_LETTERS = 40;

/** Says how to use the cloud, then what becomes of each request, until the cloud stops. */
export async function serve(cloud: Cloud, progress: Progress): Promise<never> {
  progress.result(instructions(cloud));
  const last = new Map<string, string>();
  const records = `${cloud.keyPrefix}requests/`;
  for await (const key of uploads(cloud.spy, (uploaded) => uploaded.startsWith(records))) {
    const record = await readRecord(cloud, key);
    if (record === undefined || last.get(key) === record.status) continue;
    last.set(key, record.status);
    const wanted = firstWords(record.status === "rejected" ? record.body : (askedIn(record)?.prompt ?? ""));
    const detail =
      record.status === "succeeded"
        ? ` s3://${record.image.bucket}/${record.image.key}`
        : record.status === "rejected" || record.status === "failed"
          ? `: ${record.reason.message} (${record.reason.code})`
          : "";
    progress.say(makePrintable(`${record.requestId} "${wanted}" ${record.status}${detail}`));
  }
  throw new Error("The cloud stopped reporting.");
}

/** The beginning of a prompt. */
function firstWords(prompt: string): string {
  const letters = [...prompt.trim()];
  const shown = letters.slice(0, SHOWN_LETTERS).join("");
  return letters.length > SHOWN_LETTERS ? `${shown}…` : shown;
}

function instructions({ api, bedrock, endpoint, stack, queueUrl, bucket, keyPrefix }: Cloud): string {
  const place = `s3://${bucket}/${keyPrefix}`;
  // Version 1 of the AWS CLI sends SQS calls to AWS, whatever AWS_ENDPOINT_URL says, unless it is told by option.
  const send = `aws sqs send-message --endpoint-url ${endpoint} --queue-url $SQS_QUEUE_URL --message-body`;
  const post =
    api === undefined
      ? ""
      : `  curl --json '{"prompt": "Norwegian mountain landscape with sunset"}' -H 'Prefer: wait=20' ${api.url}/generate\n`;
  return `
Serving on ${endpoint} until Ctrl-C.
  queue   ${queueUrl}
  bucket  ${bucket}
${api === undefined ? "" : aboutApi(api)}
In another terminal:
${post}  export AWS_ENDPOINT_URL=${endpoint} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=${stack.region} AWS_DEFAULT_REGION=${stack.region} SQS_QUEUE_URL=${queueUrl}
  npm run client -- "A lighthouse in a storm"
  ${send} "Me on top of K2"
  ${send} '{"requestId": "fjord", "prompt": "A fjord at night", "aspectRatio": "16:9", "seed": 7}'
  aws s3 ls ${place}images/
  aws s3 cp ${place}images/fjord.png .
  aws s3 cp ${place}requests/fjord.json -
${bedrock === undefined ? "" : aboutTrouble(bedrock)}`;
}

function aboutApi({ url, spec }: HttpApi): string {
  const [kind] = spec.routes.map(({ authorisation }) => authorisation).filter((name) => name !== "NONE");
  const open = kind === undefined ? "" : ` (deployed, it asks for ${kind}; here it asks nobody)`;
  return `  HTTP    ${url}${open}
          ${url}/ is the studio: open it in a browser
`;
}

function aboutTrouble({ endpoint }: Bedrock): string {
  return `The model misbehaves as it is told, until it is told otherwise ({}: it works):
  curl -X PUT -d '{"throttle": 0.5, "latencyMs": 2000}' ${endpoint}/_trouble
`;
}
