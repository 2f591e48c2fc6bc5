/** An action that a function may do and that its own code never does, and why it may. */
export interface UnusedPermission {
  /** The beginning of the function's name. */
  readonly functionName: string;
  readonly actions: readonly string[];
  readonly reason: string;
}

export const unusedPermissions: readonly UnusedPermission[] = [
  {
    functionName: "image-processor",
    actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    reason: "Lambda's event source polls the queue with the function's role.",
  },
  {
    functionName: "image-processor",
    actions: [
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      "xray:PutTraceSegments",
      "xray:PutTelemetryRecords",
    ],
    reason: "Lambda itself writes logs and traces with the function's role.",
  },
  {
    functionName: "image-processor",
    actions: ["s3:ListBucket"],
    reason: "Without it S3 answers 403 instead of 404 where there is no such object.",
  },
];
