//! Materialized views that are filled while everyone reads the ones of before.

use super::Builder;
use super::closure::Fates;
use super::nodes::{Phase, Role, Slot};
use super::table::{Chain, made_up};
use crate::plan::Step;
use specc_catalog::{Index, Object, TableName, View};
use specc_sql::{Alter, Statement};

impl<'d> Builder<'d, '_> {
    /// Plans what a view that is filled beside the old one is made of: itself and its indexes, under other names until
    /// the old one has gone. What else is said of it is said then.
    pub(super) fn filled(&mut self, step: &Step<'d>, fates: &Fates) -> bool {
        match &step.statement {
            Statement::Create(Object::View(view)) if fates.filled.contains(&step.object) => {
                let object = self.shelf.object(View { view: aside(&view.view), ..view.clone() });
                let mut chain = Chain::new(Slot::New(step.object));
                self.add(&mut chain, Role::After, Phase::Build, Statement::Create(object));
                let rename = Alter::Rename { from: object, to: &view.view.name };
                self.add(&mut chain, Role::Make, Phase::Switch, Statement::Alter(rename));
                true
            }
            Statement::Create(Object::Index(index)) => {
                let Some(home) = step.owner.filter(|owner| fates.filled.contains(owner)) else { return false };
                let slot = Slot::New(home);
                let name = made_up(&[&index.name, "new"]);
                let object = self.shelf.object(Index { table: aside(&index.table), name, ..index.clone() });
                // The view is there already: its first node.
                let made = self.nodes.of(slot).to_vec();
                let build = self.nodes.push(slot, Role::After, Phase::Build, Statement::Create(object));
                let rename = Statement::Alter(Alter::Rename { from: object, to: &index.name });
                let named = self.nodes.push(Slot::New(step.object), Role::Make, Phase::Switch, rename);
                self.nodes.edge(build, named);
                if let [view, renamed, ..] = made[..] {
                    self.nodes.edge(view, build);
                    self.nodes.edge(build, renamed);
                    self.nodes.edge(renamed, named);
                }
                true
            }
            _ => false,
        }
    }
}

fn aside(name: &TableName) -> TableName {
    TableName::new(name.schema.clone(), made_up(&[&name.name, "new"]))
}
