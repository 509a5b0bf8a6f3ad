import { fields, type Row, table } from './table.ts'
import { upstreamNames } from './upstreams.ts'

/** `docs/settings.md`, made from the table of settings. */
export function settingsReference(): string {
  return `# Settings

Made by \`scripts/settings-docs.ts\` from \`src/settings/table.ts\`; a test compares them.

A command-line flag counts more than an environment variable, that more than the settings file, that more than the default.
The file is \`config/sightglass.yaml\` below the working directory, or what \`--config\` or \`SIGHTGLASS_CONFIG\` names.
\`sightglass config\` prints what holds and where each value came from. Wrong settings stop the start, all listed together:
also a wrong value that another source overrides, and a name in the file that no setting has.

* Durations need a unit: \`500ms\`, \`5s\`, \`2m\`, \`1h\`. Each of their variables may also be given as \`…_MS\`, in plain
  milliseconds (\`HEADER_WAIT_MS=30000\`).
* Sizes are bytes, or have a unit: \`65536\`, \`1MiB\`, \`10MB\`.
* Every secret may stand in a file of its own: \`ADMIN_TOKEN_FILE\`, or \`admin_token_file\` in the settings file.
* An empty variable counts as not set. Relative paths start at the working directory.
* \`OPENAI_BASE_URL\`, \`ANTHROPIC_BASE_URL\` and \`OLLAMA_HOST\` are for clients. They are never read here.

## One value each

| setting | variable | flag | default | what it does |
| --- | --- | --- | --- | --- |
${fields.map((field) => line(table[field])).join('\n')}

## Upstreams

Each provider has an upstream of its own name at its usual address. \`upstreams\` changes these and names more, each reached
below its name (\`http://127.0.0.1:8484/vllm-b/v1/…\`):

\`\`\`yaml
upstreams:
  vllm-b:
    provider: vllm
    url: http://127.0.0.1:8001
    header_wait: 20m
\`\`\`

Each may hold ${upstreamNames.map((name) => `\`${name}\``).join(', ')}. \`provider\` and \`url\` are needed, unless the name is
a provider's own; \`proxy\` is an address or \`direct\`; the others are as in \`upstream_defaults\`. What the entry under a
provider's own name says of \`include_usage\` holds for every upstream of that provider that does not say it. A provider with
another address for each customer (\`azure\`) is reached once its \`url\` is said.

\`UPSTREAM_<ID>\` sets a url from the environment, with or without the \`/v1\` that the paths carry: \`UPSTREAM_OPENAI\`,
\`UPSTREAM_VLLM_B\` (the upstream \`vllm-b\`). A new name must begin with that of its provider.

## What is kept, by rule

\`capture.rules\` is a list; the first rule whose \`project\`, \`provider\` and \`path\` (its beginning) all match says what is
kept of the \`request\` and the \`response\`; what it leaves out is as \`capture\` says.

\`\`\`yaml
capture:
  rules:
    - { project: legal, request: metadata, response: metadata }
    - { provider: openai, path: /v1/embeddings, response: off }
\`\`\`

## Projects and keys

\`\`\`yaml
projects:
  checkout:                            # as calls carry it in x-project-id or /p/checkout/…
    name: Checkout assistant
    include_usage: true                # counts more than what upstreams say; see metering.md
keys:
  0123456789abcdef0123456789abcdef:    # the fingerprint, as \`sightglass usage --group-by key\` prints it
    project: checkout                  # for calls that name none
    name: Checkout, production
\`\`\`

## Names of other systems

\`DEBUG=true\` means \`LOG_LEVEL=debug\` where that is not set. \`NODE_EXTRA_CA_CERTS\` works as in every Node program.
`
}

function line(row: Row<unknown>): string {
  const env = row.env.flatMap((name) => (row.secret ? [name, `${name}_FILE`] : [name]))
  const cells = [
    code(row.path),
    env.map(code).join(', '),
    row.flag === null ? '' : code(`--${row.flag}`),
    row.fallback ? code(row.fallback) : '–',
    row.about.replaceAll('|', '\\|'),
  ]
  return `| ${cells.join(' | ')} |`
}

const code = (text: string) => `\`${text}\``
