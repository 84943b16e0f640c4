/**
 * Writers in a process of their own, so that they take no turn of the readers' event loop: `pg` clients that update one
 * row each, at random. Reads `<table> <milliseconds>` and answers with how many updates were committed. Ends with its
 * parent.
 */
import * as readline from "node:readline"
import pg from "pg"
import { accountRows } from "./Layout.ts"

const [url, clients, ...settings] = process.argv.slice(2)

const connections = await Promise.all(Array.from({ length: Number(clients) }, async () => {
  const client = new pg.Client({ connectionString: url, application_name: "writer" })
  await client.connect()
  for (const setting of settings) await client.query(`set ${setting}`)
  return client
}))

const write = async (table: string, ms: number): Promise<number> => {
  const until = performance.now() + ms
  let done = 0
  await Promise.all(connections.map(async (client) => {
    while (performance.now() < until) {
      const id = 1 + Math.floor(Math.random() * accountRows)
      const { rowCount } = await client.query({
        name: table,
        text: `update ${table} set balance = balance + 1 where id = $1`,
        values: [id]
      })
      if (rowCount !== 1) throw new Error("a row is missing")
      done++
    }
  }))
  return done
}

console.log("ready")
for await (const line of readline.createInterface({ input: process.stdin })) {
  const [table, ms] = line.split(" ")
  console.log(await write(table!, Number(ms)))
}
process.exit(0)
