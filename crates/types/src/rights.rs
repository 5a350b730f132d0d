//! What a role may do, by the grants of a catalog, its own and those of the roles whose rights it has.

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Catalog, Function, Kind, Object, ObjectId, Privilege, Role, TableName};
use std::collections::BTreeSet;

/// Everyone.
const PUBLIC: &str = "public";

/// Roles that Postgres has itself and that reach every table: the role, and what it may do there.
const OVERALL: [(&str, &[&str]); 2] =
    [("pg_read_all_data", &["select"]), ("pg_write_all_data", &["insert", "update", "delete"])];

/// The columns that a role may do something with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Those of the whole table, whichever it has.
    All,
    /// These.
    Some(BTreeSet<SmolStr>),
}

impl Columns {
    /// Whether this column is among them.
    pub fn has(&self, column: &str) -> bool {
        match self {
            Columns::All => true,
            Columns::Some(columns) => columns.contains(column),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        matches!(self, Columns::Some(columns) if columns.is_empty())
    }
}

/// The rights of a role.
#[derive(Debug)]
pub struct Rights<'c> {
    /// What is granted to it, by what it is on.
    given: FxHashMap<&'c ObjectId, Vec<&'c Privilege>>,
    /// What it may do with every table.
    overall: Vec<&'static str>,
    /// What is its own, or that of a role whose rights it has.
    owned: FxHashSet<&'c ObjectId>,
    /// Nothing is refused to it.
    pub is_superuser: bool,
    /// Row level security does not bind it.
    pub bypasses: bool,
}

/// The roles that a catalog knows: those that it makes and those that it grants something to.
pub(crate) fn roles(catalog: &Catalog) -> Vec<SmolStr> {
    let named = catalog.iter().filter_map(|(_, entry)| match &entry.object {
        Object::Role(role) => Some(&role.name),
        Object::Grant(grant) if grant.to != PUBLIC => Some(&grant.to),
        _ => None,
    });
    let mut all: Vec<SmolStr> = named.cloned().collect();
    all.sort();
    all.dedup();
    all
}

impl<'c> Rights<'c> {
    /// Those that a catalog gives it.
    pub fn of(catalog: &'c Catalog, role: &str) -> Self {
        let find = |name: &str| {
            catalog.iter().find_map(|(_, entry)| match &entry.object {
                Object::Role(role) if role.name == name => Some(role),
                _ => None,
            })
        };
        let has =
            |role: Option<&Role>, option: &str| role.is_some_and(|role| role.options.iter().any(|has| has == option));
        let own = find(role);
        let mut acts_as = BTreeSet::from([SmolStr::new(role), PUBLIC.into()]);
        let mut open = vec![SmolStr::new(role)];
        while let Some(name) = open.pop() {
            // One that does not inherit has to become the other role first.
            let Some(role) = find(&name).filter(|role| !role.options.iter().any(|option| option == "noinherit")) else {
                continue;
            };
            open.extend(role.member_of.iter().filter(|parent| acts_as.insert((*parent).clone())).cloned());
        }
        let is_superuser = has(own, "superuser");
        let bypasses = is_superuser || has(own, "bypassrls") || own.is_none() && role == "service_role";
        let mut given: FxHashMap<&ObjectId, Vec<&Privilege>> = FxHashMap::default();
        let mut owned = FxHashSet::default();
        for (id, entry) in catalog.iter() {
            if entry.owner.as_ref().is_some_and(|owner| acts_as.contains(owner)) {
                owned.insert(id);
            }
            match &entry.object {
                Object::Grant(grant) if acts_as.contains(&grant.to) => {
                    given.entry(&grant.on).or_default().extend(&grant.privileges);
                }
                _ => {}
            }
        }
        let overall = OVERALL.iter().filter(|(role, _)| acts_as.contains(*role));
        let overall = overall.flat_map(|(_, privileges)| *privileges).copied().collect();
        Self { given, overall, owned, is_superuser, bypasses }
    }

    /// Whether a table or view is its own, or that of a role whose rights it has.
    pub fn owns(&self, relation: &TableName) -> bool {
        let id = |kind| ObjectId::new(kind, relation.schema.clone(), relation.name.clone());
        !self.owned.is_empty() && [Kind::Table, Kind::View].into_iter().any(|kind| self.owned.contains(&id(kind)))
    }

    /// The columns of a table or view with which it may do this: `select`, `insert`, `update`; for `delete`, all or none.
    pub fn columns(&self, relation: &TableName, privilege: &str) -> Columns {
        if self.is_superuser || self.overall.contains(&privilege) || self.owns(relation) {
            return Columns::All;
        }
        let id = |kind| ObjectId::new(kind, relation.schema.clone(), relation.name.clone());
        let given = self.given.get(&id(Kind::Table)).or_else(|| self.given.get(&id(Kind::View)));
        let given = || given.into_iter().flatten().filter(|given| given.name == privilege);
        if given().any(|given| given.columns.is_empty()) {
            return Columns::All;
        }
        Columns::Some(given().flat_map(|given| given.columns.iter().cloned()).collect())
    }

    /// Whether it may call a function.
    pub fn calls(&self, function: &Function) -> bool {
        let id =
            ObjectId::new(Kind::Function, function.schema.clone(), function.name.clone()).part(function.signature());
        self.is_superuser || self.owned.contains(&id) || self.on(&id).any(|given| given.name == "execute")
    }

    fn on(&self, id: &ObjectId) -> impl Iterator<Item = &'c Privilege> {
        self.given.get(id).into_iter().flatten().copied()
    }
}
