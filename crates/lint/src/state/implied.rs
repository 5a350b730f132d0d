//! What a statement does to tables that it does not name.

use super::State;
use crate::name::Name;
use crate::statement::{Action, AlterTable, Drop, Dropped, Trigger, What};
use specc_sql::Lock;

impl State {
    /// What else is done: to the tables of a type, and to all that `cascade` takes along.
    pub(crate) fn implied(&self, what: &What) -> Vec<What> {
        match what {
            What::AlterType(alter) => self.typed(alter),
            What::Drop(drop) if drop.cascade.is_some() => match drop.kind {
                Dropped::Type => drop.names.iter().flat_map(|name| self.with_type(name)).collect(),
                Dropped::Function => drop.names.iter().flat_map(|name| self.with_function(name)).collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// A change of a type with `cascade` is one of each of its tables; where none is known, of some that bears its name.
    fn typed(&self, alter: &AlterTable) -> Vec<What> {
        let key = alter.table.key(self.path());
        let tables: Vec<_> = self.tables.values().filter(|table| table.of.as_ref() == Some(&key)).collect();
        let at = |table: Name| {
            let table = Name { place: alter.table.place, ..table };
            What::AlterTable(AlterTable { table, actions: alter.actions.clone() })
        };
        if tables.is_empty() {
            return vec![at(alter.table.clone())];
        }
        tables.into_iter().map(|table| at(table.name.clone())).collect()
    }

    /// The columns of a type go with it, and the tables whose columns are its attributes.
    fn with_type(&self, ty: &Name) -> Vec<What> {
        let key = ty.key(self.path());
        let tables = self.tables.values().filter(|table| table.of.as_ref() == Some(&key));
        let names: Vec<_> = tables.map(|table| Name { place: ty.place, ..table.name.clone() }).collect();
        let gone =
            (!names.is_empty()).then_some(Drop { kind: Dropped::Table, names, concurrently: None, cascade: None });
        let dropped = self.columns_of(ty).map(|(table, column)| {
            let table = Name { place: ty.place, ..table.clone() };
            let action = Action::DropColumn { column: column.clone(), cascade: None };
            What::AlterTable(AlterTable { table, actions: vec![(action, ty.place)] })
        });
        dropped.chain(gone.map(What::Drop)).collect()
    }

    /// Triggers and policies that call a function go with it.
    fn with_function(&self, function: &Name) -> Vec<What> {
        let key = function.key(self.path());
        let at = |table: &Name| Name { place: function.place, ..table.clone() };
        let triggers = self.triggers.iter().filter(|trigger| trigger.function == key).map(|trigger| {
            What::Trigger(Trigger {
                table: at(&trigger.table),
                name: trigger.name.clone(),
                function: None,
                dropped: true,
                lock: Lock::AccessExclusive,
            })
        });
        let policies = self.tables.values().flat_map(|table| {
            let naming = table.policies.iter().filter(|(_, policy)| policy.words.contains(&function.name));
            naming.map(|(name, _)| What::DropPolicy { name: name.clone(), table: at(&table.name) })
        });
        triggers.chain(policies).collect()
    }
}
