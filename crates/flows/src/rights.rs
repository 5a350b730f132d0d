//! What a role may do, as the catalog's grants and policies say, which are made of the rules.

use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Command, Grant, Kind, Object, ObjectId, Policy, Rls, TableName};
use std::collections::BTreeSet;

/// Grants and policies by what they are about.
pub(crate) struct Rights<'c> {
    catalog: &'c Catalog,
    grants: FxHashMap<&'c ObjectId, Vec<&'c Grant>>,
    policies: FxHashMap<&'c TableName, Vec<&'c Policy>>,
    /// All roles that have a right to something.
    pub roles: BTreeSet<SmolStr>,
}

/// Columns that a privilege is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    All,
    /// Only these; none at all where it is empty.
    Some(BTreeSet<SmolStr>),
}

impl Granted {
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Granted::Some(columns) if columns.is_empty())
    }

    pub(crate) fn has(&self, column: &str) -> bool {
        match self {
            Granted::All => true,
            Granted::Some(columns) => columns.contains(column),
        }
    }
}

impl<'c> Rights<'c> {
    pub(crate) fn new(catalog: &'c Catalog) -> Self {
        let mut rights =
            Self { catalog, grants: FxHashMap::default(), policies: FxHashMap::default(), roles: BTreeSet::new() };
        for (_, entry) in catalog.iter() {
            match &entry.object {
                Object::Grant(grant) => {
                    rights.grants.entry(&grant.on).or_default().push(grant);
                    rights.roles.insert(grant.to.clone());
                }
                Object::Policy(policy) => rights.policies.entry(&policy.table).or_default().push(policy),
                _ => {}
            }
        }
        rights.roles.remove("public");
        rights
    }

    /// The role, those whose rights it has, and everyone.
    fn acts_as(&self, role: &str) -> Vec<SmolStr> {
        let mut all = vec![SmolStr::new(role)];
        let mut at = 0;
        while at < all.len() {
            let id = ObjectId::new(Kind::Role, "", all[at].clone());
            if let Some(Object::Role(found)) = self.catalog.get(&id).map(|entry| &entry.object) {
                let new: Vec<_> = found.member_of.iter().filter(|role| !all.contains(role)).cloned().collect();
                all.extend(new);
            }
            at += 1;
        }
        all.push("public".into());
        all
    }

    /// Whether no row level security binds it.
    pub(crate) fn bypasses(&self, role: &str) -> bool {
        let option = |option: &SmolStr| option == "bypassrls" || option == "superuser";
        let found = self.catalog.get(&ObjectId::new(Kind::Role, "", role)).map(|entry| &entry.object);
        role == "service_role" || matches!(found, Some(Object::Role(found)) if found.options.iter().any(option))
    }

    /// The columns of an object that a role has a privilege for.
    pub(crate) fn granted(&self, role: &str, on: &ObjectId, privilege: &str) -> Granted {
        let acts_as = self.acts_as(role);
        let mut columns = BTreeSet::new();
        for grant in self.grants.get(on).into_iter().flatten().filter(|grant| acts_as.contains(&grant.to)) {
            for given in grant.privileges.iter().filter(|given| given.name == privilege) {
                if given.columns.is_empty() {
                    return Granted::All;
                }
                columns.extend(given.columns.iter().cloned());
            }
        }
        Granted::Some(columns)
    }

    /// Whether a policy lets a role do something to rows of a table.
    pub(crate) fn is_let(&self, role: &str, table: &TableName, command: Command) -> bool {
        let bound = match self.catalog.get(&table.id()).map(|entry| &entry.object) {
            Some(Object::Table(found)) => found.rls != Rls::Off,
            _ => false,
        };
        !bound || self.bypasses(role) || self.policies_of(role, table, command).any(|policy| policy.permissive)
    }

    /// The policies that decide what a role does to rows of a table.
    pub(crate) fn policies_of(
        &self,
        role: &str,
        table: &TableName,
        command: Command,
    ) -> impl Iterator<Item = &'c Policy> {
        let acts_as = self.acts_as(role);
        let of = self.policies.get(table).map(Vec::as_slice).unwrap_or_default().to_vec();
        of.into_iter().filter(move |policy| {
            let to = policy.roles.is_empty() || policy.roles.iter().any(|role| acts_as.contains(role));
            to && (policy.command == command || policy.command == Command::All)
        })
    }
}
