import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createPlainServer } from "node:http";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Provider } from "oidc-provider";
// biome-ignore lint/correctness/noUnresolvedImports: biome does not find the package's types
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, startCloud } from "../local/cloud.ts";
import { listenOnLoopback } from "../local/loopback.ts";
import { hasBrowser, openPage, startBrowser } from "./support/browser.ts";
import { quickPainter } from "./support/quick-painter.ts";
import { copyStack, settingsWith } from "./support/synthesise.ts";

const SOON = { timeout: 20_000 };
const CLIENT_ID = "studio";

describe.skipIf(!hasBrowser)("the studio where people log in", () => {
  let browser: Browser;
  let issuer: Server;
  let cloud: Cloud;
  let url: string;
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "issuer-"));
    const [key, cert] = makeCertificate(folder);
    issuer = createServer({ key: readFileSync(key), cert: readFileSync(cert) });
    const issuerUrl = `https://localhost:${await listenOnLoopback(issuer)}`;
    const apiPort = await freePort();
    url = `http://127.0.0.1:${apiPort}`;
    issuer.removeAllListeners("request");
    issuer.on("request", providerAt(issuerUrl, `${url}/`).callback());
    const stackDir = copyStack(
      settingsWith({
        api: {
          authorisation: { kind: "jwt", issuer: issuerUrl, audience: [CLIENT_ID], clientId: CLIENT_ID },
          throttling: { burst: 2000, ratePerSecond: 500 },
        },
      }),
    );
    trust(stackDir, cert);
    [cloud, browser] = await Promise.all([
      startCloud({ stackDir, port: 0, apiPort, trouble: { latencyMs: 0 }, painter: quickPainter }),
      startBrowser(),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await cloud?.stop();
    issuer?.closeAllConnections();
    issuer?.close();
  });

  const open = () => openPage(browser, url, { ignoreHTTPSErrors: true });

  it("sends them to the issuer, and calls the API with the token that they bring back", async () => {
    const page = await open();
    const calls: (string | undefined)[] = [];
    page.on("request", (request) => {
      if (request.url().includes("/generate")) calls.push(request.headers().authorization);
    });
    await logIn(page);
    await page.getByLabel("Where do you want to be?").fill("A place of my own");
    await page.getByRole("button", { name: "Paint" }).click();
    await page.getByRole("img", { name: "A place of my own" }).waitFor(SOON);
    const [, payload = ""] = calls[0]?.split(".") ?? [];
    expect(JSON.parse(Buffer.from(payload, "base64url").toString())).toMatchObject({
      aud: CLIENT_ID,
      sub: "ada",
    });
    expect(page.url()).toBe(`${url}/`);
  });

  it("offers to log in again when the token has expired, and loses nothing of what was typed", async () => {
    const page = await open();
    await logIn(page);
    // What API Gateway answers to a token that has expired.
    await page.route(/\/(generate|requests)/, (route) =>
      route.fulfill({ status: 401, json: { message: "Unauthorized" } }),
    );
    await page.getByLabel("Where do you want to be?").fill("In the middle of it");
    await page.getByRole("button", { name: "Paint" }).click();
    await page.getByText("Your login has expired.").first().waitFor(SOON);
    await page.getByRole("button", { name: "Log in" }).first().click();
    await page.unrouteAll();
    await page.getByRole("img", { name: "In the middle of it" }).waitFor(SOON);
  });

  it("takes no answer that this tab has not asked the issuer for", async () => {
    const page = await open();
    await page.goto(`${url}/?code=stolen&state=made-up`);
    await page.getByText("The login did not work. Try again.").waitFor(SOON);
    expect(page.url()).toBe(`${url}/`);
  });

  it("keeps nothing after the logout", async () => {
    const page = await open();
    await logIn(page);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByText("Log in to paint and to see your pictures.").waitFor(SOON);
    expect(await page.evaluate("sessionStorage.getItem('token')")).toBe(null);
  });
});

async function logIn(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator("input[name=login]").fill("ada");
  await page.locator("input[name=password]").fill("anything");
  await page.locator("button[type=submit]").click();
  await page.locator("button[type=submit]").click();
  await page.getByLabel("Where do you want to be?").waitFor(SOON);
}

/** An issuer that knows the studio. Any name logs in. */
function providerAt(issuerUrl: string, redirectUri: string): Provider {
  return new Provider(issuerUrl, {
    clients: [
      {
        client_id: CLIENT_ID,
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: "none",
      },
    ],
    clientBasedCORS: () => true,
  });
}

function makeCertificate(folder: string): [string, string] {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const files = ["-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files, ...subject], {
    stdio: "ignore",
  });
  return [key, cert];
}

/** Lets the functions of a stack trust the issuer's certificate. */
function trust(stackDir: string, cert: string): void {
  const file = join(stackDir, "cdk.tf.json");
  const stack = JSON.parse(readFileSync(file, "utf8"));
  for (const fn of Object.values<{ environment: { variables: Record<string, string> } }>(
    stack.resource.aws_lambda_function,
  )) {
    fn.environment.variables.NODE_EXTRA_CA_CERTS = cert;
  }
  writeFileSync(file, JSON.stringify(stack));
}

async function freePort(): Promise<number> {
  const server = createPlainServer();
  const port = await listenOnLoopback(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
