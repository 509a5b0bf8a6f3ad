import type { SystemStatus } from '../parts.ts'

/** The state of the process as Prometheus text. The library is loaded, and begins to watch, with the first scrape. */
export function processMetrics(version: string): (status: SystemStatus) => Promise<string> {
  let made: Promise<(status: SystemStatus) => Promise<string>> | undefined
  return async (status) => {
    made ??= prepare(version)
    return (await made)(status)
  }
}

async function prepare(version: string): Promise<(status: SystemStatus) => Promise<string>> {
  const { collectDefaultMetrics, Counter, Gauge, Registry } = await import('prom-client')
  const process = new Registry()
  collectDefaultMetrics({ register: process })

  return async (status) => {
    const registry = new Registry()
    const registers = [registry]
    const gauge = (name: string, help: string, value: number) =>
      new Gauge({ name: `sightglass_${name}`, help, registers }).set(value)
    const counter = (name: string, help: string, value: number) =>
      new Counter({ name: `sightglass_${name}`, help, registers }).inc(value)
    const { records, journal, sinks } = status

    new Gauge({ name: 'sightglass_info', help: 'Always 1.', labelNames: ['version'], registers }).set({ version }, 1)
    gauge('active_requests', 'Proxied calls that are running.', status.activeRequests)
    counter('records_accepted_total', 'Calls taken on: stored + pending + quarantined + dropped.', records.accepted)
    counter('records_stored_total', 'Records that are safe in the embedded database.', records.stored)
    gauge('records_pending', 'Records on their way: the queue.', records.pending)
    counter('records_quarantined_total', 'Calls kept raw, because they could not be read.', records.quarantined)
    counter('records_dropped_total', 'Calls given up at a configured limit.', records.dropped)
    counter(
      'unprotected_calls_total',
      'Calls that went on although the journal did not hold them.',
      records.unprotected,
    )
    counter('journal_written_bytes_total', 'Bytes written to the journal.', journal.bytes)
    gauge('recorder_lag_bytes', 'Bytes in the journal that the recorder has not read.', journal.lagBytes)
    const delivered = new Gauge({
      name: 'sightglass_sink_records',
      help: 'Records by sink and state; accepted = stored + pending + quarantined + dropped.',
      labelNames: ['sink', 'state'],
      registers,
    })
    for (const [sink, counts] of Object.entries(sinks))
      for (const [state, count] of Object.entries(counts)) delivered.set({ sink, state }, count)
    const state = new Gauge({
      name: 'sightglass_service_state',
      help: '1 for the state that a part is in, 0 for the others.',
      labelNames: ['service', 'state'],
      registers,
    })
    for (const [service, { state: now }] of Object.entries(status.services))
      for (const one of ['ok', 'degraded', 'down']) state.set({ service, state: one }, Number(one === now))
    return [await registry.metrics(), await process.metrics()].join('\n')
  }
}
