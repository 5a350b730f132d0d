//! Grants that stay.

use crate::action_graph::{Role, Slot};
use crate::place::NewPlace;
use crate::planner::Builder;
use crate::schedule::Phase;
use crate::strategies::in_place::table::Chain;
use specc_catalog::{Catalog, Grant, Object, Privilege};
use specc_sql::{Access, Named, Privileges, Statement};

impl<'d> Builder<'d, '_> {
    /// Takes what default privileges gave on what is made.
    pub(crate) fn withdraw(&mut self, chain: &mut Chain, object: &'d Object) {
        let roles: Vec<&'d str> =
            self.to.catalog.default_grantees.of(object.id().kind).iter().map(|role| role.as_str()).collect();
        if !roles.is_empty() {
            let access = Access { on: Named::Object(object), privileges: Privileges::All, roles };
            self.add(chain, Role::After, Phase::Main, Statement::Revoke(access));
        }
    }

    /// Takes what is too much and gives what is missing, in one transaction.
    pub(crate) fn grant(&mut self, new: NewPlace, from: &'d Grant, to: &'d Grant) {
        let lacks = |all: &[Privilege], one: &Privilege| !all.contains(one);
        let gone: Vec<Privilege> = from.privileges.iter().filter(|p| lacks(&to.privileges, p)).cloned().collect();
        let mut more: Vec<Privilege> = to.privileges.iter().filter(|p| lacks(&from.privileges, p)).cloned().collect();
        // Taking a privilege takes what it may give on, and taking it on the whole takes it on each column.
        let again = |p: &&Privilege| {
            from.privileges.contains(p)
                && gone.iter().any(|g| g.name == p.name && g.columns.is_empty() != p.columns.is_empty())
        };
        more.extend(to.privileges.iter().filter(again).cloned());
        more.sort_unstable();
        more.dedup();
        let slot = Slot::New(new);
        let on = named(self.to.catalog, to);
        let access = |privileges: Vec<Privilege>| Access {
            on,
            privileges: Privileges::Some(self.arena.privileges(privileges)),
            roles: vec![to.to.as_str()],
        };
        let revoke = (!gone.is_empty()).then(|| Statement::Revoke(access(gone)));
        let grant = (!more.is_empty()).then(|| Statement::Grant(access(more)));
        let taken = revoke.map(|statement| self.nodes.push(slot, Role::Change, Phase::Main, statement));
        if let Some(statement) = grant {
            let given = self.nodes.push(slot, Role::Make, Phase::Main, statement);
            if let Some(taken) = taken {
                self.nodes.edge(taken, given);
            }
        }
    }
}

/// The object of a grant.
fn named<'d>(catalog: &'d Catalog, grant: &'d Grant) -> Named<'d> {
    match catalog.get(&grant.on) {
        Some(entry) => Named::Object(&entry.object),
        None => Named::Id(&grant.on),
    }
}
