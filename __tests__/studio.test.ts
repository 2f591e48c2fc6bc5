import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { AxeBuilder } from "@axe-core/playwright";
// biome-ignore lint/correctness/noUnresolvedImports: biome does not find the package's types
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { type HttpApi, startHttpApi } from "../local/gateway/http-api.ts";
import type { Trouble } from "../local/model/trouble.ts";
import type { RouteSpec, ThrottlingSpec } from "../local/stack/http-api-spec.ts";
import { ApiBench } from "./support/api-bench.ts";
import { hasBrowser, openPage, startBrowser } from "./support/browser.ts";

/** How long a picture may take that nothing is in the way of, in milliseconds. */
const SOON = { timeout: 20_000 };

let bench: ApiBench;
let browser: Browser;
beforeAll(async () => {
  if (!hasBrowser) return;
  [bench, browser] = await Promise.all([ApiBench.start(), startBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await bench?.[Symbol.asyncDispose]();
});
afterEach(() => setTrouble({ latencyMs: 0 }));

function setTrouble(trouble: Trouble): void {
  bench?.cloud.bedrock?.setTrouble(trouble);
}

const promptBox = (page: Page) => page.getByLabel("Where do you want to be?");

/** The card of a prompt. */
const card = (page: Page, prompt: string): Locator =>
  page.getByRole("listitem").filter({ has: page.locator(".prompt", { hasText: prompt }) });

async function paint(page: Page, prompt: string): Promise<Locator> {
  await promptBox(page).fill(prompt);
  await promptBox(page).press("Enter");
  return card(page, prompt);
}

async function seePicture(where: Locator): Promise<void> {
  const picture = where.getByRole("img").first();
  await picture.waitFor(SOON);
  // It is there and not the browser's sign for a broken one.
  await expect
    .poll(() => picture.evaluate((img: { naturalWidth: number }) => img.naturalWidth), SOON)
    .toBeGreaterThan(0);
}

/** What axe finds in the page as it stands, in both colour schemes. */
async function findViolations(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const axe = new AxeBuilder({ page });
    // Between the schemes nothing differs but colours.
    if (colorScheme === "dark") axe.withRules("color-contrast");
    const { violations } = await axe.analyze();
    found.push(
      ...violations.map(
        ({ id, nodes }) => `${colorScheme} ${id}: ${nodes.map(({ html }) => html).join(" ")}`,
      ),
    );
  }
  return found;
}

describe.skipIf(!hasBrowser)("the studio", () => {
  it("shows the picture of a prompt that one types, and its cost, without a reload", async () => {
    const page = await openPage(browser, bench.url);
    expect(await findViolations(page)).toEqual([]);
    const own = await paint(page, "Me on top of K2");
    await seePicture(own);
    expect(await own.locator(".facts").textContent()).toMatch(/^\$0\.04 · \d+ sec · 1:1$/);
    expect(await promptBox(page).inputValue()).toBe("");
    expect(await page.getByRole("status").first().textContent()).toBe(
      "The picture is ready: Me on top of K2",
    );
    expect(await findViolations(page)).toEqual([]);
  });

  it("is worked with the keyboard alone: paint, open, close, again with the seed", async () => {
    const page = await openPage(browser, bench.url);
    await expect.poll(() => promptBox(page).evaluate((box) => box.matches(":focus"))).toBe(true);
    await page.keyboard.type("The keyboard's own fjord");
    await page.keyboard.press("Enter");
    const own = card(page, "The keyboard's own fjord");
    await seePicture(own);
    await own.getByRole("link", { name: "The keyboard's own fjord" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    expect(await findViolations(page)).toEqual([]);
    const seed = await page.getByRole("dialog").locator("dd").nth(2).textContent();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await own.getByRole("button", { name: "Again with this seed" }).focus();
    await page.keyboard.press("Enter");
    expect(await page.getByLabel("Seed").inputValue()).toBe(seed);
    await expect.poll(() => promptBox(page).evaluate((box) => box.matches(":focus"))).toBe(true);
    expect(await promptBox(page).inputValue()).toBe("The keyboard's own fjord");
  });

  it("goes on where it was after a reload in the middle, with what was being typed", async () => {
    setTrouble({ latencyMs: 1500 });
    const page = await openPage(browser, bench.url);
    const own = await paint(page, "A reload in the middle");
    await own.getByText(/queue|Being painted/).waitFor(SOON);
    await promptBox(page).fill("not sent yet");
    await page.reload();
    await seePicture(own);
    expect(await promptBox(page).inputValue()).toBe("not sent yet");
    expect(await card(page, "A reload in the middle").count()).toBe(1);
  });

  it("opens a picture at an address of its own, which the browser's buttons leave and find again", async () => {
    const page = await openPage(browser, bench.url);
    const own = await paint(page, "Back and forth");
    await seePicture(own);
    await own.getByRole("link").first().click();
    await page.getByRole("dialog").waitFor();
    await page.goBack();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.goForward();
    await seePicture(page.getByRole("dialog"));
    await page.reload();
    await seePicture(page.getByRole("dialog"));
  });

  it("finds this browser's requests again where everybody may call, and the API keeps no list of anybody's", async () => {
    const open = await startGateway({ burst: 1000, ratePerSecond: 1000 }, "NONE");
    const page = await openPage(browser, open.url);
    await seePicture(await paint(page, "Open to everybody"));
    await page.reload();
    await seePicture(card(page, "Open to everybody"));
    const stranger = await openPage(browser, open.url);
    await stranger.getByText(/^Nothing here yet/).waitFor();
    await stranger.getByRole("button", { name: "A fjord at night" }).click();
    expect(await promptBox(stranger).inputValue()).toBe("A fjord at night");
  });

  it("shows in another tab what was painted in this one", async () => {
    const page = await openPage(browser, bench.url);
    const other = await page.context().newPage();
    await other.goto(bench.url);
    await seePicture(await paint(page, "Two tabs"));
    await other.bringToFront();
    await seePicture(card(other, "Two tabs"));
  });

  it("says that and why it is tried again, and shows the picture in the end", async () => {
    setTrouble({ every: "ThrottlingException" });
    const page = await openPage(browser, bench.url);
    const own = await paint(page, "A busy model");
    await own.getByText("Trying again: the model is busy").waitFor(SOON);
    expect(await findViolations(page)).toEqual([]);
    setTrouble({ latencyMs: 0 });
    await seePicture(own);
  });

  it("cancels what waits for its next try, and says that nothing was paid", async () => {
    setTrouble({ every: "ThrottlingException" });
    const page = await openPage(browser, bench.url);
    const own = await paint(page, "Not after all");
    await own.getByText("Trying again: the model is busy").waitFor(SOON);
    await own.getByRole("button", { name: "Cancel" }).click();
    await own.getByText("Cancelled. Nothing was painted or paid for.").waitFor(SOON);
    expect(await findViolations(page)).toEqual([]);
  });

  it("deletes a picture for good, once one has said yes", async () => {
    const page = await openPage(browser, bench.url);
    const answered = page.waitForResponse((response) => response.url().endsWith("/generate"));
    const own = await paint(page, "To be forgotten");
    await seePicture(own);
    page.once("dialog", (dialog) => dialog.dismiss());
    await own.getByRole("button", { name: "Delete" }).click();
    expect(await own.count()).toBe(1);
    page.once("dialog", (dialog) => dialog.accept());
    await own.getByRole("button", { name: "Delete" }).click();
    await own.waitFor({ state: "detached" });
    const { requestId } = await (await answered).json();
    expect((await bench.call(`/requests/${requestId}`)).status).toBe(404);
  });

  it("says that the filter blocked a prompt, and gives it back to be changed", async () => {
    setTrouble({ every: "FilteredPrompt" });
    const page = await openPage(browser, bench.url);
    const own = await paint(page, "Something blocked");
    await own.getByText("The content filter blocked this. Other words may do.").waitFor(SOON);
    expect(await findViolations(page)).toEqual([]);
    await own.getByRole("button", { name: "Change the prompt" }).click();
    expect(await promptBox(page).inputValue()).toBe("Something blocked");
  });

  it("says why a request failed, and paints it once more", async () => {
    setTrouble({ latencyMs: 3_000 });
    const page = await openPage(browser, bench.url);
    const answered = page.waitForResponse((response) => response.url().endsWith("/generate"));
    const own = await paint(page, "Failed at last");
    const { requestId } = await (await answered).json();
    await closeAsFailed(requestId);
    await own.getByText("This could not be painted: the model has a fault").waitFor(SOON);
    expect(await findViolations(page)).toEqual([]);
    setTrouble({ latencyMs: 0 });
    await own.getByRole("button", { name: "Try again" }).click();
    await seePicture(
      page.getByRole("listitem").filter({ has: page.getByRole("img", { name: "Failed at last" }) }),
    );
  });

  it("keeps a prompt without a connection, says so, and sends it once there is one", async () => {
    const page = await openPage(browser, bench.url);
    await page.context().setOffline(true);
    const own = await paint(page, "Far from everywhere");
    await own.getByText(/There is no connection/).waitFor(SOON);
    expect(await findViolations(page)).toEqual([]);
    await page.context().setOffline(false);
    await seePicture(own);
  });

  it("sends a prompt again by itself that came when there were too many", async () => {
    const throttling = { burst: 12, ratePerSecond: 0 };
    const busy = await startGateway(throttling);
    const page = await openPage(browser, busy.url);
    while ((await fetch(`${busy.url}/health`)).status !== 429);
    const own = await paint(page, "One too many");
    await own.getByText(/Too many requests/).waitFor(SOON);
    throttling.ratePerSecond = 100;
    await seePicture(own);
  });

  it("gets a new link for a picture whose link has expired", async () => {
    const page = await openPage(browser, bench.url);
    await seePicture(await paint(page, "An old link"));
    let refused = 0;
    await page.route(/\/images\//, async (route) => {
      refused += 1;
      await (refused === 1 ? route.fulfill({ status: 403, body: "Request has expired" }) : route.continue());
    });
    await page.reload();
    await seePicture(card(page, "An old link"));
    expect(refused).toBeGreaterThan(1);
  });

  it("says that a picture cannot be loaded where a new link does not help", async () => {
    const page = await openPage(browser, bench.url);
    await seePicture(await paint(page, "No picture"));
    await page.route(/\/images\//, (route) => route.fulfill({ status: 403, body: "" }));
    await page.reload();
    await card(page, "No picture").getByText("The picture cannot be loaded.").waitFor(SOON);
    expect(await findViolations(page)).toEqual([]);
  });

  it("shows markup in a prompt as text, also in the middle of right-to-left text and emoji", async () => {
    const page = await openPage(browser, bench.url);
    const prompt = `<img src=x onerror="document.title='hacked'"><script>document.title='hacked'</script> שלום 🏔️ javascript:alert(1)`;
    const own = await paint(page, prompt);
    await seePicture(own);
    expect(await own.locator(".prompt").textContent()).toBe(prompt);
    expect(await own.locator("script").count()).toBe(0);
    await own.getByRole("link").first().click();
    await page.getByRole("dialog").waitFor();
    expect(await page.getByRole("dialog").locator("script, img[src=x]").count()).toBe(0);
    expect(await page.title()).toBe("Couch Explorers");
  });

  it("sends no prompt that is too long or has a seed that is none, and says what to do", async () => {
    const page = await openPage(browser, bench.url);
    const sent: string[] = [];
    page.on("request", (request) => void (request.method() === "POST" && sent.push(request.url())));
    await paint(page, "x".repeat(10_001));
    await page.getByText("10,001 characters. At most 10,000 are possible: shorten the text.").waitFor();
    await promptBox(page).fill("The sea");
    await page.getByText("More", { exact: true }).click();
    await page.getByLabel("Seed").fill("-1");
    await promptBox(page).press("Enter");
    await page.getByText("The seed must be a whole number from 0 to 4,294,967,294.").waitFor();
    expect(await findViolations(page)).toEqual([]);
    expect(sent).toEqual([]);
  });

  it("gives back what the API does not accept, with its reason", async () => {
    const page = await openPage(browser, bench.url);
    await promptBox(page).fill("a bell\u0007 rings");
    await page.getByRole("button", { name: "Paint" }).click();
    const own = card(page, "rings");
    await own.getByText("prompt: must not contain control characters").waitFor(SOON);
    await own.getByRole("button", { name: "Discard" }).click();
    await own.waitFor({ state: "detached" });
  });

  it("offers the picture as a file, and its link to be copied", async () => {
    const page = await openPage(browser, bench.url, { permissions: ["clipboard-read", "clipboard-write"] });
    const own = await paint(page, "To take along");
    await seePicture(own);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      own.getByRole("link", { name: "Download" }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^[\w-]+\.png$/);
    await own.getByRole("button", { name: "Copy link" }).click();
    await page.getByText(/^Link copied/).waitFor();
    const link = await page.evaluate<string>("navigator.clipboard.readText()");
    expect((await fetch(link)).headers.get("content-type")).toBe("image/png");
  });

  it("fits a screen of 320 pixels without scrolling sideways", async () => {
    const page = await openPage(browser, bench.url, { viewport: { width: 320, height: 640 } });
    await seePicture(await paint(page, `A ${"very".repeat(40)} long word`));
    const [content, window] = await page.evaluate<[number, number]>(
      "[document.documentElement.scrollWidth, innerWidth]",
    );
    expect(content).toBeLessThanOrEqual(window);
    expect(await findViolations(page)).toEqual([]);
  });

  it("speaks Norwegian to who reads Norwegian", async () => {
    const page = await openPage(browser, bench.url, { locale: "nb-NO" });
    await page.getByLabel("Hvor vil du være?").fill("En fjord om natten");
    await page.getByRole("button", { name: "Mal" }).click();
    const own = card(page, "En fjord om natten");
    await seePicture(own);
    expect(await own.locator(".facts").textContent()).toMatch(/^0,04.USD · \d+ sek · 1:1$/);
    expect(await page.locator("html").getAttribute("lang")).toBe("nb");
    expect(await findViolations(page)).toEqual([]);
  });

  it("says what it needs where JavaScript is off", async () => {
    const page = await openPage(browser, bench.url, { javaScriptEnabled: false });
    const sentence = await page.locator("noscript p").first().boundingBox();
    expect(sentence?.height).toBeGreaterThan(0);
  });

  it("loads older requests when one scrolls to the end", async () => {
    const prompts = Array.from({ length: 30 }, (_, index) => `One of many ${index + 10}`);
    for (const first of [0, 10, 20]) {
      await Promise.all(prompts.slice(first, first + 10).map((prompt) => bench.generate({ prompt })));
    }
    const page = await openPage(browser, bench.url);
    await page.getByRole("listitem").nth(23).waitFor();
    expect(await page.getByRole("listitem").count()).toBe(24);
    await page.getByRole("listitem").last().scrollIntoViewIfNeeded();
    await page.getByRole("listitem").nth(30).waitFor();
  });

  it("changes the model's mood and shows the queue, on this machine", async () => {
    const page = await openPage(browser, bench.url);
    await page.getByLabel("The model").selectOption("blocks every prompt");
    await expect.poll(() => bench.cloud.bedrock?.trouble).toEqual({ every: "FilteredPrompt" });
    await page.getByText("A stand-in on this machine paints, not the model.").waitFor();
    expect(await page.getByLabel("Local cloud").locator("dt").allTextContents()).toEqual([
      "in the queue",
      "under way",
      "dead letters",
    ]);
  });
});

/** Another gateway in front of the same function. */
async function startGateway(
  throttling: ThrottlingSpec,
  authorisation: RouteSpec["authorisation"] = "AWS_IAM",
): Promise<HttpApi> {
  const { api, functions } = bench.cloud;
  if (api === undefined) throw new Error("the stack has no API");
  const routes = api.spec.routes.map((route) => ({ ...route, authorisation }));
  const spec = { ...api.spec, routes, throttling };
  const gateway = await startHttpApi({ spec, port: 0, functions, onRequest: () => {} });
  onTestFinished(() => gateway.stop());
  return gateway;
}

/** Writes what the consumer writes at the last receive of a message. */
async function closeAsFailed(requestId: string): Promise<void> {
  const { s3, bucket } = bench.cloud;
  const Key = `requests/${requestId}.json`;
  const { lease: _, ...record } = await vi.waitFor(async () => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    const found = JSON.parse((await Body?.transformToString()) ?? "{}");
    expect(found.status).toBe("generating");
    return found;
  }, SOON);
  const reason = { code: "ServiceUnavailableException", message: "no" };
  const timings = { ...record.timings, finishedAt: new Date().toISOString() };
  const failed = { ...record, status: "failed", reason, timings };
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: JSON.stringify(failed) }));
}
