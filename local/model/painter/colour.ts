import { between, type Random } from "./random.ts";

/** Red, green, blue from 0 to 255. */
export type Rgb = readonly [number, number, number];

export type Time = "day" | "dawn" | "sunset" | "night";

/** The light of a scene. The sky runs from the zenith to the horizon. */
export interface Palette {
  readonly sky: readonly [Rgb, Rgb, Rgb, Rgb];
  readonly sun: Rgb;
  readonly light: Rgb;
  readonly shade: Rgb;
  readonly haze: Rgb;
}

const palettes: Readonly<Record<Time, readonly [Palette, ...Palette[]]>> = {
  day: [
    palette("#2a6cb4 #5c9dd6 #a5cfea #e3eff0", "#fffbe6", "#fff3d6", "#7f9cc4", "#c3d9e6"),
    palette("#1f7a9c #58b0c4 #a6d8d6 #f0efdb", "#fffbe0", "#fff0cc", "#7ba3b4", "#c9dfd8"),
    palette("#3b62a8 #7d9fd0 #bfd0e6 #f3ece0", "#fff7e0", "#ffeccf", "#8a94bd", "#cfd6e2"),
  ],
  dawn: [
    palette("#5279ad #a4a8cc #efbdb4 #ffe6bd", "#fff2d0", "#ffd3a0", "#7581b2", "#e3b9b8"),
    palette("#3f6f9e #8fb0c4 #f1cfae #ffeecb", "#fff4d8", "#ffd9a8", "#6f86ad", "#dcc3b5"),
    palette("#6a6fb0 #b795c4 #f5afa8 #ffd9b0", "#fff0d2", "#ffc79e", "#7a78b4", "#dfa9b6"),
  ],
  sunset: [
    palette("#27305f #7b3f78 #e0655a #ffc46b", "#fff0b0", "#ffa763", "#5d5287", "#cf6f68"),
    palette("#1f3a66 #5e5c8c #ef8354 #ffd27a", "#fff2bd", "#ffb067", "#55608f", "#d48663"),
    palette("#3a2257 #93346f #f0644e #ffb45a", "#ffeaa8", "#ff9657", "#5d4482", "#c4596b"),
  ],
  night: [
    palette("#040917 #0b1738 #17305c #3a5f8c", "#f4f3e2", "#9db6e6", "#2a3b69", "#2b4a7a"),
    palette("#06071c #14143f #2a2a63 #544d8c", "#f6f1e4", "#a6abe6", "#2f3066", "#413f7c"),
    palette("#031018 #08222f #0f3c4c #2f6b74", "#f2f5e6", "#9bcbd6", "#1f4352", "#265a69"),
  ],
};

function palette(sky: string, sun: string, light: string, shade: string, haze: string): Palette {
  const [zenith = "", upper = "", lower = "", horizon = ""] = sky.split(" ");
  return {
    sky: [rgb(zenith), rgb(upper), rgb(lower), rgb(horizon)],
    sun: rgb(sun),
    light: rgb(light),
    shade: rgb(shade),
    haze: rgb(haze),
  };
}

/** A grey that dull weather casts over everything. */
export interface Weather {
  readonly grey: Rgb;
  readonly strength: number;
}

/** The light for a time of day and a weather: one of the time's palettes, leaning towards a chance hue. */
export function choosePalette(time: Time, weather: Weather, random: Random): Palette {
  const choices = palettes[time];
  const chosen = choices[Math.floor(random() * choices.length)] ?? choices[0];
  const lean: Rgb = [between(random, 0, 255), between(random, 0, 255), between(random, 0, 255)];
  const grey = time === "night" ? mix([0, 0, 0], weather.grey, 0.3) : weather.grey;
  const adjusted = (colour: Rgb): Rgb => mix(mix(colour, lean, 0.06), grey, weather.strength);
  const [zenith, upper, lower, horizon] = chosen.sky;
  return {
    sky: [adjusted(zenith), adjusted(upper), adjusted(lower), adjusted(horizon)],
    sun: chosen.sun,
    light: adjusted(chosen.light),
    shade: adjusted(chosen.shade),
    haze: adjusted(chosen.haze),
  };
}

/** The colour of `#rrggbb`. */
export function rgb(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** A colour on the way from one to another. */
export function mix(from: Rgb, to: Rgb, amount: number): Rgb {
  return [
    from[0] + (to[0] - from[0]) * amount,
    from[1] + (to[1] - from[1]) * amount,
    from[2] + (to[2] - from[2]) * amount,
  ];
}

/** A surface's colour under a light. */
export function lit(surface: Rgb, light: Rgb): Rgb {
  return [(surface[0] * light[0]) / 255, (surface[1] * light[1]) / 255, (surface[2] * light[2]) / 255];
}

/** The colour as CSS. */
export function css(colour: Rgb, opacity = 1): string {
  const [red, green, blue] = colour.map(Math.round);
  return `rgba(${red},${green},${blue},${opacity})`;
}
