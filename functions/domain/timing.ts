/** About how long a model takes for a picture, in seconds. AWS publishes no number: the metric `ModelLatency` has the true one. */
export const SECONDS_PER_PICTURE = 10;

/** Kept free at the end of an invocation, in seconds: to store the pictures and close the records. */
export const STORING_SECONDS = 8;

/** How long a call of a model needs at the least to have a chance, in seconds. */
export const SHORTEST_CALL_SECONDS = 3;

/** A day in milliseconds. */
export const DAY_MS = 86_400_000;
