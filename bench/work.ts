import { loadSettings } from "../config/load.ts";
import { inWorkshop, type Workshop } from "./fake/start.ts";
import type { WorkReport } from "./fake/work.ts";
import { pairwise } from "./measure.ts";
import type { Part, Row } from "./table.ts";

const ROUNDS = 5;
/** Pictures that each process paints before and while it is measured. */
const WARM_UP = 30;
const PICTURES = 60;

/** What a picture costs beside the model, and how much of that is decoding, hashing and storing it. */
export const work: Part = {
  name: "work",
  quick: true,
  async run() {
    const { memoryMb } = (await loadSettings("prod")).consumer;
    return await inWorkshop(0, memoryMb, async (workshop) => {
      const [store] = await compare(workshop, "store");
      const [ratio, time, peak] = await compare(workshop, "consumer");
      const target = Math.floor((memoryMb * 2) / 3);
      return [
        { ...store, target: 1.5 },
        ratio,
        { ...time, measures: "pictureMs" },
        { ...peak, against: `two thirds of ${memoryMb} MB`, measures: "peakMb", target },
      ];
    });
  },
};

const TASKS = {
  store: {
    what: "decoding, hashing and storing a picture",
    floor: "JSON parse, base64 decode and one PUT on a bare socket",
  },
  consumer: {
    what: "the whole consumer",
    floor: "the same with the call of the model, on a bare socket",
  },
} as const;

/** Has a task and its floor done in turn. */
async function compare(workshop: Workshop, task: keyof typeof TASKS) {
  const order = { pictures: PICTURES, warmUp: WARM_UP, deliveries: 1 };
  const ours: WorkReport[] = [];
  const floors: WorkReport[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await workshop.work({ worker: task, ...order }));
    floors.push(await workshop.work({ worker: `${task} floor`, ...order }));
  }
  const { what: name, floor } = TASKS[task];
  const what = `${name}: processor time for a picture`;
  const values = ours.map(({ cpuMs }) => cpuMs);
  const baseline = floors.map(({ cpuMs }) => cpuMs);
  const ratios = pairwise(values, baseline, (one, other) => one / other);
  return [
    { what, against: floor, unit: "×", values: ratios },
    { what, against: "", unit: "ms", values },
    {
      what: `${name}: memory at its peak`,
      against: "",
      unit: "MB",
      values: ours.map(({ peakMb }) => peakMb),
    },
  ] as const satisfies readonly Row[];
}
