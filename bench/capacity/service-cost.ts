import { answer } from "./answer.ts";
import { questionOf } from "./ask.ts";
import type { Question } from "./question.ts";
import { count, dollars } from "./report.ts";

/** US dollars an hour for a virtual processor and for a GB of a task (Linux, Arm). https://aws.amazon.com/fargate/pricing/ */
const PROCESSOR_HOUR = 0.03238;
const GB_HOUR = 0.00356;
/** Without a public address a task needs a NAT gateway, which costs more. https://aws.amazon.com/vpc/pricing/ */
const ADDRESS_HOUR = 0.005;
const HOURS = 730;

/** The smallest task that Fargate has. One stays when the other, or its zone, is lost. */
const TASK = { processors: 0.25, gb: 0.5, atLeast: 2 };
/** The part of a task's processor that painting may use: more would make prompts wait for each other. */
const BUSIEST = 0.5;
/** Most pictures come in a part of the day, as those of people in one time zone do. */
const PEAK = 3;

/** Pictures in a month. */
const LOADS = [1_000, 10_000, 100_000, 1_000_000, 3_000_000, 10_000_000];
/** So many pictures, spread over a day, are simulated: each costs the same in a larger load. */
const SAMPLE = 10_000;

/** The monthly cost of the consumer as a function and as a service of tasks that poll, as a table. */
export async function describeCosts(usual: Parameters<typeof questionOf>[0]): Promise<string> {
  const question = await questionOf({ ...usual, users: SAMPLE, promptsPerUser: 1, within: 86_400 });
  const { cost } = answer(question);
  const perPicture = cost.lambda / SAMPLE;
  const rows = LOADS.map((pictures) => {
    const [lambda, service] = [pictures * perPicture, serviceUsd(pictures, question)];
    const others = (pictures * (cost.total - cost.lambda)) / SAMPLE;
    const share = ((100 * lambda) / (lambda + others)).toFixed(2);
    const cells = [count(pictures), dollars(others), dollars(lambda), `${share} %`, dollars(service)];
    return `| ${[...cells, count(tasksFor(pictures, question))].join(" | ")} |`;
  });
  const crossed = crossing(perPicture, question);
  return [
    "| pictures a month | models, SQS, S3 | Lambda | Lambda's share | the service | its tasks |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
    `The lines cross at ${count(crossed)} pictures a month, of which the models take ${dollars((crossed * cost.models) / SAMPLE)}. Lambda costs ${dollars(perPicture)} a picture: ${question.consumer.memoryMb} MB for as long as the model takes, and the request. A task has ${TASK.processors} of a processor and ${TASK.gb} GB and a public address, there are at least ${TASK.atLeast}, and half of their processor is enough for ${PEAK} times the average load.`,
  ].join("\n");
}

function tasksFor(pictures: number, { cpuPerPicture }: Question): number {
  const perSecond = (PEAK * pictures) / (HOURS * 3600);
  return Math.max(TASK.atLeast, Math.ceil((perSecond * cpuPerPicture) / (TASK.processors * BUSIEST)));
}

/** In a month. */
function serviceUsd(pictures: number, question: Question): number {
  const hour = TASK.processors * PROCESSOR_HOUR + TASK.gb * GB_HOUR + ADDRESS_HOUR;
  return tasksFor(pictures, question) * hour * HOURS;
}

/** The first number of pictures, in thousands, from which on the service costs less. */
function crossing(perPicture: number, question: Question): number {
  let pictures = 1000;
  while (serviceUsd(pictures, question) >= pictures * perPicture) pictures += 1000;
  return pictures;
}
