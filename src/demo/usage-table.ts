import { readArguments } from '../cli/options.ts'
import { usage } from '../cli/usage.ts'

/** What `sightglass usage --group-by project,model` prints when this proxy is asked. */
export async function usageTable(proxy: {
  url: string
  adminToken: string
  dataDir: string
  width: number
}): Promise<string> {
  const printed: string[] = []
  const given = readArguments(
    ['--group-by', 'project,model', '--url', proxy.url, '--token', proxy.adminToken],
    usage.options,
    [],
  )
  await usage.run(given, {
    out: (text) => void printed.push(text.toString()),
    note: (text) => void printed.push(text),
    // not the settings around the demo: they are for the real thing
    env: {},
    cwd: proxy.dataDir,
    width: proxy.width,
  })
  return printed.join('').trimEnd()
}
