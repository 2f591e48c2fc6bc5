import type { VNode } from "preact";
import { words } from "./words.ts";

interface GateProps {
  readonly text: string;
  readonly onLogIn?: () => void;
}

/** The page of somebody who is not logged in. */
export function Gate({ text, onLogIn }: GateProps): VNode {
  return (
    <>
      <header>
        <h1>Couch Explorers</h1>
        <p>{words.tagline}</p>
      </header>
      <main class="gate">
        <p class="serif">{text}</p>
        {onLogIn !== undefined && (
          <button type="button" class="primary" onClick={onLogIn}>
            {words.logIn}
          </button>
        )}
      </main>
    </>
  );
}
