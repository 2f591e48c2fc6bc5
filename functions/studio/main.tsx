import { render, type VNode } from "preact";
import { Api } from "./api.ts";
import { App } from "./app.tsx";
import { Gate } from "./gate.tsx";
import { Login, type LoginSettings } from "./login.ts";
import { Studio } from "./studio.ts";
import { words } from "./words.ts";

document.documentElement.lang = words.language;
if (["127.0.0.1", "localhost"].includes(location.hostname)) {
  // On a developer's machine the local cloud adds a panel of its own. It is no part of what is deployed.
  const panel: string = "/_local/panel.js";
  import(panel).catch(() => {});
}
void start();

async function start(): Promise<void> {
  const settings = readLogin();
  if (settings === "unavailable") return show(<Gate text={words.loginUnavailable} />);
  const login = settings && new Login(settings);
  const isWell = (await login?.complete()) ?? true;
  if (login !== undefined && login.token === undefined) {
    const text = isWell ? words.logInTitle : words.loginFailed;
    return show(<Gate text={text} onLogIn={() => void login.begin()} />);
  }
  const studio = new Studio(new Api(() => login?.token));
  studio.start();
  const doors = login && {
    begin: () => void login.begin(),
    logOut: () => {
      login.logOut();
      location.reload();
    },
  };
  show(<App studio={studio} login={doors} />);
}

function show(page: VNode): void {
  render(page, document.getElementById("studio") ?? document.body);
}

/** Undefined where nobody has to log in; `unavailable` where the issuer has not told the API how. */
function readLogin(): LoginSettings | "unavailable" | undefined {
  const content = document.querySelector<HTMLMetaElement>("meta[name=login]")?.content ?? "";
  return content === "" ? undefined : JSON.parse(content);
}
