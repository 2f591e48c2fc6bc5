import { inWorkshop } from "./fake/start.ts";

/** The calls of AWS that the consumer makes, by kind, with how many. */
export type Calls = Readonly<Record<string, number>>;

/** Counts the calls for one picture, and for a second delivery of the same message. */
export async function countCalls(): Promise<{ readonly picture: Calls; readonly duplicate: Calls }> {
  return await inWorkshop(0, 512, async ({ work, calls }) => {
    const order = { worker: "consumer", pictures: 1, warmUp: 0 } as const;
    await work({ ...order, deliveries: 1 });
    const picture = await calls();
    await work({ ...order, deliveries: 2 });
    const both = Object.entries(await calls()).map(
      ([kind, count]) => [kind, count - (picture[kind] ?? 0)] as const,
    );
    return { picture, duplicate: Object.fromEntries(both.filter(([, count]) => count > 0)) };
  });
}

/** The table of them in `docs/performance.md`. */
export function callsTable({ picture, duplicate }: Awaited<ReturnType<typeof countCalls>>): string {
  const kinds = [...new Set([...Object.keys(picture), ...Object.keys(duplicate)])].sort();
  return [
    "| call | for a picture | for a duplicate |",
    "|---|---|---|",
    ...kinds.map((kind) => `| ${kind} | ${picture[kind] ?? 0} | ${duplicate[kind] ?? 0} |`),
  ].join("\n");
}
