type Attributes = Readonly<Record<string, unknown>>;

/** The resources of a synthesised stack. */
export interface StackResources {
  /** All resources of a type, by their names in Terraform. */
  resources(type: string): Readonly<Record<string, Attributes>>;
}

/** @param address of the resource in Terraform, such as `aws_sqs_queue.prompts` */
export type Predicate = (attributes: Attributes, stack: StackResources, address: string) => boolean;

/** A rule for all resources of a type. Ids that begin with CKV are those of the same rules in Checkov. */
export interface PolicyRule {
  readonly id: string;
  readonly type: string;
  /** What every such resource must do or be: the end of a sentence. */
  readonly demand: string;
  readonly holds: Predicate;
}

/** The rules for a type of resources, by id. */
export function rulesFor(
  type: string,
  rules: Readonly<Record<string, readonly [demand: string, holds: Predicate]>>,
): PolicyRule[] {
  return Object.entries(rules).map(([id, [demand, holds]]) => ({ id, type, demand, holds }));
}

/** Whether another resource of a type refers to this one. */
export function has(companion: string): Predicate {
  return (_, stack, address) => companions(stack, companion, address).length > 0;
}

/** The resources of a type that refer to the one with an address. */
export function companions(stack: StackResources, type: string, address: string): Attributes[] {
  return Object.values(stack.resources(type)).filter((attributes) =>
    JSON.stringify(attributes).includes(`\${${address}.`),
  );
}

export function isSet(attribute: string): Predicate {
  return (attributes) => (attributes[attribute] ?? "") !== "";
}

/** Whether an attribute has this text somewhere in it. */
export function mentions(attribute: string, text: string): Predicate {
  return (attributes) => JSON.stringify(attributes[attribute] ?? null).includes(text);
}

export function is(attribute: string, value: unknown): Predicate {
  return (attributes) => attributes[attribute] === value;
}
