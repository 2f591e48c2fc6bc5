import type { ClosedRecord, GeneratingRecord, SucceededRecord } from "./record.ts";

/** The right to paint one request until the lease ends. */
export interface Claim {
  readonly record: GeneratingRecord;
  readonly etag: string;
  /**
   * `new`: the claim made the record. `first`: nobody has painted this request before. `again`: an earlier try gave it
   * back. `abandoned`: the earlier owner died with the lease; it may have paid for a picture that was never stored.
   */
  readonly origin: "new" | "first" | "again" | "abandoned";
}

export type ClaimResult =
  | { readonly kind: "claimed"; readonly claim: Claim }
  /** The picture was there already; the record now says so. */
  | { readonly kind: "adopted"; readonly record: SucceededRecord }
  /** The request is finished, perhaps because it has expired right now: there is nothing to do. */
  | { readonly kind: "closed"; readonly record: ClosedRecord }
  /** Another delivery is painting it. */
  | { readonly kind: "leased"; readonly until: Date }
  /** The id belongs to a request for another picture. */
  | { readonly kind: "taken" };
