import { createHash } from "node:crypto";
import * as z from "zod/mini";
import type { ConditionalStore } from "./object-store.ts";
import { markPicture } from "./picture-mark.ts";
import { type AskedRequest, imageKey, type StoredImage } from "./record.ts";
import { requestedPicture, returnedSeedSchema } from "./request.ts";

/** What a picture is known by, and what it has to show. */
type AskedImage = Omit<AskedRequest, "seed">;

/** How a picture came about. */
export interface PaintingDetails {
  readonly seed: number;
  readonly model: string;
  readonly region: string;
  readonly modelMs: number;
  readonly costUsd: number;
}

/** A picture in the bucket. */
export interface PaintedImage extends PaintingDetails {
  readonly image: StoredImage;
}

// The details travel with the picture, so that a record that was never closed can be completed from it.
const metadataSchema = z.object({
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  seed: returnedSeedSchema,
  model: z.string(),
  region: z.string(),
  "model-ms": z.coerce.number().check(z.nonnegative()),
  "cost-usd": z.coerce.number().check(z.nonnegative()),
  request: z.string(),
});

/** The picture of another request lies where this one's belongs. It is neither delivered nor overwritten. */
export class IdTakenError extends Error {
  override readonly name = "IdTaken";
}

/** There is an object where the picture belongs, but this pipeline did not put it there. */
export class ForeignImageError extends Error {
  override readonly name = "ForeignImageError";
}

/** The pictures in the bucket. A picture is written once and never changed. */
export class Images {
  readonly #store: ConditionalStore;
  readonly #keyPrefix: string;

  /** @param keyPrefix put before every key; empty or ending in `/` */
  constructor(store: ConditionalStore, keyPrefix: string) {
    this.#store = store;
    this.#keyPrefix = keyPrefix;
  }

  /** Marks a request's picture as made by a model, and stores it. Where one is there already, that one stays and is returned. */
  async store(asked: AskedImage, painted: Uint8Array, details: PaintingDetails): Promise<PaintedImage> {
    const { requestId, outputFormat } = asked;
    const bytes = markPicture(painted, outputFormat, { requestId, model: details.model, at: new Date() });
    const key = imageKey(this.#keyPrefix, asked);
    const digest = createHash("sha256").update(bytes).digest();
    const contentType = `image/${asked.outputFormat}`;
    const sha256 = digest.toString("hex");
    const result = await this.#store.put(
      key,
      {
        body: bytes,
        contentType,
        sha256: digest,
        metadata: {
          sha256,
          seed: String(details.seed),
          model: details.model,
          region: details.region,
          "model-ms": String(details.modelMs),
          "cost-usd": String(details.costUsd),
          request: requestDigest(asked),
        },
      },
      { ifNoneMatch: "*" },
    );
    if (result.written) {
      const image = { bucket: this.#store.bucket, key, contentType, bytes: bytes.byteLength, sha256 };
      return { ...details, image };
    }
    const existing = await this.find({ ...asked, seed: details.seed });
    if (existing === undefined)
      throw new Error(`${key} was there when it was written and gone when it was read`);
    return existing;
  }

  /**
   * A request's picture, if it was stored. Throws {@link ForeignImageError} and {@link IdTakenError}.
   * @param asked `seed` stands in where the picture does not name its own
   */
  async find(asked: AskedImage & Pick<AskedRequest, "seed">): Promise<PaintedImage | undefined> {
    const key = imageKey(this.#keyPrefix, asked);
    const head = await this.#store.head(key);
    if (head === undefined) return undefined;
    const metadata = metadataSchema.safeParse(head.metadata);
    if (!metadata.success) throw new ForeignImageError(`${key} lacks the metadata that this pipeline writes`);
    if (metadata.data.request !== requestDigest(asked)) {
      throw new IdTakenError(`${key} is the picture of another request: delete it, or use another id`);
    }
    const { sha256, "model-ms": modelMs, "cost-usd": costUsd, seed, model, region } = metadata.data;
    const image = {
      bucket: this.#store.bucket,
      key,
      contentType: head.contentType,
      bytes: head.bytes,
      sha256,
    };
    return { seed: seed ?? asked.seed, model, region, modelMs, costUsd, image };
  }
}

/** Ties a picture to what was asked for, without telling it: records can be deleted, and their ids used again. */
function requestDigest(asked: AskedImage): string {
  return createHash("sha256").update(requestedPicture(asked)).digest("hex");
}
