import type { Model } from "./contract.ts";
import { limits, readAnswer, writeRequest } from "./stability.ts";

export const stableImageUltra: Model = {
  id: "stability.stable-image-ultra-v1:1",
  regions: ["us-west-2"],
  pricePerImageUsd: 0.14,
  limits,
  writeRequest: (asked) => ({ ...writeRequest(asked), mode: "text-to-image" }),
  readAnswer,
};
