/**
 * Knows which statement a message belongs to. In the extended protocol a COMMIT may be a Bind and an Execute of a name
 * that was parsed long ago, and the server's answers carry no name at all: they come in the order of the questions.
 */

interface Asked {
  readonly sql: string
  /** Ends with a ReadyForQuery: a Sync or a simple Query. */
  readonly sync: boolean
  /** Not the client's question. */
  readonly foreign?: boolean
}

const word = (bytes: Buffer, from: number): readonly [text: string, next: number] => {
  const end = bytes.indexOf(0, from)
  return end < 0 ? ["", bytes.length] : [bytes.toString("utf8", from, end), end + 1]
}

export class WireStatements {
  private readonly statements = new Map<string, string>()
  private readonly portals = new Map<string, string>()
  private readonly asked: Array<Asked> = []
  private lastSent = ""
  private lastRun = ""

  /** The session itself asks something ahead of the client's last message, which is of this type. */
  askForeign(sql: string, ahead: string): void {
    this.asked.splice(ahead === "Q" ? -1 : this.asked.length, 0, { sql, sync: true, foreign: true })
  }

  get foreign(): boolean {
    return this.asked[0]?.foreign === true
  }

  /** The statement of a message of the client. */
  ofClient(type: string, bytes: Buffer): string | undefined {
    switch (type) {
      case "Q": {
        this.lastSent = word(bytes, 5)[0]
        this.asked.push({ sql: this.lastSent, sync: true })
        return this.lastSent
      }
      case "P": {
        const [name, at] = word(bytes, 5)
        const [sql] = word(bytes, at)
        this.statements.set(name, sql)
        return sql
      }
      case "B": {
        const [portal, at] = word(bytes, 5)
        const sql = this.statements.get(word(bytes, at)[0])
        if (sql !== undefined) this.portals.set(portal, sql)
        return sql
      }
      case "E": {
        const sql = this.portals.get(word(bytes, 5)[0])
        this.lastSent = sql ?? ""
        this.asked.push({ sql: this.lastSent, sync: false })
        return sql
      }
      case "S":
        this.asked.push({ sql: this.lastSent, sync: true })
        return this.lastSent
      default:
        return undefined
    }
  }

  /** The statement that a message of the server answers. */
  ofServer(type: string): string | undefined {
    const head = this.asked[0]
    switch (type) {
      case "Z": {
        // After an error the server passes over everything up to the Sync.
        const sync = this.asked.findIndex((one) => one.sync)
        const group = this.asked.splice(0, sync + 1)
        return group.at(-1)?.sql ?? this.lastRun
      }
      case "C":
      case "I":
      case "s":
        this.lastRun = head?.sql ?? this.lastRun
        if (head !== undefined && !head.sync) this.asked.shift()
        return this.lastRun
      case "D":
      case "T":
      case "E":
      case "n":
      case "1":
      case "2":
        return head?.sql
      default:
        return undefined
    }
  }
}
