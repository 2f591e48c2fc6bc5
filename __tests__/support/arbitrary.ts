import fc from "fast-check";
import { z } from "zod";

const schemaShape = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  pattern: z.string().optional(),
  maxLength: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  properties: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  required: z.array(z.string()).optional(),
});

/** Values for a JSON schema of the kinds that the API's document uses; most of them, not all, are valid. */
export function arbitraryOf(jsonSchema: Readonly<Record<string, unknown>>): fc.Arbitrary<unknown> {
  const schema = schemaShape.parse(jsonSchema);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "string": {
      if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern));
      const { maxLength = 100 } = schema;
      return fc.oneof(
        fc.string({ unit: "grapheme", maxLength: 60 }),
        fc.string({ unit: "binary", maxLength: 60 }),
        fc.constantFrom("a".repeat(maxLength), "é".repeat(maxLength), "a".repeat(maxLength + 1)),
      );
    }
    case "integer":
      return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 1_000_000 });
    case "object": {
      const properties = Object.entries(schema.properties ?? {});
      return fc.record(
        Object.fromEntries(properties.map(([name, property]) => [name, arbitraryOf(property)])),
        {
          requiredKeys: schema.required ?? [],
        },
      );
    }
    default:
      throw new Error(`no values for ${JSON.stringify(jsonSchema)}`);
  }
}
