import * as z from "zod/mini";
import { promptRequestSchema, requestIdSchema } from "../domain/request.ts";
import type { Route } from "../domain/routes.ts";
import { healthSchema } from "./backlog.ts";
import { problemSchema } from "./http.ts";
import { requestViewSchema } from "./request-view.ts";

/** What the API takes and answers, as an OpenAPI 3.1 document made of the very schemas that the code checks with. */
export function openApiDocument(): object {
  const views = requestViewSchema.def.options.map((view) => {
    const status = view.shape.status.def.values.join();
    return { status, name: `${status[0]?.toUpperCase()}${status.slice(1)}Request`, view };
  });
  return {
    openapi: "3.1.0",
    info: {
      title: "Couch Explorers",
      version: "1.0.0",
      summary: "Travel by picture: send a prompt, get a picture.",
      description:
        "Painting takes seconds to minutes, so a prompt is accepted at once and painted in its turn. " +
        "Ask for the request until it is `succeeded`, `rejected` or `failed`, or send `Prefer: wait=20` to be answered when it is. " +
        "All paths ask for the authorisation that the API was deployed with: an AWS signature, a token, or none.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "Where this document is served" }],
    security: [{ awsSignature: [] }, { token: [] }, {}],
    paths: paths(operations),
    components: {
      securitySchemes: {
        awsSignature: {
          type: "apiKey",
          in: "header",
          name: "Authorization",
          description: "AWS Signature Version 4 for the service `execute-api`",
        },
        token: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
      },
      schemas: {
        PromptRequest: toJsonSchema(promptRequestSchema, "input"),
        Request: {
          description:
            "A request as it stands. `succeeded` and `rejected` are final. `failed` is final until the request is sent again or an operator redrives it.",
          oneOf: views.map(({ name }) => schema(name)),
          discriminator: {
            propertyName: "status",
            mapping: Object.fromEntries(views.map(({ status, name }) => [status, schema(name).$ref])),
          },
        },
        ...Object.fromEntries(views.map(({ name, view }) => [name, toJsonSchema(view, "output")])),
        Health: toJsonSchema(healthSchema, "output"),
        Problem: toJsonSchema(problemSchema, "output"),
        GatewayMessage: {
          description: "What API Gateway says by itself",
          type: "object",
          properties: { message: { type: "string" } },
          required: ["message"],
          additionalProperties: false,
        },
      },
    },
  };
}

const prefer = {
  name: "Prefer",
  in: "header",
  description:
    "`wait=20`: answer when the picture is there, or after so many seconds. " +
    "A wait longer than the gateway allows is shortened, one that is hopeless because of the queue is left out; " +
    "`Preference-Applied` tells (RFC 7240).",
  schema: { type: "string" },
  example: "wait=20",
};
const retryAfter = header("When to ask again, in seconds", { type: "integer", minimum: 1 });
const preferenceApplied = header("How long was waited, `wait=20`; left out where it was not", {
  type: "string",
});
const location = header("Where the request is", { type: "string", format: "uri-reference" });

const gatewayAnswers = {
  401: gatewayAnswer("No valid token"),
  403: gatewayAnswer("No valid signature, or no permission to call"),
  429: gatewayAnswer("More requests than the stage lets through: try again later"),
  500: problemOrGateway("Something is wrong on our side"),
  503: problemOrGateway("For the moment it does not work: send the same request again", {
    "Retry-After": retryAfter,
  }),
};

const operations: Readonly<Record<Route, object>> = {
  "POST /generate": {
    operationId: "generate",
    summary: "Ask for a picture",
    parameters: [
      prefer,
      {
        name: "Idempotency-Key",
        in: "header",
        description:
          "Becomes the request's id. The same request under the same key is one request however often it is sent; " +
          "after an error it can be sent again safely. May be written in double quotes.",
        schema: { type: "string", pattern: '^("[A-Za-z0-9_-]{1,64}"|[A-Za-z0-9_-]{1,64})$' },
      },
    ],
    requestBody: {
      required: true,
      content: {
        "application/json": {
          schema: schema("PromptRequest"),
          example: { prompt: "Norwegian mountain landscape with sunset" },
        },
      },
    },
    responses: {
      200: requestAnswer("It is finished", {
        Location: location,
        "Preference-Applied": preferenceApplied,
      }),
      202: requestAnswer("It is accepted", {
        Location: location,
        "Retry-After": retryAfter,
        "Preference-Applied": preferenceApplied,
      }),
      400: problem("The body or a header is not valid; `errors` names each field"),
      409: problem("The id belongs to a request for another picture"),
      413: problemOrGateway("The body is too large"),
      415: problem("The body is not `application/json`"),
      ...gatewayAnswers,
    },
  },
  "GET /requests/{id}": {
    operationId: "getRequest",
    summary: "Ask what became of a request",
    parameters: [
      { name: "id", in: "path", required: true, schema: toJsonSchema(requestIdSchema, "input") },
      prefer,
    ],
    responses: {
      200: requestAnswer("The request as it stands", {
        "Retry-After": retryAfter,
        "Preference-Applied": preferenceApplied,
      }),
      400: problemOrGateway("The id or a header is not valid"),
      404: problem("There is no such request"),
      ...gatewayAnswers,
    },
  },
  "GET /health": {
    operationId: "health",
    summary: "Ask whether prompts are taken, and how long they wait",
    responses: {
      200: { description: "They are", content: { "application/json": { schema: schema("Health") } } },
      ...gatewayAnswers,
    },
  },
};

function paths(byRoute: Readonly<Record<string, object>>): Record<string, object> {
  const entries = Object.entries(byRoute).map(([route, operation]) => {
    const [method = "", path = ""] = route.split(" ");
    return [path, { [method.toLowerCase()]: operation }] as const;
  });
  return Object.fromEntries(entries);
}

function toJsonSchema(zodSchema: z.core.$ZodType, io: "input" | "output"): object {
  const { $schema: _, ...jsonSchema } = z.toJSONSchema(zodSchema, {
    io,
    // The pattern only says at length what the format says.
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    },
  });
  return jsonSchema;
}

function schema(name: string) {
  return { $ref: `#/components/schemas/${name}` };
}

function header(description: string, headerSchema: object): object {
  return { description, schema: headerSchema };
}

function requestAnswer(description: string, headers: object): object {
  return { description, headers, content: { "application/json": { schema: schema("Request") } } };
}

function problem(description: string): object {
  return { description, content: { "application/problem+json": { schema: schema("Problem") } } };
}

function gatewayAnswer(description: string): object {
  return { description, content: { "application/json": { schema: schema("GatewayMessage") } } };
}

/** Either the function says it, or, where a request does not get that far, the gateway. */
function problemOrGateway(description: string, headers?: object): object {
  return {
    description,
    ...(headers && { headers }),
    content: {
      "application/problem+json": { schema: schema("Problem") },
      "application/json": { schema: schema("GatewayMessage") },
    },
  };
}
