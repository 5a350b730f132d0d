//! Required columns that come back: with a value that says nothing, or empty where none fits.

use crate::account::Note;
use crate::planner::Builder;
use crate::recreation::{constraint_reads, index_reads};
use specc_catalog::{Catalog, Column, DataType, IdRef, Kind, Object, Rule, SqlExpr, Table};
use specc_facts::Family;
use specc_sql::quote::literal;

impl<'d> Builder<'d, '_> {
    /// On the way back: a required column that had no default comes again with a value that says nothing, for the rows
    /// that are there by then.
    pub(crate) fn neutral(&mut self, table: &Table, column: &Column) -> Option<&'d Column> {
        let value = if self.options.one { neutral_value(self.to.catalog, &column.ty)? } else { return None };
        // A value that is the same for all rows is none that a rule over the column takes.
        if self.has_rules(table, &column.name) {
            let (table, name) = (table.table.clone(), column.name.clone());
            self.notes.push(Note::TakesNull { table, column: name, computed: false });
            return Some(self.arena.column(Column { nullable: true, ..column.clone() }));
        }
        self.notes.push(Note::Neutral {
            table: table.table.clone(),
            column: column.name.clone(),
            value: value.clone(),
        });
        Some(self.arena.column(Column { default: Some(SqlExpr::new(value)), ..column.clone() }))
    }

    /// On the way back: a column that is computed from one that comes back without values takes null too.
    pub(super) fn computed_of_nulls(&mut self, table: &Table, column: &'d Column) -> &'d Column {
        let before = self.from.table(&table.table);
        let comes_empty = |own: &Column| {
            let is_plain = own.default.is_none() && own.identity.is_none() && own.generated.is_none();
            is_plain
                && !own.nullable
                && !before.is_some_and(|before| before.columns.iter().any(|other| other.name == own.name))
                && neutral_value(self.to.catalog, &own.ty).is_some()
                && self.has_rules(table, &own.name)
        };
        let Some(generated) = column.generated.as_ref().filter(|_| self.options.one && !column.nullable) else {
            return column;
        };
        if !table.columns.iter().any(|own| generated.reads(&own.name) && comes_empty(own)) {
            return column;
        }
        let (table, name) = (table.table.clone(), column.name.clone());
        self.notes.push(Note::TakesNull { table, column: name, computed: true });
        self.arena.column(Column { nullable: true, ..column.clone() })
    }

    /// Whether a constraint or unique index is over the column, other than a primary key, which takes no null either.
    fn has_rules(&self, table: &Table, column: &str) -> bool {
        let mut keyed = false;
        let mut ruled = false;
        for (_, entry) in self.to.iter() {
            match &entry.object {
                Object::Constraint(o) if o.table == table.table && constraint_reads(&o.rule, column) => {
                    keyed |= matches!(o.rule, Rule::PrimaryKey { .. });
                    ruled = true;
                }
                Object::Index(o) if o.table == table.table && o.unique => ruled |= index_reads(o, column),
                _ => {}
            }
        }
        ruled && !keyed
    }
}

/// A value of the type that says nothing.
pub(crate) fn neutral_value(catalog: &Catalog, ty: &DataType) -> Option<String> {
    if ty.dims > 0 {
        return Some("'{}'".into());
    }
    if !ty.schema.is_empty() {
        let of = |kind| catalog.find(IdRef::new(kind, &ty.schema, &ty.name)).and_then(|place| catalog.at(place));
        return match of(Kind::Enum).or_else(|| of(Kind::Domain)).map(|(_, entry)| &entry.object) {
            Some(Object::Enum(o)) => o.labels.first().map(|label| literal(label)),
            Some(Object::Domain(o)) => neutral_value(catalog, &o.base),
            _ => None,
        };
    }
    let value = match specc_facts::family(&ty.name) {
        Family::Integer | Family::Decimal | Family::Float | Family::Money | Family::Oid => "0",
        Family::Text | Family::Bytes | Family::Search => "''",
        Family::Boolean => "false",
        Family::Uuid => "'00000000-0000-0000-0000-000000000000'",
        Family::Moment => "'epoch'",
        Family::Time => "'00:00'",
        Family::Interval => "'0'",
        Family::Json => "'null'",
        Family::Network => "'0.0.0.0'",
        Family::Multirange => "'{}'",
        Family::Range => "'empty'",
        _ => return None,
    };
    Some(value.into())
}
