/** Full jitter: anything between nothing and a limit that doubles with each failure. `random` is from 0 up to 1. */
export const backOffMs = (failures: number, firstMs: number, lastMs: number, random: number): number =>
  Math.round(random * Math.min(lastMs, firstMs * 2 ** Math.min(failures - 1, 30)))
