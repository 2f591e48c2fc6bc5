/** Actions that functions may do and that their own code never does, and why they may. */
export interface UnusedPermission {
  /** The beginnings of the functions' names. */
  readonly functions: readonly string[];
  readonly actions: readonly string[];
  readonly reason: string;
}

export const unusedPermissions: readonly UnusedPermission[] = [
  {
    functions: ["image-processor"],
    actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    reason: "Lambda's event source polls the queue with the function's role.",
  },
  {
    functions: ["image-processor", "image-api", "spend-breaker"],
    actions: [
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      "xray:PutTraceSegments",
      "xray:PutTelemetryRecords",
    ],
    reason: "Lambda itself writes logs and traces with the function's role.",
  },
];
