import { SQL } from "bun"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as PgPool from "../packages/db-core/node_modules/@effect/sql-pg/dist/PgPool.js"
const url = process.argv[2]!
const N = 32
const q = "select id, public_id, email, name, created_at, updated_at from users where id = $1"
const secs = 2
async function loop(once: () => Promise<unknown>) {
  let n = 0
  const until = performance.now() + secs * 1000
  await Promise.all(Array.from({ length: N }, async () => {
    while (performance.now() < until) {
      await once()
      n++
    }
  }))
  return n / secs
}
for (const conc of [32, 8, 4]) {
  const n = await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const pool = yield* PgPool.make({
      url: Redacted.make(url),
      multiplex: true,
      maxConnections: 10,
      multiplexConcurrency: conc
    })
    let n = 0
    for (const warm of [300, secs * 1000]) {
      n = 0
      const until = performance.now() + warm
      const caller = Effect.whileLoop({
        while: () => performance.now() < until,
        body: () => pool.use((c) => c.queryValues(q, [1n + BigInt(n % 1000)])),
        step: () => {
          n++
        }
      })
      yield* Effect.all(Array.from({ length: N }, () => caller), { concurrency: "unbounded" })
    }
    return n / secs
  })))
  console.log("bare sql-pg multiplex", conc, Math.round(n))
}
const bs = new SQL(url, { max: 10 })
await loop(() => bs`select 1`.then((x) => x))
console.log("bun.sql", Math.round(await loop(() => bs.unsafe(q, [1]))))
