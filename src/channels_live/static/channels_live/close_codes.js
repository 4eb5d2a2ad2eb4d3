// @ts-check

/** The close codes of RFC 6455, and 4000 and an HTTP status; the same as `channels_live.close_codes.CloseCode`. */
export const CloseCode = Object.freeze({
  NORMAL_CLOSURE: 1000,
  GOING_AWAY: 1001,
  POLICY_VIOLATION: 1008,
  MESSAGE_TOO_BIG: 1009,
  INTERNAL_ERROR: 1011,
  SERVICE_RESTART: 1012,
  TRY_AGAIN_LATER: 1013,
  LOGIN_REQUIRED: 4401,
  FORBIDDEN: 4403,
  NOT_FOUND: 4404,
});
