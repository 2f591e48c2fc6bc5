/** Bytes of base64 that the kitty protocol takes in one piece. */
const KITTY_CHUNK = 4096;

/**
 * What a terminal has to be sent to show a picture; undefined where it cannot.
 * https://iterm2.com/documentation-images.html, https://sw.kovidgoyal.net/kitty/graphics-protocol/
 */
export function terminalPicture(
  picture: { readonly bytes: Uint8Array; readonly format: "png" | "jpeg" },
  env: NodeJS.ProcessEnv,
): string | undefined {
  const base64 = Buffer.from(picture.bytes).toString("base64");
  if (["iTerm.app", "WezTerm"].includes(env.TERM_PROGRAM ?? "") || env.LC_TERMINAL === "iTerm2") {
    return `\u001b]1337;File=inline=1;size=${picture.bytes.byteLength}:${base64}\u0007\n`;
  }
  const isKitty = env.TERM === "xterm-kitty" || env.TERM_PROGRAM === "ghostty";
  // kitty decodes PNG by itself, and no other format.
  return isKitty && picture.format === "png" ? kitty(base64) : undefined;
}

function kitty(base64: string): string {
  const chunks = base64.match(new RegExp(`.{1,${KITTY_CHUNK}}`, "g")) ?? [];
  const pieces = chunks.map((chunk, index) => {
    const isLast = index === chunks.length - 1;
    return `\u001b_G${index === 0 ? "a=T,f=100," : ""}m=${isLast ? 0 : 1};${chunk}\u001b\\`;
  });
  return `${pieces.join("")}\n`;
}
