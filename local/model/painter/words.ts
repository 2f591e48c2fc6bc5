import { stemmer } from "stemmer";

/** What a picture can be of, each with the words that ask for it; other forms of a word are known by its stem. */
const subjects = [
  [
    "mountains",
    "mountain mount alp alpine sierra range cordillera andes himalaya rockies dolomites pyrenees carpathian " +
      "caucasus karakoram highland cliff canyon ridge berg berge gebirge 山 🏔 ⛰ 🗻",
  ],
  ["peak", "peak summit pinnacle gipfel 峰"],
  ["volcano", "volcano lava magma eruption crater caldera vulkan 🌋"],
  ["hills", "hill meadow field countryside valley vineyard farm prairie steppe moor park"],
  ["desert", "desert dune sand camel oasis wüste 砂 🏜"],
  ["pyramid", "pyramid pharaoh sphinx"],
  [
    "sea",
    "sea ocean coast seaside shore surf wave marine atlantic pacific mediterranean caribbean meer water whale dolphin 海 🌊",
  ],
  ["lake", "lake river pond lagoon stream canal reservoir water reflection waterfall mirror 湖 川"],
  ["fjord", "fjord fiord sound inlet"],
  ["beach", "beach seashore bay cove strand 🏖"],
  ["island", "island isle islet atoll archipelago 島 🏝"],
  ["palms", "palm coconut tropical tropic jungle rainforest amazon oasis 🌴"],
  ["forest", "forest wood woodland tree pine fir spruce taiga conifer wald 森 木 🌲 🌳"],
  [
    "city",
    "city skyline town downtown skyscraper building urban metropolis rooftop stadt harbour harbor manhattan 市 🏙 🌆 🌃",
  ],
  [
    "street",
    "street alley lane avenue boulevard road square piazza plaza market bazaar café cafe bistro shop straße 街",
  ],
  ["savanna", "savanna savannah serengeti acacia outback"],
  [
    "flowers",
    "flower blossom tulip rose sunflower lavender poppy garden spring bloom wildflower blume 🌸 🌷 🌻 🌺 花",
  ],
  ["castle", "castle fortress palace citadel schloss burg 🏰 🏯 城"],
  ["bridge", "bridge viaduct brücke 🌉 橋"],
  ["lighthouse", "lighthouse beacon leuchtturm"],
  ["tower", "tower eiffel mast turm 塔 🗼"],
] as const;

/** What else the painter can draw. */
const details = [
  ["lava", "lava magma eruption 🌋"],
  ["cafe", "café cafe coffee bistro restaurant terrace bakery ☕"],
  ["autumn", "autumn fall foliage october november harvest maple herbst 🍁 🍂 秋"],
  ["rainbow", "rainbow regenbogen 🌈 虹"],
  ["car", "car taxi cab automobile convertible jeep auto 🚗 🚕 🚙 車"],
  ["giraffe", "giraffe 🦒"],
  ["elephant", "elephant mammoth 🐘 象"],
  ["lion", "lion lioness 🦁"],
  ["horse", "horse pony foal donkey zebra unicorn pferd 🐎 🐴 🦓 馬"],
  ["cow", "cow cattle bull ox calf sheep goat kuh 🐄 🐮 🐑 牛"],
  ["camel", "camel dromedary 🐪 🐫"],
  ["dog", "dog puppy wolf fox husky retriever hund 🐕 🐶 🐺 🦊 犬"],
  ["cat", "cat kitten kitty katze 🐈 🐱 猫"],
  ["cabin", "cabin hut house cottage chalet lodge home village farmhouse 🏠 🏡 🛖"],
  ["tent", "tent camp campsite campfire basecamp bivouac ⛺ 🏕"],
  ["snow", "snow winter ice icy glacier frozen frost polar arctic antarctic blizzard ski schnee 雪 ❄ ⛄"],
  ["dawn", "dawn sunrise daybreak morning sonnenaufgang 朝 🌅 🌄"],
  ["sunset", "sunset dusk twilight evening golden sundown sonnenuntergang 夕 🌇"],
  ["day", "day noon midday daylight sunny sun sunlight ☀ 🌞"],
  ["night", "night midnight nocturnal dark nacht 夜"],
  ["moon", "moon moonlight moonlit moonrise mond 月 🌙 🌕"],
  ["stars", "star starry stargazing galaxy cosmos constellation universe stern 星 ⭐ 🌟 🌌 ✨"],
  ["aurora", "aurora borealis polarlicht nordlicht"],
  ["clouds", "cloud overcast storm thunder monsoon wolke 雲 ☁ ⛅"],
  ["rain", "rain drizzle shower downpour monsoon storm regen 雨 🌧 ☔"],
  ["fog", "fog foggy mist haze nebel 霧 🌫"],
  [
    "people",
    "me myself i we us you person people man woman boy girl child children kid family friend human crowd " +
      "climber climb hiker hike alpinist mountaineer skier explorer explore traveller traveler tourist wanderer wander adventurer surfer couple " +
      "astronaut dad mum mom father mother brother sister grandma grandpa wife husband ich wir 人 私 🧗 🧑 👩 👨 🚶",
  ],
  [
    "company",
    "we us people climbers hikers skiers explorers travellers tourists men women crowd family friend couple kids children everyone group team wir 👪 👫",
  ],
  ["boat", "boat ship sail sailboat yacht kayak canoe ferry gondola catamaran vessel boot 舟 ⛵ 🚤 🛶"],
  ["balloon", "balloon ballon 🎈"],
  ["birds", "bird seagull gull eagle flock crane swallow pelican penguin vogel 鳥 🐦 🦅"],
  ["couch", "couch sofa settee armchair divan 🛋"],
] as const;

const vocabulary = [...subjects, ...details] as const;

export type Feature = (typeof vocabulary)[number][0];

/** Whether a picture can be of this alone. */
export function isSubject(feature: Feature): boolean {
  return subjects.some(([subject]) => subject === feature);
}

/** Words and places that stand for several things at once. */
const places: readonly (readonly [names: string, ...Feature[]])[] = [
  ["k2, everest, matterhorn, annapurna, mont blanc, denali", "mountains", "peak", "snow"],
  ["himalayas, alps, nepal", "mountains", "snow"],
  ["switzerland", "mountains", "snow", "lake"],
  ["patagonia", "mountains", "lake", "snow"],
  ["norway, norwegian, geiranger", "fjord"],
  ["iceland, fuji", "volcano", "snow", "lake"],
  ["vesuvius, etna", "volcano", "sea"],
  ["kilimanjaro", "volcano", "snow", "savanna"],
  ["africa, african, kenya, tanzania", "savanna"],
  ["wildlife, safari", "savanna", "elephant", "giraffe"],
  ["provence", "hills", "flowers"],
  ["tuscany", "hills", "cabin"],
  ["ireland", "hills", "sea"],
  ["scotland", "hills", "lake"],
  ["sahara, gobi, morocco", "desert"],
  ["egypt, giza", "desert", "pyramid"],
  ["cairo", "desert", "pyramid", "city"],
  ["hawaii", "volcano", "beach", "palms"],
  ["maldives", "beach", "palms", "island"],
  ["bali, bahamas", "beach", "palms"],
  ["santorini, greece", "sea", "island"],
  ["antarctica, greenland", "sea", "mountains", "snow"],
  ["lapland", "forest", "snow", "aurora"],
  ["paris, parisian, berlin, shanghai", "city", "tower"],
  ["tokyo", "city", "tower", "volcano"],
  ["london, new york, nyc, chicago", "city"],
  ["hong kong", "city", "mountains"],
  ["dubai", "city", "desert"],
  ["singapore", "city", "palms"],
  ["rio", "city", "mountains", "beach"],
  ["venice, sydney", "city", "boat"],
  ["cappadocia", "desert", "balloon"],
  ["northern lights, southern lights", "aurora"],
  ["palm tree", "palms"],
  ["milky way", "stars"],
  ["golden hour", "sunset"],
  ["golden gate, san francisco", "bridge", "city"],
  ["amsterdam", "street", "boat"],
  ["rome", "street"],
];

const negators = new Set(["no", "not", "without", "never", "except", "ohne", "kein", "keine"]);
/** Words that are no subject of a picture, so that nobody misses them. */
const fillers = new Set(
  (
    "a an the any other more and or but of in on at to from by with for over under near beside between behind above " +
    "below through into onto along across against around top view photo picture image painting landscape scene is are be being was " +
    "its it his her my our your their this that these those as one two three some very ein eine der die das und im am"
  ).split(" "),
);
const articles = new Set(["a", "an", "the", "any", "other", "more"]);
const wordPattern = /[\p{Script=Han}\p{Extended_Pictographic}]|(?:(?!\p{Script=Han})[\p{L}\p{N}])+/gu;

const longestPhrase = 2;

const lexicon = new Map<string, readonly Feature[]>(
  places.flatMap(([names, ...features]) => names.split(", ").map((name) => [name, features] as const)),
);
for (const [feature, words] of vocabulary) {
  for (const word of words.split(" ")) lexicon.set(word, [...(lexicon.get(word) ?? []), feature]);
}
const stems = new Map([...lexicon].map(([phrase, features]) => [stemOf(phrase), features] as const));

/** What the painter makes of a prompt. */
export interface Wishes {
  readonly wanted: ReadonlySet<Feature>;
  readonly unwanted: ReadonlySet<Feature>;
  /** The prompt's words that it does not know, each once, as they stand there. */
  readonly unknown: readonly string[];
}

/** What the words ask for and what they ask to leave out ("no people" counts as leaving out). */
export function readWishes(prompt: string, negativePrompt = ""): Wishes {
  const asked = mentions(prompt);
  const refused = mentions(negativePrompt);
  const unwanted = new Set([...asked.denied, ...refused.granted, ...refused.denied]);
  const wanted = new Set([...asked.granted].filter((feature) => !unwanted.has(feature)));
  return { wanted, unwanted, unknown: [...asked.unknown] };
}

/** Tells in one line what the painter has drawn of a prompt, and which of its words it does not know. */
export function describeWishes(prompt: string, negativePrompt?: string): string {
  const { wanted, unknown } = readWishes(prompt, negativePrompt);
  const drawn =
    wanted.size === 0 ? "no word that it knows, so a landscape by the seed" : [...wanted].join(", ");
  return `The stand-in read: ${drawn}.${unknown.length === 0 ? "" : ` It does not know: ${unknown.slice(0, 12).join(", ")}.`}`;
}

interface Mentions {
  readonly granted: Set<Feature>;
  readonly denied: Set<Feature>;
  readonly unknown: Set<string>;
}

function mentions(text: string): Mentions {
  const found: Mentions = { granted: new Set(), denied: new Set(), unknown: new Set() };
  const words = text.normalize("NFKC").match(wordPattern) ?? [];
  let denying = false;
  for (let at = 0; at < words.length; ) {
    const word = words[at] ?? "";
    const key = word.toLowerCase();
    const isFiller = fillers.has(key) || negators.has(key);
    const phrase = meaning(words.slice(at, at + longestPhrase).join(" "));
    const features = phrase ?? (isFiller ? [] : meaning(word));
    for (const feature of features ?? []) (denying ? found.denied : found.granted).add(feature);
    if (features === undefined) found.unknown.add(word);
    denying = negators.has(key) || (denying && articles.has(key));
    at += phrase ? longestPhrase : 1;
  }
  return found;
}

/** A form of a word has its own meaning first, then that of its stem, then that of a word with the same stem. */
function meaning(phrase: string): readonly Feature[] | undefined {
  const stem = stemOf(phrase);
  return lexicon.get(phrase.toLowerCase()) ?? lexicon.get(stem) ?? stems.get(stem);
}

function stemOf(phrase: string): string {
  return phrase.toLowerCase().split(" ").map(stemmer).join(" ");
}
