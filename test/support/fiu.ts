import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

/** System calls of a process that fail when a test wants them to. `library`: where libfiu's preload library lies. */
export function fiu(library: string, directory: string) {
  const prefix = join(directory, 'fiu')
  const tell = async (pid: number, command: string) => {
    await promisify(execFile)('fiu-ctrl', ['-f', prefix, '-c', command, String(pid)], { timeout: 10_000 })
  }
  return {
    /** For the process whose calls are to fail. */
    env: {
      LD_PRELOAD: `${library} ${join(dirname(library), 'fiu_posix_preload.so')}`,
      FIU_CTRL_FIFO: prefix,
    },
    /** From now on these calls fail with this number, now and then or always. */
    async fail(pid: number, calls: readonly string[], errno: number, probability = 1) {
      for (const call of calls)
        await tell(pid, `enable_random name=posix/io/${call},probability=${probability},failinfo=${errno}`)
    },
    async work(pid: number, calls: readonly string[]) {
      for (const call of calls) await tell(pid, `disable name=posix/io/${call}`)
    },
  }
}

export const errno = { EIO: 5, ENOSPC: 28 } as const
export const writes = ['rw/pwrite', 'rw/pwritev'] as const
export const syncs = ['sync/fdatasync', 'sync/fsync'] as const
