//! What clients reach: the relations and functions of the exposed schemas, and the rights of each role on them.

use crate::shape::Table;
use smol_str::SmolStr;
use specc_catalog::{Catalog, DataType};
use specc_model::Model;
use specc_model::effective::PUBLIC;
use specc_trial::Skipped;
use specc_types::{Api, Columns, Relation, RelationKind, Rights};
use std::collections::BTreeMap;

/// Whether something of this name is asked.
pub type IsWanted<'a> = &'a dyn Fn(&str) -> bool;

/// What clients reach of a spec.
pub struct Surface<'m> {
    /// The spec.
    pub model: &'m Model,
    /// What it makes.
    pub catalog: &'m Catalog,
    /// The schemas that the API shows.
    pub exposed: Vec<SmolStr>,
    /// The role of who has not signed in.
    pub anon: String,
    pub(crate) api: Api<'m>,
    rights: BTreeMap<SmolStr, Rights<'m>>,
}

impl<'m> Surface<'m> {
    /// Of these schemas; `around`: the tables that are there besides the catalog's.
    pub fn new(
        model: &'m Model,
        catalog: &'m Catalog,
        around: &'m Catalog,
        exposed: Vec<SmolStr>,
        anon: String,
    ) -> Self {
        let mut roles = specc_prove::roles(model);
        // Nobody is everyone: what everyone may is asked as each role.
        roles.retain(|role| role.name != PUBLIC);
        let rights = roles.iter().map(|role| (role.name.clone(), Rights::of(catalog, &role.name))).collect();
        Self { model, catalog, exposed, anon, api: Api::new(catalog, around), rights }
    }

    /// The roles, by name.
    pub fn roles(&self) -> impl Iterator<Item = &SmolStr> {
        self.rights.keys()
    }

    /// Whether the API shows a schema.
    pub(crate) fn shows(&self, schema: &str) -> bool {
        self.exposed.iter().any(|other| other == schema)
    }

    pub(crate) fn rights(&self, role: &str) -> Option<&Rights<'m>> {
        self.rights.get(role)
    }

    /// The columns of a relation that a role reads; nothing where it reads none.
    pub(crate) fn readable(&self, role: &str, relation: &Relation) -> Option<Select> {
        let columns = self.rights(role)?.columns(&relation.name, "select");
        match columns {
            Columns::All => Some(Select::All),
            Columns::Some(some) if some.is_empty() => None,
            some => {
                let names = relation.columns.iter().map(|column| &column.name).filter(|name| some.has(name));
                Some(Select::These(names.cloned().collect()))
            }
        }
    }
}

impl Surface<'_> {
    /// That nobody asks as everyone, for whom a rule may be.
    pub(crate) fn everyone(&self) -> Option<Skipped> {
        let is_there = specc_prove::roles(self.model).iter().any(|role| role.name == PUBLIC);
        is_there.then(|| Skipped {
            entity: "everyone".to_owned(),
            what: format!("every request as {PUBLIC}"),
            why: "a rule for everyone has no role of its own to ask as; each other role is asked for it".to_owned(),
            span: None,
        })
    }

    /// What the spec makes where the API does not show it, as what is not asked.
    pub fn unshown(&self) -> Vec<Skipped> {
        let own = self.model.entities.iter().filter(|entity| !entity.external);
        let own = own.map(|entity| (&entity.name, entity.meta.span));
        let all = own.chain(self.model.views.iter().map(|view| (&view.name, view.meta.span)));
        let hidden = all.filter(|(name, _)| !self.shows(&name.schema));
        let skipped = |(name, span): (&specc_model::Qualified, _)| Skipped {
            entity: format!("{}.{}", name.schema, name.name),
            what: "every request".to_owned(),
            why: format!("the API does not show the schema `{}`", name.schema),
            span: Some(span),
        };
        hidden.map(skipped).collect()
    }

    /// The columns of a relation that a role reads, each by its name: one that is not there is then missed.
    pub(crate) fn each(&self, role: &str, relation: &Relation) -> Option<Select> {
        let select = self.readable(role, relation)?;
        let names: Vec<SmolStr> = relation.columns.iter().map(|column| column.name.clone()).collect();
        Some(if select == Select::All && !names.is_empty() { Select::These(names) } else { select })
    }
}

/// The columns that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Select {
    /// Whichever there are.
    All,
    /// These.
    These(Vec<SmolStr>),
}

impl Select {
    /// The list for a statement: empty stands for all.
    pub(crate) fn list(&self) -> &[SmolStr] {
        match self {
            Select::All => &[],
            Select::These(names) => names,
        }
    }

    /// With these as well.
    pub(crate) fn with(mut self, more: &[SmolStr]) -> Self {
        if let Select::These(names) = &mut self {
            for name in more {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        self
    }

    /// As it stands in an address.
    pub(crate) fn words(&self) -> String {
        match self {
            Select::All => "*".to_owned(),
            Select::These(names) => names.iter().map(|name| named(name)).collect::<Vec<_>>().join(","),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Select::All => true,
            Select::These(names) => names.iter().any(|other| other == name),
        }
    }
}

/// A name in an address: in quotes where it has what means something there.
pub(crate) fn named(name: &str) -> String {
    match name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// A relation in a statement.
pub(crate) fn table(relation: &Relation) -> Table<'_> {
    Table { schema: &relation.name.schema, name: &relation.name.name }
}

/// The type of a column.
pub(crate) fn type_of(relation: &Relation, name: &str) -> Option<DataType> {
    relation.columns.iter().find(|column| column.name == name)?.ty.clone()
}

pub(crate) fn is_table(relation: &Relation) -> bool {
    relation.kind == RelationKind::Table
}
