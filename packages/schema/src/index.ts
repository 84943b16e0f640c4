/**
 * The tables and what is derived from them.
 *
 * The JSON contracts are apart, one import each (`@ems/schema/contract/Health`), so that who only needs tables does not
 * load Effect Schema.
 */
export * from "./enums.ts"
export * from "./IndexCatalog.ts"
export * from "./relations.ts"
export * from "./tables/adminUsers.ts"
export * from "./tables/events.ts"
export * from "./tables/paymentHistory.ts"
export * from "./tables/refreshTokens.ts"
export * from "./tables/registrations.ts"
export * from "./tables/users.ts"
