import { z } from "zod";

/**
 * The shortest retention of records, in days. A message can be delivered ten days after it was sent, and from the
 * dead-letter queue another 14 days later. It has to meet its record, also the mark of a deleted one: otherwise it would be
 * painted again.
 */
const SHORTEST_RECORDS_DAYS = 30;
/** No more than S3 takes, and long enough for anybody. */
const LONGEST_DAYS = 36_500;

function days(from: number, error: string) {
  return z.int({ error }).min(from, { error }).max(LONGEST_DAYS, { error }).optional();
}

/** How long pictures and records are kept, in days. Default: until somebody deletes them. */
export const retentionSchema = z.strictObject({
  picturesDays: days(1, `must be a whole number of days from 1 to ${LONGEST_DAYS}`),
  /** From the last change of a record. */
  recordsDays: days(
    SHORTEST_RECORDS_DAYS,
    `must be a whole number of days from ${SHORTEST_RECORDS_DAYS} to ${LONGEST_DAYS}: a message may come that late, and would be painted again without its record`,
  ),
});
