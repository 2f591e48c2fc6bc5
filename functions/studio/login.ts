/** What the page has to know to log people in; the API puts it into the page. */
export interface LoginSettings {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly clientId: string;
}

/** What has to be remembered while the browser is at the issuer. */
interface Attempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly hash: string;
}

const TOKEN = "token";
const ATTEMPT = "login";

/**
 * Logs people in with OpenID Connect: authorization code flow with PKCE.
 * https://datatracker.ietf.org/doc/html/rfc7636
 */
export class Login {
  readonly #settings: LoginSettings;

  constructor(settings: LoginSettings) {
    this.#settings = settings;
  }

  /** The id token: its audience is this client, with every issuer. It is kept for this tab alone. */
  get token(): string | undefined {
    return sessionStorage.getItem(TOKEN) ?? undefined;
  }

  logOut(): void {
    sessionStorage.removeItem(TOKEN);
  }

  /** Leaves the page for the issuer's. */
  async begin(): Promise<void> {
    const [state, nonce, verifier] = [randomText(), randomText(), randomText()];
    const attempt: Attempt = { state, nonce, verifier, hash: location.hash };
    sessionStorage.setItem(ATTEMPT, JSON.stringify(attempt));
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
    const url = new URL(this.#settings.authorizationEndpoint);
    const parameters = {
      response_type: "code",
      client_id: this.#settings.clientId,
      redirect_uri: redirectUri(),
      scope: "openid",
      ...{ state, nonce },
      code_challenge: base64url(new Uint8Array(digest)),
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    location.assign(url);
  }

  /**
   * Takes up a login where the issuer has sent the browser back with an answer.
   * @returns whether nothing is wrong: no answer is fine too
   */
  async complete(): Promise<boolean> {
    const answer = new URLSearchParams(location.search);
    const state = answer.get("state");
    if (state === null) return true;
    const attempt = readAttempt();
    sessionStorage.removeItem(ATTEMPT);
    // Neither the code nor what the issuer says of an error stays in the address.
    history.replaceState(null, "", `/${attempt?.hash ?? ""}`);
    const code = answer.get("code");
    // An answer to a question that this tab has not asked may be somebody else's login.
    if (attempt === undefined || attempt.state !== state || code === null) return false;
    const token = await this.#redeem(code, attempt);
    if (token === undefined) return false;
    sessionStorage.setItem(TOKEN, token);
    return true;
  }

  async #redeem(code: string, { verifier, nonce }: Attempt): Promise<string | undefined> {
    try {
      const body = new URLSearchParams({
        grant_type: "authorization_code",
        client_id: this.#settings.clientId,
        redirect_uri: redirectUri(),
        code,
        code_verifier: verifier,
      });
      const response = await fetch(this.#settings.tokenEndpoint, { method: "POST", body });
      const { id_token: token }: { id_token?: unknown } = await response.json();
      return typeof token === "string" && nonceOf(token) === nonce ? token : undefined;
    } catch {
      return undefined;
    }
  }
}

function redirectUri(): string {
  return `${location.origin}/`;
}

function readAttempt(): Attempt | undefined {
  const text = sessionStorage.getItem(ATTEMPT);
  return text === null ? undefined : JSON.parse(text);
}

/** API Gateway checks the signature with each call; the token came from the issuer itself, over TLS. */
function nonceOf(token: string): unknown {
  const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(atob(payload)).nonce;
}

function randomText(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
