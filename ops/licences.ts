/** What a package's licence may be, by SPDX id, for its code to leave this repository inside a bundle. */
export const BUNDLED_LICENCES: readonly string[] = [
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
];

/** Packages whose licence would reach over to the project: they only ever run in tests. */
export const TEST_ONLY_PACKAGES: readonly string[] = ["@cloud-copilot/iam-simulate"];
