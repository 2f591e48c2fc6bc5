import type { Model } from "./contract.ts";
import { limits, readAnswer, writeRequest } from "./stability.ts";

export const stableImageCore: Model = {
  id: "stability.stable-image-core-v1:1",
  regions: ["us-west-2"],
  pricePerImageUsd: 0.04,
  limits,
  writeRequest,
  readAnswer,
};
