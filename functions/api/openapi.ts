import { generateRequestSchema, requestIdSchema } from "../domain/request.ts";
import type { Route } from "../domain/routes.ts";
import { healthSchema } from "./backlog.ts";
import { problemSchema } from "./http.ts";
import {
  gatewayAnswer,
  header,
  oneOrMoreAnswer,
  problem,
  problemOrGateway,
  requestAnswer,
  schema,
  toJsonSchema,
} from "./openapi-parts.ts";
import { LONGEST_PAGE, USUAL_PAGE } from "./request-list.ts";
import { requestStatuses, requestViewSchema } from "./request-view.ts";

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
        "Painting a picture takes seconds to minutes. `POST /generate` accepts a prompt and answers with `202` and a request id. " +
        "Then call `GET /requests/{id}` until its status is neither `queued` nor `generating`. " +
        "With the header `Prefer: wait=20`, both calls wait up to 20 seconds for the picture. " +
        "Every path needs the authorisation that the API was deployed with: an AWS signature, a token, or none.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "The address that this document comes from" }],
    security: [{ awsSignature: [] }, { token: [] }, {}],
    paths: paths(operations),
    components: {
      securitySchemes: {
        awsSignature: {
          type: "apiKey",
          in: "header",
          name: "Authorization",
          description: "An AWS Signature Version 4 for the service `execute-api`",
        },
        token: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
      },
      schemas: {
        PromptRequest: toJsonSchema(generateRequestSchema, "input"),
        Request: {
          description:
            "A request and its status. `succeeded`, `rejected`, `cancelled` and `expired` are final. `failed` is final unless the request is sent again, or an operator redrives it.",
          oneOf: views.map(({ name }) => schema(name)),
          discriminator: {
            propertyName: "status",
            mapping: Object.fromEntries(views.map(({ status, name }) => [status, schema(name).$ref])),
          },
        },
        ...Object.fromEntries(views.map(({ name, view }) => [name, toJsonSchema(view, "output")])),
        RequestPage: {
          type: "object",
          properties: {
            requests: { type: "array", items: schema("Request") },
            next: {
              type: "string",
              description: "The `cursor` of the next page. Not there on the last page",
            },
          },
          required: ["requests"],
          additionalProperties: false,
        },
        Health: toJsonSchema(healthSchema, "output"),
        Problem: toJsonSchema(problemSchema, "output"),
        GatewayMessage: {
          description: "An answer of API Gateway, for a request that did not reach the API",
          type: "object",
          properties: { message: { type: "string" } },
          required: ["message"],
          additionalProperties: false,
        },
      },
    },
  };
}

const id = { name: "id", in: "path", required: true, schema: toJsonSchema(requestIdSchema, "input") };
const prefer = {
  name: "Prefer",
  in: "header",
  description:
    "`wait=20` waits up to 20 seconds for the picture (RFC 7240). A wait that is too long for API Gateway is shortened. " +
    "If the picture cannot be there in time, the API does not wait. `Preference-Applied` says how long it waited at most.",
  schema: { type: "string" },
  example: "wait=20",
};
const retryAfter = header("After how many seconds to call again", { type: "integer", minimum: 1 });
const preferenceApplied = header(
  "How long the API waited at most, such as `wait=20`. Not there if it did not wait",
  {
    type: "string",
  },
);
const location = header("The path of the request, or the link to its picture", {
  type: "string",
  format: "uri-reference",
});

const gatewayAnswers = {
  401: gatewayAnswer("The token is missing or not valid"),
  403: problemOrGateway(
    "The signature is missing or not valid, the caller has no permission, or the token has no `sub`",
  ),
  429: gatewayAnswer("Too many requests: wait a little, and send the same request again"),
  500: problemOrGateway("An error of the API: send the same request again"),
  503: problemOrGateway("Not available at the moment: send the same request again after `Retry-After`", {
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
          "A key of your choice for one picture, such as a UUID. It is yours alone: other callers may use the same. " +
          "After an error, send the same request with the same key: it is painted once. Double quotes around it are allowed.",
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
      200: oneOrMoreAnswer("The request has ended: it has its picture, or it was rejected or failed", {
        Location: location,
        "Preference-Applied": preferenceApplied,
      }),
      202: oneOrMoreAnswer(
        "The request is accepted, and waits or is being painted. With a `count`: all of them",
        {
          Location: location,
          "Retry-After": retryAfter,
          "Preference-Applied": preferenceApplied,
        },
      ),
      400: problem("The body or a header is not valid. `errors` names each field"),
      409: problem("The key belongs to another request, or to one that was deleted"),
      413: problemOrGateway("The body is larger than 128 KiB"),
      415: problem("The body is not `application/json`"),
      ...gatewayAnswers,
    },
  },
  "GET /requests": {
    operationId: "listRequests",
    summary: "List your requests, the newest first",
    parameters: [
      {
        name: "limit",
        in: "query",
        description: "The most requests on the page",
        schema: { type: "integer", minimum: 1, maximum: LONGEST_PAGE, default: USUAL_PAGE },
      },
      {
        name: "cursor",
        in: "query",
        description: "`next` of the page before. It is valid for you alone",
        schema: { type: "string" },
      },
      {
        name: "status",
        in: "query",
        description: `Only requests with this status, out of the next ${LONGEST_PAGE} requests: a page may have fewer than \`limit\`, or none, and still have a \`next\``,
        schema: { type: "string", enum: requestStatuses },
      },
    ],
    responses: {
      200: {
        description: "A page of the list",
        content: { "application/json": { schema: schema("RequestPage") } },
      },
      400: problem("A parameter is not valid. `errors` names each"),
      ...gatewayAnswers,
    },
  },
  "GET /requests/{id}": {
    operationId: "getRequest",
    summary: "Get a request and its picture",
    parameters: [id, prefer],
    responses: {
      200: requestAnswer("The request and its status", {
        "Retry-After": retryAfter,
        "Preference-Applied": preferenceApplied,
      }),
      400: problemOrGateway("The id or a header is not valid"),
      404: problem("The caller has no request with this id"),
      ...gatewayAnswers,
    },
  },
  "GET /requests/{id}/image": {
    operationId: "getImage",
    summary: "Get the picture of a request",
    description:
      "Redirects to a new link, so that the path can stay in a page: the link ends, and the path does not.",
    parameters: [id],
    responses: {
      302: { description: "The picture is at `Location`", headers: { Location: location } },
      400: problemOrGateway("The id is not valid"),
      404: problem("The caller has no request with this id, or it has no picture", {
        "Retry-After": retryAfter,
      }),
      410: problem("The picture was deleted, since its days were over"),
      ...gatewayAnswers,
    },
  },
  "POST /requests/{id}/cancel": {
    operationId: "cancelRequest",
    summary: "Cancel a request that waits",
    description:
      "A request that waits is never painted and costs nothing. Cancelling it again changes nothing.",
    parameters: [id],
    responses: {
      200: requestAnswer("The request is cancelled", {}),
      400: problemOrGateway("The id is not valid"),
      404: problem("There is no request with this id"),
      409: problem("The request is being painted and cannot be stopped, or it is finished", {
        "Retry-After": retryAfter,
      }),
      ...gatewayAnswers,
    },
  },
  "DELETE /requests/{id}": {
    operationId: "deleteRequest",
    summary: "Erase a request and its picture",
    description:
      "Erases the prompt and the picture, with every older version of them. The id cannot be used again. " +
      "After an error, send the same request again: it completes what is left.",
    parameters: [id],
    responses: {
      204: { description: "The request is erased, now or earlier" },
      400: problemOrGateway("The id is not valid"),
      404: problem("There is no request with this id"),
      409: problem("The request is being painted: send the same request again after `Retry-After`", {
        "Retry-After": retryAfter,
      }),
      ...gatewayAnswers,
    },
  },
  "GET /health": {
    operationId: "health",
    summary: "Get the length of the queue",
    responses: {
      200: {
        description: "Prompts are accepted",
        content: { "application/json": { schema: schema("Health") } },
      },
      ...gatewayAnswers,
    },
  },
};

function paths(byRoute: Readonly<Record<string, object>>): Record<string, object> {
  const byPath: Record<string, object> = {};
  for (const [route, operation] of Object.entries(byRoute)) {
    const [method = "", path = ""] = route.split(" ");
    byPath[path] = { ...byPath[path], [method.toLowerCase()]: operation };
  }
  return byPath;
}
