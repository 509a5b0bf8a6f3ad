/** Where a subject is to send what it gets. */
export interface Target {
  scheme: 'http' | 'https'
  port: number
  /** For `https`. */
  caFile: string
  /** Calls are Ollama's. */
  ollama: boolean
}

/** Something that calls go through. A file here and a line in `index.ts` adds one. */
export interface Subject {
  readonly name: string
  /** Not in the usual run: takes minutes to install, or seconds for each call. */
  readonly onlyWithAll?: boolean
  /** Why it cannot be measured here; null when it can. */
  unavailable(): string | null
  start(target: Target): Promise<Running>
}

export interface Running {
  readonly port: number
  /** Put before the paths of calls. */
  readonly prefix?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The subject's process; those that it started are counted with it. Null: there is none (the direct way). */
  readonly pid: number | null
  /** Calls accepted and recorded so far, where the subject keeps records. */
  records?(): Promise<{ accepted: number; stored: number }>
  stop(): Promise<void>
}
