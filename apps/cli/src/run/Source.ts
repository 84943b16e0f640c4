/** Where a command's answer comes from: the database, or an API in front of it. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as Api from "../api/Api.ts"
import type { Question } from "../api/Api.ts"
import { withDatabase } from "./Db.ts"

export interface SourceFlags {
  readonly api: Option.Option<URL>
}

/** Uses the API at `url` for what `use` does with it. */
export const withApi = <A, E, R>(url: URL, use: (api: Api.Api) => Effect.Effect<A, E, R>) =>
  // A command is an entry point.
  // @effect-diagnostics-next-line strictEffectProvide:off
  Effect.provide(Effect.flatMap(Api.make(url), use), Api.layer)

/** What `remote` says where there is an API, otherwise what `local` finds in the database. */
export const either = <A, E, R, A2, E2, R2>(
  { api }: SourceFlags,
  remote: (api: Api.Api) => Effect.Effect<A, E, R>,
  local: Effect.Effect<A2, E2, R2>
) => Option.isSome(api) ? withApi(api.value, remote) : withDatabase(local)

/** The answer to `question` by its contract, or what `report` finds in the database. */
export const answer = <A, I, E, R>(
  source: SourceFlags,
  { contract, ...question }: Question & { readonly contract: Schema.Codec<A, I> },
  report: Effect.Effect<A, E, R>
) => either(source, ({ ask }) => ask(contract, question), report)
