import { existsSync } from "node:fs";
// biome-ignore lint/correctness/noUnresolvedImports: biome does not find the package's types
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

const executablePath = PLACES.find((place) => existsSync(place));

/** Whether tests in a browser run. Where there is none they are skipped, but not in CI: there they fail. */
export const hasBrowser = executablePath !== undefined || process.env.CI === "true";
if (!hasBrowser) console.warn("Not run: the tests of the studio, which need Chromium or Chrome.");

export async function startBrowser(): Promise<Browser> {
  if (executablePath === undefined) throw new Error("There is no Chromium: apt-get install chromium");
  const background = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", ...background];
  return await chromium.launch({ executablePath, args });
}

/** A page of a user of its own. Whatever a script of it throws, or the browser refuses to load or run, fails the test. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ locale: "en", ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", ({ message }) => problems.push(message));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) problems.push(message.text());
  });
  onTestFinished(() => {
    if (problems.length > 0) throw new Error(`The page had problems: ${problems.join("; ")}`);
  });
  await page.goto(url);
  return page;
}
