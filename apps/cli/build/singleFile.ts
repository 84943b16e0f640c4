/**
 * One file of many chunks. What the program runs at once is its code; the chunks that commands load are texts in it,
 * which cost a start nothing but to be skipped: not parsed before they are used, and then once.
 */
import { build, type Plugin, transform } from "esbuild"
import { type Bundle, type Chunk, compressed, runtimeModules, target } from "./bundle.ts"

/** `names` and what they need, those that are needed first. */
const closure = ({ chunks }: Bundle, names: ReadonlyArray<string>): ReadonlySet<string> => {
  const found = new Set<string>()
  const add = (name: string): void => {
    for (const needed of chunks.get(name)?.needs ?? []) if (!found.has(needed)) add(needed)
    found.add(name)
  }
  for (const name of names) add(name)
  return found
}

/** The body of a function of `require`, `module`, `exports` and `programUrl`, compressed. */
const bodyOf = async ({ text }: Chunk): Promise<string> => {
  const { code } = await transform(text, {
    format: "cjs",
    platform: "node",
    target,
    minify: true,
    // Also what is loaded later goes through `require`.
    supported: { "dynamic-import": false }
  })
  return compressed(code.trim())
}

/** The chunks by the names that they have for each other; what is none of them is a package beside this file. */
const loader = (texts: Readonly<Record<string, string>>) => `
  const texts = ${JSON.stringify(texts)}
  const loaded = new Map()
  const { brotliDecompressSync } = process.getBuiltinModule("node:zlib")
  const outside = process.getBuiltinModule("node:module").createRequire(import.meta.url)
  export const provide = (name, exports) => loaded.set(name, exports)
  export const load = (name) => {
    if (loaded.has(name)) return loaded.get(name)
    if (!(name in texts)) return outside(name)
    const module = { exports: {} }
    loaded.set(name, module.exports)
    const text = brotliDecompressSync(Buffer.from(texts[name], "base64")).toString("latin1")
    new Function("require", "module", "exports", "programUrl", text)(load, module, module.exports, import.meta.url)
    loaded.set(name, module.exports)
    return module.exports
  }`

/** What is run: the chunks of a start become known to the others, then the program begins, or the worker of one. */
const start = ({ main, worker }: Bundle) => `
  import { isMainThread } from "node:worker_threads"
  import { load } from "single:loader"
  import "single:shared"
  import "./${main}"
  if (!isMainThread) load("./${worker}")
`

const shared = (names: ReadonlyArray<string>) => `
  import { provide } from "single:loader"
  ${names.map((name, at) => `import * as chunk${at} from "./${name}"`).join("\n")}
  ${names.map((name, at) => `provide("./${name}", chunk${at})`).join("\n")}`

/** An older Node would stop somewhere in the middle, and print the code around it. */
const banner = `#!/usr/bin/env node
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error("emsdb: Node " + process.versions.node + " is too old: it takes Node 22.19 or newer, or Bun");
  process.exit(2);
}`

export const singleFile = async (bundle: Bundle): Promise<string> => {
  const atOnce = closure(bundle, [bundle.main])
  const later = Array.from(bundle.chunks.values()).filter(({ name }) => !atOnce.has(name))
  const texts = Object.fromEntries(
    await Promise.all(later.map(async (chunk) => [`./${chunk.name}`, await bodyOf(chunk)] as const))
  )
  const others = Array.from(atOnce).filter((name) => name !== bundle.main)
  const contents = new Map([
    ["start", start(bundle)],
    ["loader", loader(texts)],
    ["shared", shared(others)]
  ])
  const chunks: Plugin = {
    name: "chunks",
    setup: (to) => {
      to.onResolve({ filter: /^single:/ }, ({ path }) => ({ path: path.slice("single:".length), namespace: "single" }))
      to.onResolve({ filter: /^\.\// }, ({ kind, path }) => ({
        path: path.slice("./".length),
        namespace: kind === "dynamic-import" ? "later" : "chunk"
      }))
      to.onLoad({ filter: /./, namespace: "single" }, ({ path }) => ({ contents: contents.get(path) ?? "" }))
      to.onLoad({ filter: /./, namespace: "chunk" }, ({ path }) => ({ contents: bundle.chunks.get(path)?.text ?? "" }))
      to.onLoad({ filter: /./, namespace: "later" }, ({ path }) => ({
        contents: `module.exports = require("single:loader").load("./${path}")`
      }))
    }
  }
  const { outputFiles } = await build({
    entryPoints: ["single:start"],
    bundle: true,
    format: "esm",
    platform: "node",
    target,
    minify: true,
    legalComments: "none",
    banner: { js: banner },
    plugins: [chunks, runtimeModules],
    write: false
  })
  return outputFiles[0]?.text ?? ""
}
