import { z } from "zod";
import type { EmulatorApp } from "./conditional-writes.ts";

/** A timeout in the body of `ChangeMessageVisibility`, and of each entry of its batch. */
const bodySchema = z.looseObject({
  VisibilityTimeout: z.number().optional(),
  Entries: z.array(z.looseObject({ VisibilityTimeout: z.number().optional() })).optional(),
});

/**
 * With a state folder fauxqs loses the message whose visibility timeout is set to 0: it writes NULL into a column that
 * takes none. With 1 second, the shortest that works, the message is back a second later than on AWS.
 */
export function outlastZeroVisibility(app: EmulatorApp): void {
  app.addHook("preHandler", async (request) => {
    if (!String(request.headers["x-amz-target"]).startsWith("AmazonSQS.ChangeMessageVisibility")) return;
    const { success, data } = bodySchema.safeParse(request.body);
    if (!success) return;
    const atLeastOne = <T extends { VisibilityTimeout?: number | undefined }>(each: T): T =>
      each.VisibilityTimeout === 0 ? { ...each, VisibilityTimeout: 1 } : each;
    request.body = { ...atLeastOne(data), ...(data.Entries && { Entries: data.Entries.map(atLeastOne) }) };
  });
}
