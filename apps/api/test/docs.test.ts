/** The table of endpoints in the documentation is the application's. */
import * as fs from "node:fs"
import * as path from "node:path"
import { expect, it } from "vitest"
import { type Access, routesOf } from "../src/http/Access.ts"
import { deadUrl, makeApp } from "./support.ts"

const root = path.resolve(import.meta.dirname, "../../..")
const read = (file: string) => fs.readFileSync(path.join(root, file), "utf8")

const who = (access: Access): string =>
  access.kind === "public"
    ? "anybody"
    : `${access.kind === "optional" ? "anybody, more with " : ""}\`${access.role}\`, \`${access.scope}\``

it("lists every route, and who may call it", async () => {
  const { app, dispose } = await makeApp(deadUrl)
  const listed = [...read("docs/api.md").matchAll(/^\| ([A-Z]+) \| `(\S+)` \| (.+?) \| .+ \|$/gmu)]
    .map(([, method, address, callers]) => `${method} ${address}: ${callers}`)
  const routes = routesOf(app).map(({ access, method, path }) => `${method} ${path}: ${who(access)}`)
  expect(listed.toSorted()).toEqual(routes.toSorted())
  await dispose()
})

it("lists every variable that is read", () => {
  const sources = fs.globSync("apps/api/src/**/*.ts", { cwd: root })
  const found = [...sources, "packages/access/src/AccessConfig.ts"].flatMap((file) =>
    [...read(file).matchAll(/"((?:EMS|OTEL)_[A-Z_]+)"/g)].map(([, name = ""]) => name)
  )
  const page = read("docs/settings.md")
  expect(found.length).toBeGreaterThan(20)
  expect(found.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
})
