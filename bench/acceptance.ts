import autocannon from "autocannon";
import { makePicture } from "./fake/model.ts";
import { onCloud } from "./load.ts";
import type { Part } from "./table.ts";

const USERS = 1000;
/** API Gateway gives up on a request after so many seconds, and so does the load generator. */
const GATEWAY_LIMIT_SECONDS = 30;
/** Calls at once that the model takes. */
const CONCURRENCY = 8;
const LATENCY_MS = 10_000;

/** How many users at once the API answers. */
export const acceptance: Part = {
  name: "acceptance",
  quick: false,
  async run() {
    const picture = makePicture(20_000);
    const painter = { paint: async () => picture, stop: async () => {} };
    const trouble = { latencyMs: LATENCY_MS };
    const result = await onCloud(CONCURRENCY, { painter, trouble }, ({ api }) => {
      if (api === undefined) throw new Error("the stack has no API");
      return sendRequests(api.url);
    });
    const what = `POST /generate, ${USERS} users at once`;
    return [
      { what: `${what}: p50`, against: "", unit: "ms", values: [result.latency.p50] },
      { what: `${what}: p99`, against: "", unit: "ms", values: [result.latency.p99] },
      {
        what: `${what}: not answered within ${GATEWAY_LIMIT_SECONDS} s`,
        against: "",
        unit: "users",
        values: [USERS - result["2xx"]],
        target: 0,
      },
    ];
  },
};

function sendRequests(url: string): Promise<autocannon.Result> {
  return autocannon({
    url: `${url}/generate`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: "Norwegian mountain landscape with sunset" }),
    connections: USERS,
    amount: USERS,
    timeout: GATEWAY_LIMIT_SECONDS,
    // In a thread of its own, so that it does not wait for what it loads.
    workers: 1,
  });
}
