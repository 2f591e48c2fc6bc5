/** The namespace of every metric that the functions write. */
export const METRIC_NAMESPACE = "CouchExplorers";

interface MetricDefinition {
  readonly unit: "Milliseconds" | "Count" | "None";
  /** The sets of dimensions that it is kept by. Each combination of their values is a metric of its own on the bill. */
  readonly dimensions: readonly (readonly ("Environment" | "Model" | "Outcome")[])[];
}

const BY_ENVIRONMENT = ["Environment"] as const;
const BY_MODEL = ["Environment", "Model"] as const;

/** Every metric that the functions write. */
export const metricCatalogue = {
  /** From sending the prompt to the stored picture: what a user feels. */
  TimeToImage: { unit: "Milliseconds", dimensions: [BY_ENVIRONMENT] },
  /** One call that painted. Its count is the number of pictures by model. */
  ModelLatency: { unit: "Milliseconds", dimensions: [BY_MODEL] },
  /** Pictures stored. */
  Images: { unit: "Count", dimensions: [BY_ENVIRONMENT] },
  /** Pictures that the first model of the chain did not paint. */
  Fallbacks: { unit: "Count", dimensions: [BY_ENVIRONMENT] },
  /** Prompts that can never become a picture. */
  Rejected: { unit: "Count", dimensions: [BY_ENVIRONMENT] },
  /** Receives that left the message in the queue, by what became of it. */
  Retried: { unit: "Count", dimensions: [["Environment", "Outcome"]] },
  /** Messages whose request was finished already. */
  DuplicateDeliveries: { unit: "Count", dimensions: [BY_ENVIRONMENT] },
  /** Events that EventBridge did not take, or may not have taken: each is told again. */
  Untold: { unit: "Count", dimensions: [BY_ENVIRONMENT] },
  /** Requests taken over from an owner that died: each may have paid for a picture that was never stored. */
  AbandonedLeases: { unit: "Count", dimensions: [BY_ENVIRONMENT] },
  /** List price of what was painted, and of calls that were given up and may have been painted all the same. */
  EstimatedCostUsd: { unit: "None", dimensions: [BY_ENVIRONMENT, BY_MODEL] },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof metricCatalogue;

/** The dimensions of a metric that differ from call to call. */
type OwnDimension<N extends MetricName> = Exclude<
  (typeof metricCatalogue)[N]["dimensions"][number][number],
  "Environment"
>;

/**
 * Writes metrics in CloudWatch's embedded metric format, one line for each call.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export class Metrics {
  readonly #environment: string;
  readonly #write: (line: string) => void;

  /**
   * @param write default: stdout itself, because `console` puts Lambda's JSON log format around the line, and
   * CloudWatch reads metrics only from a line that is nothing but their document
   */
  constructor(environment: string, write = (line: string): void => void process.stdout.write(line)) {
    this.#environment = environment;
    this.#write = write;
  }

  /** @param dimensions a value for each dimension that one of the metrics has, but the environment */
  emit<N extends MetricName>(
    values: Readonly<Record<N, number>>,
    dimensions: Readonly<Record<OwnDimension<N>, string>>,
  ): void {
    const directives = Object.keys(values)
      .filter(isMetricName)
      .map((name) => ({
        Namespace: METRIC_NAMESPACE,
        Dimensions: metricCatalogue[name].dimensions,
        Metrics: [{ Name: name, Unit: metricCatalogue[name].unit }],
      }));
    const document = {
      _aws: { Timestamp: Date.now(), CloudWatchMetrics: directives },
      Environment: this.#environment,
      ...dimensions,
      ...values,
    };
    this.#write(`${JSON.stringify(document)}\n`);
  }
}

function isMetricName(name: string): name is MetricName {
  return name in metricCatalogue;
}
