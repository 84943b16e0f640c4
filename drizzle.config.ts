/** Settings of drizzle-kit, which writes the migrations in `drizzle/`; applying them is the product's own command. */
import { defineConfig } from "drizzle-kit"

const url = process.env["DATABASE_URL"]

export default defineConfig({
  dialect: "postgresql",
  schema: ["./packages/schema/src/enums.ts", "./packages/schema/src/tables/*.ts"],
  out: "./drizzle",
  // Without a URL `generate`, `check` and `export` still work: only `studio` and its like connect.
  ...(url === undefined ? {} : { dbCredentials: { url } })
})
