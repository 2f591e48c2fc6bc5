import { LambdaFunction } from "../../local/lambda/lambda.ts";
import type { Stack } from "../../local/stack/stack.ts";

/**
 * A set of a stack's functions of the test's own, by name.
 * @param variables gives a function's variables beside the stack's own: credentials and endpoints
 */
export async function startFunctions(
  { functions }: Stack,
  variables: (name: string) => Readonly<Record<string, string>>,
  onLine: (line: string) => void = () => {},
): Promise<ReadonlyMap<string, LambdaFunction>> {
  const started = new Map<string, LambdaFunction>();
  for (const spec of functions) {
    const created = await LambdaFunction.create({
      spec,
      hostVariables: variables(spec.functionName),
      onInvocation: () => {},
      onLine: ({ line }) => onLine(line),
    });
    started.set(spec.functionName, created);
  }
  return started;
}
