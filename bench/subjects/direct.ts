import type { Subject } from './subject.ts'

export const direct: Subject = {
  name: 'direct',
  unavailable: () => null,
  start: async ({ port }) => ({ port, pid: null, stop: async () => {} }),
}
