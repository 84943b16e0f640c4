/** Loaded before the program of a process: replaces the text of the modules that `TRUST_PATCH` names. */
import { fileURLToPath } from "node:url"
import { applied, escaped, filesOf, type Patch } from "./Mutant.ts"

// A cast: the run writes nothing else there.
const patch = JSON.parse(process.env["TRUST_PATCH"] ?? "[]") as Patch
const files = filesOf(patch)

if (process.versions["bun"] === undefined) {
  const { registerHooks } = await import("node:module")
  registerHooks({
    load: (url, context, next) => {
      const file = url.startsWith("file:") ? fileURLToPath(url) : ""
      return files.has(file)
        ? { format: "module-typescript", source: applied(patch, file), shortCircuit: true }
        : next(url, context)
    }
  })
} else {
  const { plugin } = await import("bun")
  const names = [...files].map(escaped)
  plugin({
    name: "mutant",
    setup: (build) =>
      void build.onLoad(
        { filter: new RegExp(`^(${names.join("|")})$`) },
        ({ path }) => ({ contents: applied(patch, path), loader: "ts" })
      )
  })
}
