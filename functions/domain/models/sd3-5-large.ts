import type { Model } from "./contract.ts";
import { limits, readAnswer, writeRequest } from "./stability.ts";

export const sd35Large: Model = {
  id: "stability.sd3-5-large-v1:0",
  regions: ["us-west-2"],
  pricePerImageUsd: 0.08,
  limits,
  writeRequest: (asked) => ({ ...writeRequest(asked), mode: "text-to-image" }),
  readAnswer,
};
