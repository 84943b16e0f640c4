/**
 * Splits the program into chunks: what it runs at once, and what its commands load. Modules of the runtime are taken
 * when the code that uses them runs, and what cannot be inside a file of JavaScript is replaced or left outside.
 */
import { readFiles } from "@ems/db-core/migration/MigrationFiles"
import * as Effect from "effect/Effect"
import { build, type Metafile, type Plugin } from "esbuild"
import * as fs from "node:fs"
import { builtinModules } from "node:module"
import * as path from "node:path"
import { brotliCompressSync, constants } from "node:zlib"
import { productMigrations } from "../src/Migrations.ts"

const workspace = path.resolve(import.meta.dirname, "../../..")

/** Native code and the files of an embedded Postgres: the package that is published depends on these. */
export const outside = ["@node-rs/argon2", "@electric-sql/pglite"]

export const target = "node22.19"

/** In base64. The best quality takes seconds, and saves a twentieth. */
export const compressed = (content: string | Buffer): string =>
  brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }).toString("base64")

/** Packages to Node. Bun, which runs this, has modules of these names. */
const bunOnly = new Set(["undici", "ws"])

/** What an import of a module of the runtime would load at once loads where it is used. */
export const runtimeModules: Plugin = {
  name: "runtime-modules",
  setup: (build) => {
    build.onResolve(
      { filter: /^(node:)?[a-z0-9_]+(\/[a-z0-9_]+)*$/ },
      ({ path: name }) =>
        name.startsWith("node:") || (builtinModules.includes(name) && !bunOnly.has(name))
          ? { path: name.replace(/^(node:)?/, "node:"), namespace: "runtime" }
          : undefined
    )
    build.onLoad({ filter: /./, namespace: "runtime" }, ({ path: name }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(name)})`
    }))
  }
}

/** Fails the build when the source is not as it was: the program would look for a file that is not there. */
const replaced = (file: string, what: string, by: string): string => {
  const source = fs.readFileSync(file, "utf8")
  if (source.split(what).length !== 2) throw new Error(`${path.basename(file)}: ${what} is not there once`)
  return source.replace(what, () => by)
}

/** What the sources read from files of theirs. */
const files = (migrations: unknown): Plugin => ({
  name: "files",
  setup: (build) => {
    build.onLoad({ filter: /\/cli\/src\/Migrations\.ts$/ }, () => ({
      contents: `export const productMigrations = ${JSON.stringify(migrations)}`
    }))
    build.onLoad({ filter: /\/cli\/package\.json$/ }, ({ path: file }) => {
      const { version } = JSON.parse(fs.readFileSync(file, "utf8"))
      return { contents: JSON.stringify({ version }), loader: "json" }
    })
    // The worker is the program itself, see `singleFile.ts`.
    build.onLoad({ filter: /\/transport\/embedded\.ts$/ }, ({ path: file }) => ({
      contents: replaced(file, `"./embeddedWorker.ts"`, `""`),
      loader: "ts"
    }))
    build.onLoad({ filter: /\/libpg-query\.js$/ }, ({ path: file }) => ({
      contents: replaced(file, "await getWasmBinary(binaryFile)", `require("./libpg-query.wasm")`)
    }))
    build.onLoad({ filter: /\.wasm$/ }, ({ path: file }) => {
      const text = compressed(fs.readFileSync(file))
      return {
        contents: `module.exports = require("node:zlib").brotliDecompressSync(Buffer.from("${text}", "base64"))`
      }
    })
  }
})

export interface Chunk {
  readonly name: string
  readonly text: string
  /** The chunks that it needs at once. */
  readonly needs: ReadonlyArray<string>
}

export interface Bundle {
  readonly main: string
  readonly worker: string
  readonly chunks: ReadonlyMap<string, Chunk>
  /** The files that went in, relative to the workspace. */
  readonly inputs: Metafile["inputs"]
}

/** `main`: the program, relative to the workspace. */
export const bundle = async (main = "apps/cli/src/main.ts"): Promise<Bundle> => {
  const worker = "packages/db-core/src/driver/transport/embeddedWorker.ts"
  const { metafile, outputFiles } = await build({
    absWorkingDir: workspace,
    entryPoints: [main, worker],
    outdir: ".",
    entryNames: "[name]",
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    // Of a package in both kinds: `import()` of a chunk of CommonJS has a default and no names.
    mainFields: ["module", "main"],
    target,
    minify: true,
    // Their texts are in the package, see `Package.ts`.
    legalComments: "none",
    external: outside,
    // The functions that hold the chunks get the one; the other would be where libpg-query has its file.
    define: { "import.meta.url": "programUrl", __dirname: `""` },
    plugins: [runtimeModules, files(await Effect.runPromise(readFiles(productMigrations)))],
    metafile: true,
    write: false
  })
  const texts = new Map(outputFiles.map((file) => [path.basename(file.path), file.text]))
  const outputs = Object.entries(metafile.outputs)
  const nameOf = (entry: string) => outputs.find(([, { entryPoint }]) => entryPoint === entry)?.[0] ?? ""
  return {
    main: nameOf(main),
    worker: nameOf(worker),
    chunks: new Map(outputs.map(([name, { imports }]) => [name, {
      name,
      text: texts.get(name) ?? "",
      needs: imports.filter(({ external, kind }) => kind === "import-statement" && !external).map(({ path }) => path)
    }])),
    inputs: metafile.inputs
  }
}
