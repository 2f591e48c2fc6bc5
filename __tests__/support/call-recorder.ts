import type { Call } from "../../local/chaos/call.ts";
import type { FaultKind } from "../../local/chaos/faults.ts";
import { type Journaled, startProxy } from "../../local/chaos/proxy.ts";
import type { Cloud } from "../../local/cloud.ts";
import { startHttpApi } from "../../local/gateway/http-api.ts";
import type { LambdaFunction } from "../../local/lambda/lambda.ts";
import { type Ended, runClient } from "./client.ts";
import { startFunctions } from "./functions.ts";

/** A second set of a cloud's functions, and clients of it, whose calls of AWS are written down. */
export interface CallRecorder extends AsyncDisposable {
  /** What a caller called: a function's name, or what a client was run as. */
  callsOf(caller: string): readonly Journaled[];
  /** The cloud's HTTP API, served by the recorded functions. */
  readonly apiUrl: string;
  /** By name. */
  readonly functions: ReadonlyMap<string, LambdaFunction>;
  /** Runs the client's binary, recorded under a name. */
  runClientAs(caller: string, args: readonly string[]): Promise<Ended>;
}

/** @param faultOf the harm to do to a call. Default: none. */
export async function startCallRecorder(
  { endpoint, bedrock, stack, queueUrl }: Cloud,
  faultOf: (call: Call) => FaultKind | undefined = () => undefined,
): Promise<CallRecorder> {
  const [apiSpec] = stack.httpApis;
  if (apiSpec === undefined || bedrock === undefined) throw new Error("the cloud has no API, or no model");
  const journal: Journaled[] = [];
  const proxy = await startProxy({
    upstream: {
      model: bedrock.endpoint,
      ...{ store: endpoint, index: endpoint, queue: endpoint, events: endpoint, control: endpoint },
    },
    onCall(call) {
      const entry: Journaled = { call, fault: faultOf(call), status: undefined, delivered: false };
      journal.push(entry);
      return entry;
    },
    onReached: () => {},
    holdUp: async () => {},
    kill: async () => {},
    dateFor: () => new Date(),
  });
  const variables = (caller: string) => ({
    AWS_ACCESS_KEY_ID: caller,
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_ENDPOINT_URL: proxy.endpoint,
    // The SDK calls a queue where its URL says.
    SQS_QUEUE_URL: queueUrl.replace(endpoint, proxy.endpoint),
  });
  const functions = await startFunctions(stack, (name) => ({ ...variables(name), AWS_SESSION_TOKEN: name }));
  const api = await startHttpApi({ spec: apiSpec, port: 0, functions, onRequest: () => {} });
  return {
    functions,
    apiUrl: api.url,
    callsOf: (caller) => journal.filter(({ call }) => call.caller === caller),
    runClientAs: (caller, args) =>
      runClient(args, { env: { ...variables(caller), AWS_REGION: stack.region } }),
    async [Symbol.asyncDispose]() {
      await api.stop();
      for (const recorded of functions.values()) await recorded.stop();
      await proxy.stop();
    },
  };
}
