/** What the commands that do maintenance have in common. */
import * as Flag from "effect/cli/Flag"
import { api } from "./api.ts"
import { json } from "./json.ts"

export const dryRun = Flag.Boolean("dry-run").pipe(
  Flag.withDescription("Only say what would be done, what it locks and who is in its way"),
  Flag.withDefault(false)
)

export const tables = Flag.String("tables").pipe(
  Flag.withMetavar("<names>"),
  Flag.withDescription("These tables, with commas between them; without it all of them"),
  Flag.optional
)

export const indexes = Flag.String("indexes").pipe(
  Flag.withMetavar("<names>"),
  Flag.withDescription("These indexes, with commas between them"),
  Flag.optional
)

export const common = { dryRun, api, json }
