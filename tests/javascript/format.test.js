import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAge, formatDuration, formatSize } from "../../quart_app/static/js/format.js";

test("sizes are in decimal units with three digits at most", () => {
  const sizes = [0, 999, 1000, 1_250_000, 99_940_000, 99_960_000, 999_600_000, 5e15];
  assert.deepEqual(sizes.map(formatSize), [
    "0 B",
    "999 B",
    "1.0 kB",
    "1.3 MB",
    "99.9 MB",
    "100 MB",
    "1.0 GB",
    "5000 TB",
  ]);
});

test("durations are in whole seconds and never negative", () => {
  const durations = [-3, 0.4, 59.4, 59.6, 125, 3599.7, 3720];
  assert.deepEqual(durations.map(formatDuration), [
    "0 s",
    "0 s",
    "59 s",
    "1 min 00 s",
    "2 min 05 s",
    "1 h 00 min",
    "1 h 02 min",
  ]);
});

test("ages are in the largest whole unit", () => {
  const ages = [5, 60, 3599, 3600, 86_399, 86_400, 200_000];
  assert.deepEqual(ages.map(formatAge), [
    "just now",
    "1 min ago",
    "59 min ago",
    "1 h ago",
    "23 h ago",
    "1 day ago",
    "2 days ago",
  ]);
});
