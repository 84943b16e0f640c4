/** Values that somebody may send where something else is expected. */
import { planted } from "./Canaries.ts"
import type { Dice } from "./Dice.ts"

export const nastyTexts: ReadonlyArray<string> = [
  `${planted}'; drop table users; --`,
  `' or '1'='1' /* ${planted} */ --`,
  `${planted}" union select password_hash from admin_users --`,
  `${planted}'); select pg_sleep(5); --`,
  `$1 ${planted} $2`,
  `$$${planted}$$`,
  `\\'; ${planted}`,
  `%00${planted}`,
  `\0${planted}`,
  `${planted}\0`,
  `\ud800${planted}`,
  `${planted}\udc00`,
  `${planted}${"a".repeat(300)}`,
  `${planted}${"b".repeat(5000)}`,
  `${planted}${"é".repeat(30_000)}`,
  `\u202e${planted}`,
  `👨‍👩‍👧‍👦🏳️‍🌈${planted}`,
  `Z̸̨̛͚͇̘a̷l̴g̵o̶${planted}`,
  `\ufeff${planted}`,
  `ﬃ\u0130${planted}`,
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  `{{7*7}}${planted}`,
  `\${7*7}${planted}`,
  `<%= 7*7 %>${planted}`,
  `#{7*7}${planted}`,
  `<script>alert("${planted}")</script>`,
  `${planted}\r\nx-injected: 1\r\n\r\n`,
  `${planted}\n[INFO] a line that nobody logged`,
  `\u001b[31m${planted}`,
  `../../../../etc/passwd${planted}`,
  `%2e%2e%2f%2e%2e%2f${planted}`,
  `..\\..\\${planted}`,
  `file:///etc/passwd#${planted}`,
  `http://169.254.169.254/${planted}`,
  `\${jndi:ldap://127.0.0.1/${planted}}`,
  "",
  " ",
  "\u00a0",
  "0",
  "1",
  "-1",
  "01",
  "1.5",
  "1e308",
  "1e999",
  "9223372036854775807",
  "9223372036854775808",
  "2147483648",
  "NaN",
  "Infinity",
  "0x10",
  "true",
  "null",
  "undefined",
  "[object Object]"
]

/** Its own member, which a literal would not make. */
const withMember = (name: string, value: unknown): object => Object.fromEntries([[name, value]])

const others: ReadonlyArray<unknown> = [
  null,
  true,
  false,
  0,
  -1,
  1,
  1.5,
  -0,
  1e308,
  2 ** 53,
  2 ** 63,
  [],
  {},
  [planted],
  [[planted]],
  [null],
  { length: 1, 0: planted },
  { toString: planted, valueOf: planted },
  { $ne: planted },
  withMember("__proto__", { role: "admin", planted }),
  { constructor: { prototype: { isAdmin: planted } } },
  Array.from({ length: 200 }, (_, at) => `${planted}${at}`),
  Array.from({ length: 5000 }, () => 0)
]

export const nastyValue = (dice: Dice): unknown => dice.isLucky(0.6) ? dice.of(nastyTexts) : dice.of(others)

/** JSON text of so many arrays or objects inside each other. */
export const nested = (depth: number, isArray: boolean): string =>
  isArray ? "[".repeat(depth) + "]".repeat(depth) : "{\"a\":".repeat(depth) + "1" + "}".repeat(depth)

export const depths: ReadonlyArray<number> = [10, 16, 17, 100, 1000, 20_000]
