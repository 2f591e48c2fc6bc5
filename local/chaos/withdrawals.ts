import type { PromptEvidence } from "./evidence.ts";

/** So long after it was decided may a call of a model arrive, in milliseconds of real time on a busy machine. */
const ON_ITS_WAY_MS = 5_000;

/** What was cancelled or deleted, and confirmed, is never painted, and has no picture. */
export function painted(prompt: PromptEvidence): string | undefined {
  const { planned, modelCallsWhenWithdrawn: before, calls, record, image } = prompt;
  if (before === undefined) return undefined;
  const wanted = planned.withdrawal?.how === "delete" ? "deleted" : "cancelled";
  if (record?.status !== wanted) return `was ${wanted}, and is ${record?.status ?? "without a record"}`;
  if (image !== undefined) return `was ${wanted}, and has a picture`;
  const after = calls.filter(({ call }) => call.target === "model").length - before;
  return after > 0 ? `was ${wanted}, and then sent to a model ${after} times` : undefined;
}

/** Of what was deleted nothing is left but a mark without its prompt. */
export function leftBehind({ record, versions }: PromptEvidence): string | undefined {
  if (record?.status !== "deleted") return undefined;
  if (versions.length > 1) return `was deleted, and ${versions.length} versions are left`;
  return "prompt" in record ? "was deleted, and its mark has a prompt" : undefined;
}

/** No model is called after the deadline. */
export function paintedLate({ record, calls }: PromptEvidence): string | undefined {
  if (record === undefined || !("expiresAt" in record) || record.expiresAt === undefined) return undefined;
  const endsAt = Date.parse(record.expiresAt) + ON_ITS_WAY_MS;
  const late = calls.filter(({ call, at }) => call.target === "model" && at > endsAt).length;
  return late > 0 ? `was sent to a model ${late} times after its deadline` : undefined;
}

/** Whether it ended because somebody, or its deadline, said so. */
export function isWithdrawn({ record }: Pick<PromptEvidence, "record">): boolean {
  return record?.status === "cancelled" || record?.status === "expired" || record?.status === "deleted";
}
