//! What is ours, by who owns it.
//!
//! Let the *owner* be the role that owns the database, and an *administrator* any other role that is a superuser (unless the
//! owner is one itself) or may make roles. A database is on a *platform* if an administrator who is not the connected role
//! has a schema in it: Supabase's `supabase_admin` and `supabase_auth_admin`, a hoster's own. Where there is no platform,
//! all is ours, whoever owns it. On a platform a schema is not ours if
//!
//! - [`Options::external`] names it (this holds everywhere);
//! - it belongs to another role than the owner and the connected role;
//! - it belongs to a superuser who is connected, and others have something in it, or it has nothing but an extension;
//! - it has the same first word in its name as the roles that own the platform's schemas (`supabase_migrations`); so it is
//!   with publications too (`supabase_realtime`).
//!
//! A schema on the owner's search path into which the platform put extensions of its own (`extensions`) is the platform's,
//! but what the owner made in it is ours. The platform's roles are those that own its schemas, those that it lets use them,
//! and superusers; that they may use `public` is not listed.

use crate::Options;
use crate::acl;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeSet;

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
    /// An extension has its objects here.
    pub extension: bool,
    /// One of another role than the owner.
    pub foreign_extension: bool,
    /// It is on the owner's search path.
    pub on_path: bool,
}

/// Who is who.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    /// The database's owner.
    pub owner: u32,
    /// The role that reads.
    pub connected: u32,
}

impl Who {
    /// Whether an administrator beside the owner and the connected role has a schema.
    pub fn is_on_a_platform(self, roles: &FxHashMap<u32, Role>, schemas: &[Schema]) -> bool {
        let above = roles.get(&self.owner).is_some_and(|role| role.superuser);
        schemas.iter().any(|schema| {
            let role = roles.get(&schema.owner).filter(|role| role.oid != self.owner && role.oid != self.connected);
            role.is_some_and(|role| if role.superuser { !above } else { role.makes_roles })
        })
    }
}

/// What was decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    /// The database's owner.
    pub owner: u32,
    /// The role that reads.
    pub connected: u32,
    /// The platform's roles, by name; none where there is no platform.
    pub platform: BTreeSet<SmolStr>,
    /// The first words of the names of roles that own schemas of the platform.
    words: FxHashSet<SmolStr>,
}

impl Owners {
    /// Decides for all schemas, in their order. `contents` has the owners of what is in a schema, without members of
    /// extensions.
    pub fn decide(
        who: Who,
        roles: &FxHashMap<u32, Role>,
        schemas: &[Schema],
        contents: &FxHashMap<u32, Vec<u32>>,
        options: &Options,
    ) -> (Self, Vec<Belongs>) {
        let platform = who.is_on_a_platform(roles, schemas);
        let above = roles.get(&who.owner).is_some_and(|role| role.superuser);
        let shared = |schema: &Schema| {
            platform
                && schema.owner == who.owner
                && schema.on_path
                && (schema.foreign_extension || above && schema.extension)
        };
        let external = |schema: &Schema| options.external.contains(&schema.name);
        let theirs = |schema: &Schema| {
            if external(schema) {
                return true;
            }
            if !platform || schema.name == "public" || shared(schema) {
                return false;
            }
            let inside = contents.get(&schema.oid).map(Vec::as_slice).unwrap_or_default();
            let mixed = inside.iter().any(|&oid| oid != who.owner && oid != who.connected);
            if schema.owner == who.owner {
                above && mixed
            } else if schema.owner == who.connected {
                mixed || schema.extension && inside.is_empty()
            } else {
                true
            }
        };
        let mut owners = Self { owner: who.owner, connected: who.connected, ..Self::default() };
        for schema in schemas.iter().filter(|schema| theirs(schema) && schema.owner != who.owner) {
            let Some(role) = roles.get(&schema.owner) else { continue };
            owners.platform.insert(role.name.clone());
            owners.words.extend(first_word(&role.name));
        }
        let own = roles.get(&who.owner).map(|role| role.name.clone()).unwrap_or_default();
        for schema in schemas.iter().filter(|schema| theirs(schema) || shared(schema)) {
            let items = schema.acl.iter().flatten().filter_map(|text| acl::item(text));
            owners.platform.extend(items.map(|item| item.grantee).filter(|name| *name != own && name != "public"));
        }
        if !owners.platform.is_empty() {
            owners.platform.extend(roles.values().filter(|role| role.superuser).map(|role| role.name.clone()));
            owners.platform.remove(&own);
        }
        let name = |oid: u32| roles.get(&oid).map(|role| role.name.as_str()).unwrap_or("a role that is gone");
        let belongs = schemas.iter().map(|schema| {
            if external(schema) {
                Belongs::Theirs("the project says that it is external".into())
            } else if theirs(schema) {
                let owner = name(schema.owner);
                Belongs::Theirs(format_smolstr!("it belongs to {owner}, and to the platform: {own} owns the database"))
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
