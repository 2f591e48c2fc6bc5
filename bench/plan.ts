import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { startEmulator } from "../__tests__/deploy/support/emulator.ts";
import { emulatedAws } from "../__tests__/deploy/support/environment.ts";
import { findTools } from "../__tests__/deploy/support/tools.ts";
import { loadSettings } from "../config/load.ts";
import { terraformBinary } from "../ops/tool.ts";
import { pairwise } from "./measure.ts";
import { CannotMeasureError, type Part } from "./table.ts";

const ROUNDS = 3;
const credentials = { accessKeyId: "bench", secretAccessKey: "bench" };

/** What CDKTF adds to Terraform, from an empty folder, in time on the clock: each side is several processes. */
export const plan: Part = {
  name: "plan",
  quick: false,
  async run() {
    const { missing, terraformConfig } = await findTools();
    if (missing !== "") throw new CannotMeasureError(`needs ${missing}`);
    const settings = await loadSettings("dev");
    const emulator = await startEmulator();
    const folder = mkdtempSync(join(tmpdir(), "couch-bench-"));
    try {
      const client = { endpoint: emulator.endpoint, region: settings.state.region, credentials };
      await new S3Client(client).send(new CreateBucketCommand({ Bucket: settings.state.bucket }));
      const env = emulatedAws(emulator.endpoint, credentials, terraformConfig);
      const time = (program: string, args: readonly string[]): number => {
        const started = performance.now();
        execFileSync(program, args, { env, stdio: "pipe" });
        return performance.now() - started;
      };
      const synths: number[] = [];
      const mains: number[] = [];
      const plans: number[] = [];
      const plains: number[] = [];
      // The first round is a warm-up.
      for (let round = 0; round <= ROUNDS; round++) {
        const own = join(folder, `cdktf-${round}`);
        const plain = join(folder, `plain-${round}`);
        const chdir = `-chdir=${plain}`;
        const times = {
          main: time(process.execPath, ["main.ts"]),
          synth: time(CDKTF, ["synth", "--output", join(folder, "synth")]),
          plan: time(CDKTF, ["plan", "pipeline", "--skip-provider-lock", "--output", own]),
        };
        cpSync(join(folder, "synth", "stacks", "pipeline"), plain, { recursive: true });
        const plainTime = time(terraformBinary, [chdir, "init"]) + time(terraformBinary, [chdir, "plan"]);
        if (round === 0) continue;
        mains.push(times.main);
        synths.push(times.synth);
        plans.push(times.plan);
        plains.push(plainTime);
      }
      return [
        {
          what: "cdktf synth",
          against: "node main.ts",
          unit: "×",
          values: pairwise(synths, mains, (one, other) => one / other),
        },
        { what: "cdktf plan", against: "", unit: "ms", values: plans },
        {
          what: "cdktf plan",
          against: "terraform init and plan of the same resources, in plain Terraform",
          unit: "×",
          values: pairwise(plans, plains, (one, other) => one / other),
        },
      ];
    } finally {
      await emulator.stop();
    }
  },
};

const CDKTF = "node_modules/.bin/cdktf";
