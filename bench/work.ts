import { loadSettings } from "../config/load.ts";
import { inWorkshop } from "./fake/start.ts";
import { pairwise } from "./measure.ts";
import type { Part, Row } from "./table.ts";

const ROUNDS = 5;
/** Pictures that each process paints before and while it is measured. */
const WARM_UP = 30;
const PICTURES = 60;

/** What a picture costs beside the model: decoding, hashing, storing, and keeping the record. */
export const work: Part = {
  name: "work",
  quick: true,
  async run() {
    const { memoryMb } = (await loadSettings("prod")).consumer;
    return await inWorkshop(0, memoryMb, async (workshop) => {
      const rows: Row[] = [];
      const peaks: number[] = [];
      for (const atOnce of [1, 10]) {
        const order = { atOnce, batches: PICTURES / atOnce, warmUp: WARM_UP / atOnce, deliveries: 1 };
        const consumer: number[] = [];
        const floor: number[] = [];
        for (let round = 0; round < ROUNDS; round++) {
          const report = await workshop.work({ worker: "consumer", ...order });
          consumer.push(report.cpuMs);
          if (atOnce === 10) peaks.push(report.peakMb);
          floor.push((await workshop.work({ worker: "floor", ...order })).cpuMs);
        }
        const against = "JSON parse, base64 decode and one PUT on bare sockets";
        const what = `processor time for a picture, ${atOnce} at once`;
        const ratios = pairwise(consumer, floor, (one, other) => one / other);
        rows.push({ what, against, unit: "×", values: ratios, target: 1.5 });
        rows.push({
          what,
          against: "",
          unit: "ms",
          values: consumer,
          ...(atOnce === 10 && { measures: "pictureMs" }),
        });
      }
      return [
        ...rows,
        {
          what: "memory at its peak, 10 at once",
          against: `two thirds of ${memoryMb} MB`,
          unit: "MB",
          values: peaks,
          measures: "peakMb",
          target: Math.floor((memoryMb * 2) / 3),
        },
      ];
    });
  },
};
