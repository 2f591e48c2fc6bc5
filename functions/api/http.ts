import { STATUS_CODES } from "node:http";
import type {
  APIGatewayEventRequestContextV2WithAuthorizer,
  APIGatewayProxyEventV2WithRequestContext,
  APIGatewayProxyStructuredResultV2,
} from "aws-lambda";
import * as z from "zod/mini";
import type { FieldProblem } from "../domain/request.ts";

/** The caller as API Gateway has authorised it: by a signature, by a token, or not at all. */
interface Authorizer {
  readonly iam?: {
    readonly callerId: string;
    readonly cognitoIdentity?: { readonly identityId: string } | null;
  };
  readonly jwt?: { readonly claims: { readonly iss?: string; readonly sub?: string } };
}

export type HttpRequest = APIGatewayProxyEventV2WithRequestContext<
  APIGatewayEventRequestContextV2WithAuthorizer<Authorizer | undefined>
>;
export type HttpAnswer = APIGatewayProxyStructuredResultV2;
type Headers = Readonly<Record<string, string>>;

/** Problem details, RFC 9457. */
export const problemSchema = z.object({
  /** There is nothing to read about a problem beyond its status: https://www.rfc-editor.org/rfc/rfc9457#section-4.2.1 */
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  errors: z
    .optional(z.array(z.object({ field: z.string(), message: z.string() })))
    .check(z.describe("Every field and header that is wrong, each with the reason.")),
});

/** A request that cannot be granted. */
export class HttpProblem extends Error {
  override readonly name = "HttpProblem";
  readonly status: number;
  readonly errors: readonly FieldProblem[];
  readonly headers: Headers;

  /** @param detail what is wrong and how to put it right; the caller gets to read it */
  constructor(
    status: number,
    detail: string,
    options: { readonly errors?: readonly FieldProblem[]; readonly headers?: Headers } = {},
  ) {
    super(detail);
    this.status = status;
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }

  toAnswer(): HttpAnswer {
    const problem: z.input<typeof problemSchema> = {
      type: "about:blank",
      title: STATUS_CODES[this.status] ?? "Error",
      status: this.status,
      detail: this.message,
      ...(this.errors.length > 0 && { errors: [...this.errors] }),
    };
    return answer(this.status, "application/problem+json", problem, this.headers);
  }
}

export function jsonAnswer(status: number, body: object, headers: Headers = {}): HttpAnswer {
  return answer(status, "application/json", body, headers);
}

function answer(statusCode: number, contentType: string, body: object, headers: Headers): HttpAnswer {
  return {
    statusCode,
    // Records hold prompts and links: nobody on the way may keep them.
    headers: { "content-type": contentType, "cache-control": "no-store", ...headers },
    body: JSON.stringify(body),
  };
}

/** The same for an id that is not there, and for one that is not the caller's. */
export function notFound(requestId: string): HttpProblem {
  return new HttpProblem(404, `There is no request ${requestId}.`, {
    errors: [{ field: "id", message: "is the id of no request" }],
  });
}
