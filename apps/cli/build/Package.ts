/** What npm needs beside the file to install the program: the manifest, a page for people, the licences of what is in it. */
import * as fs from "node:fs"
import * as path from "node:path"
import type { Bundle } from "./bundle.ts"

const cli = path.dirname(import.meta.dirname)
const workspace = path.resolve(cli, "../..")

const versionIn = (folder: string, name: string): string =>
  JSON.parse(fs.readFileSync(path.join(workspace, folder, "node_modules", name, "package.json"), "utf8")).version

export const manifest = (): string => {
  const { name, version } = JSON.parse(fs.readFileSync(path.join(cli, "package.json"), "utf8"))
  const content = {
    name,
    version,
    description: "Creates, migrates, fills, watches and mends the database of an event management system",
    type: "module",
    bin: { emsdb: "emsdb.mjs" },
    files: ["emsdb.mjs", "THIRD-PARTY-LICENSES.txt"],
    engines: { node: ">=22.19" },
    dependencies: { "@node-rs/argon2": versionIn("packages/access", "@node-rs/argon2") },
    optionalDependencies: { "@electric-sql/pglite": versionIn("packages/db-core", "@electric-sql/pglite") }
  }
  return `${JSON.stringify(content, undefined, 2)}\n`
}

export const readme = `# emsdb

Creates, migrates, fills, watches and mends the database of an event management system. Postgres 15 or newer, Neon, or an
embedded PGlite.

\`\`\`sh
npm install --global @ems/cli
export DATABASE_URL=postgres://user:password@host:5432/database
emsdb init     # database, tables, indexes
emsdb check    # what is wrong, or about to go wrong
emsdb --help
\`\`\`

It runs on Node 22.19 or newer and on Bun (\`bunx --bun --package @ems/cli emsdb\`). The migrations are in the program.

- \`pglite:<directory>\` as the URL takes the optional package \`@electric-sql/pglite\`; with \`--omit=optional\` it is left
  out, and everything else works.
- \`emsdb --completions bash\` (or \`zsh\`, \`fish\`, \`powershell\`) prints the completion for a shell.
`

/** The texts that the licences of the packages inside ask to be kept with them. */
export const licenses = ({ inputs }: Bundle): string => {
  const folders = Object.keys(inputs).flatMap((input) =>
    /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input) ?? []
  )
  const texts = Array.from(new Set(folders)).toSorted().flatMap((folder) => {
    const here = path.join(workspace, folder)
    const { license, name, version } = JSON.parse(fs.readFileSync(path.join(here, "package.json"), "utf8"))
    const file = fs.readdirSync(here).find((each) => /^licen[cs]e/i.test(each))
    const text = file === undefined ? "" : `\n\n${fs.readFileSync(path.join(here, file), "utf8").trim()}`
    return [`${name} ${version}, ${license}${text}`]
  })
  return `${texts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`
}
