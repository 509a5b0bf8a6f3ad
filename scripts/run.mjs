// Runs a script of this checkout under the pinned Node: installs what the lock file names when it is missing, then starts
// node_modules/node with the given arguments. Plain JavaScript, so that an older Node on the machine can run it.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const pinnedNode = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

/** npm writes down what it installed when it is done; whoever ran it, it is compared with what the lock file names. */
function installed() {
  const written = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(pinnedNode) || !existsSync(written)) return false
  const have = JSON.parse(readFileSync(written, 'utf8')).packages
  const wanted = Object.entries(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages)
  return wanted.every(
    ([path, { optional, integrity }]) =>
      // an optional package may be one for other machines
      path === '' || (have[path] === undefined ? optional === true : have[path].integrity === integrity),
  )
}

if (!installed()) {
  console.error('installing the packages that package-lock.json names (only the first time) ...')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const result = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (result.status !== 0) {
    console.error('the installation failed: see the lines above, then run `npm ci` by hand')
    process.exit(result.status ?? 1)
  }
  if (!existsSync(pinnedNode)) {
    console.error(
      `${pinnedNode} is missing after the installation: was the install script of the package "node" refused?`,
    )
    process.exit(1)
  }
}

const { flags, environment } = JSON.parse(readFileSync(join(root, 'scripts', 'node-options.json'), 'utf8'))
// compiled sources are kept, so that the next start neither strips types nor compiles again
const compiled = process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'compiled')
const child = spawn(pinnedNode, [...flags, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...environment, ...process.env, NODE_COMPILE_CACHE: compiled },
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))

// npm's shell may die of a signal without passing it on; whoever is left without a parent was meant too
const parent = process.ppid
const orphaned = setInterval(() => {
  if (process.ppid === parent) return
  clearInterval(orphaned)
  child.kill('SIGTERM')
}, 250)

child.on('exit', (code, signal) => {
  clearInterval(orphaned)
  if (signal) {
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  } else process.exit(code ?? 1)
})
