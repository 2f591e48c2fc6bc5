import type { VNode } from "preact";

const shapes = {
  again: "M4 12a8 8 0 1 0 2.6-5.9M4 4v4.500h4.500",
  change: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  download: "M12 4v11m-4.5-4L12 15.5 16.5 11M5 20h14",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  remove: "M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13",
  stop: "M6 6l12 12M18 6 6 18",
} as const;

/** A picture beside words, or for a label that assistive technology reads instead. */
export function Icon({ name }: { readonly name: keyof typeof shapes }): VNode {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" class="icon">
      <path d={shapes[name]} />
    </svg>
  );
}

export type IconName = keyof typeof shapes;
