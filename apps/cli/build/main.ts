/**
 * `npm run build:cli`: writes the package of emsdb to `apps/cli/dist`, or to the folder that is named. Its one file of
 * code runs on Node and on Bun; `npm pack` makes the package of the folder. A second argument is another program that is
 * built the same way.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { bundle } from "./bundle.ts"
import { licenses, manifest, readme } from "./Package.ts"
import { singleFile } from "./singleFile.ts"

const [folder = path.join(import.meta.dirname, "../dist"), main] = process.argv.slice(2)

const parts = await bundle(main)
const files = {
  "emsdb.mjs": await singleFile(parts),
  "package.json": manifest(),
  "README.md": readme,
  "THIRD-PARTY-LICENSES.txt": licenses(parts)
}
fs.mkdirSync(folder, { recursive: true })
for (const [name, text] of Object.entries(files)) {
  // Beside its place, then renamed: who runs the program meanwhile has the old one or the new one, whole.
  const fresh = path.join(folder, `.${name}.${process.pid}`)
  fs.writeFileSync(fresh, text, { mode: name.endsWith(".mjs") ? 0o755 : 0o644 })
  fs.renameSync(fresh, path.join(folder, name))
}
console.log(`${path.join(folder, "emsdb.mjs")}: ${Math.round(files["emsdb.mjs"].length / 1024)} KiB`)
