/** Names by which people and commands find what an environment has. */

export function consumerName(suffix: string): string {
  return `image-processor-${suffix}`;
}

/** @param id the alarm's name in the table of alarms */
export function alarmName(suffix: string, id: string): string {
  return `image-generation-${suffix}-${id}`;
}
