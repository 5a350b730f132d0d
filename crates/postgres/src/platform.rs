//! The emulated Supabase platform: its roles, schemas, tables and functions.

/// Makes the platform's roles; once in a cluster, as the superuser.
pub const ROLES_SQL: &str = include_str!("../../../fixtures/platform/roles.sql");

/// Makes the platform's schemas in one database, as the superuser.
pub const SCHEMA_SQL: &str = include_str!("../../../fixtures/platform/supabase.sql");

/// The superuser. On the platform it belongs to the platform, not to its users.
pub const SUPERUSER: &str = "supabase_admin";

/// The owner of the database and of `public`: no superuser, past row security, a member of the API
/// roles. What a user of the platform runs migrations as.
pub const OWNER: &str = "postgres";

/// Who makes rows and reads them on a private server, past row security and, where it says so, past triggers: no superuser.
pub const FILLER: &str = "specc_filler";

/// The role that the API logs in as before it takes one of the API roles.
pub const AUTHENTICATOR: &str = "authenticator";

/// The role of a request without a user.
pub const ANON: &str = "anon";

/// The role of a request of a signed-in user.
pub const AUTHENTICATED: &str = "authenticated";

/// The role of a request with the service key, past row security.
pub const SERVICE_ROLE: &str = "service_role";

/// The claims of a signed-in user, for [`as_user`](crate::as_user).
pub fn claims(user_id: &str) -> String {
    claims_with(user_id, "{}")
}

/// The claims of a signed-in user whose `app_metadata` is this JSON object.
pub fn claims_with(user_id: &str, app_metadata: &str) -> String {
    format!(
        r#"{{"sub":"{user_id}","role":"authenticated","aud":"authenticated","aal":"aal1","is_anonymous":false,"app_metadata":{app_metadata},"user_metadata":{{}}}}"#
    )
}
