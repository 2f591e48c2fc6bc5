/** Actions that functions are allowed and their code never calls, with the reason. */
export interface UnusedPermission {
  /** Prefixes of the function names. */
  readonly functions: readonly string[];
  readonly actions: readonly string[];
  readonly reason: string;
}

export const unusedPermissions: readonly UnusedPermission[] = [
  {
    functions: ["image-processor"],
    actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    reason: "Lambda polls the queue with the function's role.",
  },
  {
    functions: ["image-processor", "image-api", "spend-breaker"],
    actions: [
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      "xray:PutTraceSegments",
      "xray:PutTelemetryRecords",
    ],
    reason: "Lambda writes logs and traces with the function's role.",
  },
];
