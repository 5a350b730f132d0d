//! What is ours, by who owns it.
//!
//! Let the *owner* be the role that owns the database. Three rules, in this order:
//!
//! 1. A schema that [`Options::external`] names is someone else's.
//! 2. Where the owner is a superuser, there is nobody above it: every other schema is ours. So it is on most servers
//!    that people run themselves.
//! 3. Where it is not, a schema that belongs to an *administrator* beside it (another role that is a superuser or may
//!    make roles) was made by the platform that the database is on: Supabase's `supabase_admin` and
//!    `supabase_auth_admin`, a hoster's own. On a platform every schema of another role than the owner is the
//!    platform's; where nobody but equals made schemas, all of them are ours.
//!
//! On a platform three kinds of thing are made in the owner's name, and are known by other signs:
//!
//! - a schema that the platform put into the owner's search path for extensions of its own (`extensions`): the schema is
//!   the platform's, and what the owner made in it is ours;
//! - a schema or publication that has the same first word in its name as the platform's roles (`supabase_realtime`);
//! - the use of `public` by the platform's roles.
//!
//! The platform's roles are those that own its schemas, those that it lets use them, and superusers.

use crate::Options;
use crate::acl;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, format_smolstr};

/// A role of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub oid: u32,
    pub name: SmolStr,
    pub superuser: bool,
    pub makes_roles: bool,
}

/// Whose a schema is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Belongs {
    /// The project's.
    Ours,
    /// The platform's, with things of ours in it.
    Shared,
    /// The platform's, for this reason.
    Theirs(SmolStr),
}

/// A schema.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    pub oid: u32,
    pub name: SmolStr,
    pub owner: u32,
    pub acl: Option<Vec<String>>,
    /// An extension of another role than the owner has its objects here.
    pub foreign_extension: bool,
    /// It is on the owner's search path.
    pub on_path: bool,
}

/// What was decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    /// The database's owner.
    pub owner: u32,
    /// The platform's roles, by name; none where there is no platform.
    pub platform: FxHashSet<SmolStr>,
    /// The first words of the names of roles that own schemas of the platform.
    words: FxHashSet<SmolStr>,
}

impl Owners {
    /// Decides for all schemas, in their order.
    pub fn decide(
        owner: u32,
        roles: &FxHashMap<u32, Role>,
        schemas: &[Schema],
        options: &Options,
    ) -> (Self, Vec<Belongs>) {
        let above = roles.get(&owner).is_some_and(|role| role.superuser);
        let administrator = |schema: &&Schema| {
            schema.owner != owner && roles.get(&schema.owner).is_some_and(|role| role.superuser || role.makes_roles)
        };
        let platform = !above && schemas.iter().any(|schema| administrator(&schema));
        let theirs = |schema: &Schema| {
            options.external.contains(&schema.name) || platform && schema.owner != owner && schema.name != "public"
        };
        let mut owners = Self { owner, ..Self::default() };
        for schema in schemas.iter().filter(|schema| theirs(schema) && schema.owner != owner) {
            let Some(role) = roles.get(&schema.owner) else { continue };
            owners.platform.insert(role.name.clone());
            owners.words.extend(first_word(&role.name));
        }
        let shared = |schema: &Schema| platform && schema.foreign_extension && schema.on_path;
        let own = roles.get(&owner).map(|role| role.name.clone()).unwrap_or_default();
        for schema in schemas.iter().filter(|schema| theirs(schema) || shared(schema)) {
            let items = schema.acl.iter().flatten().filter_map(|text| acl::item(text));
            owners.platform.extend(items.map(|item| item.grantee).filter(|name| *name != own && name != "public"));
        }
        if !owners.platform.is_empty() {
            owners.platform.extend(roles.values().filter(|role| role.superuser).map(|role| role.name.clone()));
        }
        let name = |oid: u32| roles.get(&oid).map(|role| role.name.as_str()).unwrap_or("a role that is gone");
        let belongs = schemas.iter().map(|schema| {
            if options.external.contains(&schema.name) {
                Belongs::Theirs("the project says that it is external".into())
            } else if theirs(schema) {
                let why = format_smolstr!("it belongs to {}, who is the platform's: {own} owns the database", name(schema.owner));
                Belongs::Theirs(why)
            } else if shared(schema) {
                Belongs::Shared
            } else if owners.is_named_like_the_platform(&schema.name) {
                Belongs::Theirs("it is named like the platform's roles".into())
            } else {
                Belongs::Ours
            }
        });
        let belongs = belongs.collect();
        (owners, belongs)
    }

    /// Whether the first word of a name is that of the platform's own roles.
    pub fn is_named_like_the_platform(&self, name: &str) -> bool {
        first_word(name).is_some_and(|word| self.words.contains(&word))
    }
}

/// `supabase` of `supabase_admin`; none for one word.
fn first_word(name: &str) -> Option<SmolStr> {
    name.split_once('_').map(|(word, _)| word).filter(|word| !word.is_empty()).map(Into::into)
}
