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
 * environment has the same state or the same place for pictures: a command on one of them would destroy the other.
 * @param environment the name of a file in `config/environments`, without its ending
 */
export async function loadSettings(environment: string): Promise<Settings> {
  const settings = await readSettings(environment);
  for (const other of environmentNames().filter((name) => name !== environment)) {
    const conflict = conflictOf(settings, await readSettings(other));
    if (conflict === undefined) continue;
    throw new SettingsError(`config/environments/${environment}.ts and ${other}.ts ${conflict}.`);
  }
  return settings;
}

/** What two environments may not share. An environment with a new bucket owns all of it, and may delete it. */
function conflictOf(one: Settings, other: Settings): string | undefined {
  const { bucket, key } = one.state;
  const pictures = one.imageBucket.name;
  if (bucket === other.state.bucket && key === other.state.key) {
    return `have the same state, ${bucket}/${key}. Give each its own state.key`;
  }
  if (pictures === other.state.bucket || bucket === other.imageBucket.name) {
    return "use one bucket for the pictures of one and the state of the other. Give the pictures another bucket";
  }
  if (pictures !== other.imageBucket.name) return undefined;
  const prefixes = [one, other].map(({ imageBucket }) =>
    imageBucket.kind === "existing" ? imageBucket.keyPrefix : undefined,
  );
  if (!prefixes.includes(undefined) && prefixes[0] !== prefixes[1]) return undefined;
  return `have the same place for pictures, ${pictures}. Give each a bucket, or an existing bucket and a keyPrefix of its own`;
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
