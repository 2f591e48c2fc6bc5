import * as z from "zod/mini";

export function toJsonSchema(zodSchema: z.core.$ZodType, io: "input" | "output"): object {
  const { $schema: _, ...jsonSchema } = z.toJSONSchema(zodSchema, {
    io,
    // The pattern only says at length what the format says.
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    },
  });
  return jsonSchema;
}

export function schema(name: string) {
  return { $ref: `#/components/schemas/${name}` };
}

export function header(description: string, headerSchema: object): object {
  return { description, schema: headerSchema };
}

export function requestAnswer(description: string, headers: object): object {
  return { description, headers, content: { "application/json": { schema: schema("Request") } } };
}

/** One request, or with a `count` all of them. */
export function oneOrMoreAnswer(description: string, headers: object): object {
  const either = { oneOf: [schema("Request"), schema("RequestPage")] };
  return { description, headers, content: { "application/json": { schema: either } } };
}

export function problem(description: string, headers?: object): object {
  return {
    description,
    ...(headers && { headers }),
    content: { "application/problem+json": { schema: schema("Problem") } },
  };
}

export function gatewayAnswer(description: string): object {
  return { description, content: { "application/json": { schema: schema("GatewayMessage") } } };
}

/** Either the function says it, or, where a request does not get that far, the gateway. */
export function problemOrGateway(description: string, headers?: object): object {
  return {
    description,
    ...(headers && { headers }),
    content: {
      "application/problem+json": { schema: schema("Problem") },
      "application/json": { schema: schema("GatewayMessage") },
    },
  };
}
