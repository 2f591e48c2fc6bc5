import { vi } from "vitest";
import { Images } from "../../functions/domain/images.ts";
import { Ledger } from "../../functions/domain/ledger.ts";
import type { ConditionalStore, ObjectVersion } from "../../functions/domain/object-store.ts";
import { isExpired, type RequestRecord, recordSchema } from "../../functions/domain/record.ts";
import { RecordStore } from "../../functions/domain/record-store.ts";
import { cancelRequest, deleteRequest } from "../../functions/domain/withdraw.ts";
import type { Bounds, Ending, Event, Role, Shared } from "./ledger-model.ts";

const LEASE_MS = 150_000;
/** Shorter than a lease. */
const DEADLINE_SECONDS = 10;
const RECORD = "requests/one.json";
const IMAGE = "images/one.png";
const ASKED = {
  requestId: "one",
  prompt: "Me on top of K2",
  aspectRatio: "1:1",
  outputFormat: "png",
  seed: 1,
} as const;
const REASON = { code: "Any", message: "any" };

interface StoredObject {
  readonly body: string | Uint8Array;
  readonly metadata: Record<string, string>;
  readonly etag: string;
}

/** Lets an operation through; that of the model ends as it is told, by default with a picture. */
type Proceed = (ending?: Ending) => void;
type Wait = (operation: string) => Promise<Ending | undefined>;

/** The real ledger over a bucket in memory, in which each operation waits until it is let through. */
export class SteppedLedger {
  readonly #objects = new Map<string, StoredObject>();
  readonly #pending: ({ readonly operation: string; readonly proceed: Proceed } | undefined)[] = [];
  /** Pictures that their owners were storing when they crashed. */
  readonly #late: Proceed[] = [];
  readonly #ended: (string | undefined)[] = [];
  readonly #epochs: number[] = [];
  readonly #sentAt = new Date();
  readonly #roles: readonly Role[];
  readonly #asked;
  #writes = 0;
  paid = 0;

  constructor({ deliveries, withdrawals, hasDeadline }: Bounds) {
    this.#roles = [...Array.from({ length: deliveries }, () => "message" as const), ...withdrawals];
    this.#asked = { ...ASKED, ...(hasDeadline && { expiresInSeconds: DEADLINE_SECONDS }) };
    for (const delivery of this.#roles.keys()) this.#deliver(delivery);
  }

  /** What a delivery is about to do to the bucket. */
  operationOf(delivery: number): string | undefined {
    return this.#pending[delivery]?.operation ?? this.#ended[delivery];
  }

  async happen(event: Event): Promise<void> {
    // No two operations at the same moment: the times in a record tell two writes of it apart.
    vi.setSystemTime(Date.now() + 1);
    switch (event.kind) {
      case "lease ends":
        vi.setSystemTime(Date.now() + LEASE_MS + 1);
        return;
      case "deadline passes":
        vi.setSystemTime(Date.now() + DEADLINE_SECONDS * 1000);
        return;
      case "image is lost":
        this.#late.length = 0;
        return;
      case "image lands":
        for (const proceed of this.#late) proceed();
        break;
      case "crash": {
        const pending = this.#pending[event.delivery];
        if (pending?.operation.startsWith(`put ${IMAGE}`)) this.#late.push(pending.proceed);
        this.#deliver(event.delivery);
        break;
      }
      case "unpainted":
        this.#proceed(event.delivery, event.ending);
        break;
      case "step":
        this.#proceed(event.delivery);
    }
    // Until the delivery has come to its next operation: all that lies between are promises.
    await new Promise((resolve) => setImmediate(resolve));
  }

  #proceed(delivery: number, ending?: Ending): void {
    const pending = this.#pending[delivery];
    this.#pending[delivery] = undefined;
    if (pending === undefined) this.#deliver(delivery);
    else pending.proceed(ending);
  }

  shared(): Pick<Shared, "record" | "image" | "attempts"> & { readonly isLeased: boolean } {
    const stored = this.#objects.get(RECORD);
    const record: RequestRecord | undefined = stored && recordSchema.parse(JSON.parse(String(stored.body)));
    if (record?.status === "queued") throw new Error("nobody makes the record queued");
    const lease = record?.status === "generating" ? record.lease : null;
    return {
      record: record?.status ?? "none",
      attempts: record === undefined || record.status === "deleted" ? 0 : record.attempts,
      image: this.#objects.has(IMAGE),
      isLeased: lease !== null && Date.parse(lease.expiresAt) > Date.now(),
    };
  }

  /** A new delivery of the message: what an earlier one had under way never comes to pass. */
  #deliver(delivery: number): void {
    const epoch = (this.#epochs[delivery] ?? 0) + 1;
    this.#epochs[delivery] = epoch;
    this.#pending[delivery] = undefined;
    this.#ended[delivery] = undefined;
    const wait: Wait = (operation) =>
      new Promise((proceed) => {
        if (this.#epochs[delivery] === epoch) this.#pending[delivery] = { operation, proceed };
      });
    const end = (how: string) => {
      if (this.#epochs[delivery] === epoch) this.#ended[delivery] = how;
    };
    this.#act(this.#roles[delivery], this.#storeFor(wait), wait).then(end, (error: Error) => end(error.name));
  }

  async #act(role: Role | undefined, store: ConditionalStore, wait: Wait): Promise<string> {
    const images = new Images(store, "");
    const options = { store, images, keyPrefix: "", codeVersion: "test" };
    if (role === "cancel" || role === "delete") {
      const withdraw = role === "cancel" ? cancelRequest : deleteRequest;
      const records = new RecordStore(store, "");
      return (await withdraw(ASKED.requestId, { ...options, records, ifUnknown: "close" })).kind;
    }
    const ledger = new Ledger({ ...options, leaseMs: LEASE_MS });
    const result = await ledger.claim(this.#asked, this.#sentAt);
    if (result.kind !== "claimed") return result.kind;
    const { claim } = result;
    const ending = await wait("pay");
    if (isExpired(claim.record)) {
      await ledger.expire(claim, { tried: false });
      return "expired";
    }
    switch (ending) {
      case undefined: {
        this.paid += 1;
        const details = { seed: 1, model: "m", region: "r", modelMs: 1, costUsd: 1 };
        await ledger.succeed(claim, await images.store(ASKED, Buffer.from([this.paid]), details));
        return "succeeded";
      }
      case "give back":
      case "release":
        await ledger.release(claim, REASON, { tried: ending === "release" });
        return "released";
      case "fail":
        await ledger.fail(claim, ledger.failure(claim, REASON));
        return "failed";
      case "reject":
        await ledger.reject(claim, REASON, JSON.stringify(ASKED));
        return "rejected";
    }
  }

  #storeFor(wait: Wait): ConditionalStore {
    return {
      bucket: "bucket",
      put: async (key, { body, metadata = {} }, condition) => {
        const isNew = "ifNoneMatch" in condition;
        await wait(`put ${key} ${isNew ? "where there is none" : "over the version seen"}`);
        const existing = this.#objects.get(key);
        const holds = isNew ? existing === undefined : existing?.etag === condition.ifMatch;
        if (!holds) return { written: false };
        this.#writes += 1;
        const etag = `"${this.#writes}"`;
        this.#objects.set(key, { body, metadata, etag });
        return { written: true, etag };
      },
      getText: async (key) => {
        await wait(`get ${key}`);
        const found = this.#objects.get(key);
        return found && { text: String(found.body), etag: found.etag };
      },
      listVersions: (key) => this.#listVersions(key, wait),
      deleteVersion: async (key) => void this.#objects.delete(key),
      head: async (key) => {
        await wait(`head ${key}`);
        const found = this.#objects.get(key);
        return found && { bytes: found.body.length, contentType: "image/png", metadata: found.metadata };
      },
    };
  }

  /** Only the current versions: what is older cannot come back. */
  async *#listVersions(key: string, wait: Wait): AsyncGenerator<ObjectVersion[]> {
    if (key === RECORD || key === IMAGE) await wait(`list ${key}`);
    if (this.#objects.has(key)) yield [{ id: "current", isLatest: true }];
  }
}
