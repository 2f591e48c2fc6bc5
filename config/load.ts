import { existsSync, readdirSync } from "node:fs";
import { lifecycleOf } from "../functions/domain/models.ts";
import { checkSettings } from "./check.ts";
import type { Settings, SettingsProblem } from "./settings.ts";

const FOLDER = new URL("environments/", import.meta.url);

/** The settings are not valid. The message lists all problems. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/**
 * Reads and checks the settings of an environment. Throws a SettingsError if they are not valid, or if another
 * environment has the same state: a command on one of them would destroy the other.
 * @param environment the name of a file in `config/environments`, without its ending
 */
export async function loadSettings(environment: string): Promise<Settings> {
  const settings = await readSettings(environment);
  const { bucket, key } = settings.state;
  for (const other of environmentNames().filter((name) => name !== environment)) {
    const { state } = await readSettings(other);
    if (state.bucket !== bucket || state.key !== key) continue;
    throw new SettingsError(
      `config/environments/${environment}.ts and ${other}.ts have the same state, ${bucket}/${key}. Give each its own state.key.`,
    );
  }
  return settings;
}

async function readSettings(environment: string): Promise<Settings> {
  const file = new URL(`${environment}.ts`, FOLDER);
  const name = `config/environments/${environment}.ts`;
  if (!/^[a-z0-9-]+$/.test(environment) || !existsSync(file)) {
    throw new SettingsError(
      `There is no environment "${environment}": ${name} is missing. Set ENVIRONMENT to one of ${environmentNames().join(", ")}, or write that file.`,
    );
  }
  const { settings: input }: { settings?: unknown } = await import(file.href);
  const checked = checkSettings(input);
  if (checked.ok) return checked.settings;
  const count = checked.problems.length === 1 ? "1 problem" : `${checked.problems.length} problems`;
  throw new SettingsError(
    [`${name} has ${count}:`, ...checked.problems.map((problem) => describe(problem, input))].join("\n"),
  );
}

/** Reads and checks the other environments whose state is in the same bucket, sorted by name. */
export async function loadNeighbours({ state, suffix }: Settings): Promise<Settings[]> {
  const all = await Promise.all(environmentNames().map(readSettings));
  return all.filter((other) => other.state.bucket === state.bucket && other.suffix !== suffix);
}

/** A warning for each model in use whose end of life is near. */
export function modelWarnings({ models }: Settings, today: Date): string[] {
  return models.flatMap(({ id }) => {
    const lifecycle = lifecycleOf(id, today);
    if (lifecycle.state !== "ending") return [];
    return `${id} reaches its end of life on ${lifecycle.endOfLife}, in ${lifecycle.daysLeft} days. Move to another model before then.`;
  });
}

/** The names of all environments, sorted. */
export function environmentNames(): string[] {
  return readdirSync(FOLDER)
    .map((entry) => entry.replace(/\.ts$/, ""))
    .sort();
}

function describe({ path, message }: SettingsProblem, input: unknown): string {
  const name = path
    .map((part, index) =>
      typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`,
    )
    .join("");
  const value = valueAt(input, path);
  const given = value === undefined ? "" : ` = ${JSON.stringify(value)}`;
  return `  ${name || "settings"}${given} ${message}`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
    input,
  );
}
