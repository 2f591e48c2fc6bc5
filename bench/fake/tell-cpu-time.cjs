// Loaded first into a process that is timed: its last line on stderr is its own processor time, in milliseconds.
process.once("exit", () => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  process.stderr.write(`${(userCPUTime + systemCPUTime) / 1000}\n`);
});
