/** Where ours is known to be wrong, and why that is left so. A case that has become right has no place here. */
export const limits: ReadonlyMap<string, string> = new Map([
  ["l87", "a text such as 'now' that a row holds and the query casts to a time: nothing in the statement shows it"],
  ["l126", "GRANT and REVOKE of a role belong to no database: they are found within a second, not within the bound"]
])
