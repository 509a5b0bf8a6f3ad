/** Seconds of a recording of `bytes` bytes whose first ones are `start`; null when nothing tells. */
export function audioSeconds(start: Buffer, bytes: number): number | null {
  const rate = waveBytesPerSecond(start)
  if (rate !== null) return rate > 0 ? bytes / rate : null
  const mp3 = start.toString('latin1', 0, 3) === 'ID3' || (start[0] === 0xff && ((start[1] ?? 0) & 0xe0) === 0xe0)
  return mp3 ? bytes / usualMp3BytesPerSecond : null
}

/** 128 kbit/s: what encoders do when nobody says otherwise. */
const usualMp3BytesPerSecond = 16_000

function waveBytesPerSecond(start: Buffer): number | null {
  const isWave = start.toString('latin1', 0, 4) === 'RIFF' && start.toString('latin1', 8, 12) === 'WAVE'
  const format = isWave ? start.indexOf('fmt ') : -1
  return format >= 0 && start.length >= format + 20 ? start.readUInt32LE(format + 16) : null
}
