import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What Amazon Bedrock knows of a model, or the error that it answers with. */
export type Answer =
  | { readonly lifecycle: Readonly<Record<string, string>> }
  | { readonly status: number; readonly error: string; readonly message: string };

/**
 * Amazon Bedrock's control plane, as far as GetFoundationModel goes.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_GetFoundationModel.html
 */
export class BedrockCatalogue {
  readonly #server: Server;
  /** Whom it was asked about, as `region id`. */
  readonly asked: string[] = [];

  private constructor(answers: Readonly<Record<string, Answer>>, fallback: Answer) {
    this.#server = createServer(({ url = "", headers: { authorization = "" } }, response) => {
      const id = decodeURIComponent(url.replace("/foundation-models/", ""));
      const region = /Credential=[^/]+\/\d+\/([\w-]+)\/bedrock\/aws4_request/.exec(authorization)?.[1];
      this.asked.push(`${region} ${id}`);
      const answer = answers[id] ?? fallback;
      response.setHeader("content-type", "application/json");
      if ("error" in answer) {
        response.writeHead(answer.status, { "x-amzn-ErrorType": answer.error });
        response.end(JSON.stringify({ message: answer.message }));
        return;
      }
      const modelArn = `arn:aws:bedrock:${region}::foundation-model/${id}`;
      const modelDetails = { modelArn, modelId: id, modelLifecycle: answer.lifecycle };
      response.end(JSON.stringify({ modelDetails }));
    });
  }

  /**
   * @param answers by model id
   * @param fallback for every other model. Default: active
   */
  static async start(
    answers: Readonly<Record<string, Answer>> = {},
    fallback: Answer = { lifecycle: { status: "ACTIVE" } },
  ): Promise<BedrockCatalogue> {
    const catalogue = new BedrockCatalogue(answers, fallback);
    await once(catalogue.#server.listen(0, "127.0.0.1"), "listening");
    return catalogue;
  }

  /** Variables by which a program's SDK finds it. */
  get env(): Readonly<Record<string, string>> {
    return { AWS_ENDPOINT_URL_BEDROCK: `http://127.0.0.1:${portOf(this.#server.address())}` };
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
