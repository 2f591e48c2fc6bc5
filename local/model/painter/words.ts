/** What the painter can draw, each with the words that ask for it. */
const vocabulary = [
  [
    "mountains",
    "mountain mount alp alpine sierra range cordillera andes himalaya rockies dolomites pyrenees carpathian " +
      "caucasus karakoram highland cliff canyon ridge berg berge gebirge 山 🏔 ⛰ 🗻",
  ],
  ["peak", "peak summit pinnacle gipfel 峰"],
  ["volcano", "volcano lava magma eruption erupting crater caldera vulkan 🌋"],
  ["lava", "lava magma eruption erupting 🌋"],
  [
    "hills",
    "hill meadow field countryside valley vineyard farm prairie steppe moor savanna savannah garden tulip spring",
  ],
  ["desert", "desert dune sand camel oasis wüste 砂 🏜 🐪 🐫"],
  ["pyramid", "pyramid pharaoh sphinx"],
  [
    "sea",
    "sea ocean coast seaside shore surf wave marine atlantic pacific mediterranean caribbean meer water whale dolphin 海 🌊",
  ],
  ["lake", "lake river pond lagoon stream canal reservoir water reflection waterfall mirror 湖 川"],
  ["fjord", "fjord fiord sound inlet"],
  ["beach", "beach seashore bay cove strand 🏖"],
  ["island", "island isle islet atoll archipelago 島 🏝"],
  ["palms", "palm coconut tropical tropics jungle rainforest amazon oasis 🌴"],
  ["forest", "forest wood woods woodland tree pine fir spruce taiga conifer wald 森 木 🌲 🌳"],
  [
    "city",
    "city skyline town downtown skyscraper building urban metropolis street rooftop stadt harbour harbor tokyo " +
      "manhattan 市 🏙 🌆 🌃",
  ],
  ["tower", "tower eiffel mast turm 塔 🗼"],
  ["cabin", "cabin hut house cottage chalet lodge home village farmhouse 🏠 🏡 🛖"],
  ["tent", "tent camp camping campsite campfire basecamp bivouac ⛺ 🏕"],
  [
    "snow",
    "snow snowy winter ice icy glacier frozen frost frosty polar arctic antarctic blizzard ski skiing schnee 雪 ❄ ⛄",
  ],
  ["dawn", "dawn sunrise daybreak morning sonnenaufgang 朝 🌅 🌄"],
  ["sunset", "sunset dusk twilight evening golden sundown sonnenuntergang 夕 🌇"],
  ["day", "day noon midday daylight sunny sun sunlight ☀ 🌞"],
  ["night", "night midnight nocturnal dark darkness nacht 夜"],
  ["moon", "moon moonlight moonlit moonrise mond 月 🌙 🌕"],
  ["stars", "star starry stargazing galaxy cosmos constellation universe stern 星 ⭐ 🌟 🌌 ✨"],
  ["aurora", "aurora borealis polarlicht nordlicht"],
  ["clouds", "cloud cloudy overcast storm stormy thunder monsoon wolke 雲 ☁ ⛅"],
  ["rain", "rain rainy drizzle shower downpour monsoon storm stormy regen 雨 🌧 ☔"],
  ["fog", "fog foggy mist misty haze hazy nebel 霧 🌫"],
  [
    "people",
    "me myself i we us you person people man woman boy girl child children kid family friend couple human crowd " +
      "climber hiker alpinist mountaineer skier explorer traveller traveler tourist wanderer adventurer surfer " +
      "astronaut dad mum mom father mother brother sister grandma grandpa wife husband ich wir 人 私 🧗 🧑 👩 👨 🚶",
  ],
  [
    "company",
    "we us people climbers hikers skiers explorers travellers tourists men women crowd family friend couple kids children everyone group team wir 👪 👫",
  ],
  [
    "boat",
    "boat ship sail sailing sailboat yacht kayak canoe ferry gondola catamaran vessel boot 舟 ⛵ 🚤 🛶",
  ],
  ["balloon", "balloon ballon 🎈"],
  ["birds", "bird seagull gull eagle flock crane swallow pelican penguin vogel 鳥 🐦 🦅"],
  ["couch", "couch sofa settee armchair divan 🛋"],
] as const;

export type Feature = (typeof vocabulary)[number][0];

/** Words and places that stand for several things at once. */
const places: Readonly<Record<string, readonly Feature[]>> = {
  k2: ["mountains", "peak", "snow"],
  everest: ["mountains", "peak", "snow"],
  matterhorn: ["mountains", "peak", "snow"],
  annapurna: ["mountains", "peak", "snow"],
  "mont blanc": ["mountains", "peak", "snow"],
  denali: ["mountains", "peak", "snow"],
  himalayas: ["mountains", "snow"],
  alps: ["mountains", "snow"],
  nepal: ["mountains", "snow"],
  switzerland: ["mountains", "snow", "lake"],
  patagonia: ["mountains", "lake", "snow"],
  norway: ["fjord"],
  norwegian: ["fjord"],
  geiranger: ["fjord"],
  iceland: ["volcano", "snow", "lake"],
  fuji: ["volcano", "snow", "lake"],
  vesuvius: ["volcano", "sea"],
  etna: ["volcano", "sea"],
  kilimanjaro: ["volcano", "snow", "hills"],
  tuscany: ["hills", "cabin"],
  ireland: ["hills", "sea"],
  scotland: ["hills", "lake"],
  sahara: ["desert"],
  gobi: ["desert"],
  morocco: ["desert"],
  egypt: ["desert", "pyramid"],
  giza: ["desert", "pyramid"],
  cairo: ["desert", "pyramid", "city"],
  hawaii: ["volcano", "beach", "palms"],
  maldives: ["beach", "palms", "island"],
  bali: ["beach", "palms"],
  bahamas: ["beach", "palms"],
  santorini: ["sea", "island"],
  greece: ["sea", "island"],
  antarctica: ["sea", "mountains", "snow"],
  greenland: ["sea", "mountains", "snow"],
  lapland: ["forest", "snow", "aurora"],
  paris: ["city", "tower"],
  tokyo: ["city", "tower", "volcano"],
  london: ["city"],
  berlin: ["city", "tower"],
  "new york": ["city"],
  nyc: ["city"],
  chicago: ["city"],
  "hong kong": ["city", "mountains"],
  shanghai: ["city", "tower"],
  dubai: ["city", "desert"],
  singapore: ["city", "palms"],
  rio: ["city", "mountains", "beach"],
  venice: ["city", "boat"],
  sydney: ["city", "boat"],
  cappadocia: ["desert", "balloon"],
  "northern lights": ["aurora"],
  "southern lights": ["aurora"],
  "palm tree": ["palms"],
  "milky way": ["stars"],
  "golden hour": ["sunset"],
};

const negators = new Set(["no", "not", "without", "never", "except", "ohne", "kein", "keine"]);
const articles = new Set(["a", "an", "the", "any", "other", "more"]);
const wordPattern = /[\p{Script=Han}\p{Extended_Pictographic}]|(?:(?!\p{Script=Han})[\p{L}\p{N}])+/gu;

const longestPhrase = 2;

const lexicon = new Map<string, readonly Feature[]>(Object.entries(places));
for (const [feature, words] of vocabulary) {
  for (const word of words.split(" ")) lexicon.set(word, [...(lexicon.get(word) ?? []), feature]);
}

/** The features a prompt asks for, and those it wants left out. */
export interface Wishes {
  readonly wanted: ReadonlySet<Feature>;
  readonly unwanted: ReadonlySet<Feature>;
}

/** What the words ask for and what they ask to leave out ("no people" counts as leaving out). */
export function readWishes(prompt: string, negativePrompt = ""): Wishes {
  const asked = mentions(prompt);
  const refused = mentions(negativePrompt);
  const unwanted = new Set([...asked.denied, ...refused.granted, ...refused.denied]);
  return { wanted: new Set([...asked.granted].filter((feature) => !unwanted.has(feature))), unwanted };
}

interface Mentions {
  readonly granted: Set<Feature>;
  readonly denied: Set<Feature>;
}

function mentions(text: string): Mentions {
  const granted = new Set<Feature>();
  const denied = new Set<Feature>();
  const words = text.normalize("NFKC").toLowerCase().match(wordPattern) ?? [];
  let denying = false;
  for (let at = 0; at < words.length; ) {
    const word = words[at] ?? "";
    const phrase = meaning(words.slice(at, at + longestPhrase).join(" "));
    for (const feature of phrase ?? meaning(word) ?? []) (denying ? denied : granted).add(feature);
    denying = negators.has(word) || (denying && articles.has(word));
    at += phrase ? longestPhrase : 1;
  }
  return { granted, denied };
}

function meaning(phrase: string): readonly Feature[] | undefined {
  const singulars = [
    phrase,
    phrase.replace(/s$/, ""),
    phrase.replace(/es$/, ""),
    phrase.replace(/ies$/, "y"),
  ];
  return singulars.map((singular) => lexicon.get(singular)).find((features) => features !== undefined);
}
