import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { loadProviders } from '../providers/index.ts'
import { arrayAt, at, objectOf, stringAt } from '../src/records/json.ts'
import { loadSettings } from '../src/settings/load.ts'
import type { Settings } from '../src/settings/settings.ts'
import { fields, table } from '../src/settings/table.ts'

const root = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const { version } = JSON.parse(read('package.json')) as { version: string }

const objectAt = (value: unknown, name: string) => objectOf(at(value, name))

const compose = objectOf(parse(read('compose.yaml')))
const services = objectAt(compose, 'services')
const proxy = objectAt(services, 'proxy')
const mongo = objectAt(services, 'mongo')

const manifests = parseAllDocuments(read('deploy/kubernetes.yaml')).map((document) => {
  expect(document.errors).toEqual([])
  return objectOf(document.toJS())
})
const ofKind = (kind: string) => manifests.filter((manifest) => manifest.kind === kind)
const set = objectAt(ofKind('StatefulSet')[0], 'spec')
const pod = objectAt(objectAt(set, 'template'), 'spec')
const container = objectOf(arrayAt(pod, 'containers')[0])

const environments = {
  'compose.yaml': Object.fromEntries(
    Object.entries(objectAt(proxy, 'environment')).map(([name, value]) => [name, String(value)]),
  ),
  'deploy/kubernetes.yaml': Object.fromEntries(
    arrayAt(container, 'env').map((entry) => [stringAt(entry, 'name') ?? '', stringAt(entry, 'value') ?? '']),
  ),
}
const graceSeconds = {
  'compose.yaml': Number(/^(\d+)s$/.exec(String(proxy.stop_grace_period))?.[1]),
  'deploy/kubernetes.yaml': Number(pod.terminationGracePeriodSeconds),
}
const images = {
  'compose.yaml': [proxy.image, mongo.image].map(String),
  'deploy/kubernetes.yaml': [String(container.image)],
}

/** Every variable that some setting is read from. */
const known = new Set(
  fields.flatMap((field) =>
    table[field].env.flatMap((name) => (table[field].secret ? [name, `${name}_FILE`] : [name])),
  ),
)
const secrets = new Set(fields.flatMap((field) => (table[field].secret ? table[field].env : [])))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sightglass-deploy-'))
  const uri = 'mongodb://root:0123456789abcdef@mongo:27017/?authSource=admin\n'
  writeFileSync(join(folder, 'mongo-uri'), uri)
  for (const name of ['admin-token', 'pepper']) writeFileSync(join(folder, name), '0123456789abcdef0123456789abcdef\n')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What the image sets, then the file, with its secrets where this test has them. */
async function settingsWith(environment: Record<string, string>): Promise<Settings> {
  const image = /^ENV (.*)$/m.exec(read('Dockerfile'))?.[1] ?? ''
  const ours = Object.entries(environment).map(([name, value]) => [
    name,
    name.endsWith('_FILE') ? join(folder, value.split('/').at(-1)!) : value,
  ])
  const env = { ...Object.fromEntries(image.split(' ').map((pair) => pair.split('='))), ...Object.fromEntries(ours) }
  const { settings, warnings } = loadSettings({ env, cwd: folder, providers: (await loadProviders()).values() })
  expect(warnings).toEqual([])
  return settings
}

describe.each(['compose.yaml', 'deploy/kubernetes.yaml'] as const)('%s', (file) => {
  it('sets only variables that settings are read from, and the start takes them', async () => {
    expect(Object.keys(environments[file]).length).toBeGreaterThan(2)
    expect(Object.keys(environments[file]).filter((name) => !known.has(name))).toEqual([])
    const settings = await settingsWith(environments[file])
    expect(settings).toMatchObject({ host: '0.0.0.0', port: 8484, auth: 'open', dataDir: '/data' })
    expect(settings.mongoUri).toMatch(/^mongodb:/)
    expect(settings.adminToken).toMatch(/^[0-9a-f]{32}$/)
  })

  it('holds no secret', () => {
    expect(Object.keys(environments[file]).filter((name) => secrets.has(name))).toEqual([])
    expect(read(file)).not.toMatch(/mongodb(\+srv)?:\/\/\S*@|password: |stringData|-----BEGIN/i)
  })

  it('pins its images', () => {
    for (const image of images[file]) expect(image).toMatch(/^[a-z/.]+:\d+\.\d+\.\d+$/)
    expect(images[file]).toContain(`sightglass:${version}`)
  })

  it('waits for running calls to end before it kills', async () => {
    const { drainDelayMs, drainLimitMs } = await settingsWith(environments[file])
    expect(graceSeconds[file]).toBeGreaterThanOrEqual((drainDelayMs + drainLimitMs) / 1_000 + 10)
  })
})

describe('compose.yaml', () => {
  it('starts the proxy once MongoDB 8 is healthy, each over a volume of its own', () => {
    expect(objectAt(objectAt(proxy, 'depends_on'), 'mongo')).toEqual({ condition: 'service_healthy' })
    expect(String(mongo.image)).toMatch(/^mongo:8\./)
    expect(arrayAt(objectAt(mongo, 'healthcheck'), 'test').join(' ')).toMatch(/^CMD mongosh .*ping/)
    expect([...arrayAt(proxy, 'volumes'), ...arrayAt(mongo, 'volumes')]).toEqual(['records:/data', 'mongo:/data/db'])
    expect(Object.keys(objectAt(compose, 'volumes'))).toEqual(['records', 'mongo'])
  })

  it('names every secret that it uses, in a folder that is neither committed nor copied', () => {
    const named = objectAt(compose, 'secrets')
    const used = [...arrayAt(proxy, 'secrets'), ...arrayAt(mongo, 'secrets')].map(String)
    expect(used.sort()).toEqual(Object.keys(named).sort())
    for (const name of used) expect(stringAt(named, name, 'file')).toBe(`secrets/${name}`)
    const mounted = [proxy, mongo]
      .flatMap((service) => Object.entries(objectAt(service, 'environment')))
      .filter(([name]) => name.endsWith('_FILE'))
      .map(([, path]) => String(path).replace('/run/secrets/', ''))
    expect(mounted.sort()).toEqual(used)
    expect(read('.gitignore').split('\n')).toContain('secrets/')
    expect(read('.dockerignore').split('\n')).toContain('secrets')
  })

  it('opens the port to this machine only, and none of MongoDB', () => {
    expect(proxy.ports).toEqual(['127.0.0.1:8484:8484'])
    expect(mongo.ports).toBeUndefined()
  })
})

describe('deploy/kubernetes.yaml', () => {
  it('gives each replica a volume of its own where the image keeps its data', () => {
    const [claim] = arrayAt(set, 'volumeClaimTemplates').map(objectOf)
    expect(objectAt(claim, 'metadata').name).toBe('data')
    expect(objectAt(claim, 'spec').accessModes).toEqual(['ReadWriteOnce'])
    expect(arrayAt(container, 'volumeMounts')).toContainEqual({ name: 'data', mountPath: '/data' })
    expect(ofKind('Service').map((service) => objectAt(service, 'metadata').name)).toContain(set.serviceName)
  })

  it('asks the paths that answer, at the port that is named', () => {
    const [port] = arrayAt(container, 'ports')
    expect(port).toEqual({ name: 'http', containerPort: 8484 })
    const probe = (name: string) => objectAt(objectAt(container, name), 'httpGet')
    expect(probe('readinessProbe')).toEqual({ path: '/ready', port: 'http' })
    expect(probe('startupProbe')).toEqual({ path: '/ready', port: 'http' })
    expect(probe('livenessProbe')).toEqual({ path: '/health', port: 'http' })
  })

  it('runs without rights', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 })
    expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } })
  })

  it('takes all secrets from one secret that every replica shares', () => {
    expect(ofKind('Secret')).toEqual([])
    const files = Object.entries(environments['deploy/kubernetes.yaml']).filter(([name]) => name.endsWith('_FILE'))
    expect(files.map(([name]) => name)).toEqual(['ADMIN_TOKEN_FILE', 'PEPPER_FILE', 'MONGO_URI_FILE'])
    const mount = arrayAt(container, 'volumeMounts').map(objectOf)
    const place = mount.find(({ name }) => name === 'secrets')?.mountPath
    for (const [, path] of files) expect(dirname(path)).toBe(place)
    expect(arrayAt(pod, 'volumes')).toEqual([
      { name: 'secrets', secret: { secretName: 'sightglass', defaultMode: 0o440 } },
    ])
  })
})

describe('the documents about it', () => {
  it.each(['docs/deploy.md', 'docs/mongodb.md'])('%s links to what is there', (file) => {
    const links = [...read(file).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!)
    expect(links.length).toBeGreaterThan(0)
    expect(links.filter((link) => !existsSync(join(root, dirname(file), link)))).toEqual([])
  })

  it('make every secret that compose and the manifest read', () => {
    const text = read('docs/mongodb.md')
    for (const name of Object.keys(objectAt(compose, 'secrets'))) expect(text).toContain(`> secrets/${name}`)
    for (const name of ['admin-token', 'pepper', 'mongo-uri']) expect(text).toContain(`--from-file=${name}=`)
  })
})
