import type { CancelledRecord, DeletedRecord } from "../domain/record.ts";
import type { Withdrawal } from "../domain/withdraw.ts";
import { HttpProblem, notFound } from "./http.ts";

/** The record of a request that was cancelled or deleted. Throws {@link HttpProblem} where it was not. */
export function withdrawnRecord(result: Withdrawal, requestId: string): CancelledRecord | DeletedRecord {
  switch (result.kind) {
    case "withdrawn":
      return result.record;
    case "unknown":
      throw notFound(requestId);
    case "finished":
      throw new HttpProblem(409, `The request ${requestId} is finished and cannot be cancelled.`, {
        errors: [{ field: "id", message: "is the id of a finished request" }],
      });
    case "painting": {
      const seconds = Math.max(1, Math.ceil((result.until.getTime() - Date.now()) / 1000));
      throw new HttpProblem(
        409,
        `The request ${requestId} is being painted and cannot be stopped. Ask again at ${result.until.toISOString()} at the latest.`,
        {
          errors: [{ field: "id", message: "is the id of a request that is being painted" }],
          headers: { "retry-after": String(seconds) },
        },
      );
    }
  }
}
