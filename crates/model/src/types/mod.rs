//! The model: what a spec means. Names are resolved to ids, mixins are expanded into the entities that use them,
//! expressions are parsed and typed. Nothing here is generated yet: no helper function, no trigger, no grant.

#![allow(missing_docs)] // a field is named as in the construct's spelling, see `specc_syntax::ast`

mod access;
mod base;
mod behaviour;
mod classes;
mod entity;
mod keys;
mod named;
mod platform;
mod promise;
mod query;
mod scenario;
mod size;

pub use access::*;
pub use base::*;
pub use behaviour::*;
pub use classes::*;
pub use entity::*;
pub use keys::*;
pub use named::*;
pub use platform::*;
pub use promise::*;
pub use query::*;
pub use scenario::*;
pub use size::*;

use smol_str::SmolStr;
use specc_catalog::Catalog;
use std::sync::Arc;

/// What the SQL is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The Supabase platform: `auth`, `storage`, `realtime`, API roles.
    Supabase,
    /// A plain server.
    Postgres,
    /// Several servers behind one, by the extension Citus.
    Citus,
}

/// Settings of the project that change what a spec means.
#[derive(Clone, Debug)]
pub struct Options {
    pub target: Target,
    /// Where unqualified names go: `public`.
    pub default_schema: SmolStr,
    /// Where generated helpers go: `private`. Not exposed by any API.
    pub helper_schema: SmolStr,
    /// On a plain server, the setting that holds the viewer's key: `app.viewer_id`.
    pub viewer_setting: SmolStr,
    /// On a plain server, the setting that holds the claims as JSON: `request.jwt.claims`.
    pub claims_setting: SmolStr,
    /// Whether what a spec says brings what usually goes with it: an index for a reference, grants for rules, a safe
    /// search path for a `security definer`. Off, all there is stands in the files.
    pub derive: bool,
    /// The environments that the settings name; the seeds have more.
    pub environments: Vec<SmolStr>,
    /// The state after the last migration, where it is known: what a change fills from may be there alone.
    pub last: Option<Arc<Catalog>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            target: Target::Supabase,
            default_schema: "public".into(),
            helper_schema: "private".into(),
            viewer_setting: "app.viewer_id".into(),
            claims_setting: "request.jwt.claims".into(),
            derive: true,
            environments: Vec::new(),
            last: None,
        }
    }
}

impl Options {
    /// The schema that nothing can be made in, with why, if one of the two is such.
    pub fn wrong_schema(&self) -> Option<(&SmolStr, &'static str)> {
        let why = |name: &str| match name.len() {
            0 => Some("a schema has a name"),
            length if length > specc_facts::LONGEST_NAME => Some("a name has at most 63 bytes"),
            _ if specc_facts::is_system_schema(name) => Some("`pg_…` and `information_schema` are Postgres's own"),
            _ if name.contains(char::is_control) => Some("a name is one line of text"),
            _ => None,
        };
        [&self.default_schema, &self.helper_schema].into_iter().find_map(|name| Some((name, why(name)?)))
    }
}

/// What a spec means.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub options: Options,
    pub schemas: Vec<Schema>,
    pub extensions: Vec<Extension>,
    pub enums: Vec<Enum>,
    pub domains: Vec<Domain>,
    pub composites: Vec<Composite>,
    pub sequences: Vec<Sequence>,
    pub entities: Vec<Entity>,
    pub relations: Vec<Relation>,
    pub predicates: Vec<Predicate>,
    /// The entity whose key is who is asking.
    pub viewer: Option<EntityId>,
    pub person: Option<Person>,
    pub views: Vec<View>,
    pub functions: Vec<Function>,
    pub roles: Vec<Role>,
    pub grants: Vec<Grant>,
    pub owners: Vec<Ownership>,
    pub buckets: Vec<Bucket>,
    pub realtime: Vec<RealtimeTable>,
    pub schedules: Vec<Schedule>,
    pub webhooks: Vec<Webhook>,
    /// In the order written; rows of one environment from several blocks are one set. `base` first.
    pub seeds: Vec<SeedSet>,
    /// In the order written.
    pub scenarios: Vec<Scenario>,
    pub sql_blocks: Vec<SqlBlock>,
    /// What the program asks, in the order written.
    pub queries: Vec<Query>,
    /// In the order written.
    pub sizes: Vec<Size>,
    /// Name tables, built by `analyze`.
    pub index: crate::index::Index,
}
