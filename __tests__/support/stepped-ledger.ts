import { vi } from "vitest";
import { Images } from "../../functions/domain/images.ts";
import { Ledger } from "../../functions/domain/ledger.ts";
import type { ConditionalStore } from "../../functions/domain/object-store.ts";
import { type RequestRecord, recordSchema } from "../../functions/domain/record.ts";
import type { Event, Shared } from "./ledger-model.ts";

const LEASE_MS = 150_000;
const RECORD = "requests/one.json";
const ASKED = {
  requestId: "one",
  prompt: "Me on top of K2",
  aspectRatio: "1:1",
  outputFormat: "png",
  seed: 1,
} as const;

interface StoredObject {
  readonly body: string | Uint8Array;
  readonly metadata: Record<string, string>;
  readonly etag: string;
}

/** The real ledger over a bucket in memory, in which each operation waits until it is let through. */
export class SteppedLedger {
  readonly #objects = new Map<string, StoredObject>();
  readonly #pending: ({ readonly operation: string; readonly proceed: () => void } | undefined)[] = [];
  readonly #ended: (string | undefined)[] = [];
  readonly #epochs: number[] = [];
  #writes = 0;
  paid = 0;

  constructor(deliveries: number) {
    for (let delivery = 0; delivery < deliveries; delivery++) this.#deliver(delivery);
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
      case "crash":
        this.#deliver(event.delivery);
        break;
      case "step": {
        const pending = this.#pending[event.delivery];
        this.#pending[event.delivery] = undefined;
        if (pending === undefined) this.#deliver(event.delivery);
        else pending.proceed();
      }
    }
    // Until the delivery has come to its next operation: all that lies between are promises.
    await new Promise((resolve) => setImmediate(resolve));
  }

  shared(): Pick<Shared, "record" | "image"> & { readonly isLeased: boolean } {
    const stored = this.#objects.get(RECORD);
    const record: RequestRecord | undefined = stored && recordSchema.parse(JSON.parse(String(stored.body)));
    if (record?.status === "queued" || record?.status === "rejected" || record?.status === "failed") {
      throw new Error(`nobody makes the record ${record.status}`);
    }
    const lease = record?.status === "generating" ? record.lease : null;
    return {
      record: record?.status ?? "none",
      image: this.#objects.has("images/one.png"),
      isLeased: lease !== null && Date.parse(lease.expiresAt) > Date.now(),
    };
  }

  /** A new delivery of the message: what an earlier one had under way never comes to pass. */
  #deliver(delivery: number): void {
    const epoch = (this.#epochs[delivery] ?? 0) + 1;
    this.#epochs[delivery] = epoch;
    this.#pending[delivery] = undefined;
    this.#ended[delivery] = undefined;
    const wait = (operation: string) =>
      new Promise<void>((proceed) => {
        if (this.#epochs[delivery] === epoch) this.#pending[delivery] = { operation, proceed };
      });
    const end = (how: string) => {
      if (this.#epochs[delivery] === epoch) this.#ended[delivery] = how;
    };
    this.#consume(this.#storeFor(wait), wait).then(end, (error: Error) => end(error.name));
  }

  async #consume(store: ConditionalStore, wait: (operation: string) => Promise<void>): Promise<string> {
    const images = new Images(store, "");
    const ledger = new Ledger({ store, images, keyPrefix: "", leaseMs: LEASE_MS, codeVersion: "test" });
    const result = await ledger.claim(ASKED, new Date());
    if (result.kind !== "claimed") return result.kind;
    await wait("pay");
    this.paid += 1;
    const details = { seed: 1, model: "m", region: "r", modelMs: 1, costUsd: 1 };
    await ledger.succeed(result.claim, await images.store(ASKED, Buffer.from([this.paid]), details));
    return "succeeded";
  }

  #storeFor(wait: (operation: string) => Promise<void>): ConditionalStore {
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
      head: async (key) => {
        await wait(`head ${key}`);
        const found = this.#objects.get(key);
        return found && { bytes: found.body.length, contentType: "image/png", metadata: found.metadata };
      },
    };
  }
}
