import { writeFileSync } from "node:fs";
import { createCanvas, loadImage } from "@napi-rs/canvas";
// biome-ignore lint/correctness/noUnresolvedImports: biome does not find the package's types
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type Cloud, startCloud } from "../local/cloud.ts";
import { openPage, startBrowser } from "./support/browser.ts";
import { settingsWith, synthesise } from "./support/synthesise.ts";

const JOURNEY = [
  ["A street in the old town of Bergen after the rain", "4:5"],
  ["A lighthouse in a storm", "1:1"],
  ["A fjord at night, seen from a small wooden boat", "3:2"],
  ["Me on top of K2", "1:1"],
] as const;

// Makes the pictures in docs/images, with the painter that takes its time.
describe.skipIf(process.env.SCREENSHOTS !== "1")("the screenshots", () => {
  let cloud: Cloud;
  let browser: Browser;
  beforeAll(async () => {
    cloud = await startCloud({ stackDir: synthesise(settingsWith()).folder, port: 0 });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await cloud.stop();
  });

  it("show the gallery, a picture, a phone, and what is not painted yet", async () => {
    const url = cloud.api?.url ?? "";
    const wide = await openPage(browser, url, { viewport: { width: 1280, height: 800 } });
    for (const [prompt, ratio] of JOURNEY) await paint(wide, prompt, ratio);
    await wide.locator(".card img").nth(3).waitFor({ timeout: 90_000 });
    await wide.waitForLoadState("networkidle");
    await save(wide, "studio");
    await wide.locator("a.mat").first().click();
    await wide.getByRole("dialog").waitFor();
    await save(wide, "studio-picture");
    const phone = await openPage(browser, url, {
      viewport: { width: 320, height: 640 },
      colorScheme: "dark",
      deviceScaleFactor: 2,
      hasTouch: true,
    });
    await phone.locator(".card img").first().waitFor();
    await phone.waitForLoadState("networkidle");
    await save(phone, "studio-phone");
    const tablet = await openPage(browser, url, {
      viewport: { width: 768, height: 800 },
      colorScheme: "dark",
    });
    cloud.bedrock?.setTrouble({ script: ["FilteredPrompt"], every: "ThrottlingException" });
    await paint(tablet, "Something blocked", "1:1");
    await tablet.getByText("The content filter blocked this.").waitFor({ timeout: 60_000 });
    await paint(tablet, "The northern lights above a cabin", "1:1");
    await tablet.getByText("Trying again").waitFor({ timeout: 60_000 });
    await save(tablet, "studio-states");
  });
});

async function paint(page: Page, prompt: string, ratio: string): Promise<void> {
  const promptBox = page.getByLabel("Where do you want to be?");
  await page.getByLabel("Shape").selectOption(ratio);
  await promptBox.fill(prompt);
  const answered = page.waitForResponse((response) => response.url().endsWith("/generate"));
  await promptBox.press("Enter");
  // In this order.
  await answered;
}

async function save(page: Page, name: string): Promise<void> {
  const shot = await loadImage(await page.screenshot());
  const canvas = createCanvas(shot.width, shot.height);
  canvas.getContext("2d").drawImage(shot, 0, 0);
  writeFileSync(new URL(`../docs/images/${name}.webp`, import.meta.url), await canvas.encode("webp", 80));
}
