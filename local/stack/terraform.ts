import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { systemErrorReason, UserError } from "../user-error.ts";
import { computedAttributes, type LocalAccount } from "./terraform-attributes.ts";

const attributesSchema = z.record(z.string(), z.unknown());
const blocksSchema = z.record(z.string(), z.record(z.string(), attributesSchema)).default({});

const documentSchema = z.object({
  provider: z.object({ aws: nested(z.object({ region: z.string() })) }),
  resource: blocksSchema,
  data: blocksSchema,
  output: z.record(z.string(), z.object({ value: z.unknown() })).default({}),
  variable: z.record(z.string(), z.object({ default: z.unknown().optional() })).default({}),
  locals: attributesSchema.default({}),
});

/** One `resource` or `data` block of the synthesised stack. */
interface Block {
  /** `<type>.<id>`; a data source's starts with `data.`. */
  readonly address: string;
  readonly type: string;
  readonly id: string;
  readonly attributes: z.infer<typeof attributesSchema>;
}

export interface TerraformOptions {
  /** The folder that holds `cdk.tf.json`; asset paths in the stack are relative to it. */
  readonly directory: string;
  /** Where the emulator listens, for attributes that are addresses (a queue's `url`). */
  readonly endpoint: string;
  /** Values of input variables. Default: each variable's own default, or an empty string without one. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** A nested block, which Terraform JSON lets be an object or an array of one. */
export function nested<S extends z.ZodType>(schema: S) {
  return z.preprocess((value: unknown) => (Array.isArray(value) ? value[0] : value), schema);
}

/** The synthesised stack, with every reference answered by what the resource is called on this machine. */
export class Terraform {
  readonly directory: string;
  readonly region: string;
  readonly #document: z.infer<typeof documentSchema>;
  readonly #blocks: readonly Block[];
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #local: LocalAccount;
  /** References being resolved, outermost first: finding one again is a cycle. */
  readonly #path: string[] = [];

  private constructor(document: z.infer<typeof documentSchema>, options: TerraformOptions) {
    this.directory = options.directory;
    this.region = document.provider.aws.region;
    this.#document = document;
    this.#blocks = [...blocksOf(document.resource, ""), ...blocksOf(document.data, "data.")];
    this.#variables = options.variables ?? {};
    this.#local = { endpoint: options.endpoint, region: this.region };
  }

  static async read(options: TerraformOptions): Promise<Terraform> {
    const file = join(options.directory, "cdk.tf.json");
    const text = await readFile(file, "utf8").catch((error: unknown) => {
      throw new UserError(
        `Cannot read the synthesised stack ${file} (${systemErrorReason(error)}). Synthesise it first.`,
      );
    });
    const parsed = documentSchema.safeParse(parseJson(text, file));
    if (!parsed.success) {
      throw new UserError(
        `${file} is not a stack the local cloud can run:\n${z.prettifyError(parsed.error)}`,
      );
    }
    return new Terraform(parsed.data, options);
  }

  /**
   * Every resource of a type (with `data.` before it: every data source), limited to what the schema asks for:
   * attributes that nobody reads are never resolved, so an expression the local cloud does not know costs nothing there.
   */
  resources<S extends z.ZodObject>(type: string, schema: S): (z.infer<S> & { readonly address: string })[] {
    return this.#blocks
      .filter(({ address }) => address.startsWith(`${type}.`))
      .map((block) => this.#read(block, schema));
  }

  /** The value of an output; undefined when the stack has no such output. */
  output(name: string): unknown {
    const output = this.#document.output[name];
    return output === undefined ? undefined : this.#resolve(output.value, `output.${name}`);
  }

  #read<S extends z.ZodObject>(block: Block, schema: S): z.infer<S> & { readonly address: string } {
    const wanted = Object.keys(schema.shape).map((name) => [name, this.#attribute(block, name)] as const);
    const parsed = schema.safeParse(Object.fromEntries(wanted));
    if (!parsed.success) {
      throw new UserError(
        `${block.address} is not something the local cloud can run:\n${z.prettifyError(parsed.error)}`,
      );
    }
    return { ...parsed.data, address: block.address };
  }

  /** An attribute as configured, else as AWS would have computed it; undefined when it has neither. */
  #attribute(block: Block, name: string): unknown {
    const configured = block.attributes[name];
    if (configured !== undefined && configured !== null) return this.#resolve(configured, block.address);
    const own = (attribute: string): string => {
      const value = block.attributes[attribute];
      return typeof value === "string" ? String(this.#resolve(value, block.address)) : block.id;
    };
    return computedAttributes(block.type, own, this.#local)?.[name];
  }

  #resolve(value: unknown, where: string): unknown {
    if (typeof value === "string") return this.#resolveText(value, where);
    if (Array.isArray(value)) return value.map((item) => this.#resolve(item, where));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, this.#resolve(item, where)]),
      );
    }
    return value;
  }

  #resolveText(text: string, where: string): unknown {
    // A string that is one reference keeps the type of what it refers to, as in Terraform.
    const whole = /^\$\{([^{}]*)\}$/.exec(text)?.[1];
    if (whole !== undefined) return this.#reference(whole.trim(), where);
    return text.replaceAll(/\$\$\{|\$\{([^{}]*)\}/g, (match: string, expression: string | undefined) =>
      // `$${` is Terraform's way to write a literal `${`.
      expression === undefined && match === "$${"
        ? "${"
        : String(this.#reference((expression ?? "").trim(), where)),
    );
  }

  #reference(expression: string, where: string): unknown {
    if (this.#path.includes(expression)) {
      throw new UserError(`${where}: \${${expression}} refers to itself (${this.#path.join(" → ")}).`);
    }
    this.#path.push(expression);
    try {
      const value = this.#lookUp(expression, where);
      if (value === undefined) {
        throw new UserError(`${where}: the local cloud cannot resolve \${${expression}}.`);
      }
      return value;
    } finally {
      this.#path.pop();
    }
  }

  #lookUp(expression: string, where: string): unknown {
    const encoded = /^jsonencode\((.*)\)$/.exec(expression)?.[1];
    if (encoded !== undefined) return JSON.stringify(this.#reference(encoded, where));
    const steps = segments(expression);
    const [head, ...rest] = steps;
    if (head === "var" && rest[0] !== undefined) {
      const variable = this.#document.variable[rest[0]];
      return variable === undefined ? undefined : (this.#variables[rest[0]] ?? variable.default ?? "");
    }
    if (head === "local" && rest[0] !== undefined) {
      return walk(this.#resolve(this.#document.locals[rest[0]], where), rest.slice(1));
    }
    const depth = head === "data" ? 3 : 2;
    const address = steps.slice(0, depth).join(".");
    const [attribute, ...deeper] = steps.slice(depth);
    const block = this.#blocks.find((candidate) => candidate.address === address);
    return block && attribute && walk(this.#attribute(block, attribute), deeper);
  }
}

function blocksOf(group: z.infer<typeof blocksSchema>, prefix: string): Block[] {
  return Object.entries(group).flatMap(([type, blocks]) =>
    Object.entries(blocks).map(([id, attributes]) => ({
      address: `${prefix}${type}.${id}`,
      ...{ type, id, attributes },
    })),
  );
}

/** `a.b[0].c` as its steps; nothing for an expression that is more than a reference. */
function segments(expression: string): string[] {
  if (!/^[A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])+$/.test(expression)) return [];
  return expression.replaceAll(/\[(\d+)\]/g, ".$1").split(".");
}

function walk(value: unknown, steps: readonly string[]): unknown {
  let current = value;
  for (const step of steps) {
    if (typeof current !== "object" || current === null) return undefined;
    // A nested block may be written without its list of one.
    current = step === "0" && !Array.isArray(current) ? current : new Map(Object.entries(current)).get(step);
  }
  return current;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file} is not JSON (${error instanceof Error ? error.message : String(error)}).`);
  }
}
