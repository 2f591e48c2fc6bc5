/** A shell expression for the URL of a queue. */
export function urlOf(queueName: string): string {
  return `$(aws sqs get-queue-url --queue-name ${queueName} --query QueueUrl --output text)`;
}

/** Reads the last 15 minutes of a function's log. */
export function logCommand(functionName: string, filter = '{ $.level = "ERROR" }'): string {
  return `aws logs filter-log-events --log-group-name /aws/lambda/${functionName} --start-time $(($(date +%s) - 900))000 --filter-pattern '${filter}'`;
}
