import { inWorkshop } from "./fake/start.ts";
import { pairwise } from "./measure.ts";
import type { Part } from "./table.ts";

const BATCH = 10;
const BATCHES = 3;

/** The time that Lambda bills for a picture. The memory is the same on both sides, so that GB-seconds compare as seconds do. */
export const billed: Part = {
  name: "billed time",
  quick: false,
  run() {
    return Promise.all(
      [2, 6, 10].map((latency) =>
        inWorkshop(latency * 1000, 512, async (workshop) => {
          const order = { worker: "consumer", batches: BATCHES, warmUp: 1, deliveries: 1 } as const;
          const [together, alone] = await Promise.all([
            workshop.work({ ...order, atOnce: BATCH }),
            workshop.work({ ...order, atOnce: 1 }),
          ]);
          return {
            what: `billed time for a picture, model latency ${latency} s`,
            against: "one message per invocation",
            unit: "×" as const,
            values: pairwise(together.batchMs, alone.batchMs, (one, other) => one / BATCH / other),
            target: 1 / 8,
          };
        }),
      ),
    );
  },
};
