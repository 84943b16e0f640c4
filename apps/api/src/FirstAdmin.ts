/** Offers whoever reads the terminal to make the first administrator. */
import { Bootstrap } from "@ems/access/Bootstrap"
import * as Effect from "effect/Effect"

const text = (address: string, token: string): string => `
There is no administrator yet. Within the hour, once:
  curl http://${address}/api/auth/first-admin -H 'content-type: application/json' \\
    -d '{"token":"${token}","email":"you@example.org","password":"…"}'
`

/** Prints a token, where there is no account. To the terminal alone: a log is kept. */
export const offer = (address: string): Effect.Effect<void, never, Bootstrap> =>
  Bootstrap.use(({ issue }) => issue).pipe(
    Effect.tap((token) => Effect.sync(() => process.stdout.write(text(address, token)))),
    // There is one, or the database cannot be asked: `emsdb admin create` makes one later.
    Effect.ignore
  )
