/** One sample of Prometheus text: `name{label="value"} 1.5`. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y

/** Reads the text format (version 0.0.4) strictly: throws for what a scraper would refuse, repeated series included. */
export function readSamples(text: string): Sample[] {
  const types = new Map<string, string>()
  const seen = new Set<string>()
  const samples: Sample[] = []
  for (const one of text.split('\n')) {
    if (one === '' || one.startsWith('# HELP ')) continue
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(one)
    if (type) {
      if (types.has(type[1]!)) throw new Error(`a second type of ${type[1]}`)
      types.set(type[1]!, type[2]!)
      continue
    }
    const found = line.exec(one)
    if (!found) throw new Error(`not understood: ${one}`)
    const [, name, labels = '', value] = found
    if (!types.has(name!) && !types.has(name!.replace(/_(?:bucket|sum|count)$/, ''))) throw new Error(`no type: ${one}`)
    const series = one.slice(0, one.lastIndexOf(' '))
    if (seen.has(series)) throw new Error(`twice: ${series}`)
    seen.add(series)
    samples.push({ name: name!, labels: readLabels(labels), value: numberOf(value!) })
  }
  return samples
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (label.lastIndex = 0; label.lastIndex < text.length; ) {
    const at = label.lastIndex
    const found = label.exec(text)
    if (!found) throw new Error(`labels not understood: ${text.slice(at)}`)
    labels[found[1]!] = found[2]!.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))
  }
  return labels
}

function numberOf(text: string): number {
  const value =
    text === '+Inf' ? Number.POSITIVE_INFINITY : text === 'Nan' || text === 'NaN' ? Number.NaN : Number(text)
  if (Number.isNaN(value) && !/^nan$/i.test(text)) throw new Error(`no number: ${text}`)
  return value
}

/** The value of the one series with these labels, or undefined. */
export function sampleOf(samples: readonly Sample[], name: string, labels: Record<string, string> = {}) {
  const found = samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )
  if (found.length > 1) throw new Error(`${found.length} series of ${name} match`)
  return found[0]?.value
}
