/** A grid laid over the land: rows run from the viewer to the far end, columns from left to right. */
export interface Grid {
  readonly columns: number;
  readonly rows: number;
  /** How many times farther away the last row is than the first. */
  readonly depth: number;
  /** The size of a cell as parts of the scene's unit. */
  readonly cell: { readonly across: number; readonly away: number };
}

/** How far away a row is, the first row being 1 away. */
export function distanceOf({ depth, rows }: Grid, row: number): number {
  return 1 + ((depth - 1) * row) / (rows - 1);
}

/** The columns of a row that lie within the viewer's sight, with a few to spare. */
export function visibleColumns(grid: Grid, row: number): [from: number, to: number] {
  const reach = Math.ceil((grid.columns / 2) * (distanceOf(grid, row) / grid.depth)) + 6;
  return [Math.max(0, grid.columns / 2 - reach), Math.min(grid.columns, grid.columns / 2 + reach)];
}
