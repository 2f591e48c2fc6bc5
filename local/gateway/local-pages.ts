import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { z } from "zod";
import type { Emulator } from "../aws/emulator.ts";
import type { CloudWatch } from "../cloudwatch/cloudwatch.ts";
import type { Bedrock } from "../model/bedrock.ts";
import { type Trouble, troubleSchema } from "../model/trouble.ts";
import type { HttpApiOptions } from "./http-api.ts";

/** What the studio's panel shows of the local cloud. */
export interface LocalState {
  /** How the stand-in model misbehaves; undefined where the real one is asked. */
  readonly trouble: Trouble | undefined;
  readonly waiting: number;
  /** Received by a function that has not ended yet, or waiting for the next try. */
  readonly hidden: number;
  readonly deadLetters: number;
  /** The names of the alarms that are on. */
  readonly alarms: readonly string[];
}

export interface LocalPagesOptions {
  readonly emulator: Pick<Emulator, "inspectQueue">;
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  readonly cloudWatch: CloudWatch;
  readonly bedrock: Bedrock | undefined;
}

type Reply = (status: number, contentType: string, body: string | Uint8Array) => true;

const PANEL = fileURLToPath(new URL("../studio", import.meta.url));

/** Serves the API's description, and the panel that the studio has on this machine alone. */
export function createLocalPages(options: LocalPagesOptions): NonNullable<HttpApiOptions["pages"]> {
  const panel = new Map<string, Uint8Array>();
  return async ({ method, url = "" }, response) => {
    const reply: Reply = (status, contentType, body) => {
      response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" }).end(body);
      return true;
    };
    switch (`${method} ${url}`) {
      case "GET /openapi.json":
        return reply(
          200,
          "application/json",
          await readFile(new URL("../../docs/openapi.json", import.meta.url)),
        );
      case "GET /_local/panel.js":
      case "GET /_local/panel.css":
        if (panel.size === 0) for (const [name, file] of bundlePanel()) panel.set(name, file);
        return reply(200, url.endsWith("js") ? "text/javascript" : "text/css", panel.get(url) ?? "");
      case "GET /_local/state":
        return reply(200, "application/json", JSON.stringify(stateOf(options)));
      case "PUT /_local/trouble":
        return setTrouble(options.bedrock, response.req, reply);
      default:
        return false;
    }
  };
}

function stateOf({ emulator, cloudWatch, bedrock, ...queues }: LocalPagesOptions): LocalState {
  const queue = emulator.inspectQueue(nameOf(queues.queueUrl));
  const deadLetters = emulator.inspectQueue(nameOf(queues.deadLetterQueueUrl));
  const { specs, evaluator } = cloudWatch;
  return {
    trouble: bedrock?.trouble,
    waiting: queue.visible + queue.delayed,
    hidden: queue.hidden,
    deadLetters: deadLetters.visible + deadLetters.hidden,
    alarms: specs.map(({ name }) => name).filter((name) => evaluator.state(name) === "ALARM"),
  };
}

async function setTrouble(
  bedrock: Bedrock | undefined,
  request: IncomingMessage,
  reply: Reply,
): Promise<true> {
  if (bedrock === undefined) return reply(409, "text/plain", "The real model takes no orders.\n");
  const { success, data, error } = troubleSchema.safeParse(await json(request).catch(() => "not JSON"));
  if (!success) return reply(400, "text/plain", `${z.prettifyError(error)}\n`);
  bedrock.setTrouble(data);
  return reply(200, "application/json", JSON.stringify(data));
}

function bundlePanel(): (readonly [string, Uint8Array])[] {
  const { outputFiles } = buildSync({
    absWorkingDir: PANEL,
    entryPoints: ["panel.tsx", "panel.css"],
    outdir: "_local",
    bundle: true,
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    write: false,
  });
  return outputFiles.map(({ path, contents }) => [path.slice(PANEL.length), contents] as const);
}

function nameOf(queueUrl: string): string {
  return queueUrl.slice(queueUrl.lastIndexOf("/") + 1);
}
