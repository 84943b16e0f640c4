/**
 * Writers in a process of their own: `pg` clients that register one person after the other, each for an event of its
 * own, so that no two write the same pair. Says how many were committed in each second, then how many failed. Ends
 * when its standard input does.
 */
import pg from "pg"

const [url, clients] = process.argv.slice(2)

let committed = 0
let isOver = false
const failures = new Map<string, number>()
process.stdin.resume().once("end", () => {
  isOver = true
})

const write = async (client: pg.Client): Promise<void> => {
  const { rows: [event] } = await client.query<{ id: string }>(
    `insert into events (organizer_id, title, venue, event_date, registration_deadline, capacity, price_minor, currency)
     select min(id), 'Writers', 'Hall', now() + interval '1 day', now(), 1000000, 0, 'EUR' from users returning id`
  )
  const { rows: [users] } = await client.query<{ least: string; most: string }>(
    "select min(id) as least, max(id) as most from users"
  )
  for (let user = Number(users?.least); !isOver && user <= Number(users?.most); user++) {
    try {
      await client.query({
        name: "register",
        text: "insert into registrations (user_id, event_id, amount_minor, currency) values ($1, $2, 0, 'EUR')",
        values: [user, event?.id]
      })
      committed++
    } catch (error) {
      const code = error instanceof pg.DatabaseError ? error.code ?? "?" : String(error)
      failures.set(code, (failures.get(code) ?? 0) + 1)
    }
  }
}

const connections = await Promise.all(Array.from({ length: Number(clients) }, async () => {
  const client = new pg.Client({ connectionString: url, application_name: "writer" })
  await client.connect()
  return client
}))
const seconds: Array<number> = []
let before = 0
const ticker = setInterval(() => {
  seconds.push(committed - before)
  before = committed
}, 1000)
const writing = Promise.all(connections.map(write))
console.log("ready")
await writing
clearInterval(ticker)
console.log(JSON.stringify({ seconds, committed, failures: Object.fromEntries(failures) }))
process.exit(0)
