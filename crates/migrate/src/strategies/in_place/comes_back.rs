//! Columns that the way back brings again without the values that they had, and what the rows hold in them that are there by
//! then.

use super::neutral::neutral_value;
use crate::account::{Empty, Note};
use crate::planner::Builder;
use crate::recreation::{constraint_reads, index_reads};
use crate::strategies::casts;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Bounds, Column, DataType, KeyOn, Object, Rule, SequenceOptions, SqlExpr, Table, TableName};
use specc_facts::Family;
use specc_sql::{Alter, Statement};
use std::collections::BTreeMap;

/// What the rows hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// The column's default, the same in all rows.
    Default,
    /// A value that says nothing, the same in all rows.
    Plain(String),
    /// A value of its own in each row, as the column gives it by itself.
    Own,
    /// The same, made up: a number.
    Numbered,
    /// The same, made up by this expression.
    Drawn(&'static str),
    /// Null, and why where the column takes none.
    Null(Empty),
}

impl Held {
    pub fn is_null(&self) -> bool {
        matches!(self, Held::Null(_))
    }

    /// Whether no two rows hold the same.
    pub fn tells_apart(&self) -> bool {
        matches!(self, Held::Own | Held::Numbered | Held::Drawn(_))
    }
}

/// By table, what rows hold in the columns that come back.
pub(crate) type Returning = FxHashMap<TableName, FxHashMap<SmolStr, Held>>;

/// What is over a column.
#[derive(Clone, Copy, Default)]
struct Over {
    /// A primary key.
    key: bool,
    /// A constraint or index that a value which is the same in all rows breaks.
    apart: bool,
    /// A check.
    check: bool,
}

impl<'d> Builder<'d, '_> {
    /// What rows hold in the columns of a table that come back.
    pub(crate) fn returning(&self, table: &TableName) -> Option<&FxHashMap<SmolStr, Held>> {
        self.returning.get_or_init(|| self.find_returning()).get(table)
    }

    fn find_returning(&self) -> Returning {
        let mut all = Returning::default();
        if !self.options.one {
            return all;
        }
        let mut columns: BTreeMap<&TableName, Vec<(&Table, &Column)>> = BTreeMap::new();
        for &(old, new) in &self.set.changed {
            let (Some(Object::Table(from)), Some(Object::Table(to))) = (self.from.object(old), self.to.object(new))
            else {
                continue;
            };
            let is_new = |column: &&Column| !from.columns.iter().any(|own| own.name == column.name);
            let is_empty = |column: &&Column| column.generated.is_none() && self.backfill(to, column).is_none();
            if self.moves.of(&to.table).is_none() {
                let found = to.columns.iter().filter(is_new).filter(is_empty).map(|column| (&**to, column));
                columns.entry(&to.table).or_default().extend(found);
            }
        }
        columns.retain(|_, found| !found.is_empty());
        let over = self.what_is_over(&columns.keys().copied().collect());
        for (table, found) in columns {
            for (of, column) in found {
                let over = over.get(&(table, column.name.as_str())).copied().unwrap_or_default();
                all.entry(table.clone()).or_default().insert(column.name.clone(), self.held(of, column, over));
            }
        }
        all
    }

    fn what_is_over(&self, tables: &FxHashSet<&TableName>) -> FxHashMap<(&'d TableName, &'d str), Over> {
        let mut all: FxHashMap<(&'d TableName, &'d str), Over> = FxHashMap::default();
        if tables.is_empty() {
            return all;
        }
        for (_, entry) in self.to.iter() {
            let Some(of) = entry.object.table().filter(|table| tables.contains(table)) else { continue };
            let Some(table) = self.to.table(of) else { continue };
            for column in &table.columns {
                let name = column.name.as_str();
                let found = match &entry.object {
                    Object::Constraint(o) if !constraint_reads(&o.rule, name) => continue,
                    Object::Constraint(o) => match &o.rule {
                        Rule::PrimaryKey { columns, .. } => {
                            Over { key: columns.contains(&column.name), ..Over::default() }
                        }
                        Rule::Check { .. } => Over { check: true, ..Over::default() },
                        _ => Over { apart: true, ..Over::default() },
                    },
                    Object::Index(o) if o.unique && index_reads(o, name) => Over { apart: true, ..Over::default() },
                    _ => continue,
                };
                let over = all.entry((&table.table, name)).or_default();
                over.key |= found.key;
                over.apart |= found.apart;
                over.check |= found.check;
            }
        }
        all
    }

    fn held(&self, table: &Table, column: &Column, over: Over) -> Held {
        if column.identity.is_some() || self.has_volatile_default(column) {
            return Held::Own;
        }
        let plain = || match self.says_nothing(table, column) {
            _ if column.default.is_some() => Held::Default,
            _ if column.nullable => Held::Null(Empty::Rule),
            Some(value) => Held::Plain(value),
            None => Held::Null(Empty::Type),
        };
        let held = if over.key {
            drawn(&column.ty).unwrap_or_else(plain)
        } else if over.apart || over.check && column.default.is_none() {
            Held::Null(Empty::Rule)
        } else {
            plain()
        };
        // What a domain asks, nobody can make up.
        let base = casts::base(self.to.catalog, &column.ty);
        let (refuses_null, refuses_some) = casts::refuses(self.to.catalog, &column.ty);
        match held {
            Held::Null(_) if refuses_null => Held::Null(Empty::Below(base)),
            Held::Plain(_) if refuses_some && refuses_null => Held::Null(Empty::Below(base)),
            Held::Plain(_) if refuses_some => Held::Null(Empty::Domain),
            held => held,
        }
    }

    /// A value for a column that says nothing; one by which a table is divided has a place in some part.
    pub(crate) fn says_nothing(&self, table: &Table, column: &Column) -> Option<String> {
        let keys = table.partition_by.iter().flat_map(|by| &by.keys);
        let at = keys.into_iter().position(|key| matches!(&key.on, KeyOn::Column(name) if *name == column.name));
        let bound = at.and_then(|at| {
            let is_value = |value: &&SqlExpr| {
                !["minvalue", "maxvalue", "null"].iter().any(|word| value.text.trim().eq_ignore_ascii_case(word))
            };
            let parts = self.to.iter().filter_map(|(_, entry)| match &entry.object {
                Object::Table(part) => part.partition_of.as_ref().filter(|(of, _)| *of == table.table),
                _ => None,
            });
            parts.into_iter().find_map(|(_, bounds)| match bounds {
                Bounds::Range { from, .. } => from.get(at).filter(is_value),
                Bounds::List(values) => values.iter().find(is_value),
                Bounds::Hash { .. } | Bounds::Default => None,
            })
        });
        match bound {
            Some(value) => Some(value.text.to_string()),
            None => neutral_value(self.to.catalog, &column.ty),
        }
    }

    /// The column as it is added where it comes back without its values, and what follows.
    pub(super) fn coming_back(
        &mut self,
        table: &'d Table,
        column: &'d Column,
    ) -> Option<(&'d Column, Vec<Statement<'d>>)> {
        let held = self.returning(&table.table)?.get(&column.name)?.clone();
        let (of, name) = (table.table.clone(), column.name.clone());
        let bare = Column { default: None, ..column.clone() };
        let identity =
            self.arena.column(Column { identity: Some(Box::new((false, SequenceOptions::default()))), ..bare.clone() });
        let set = Statement::SetDefault { table: &table.table, column: &column.name, default: column.default.as_ref() };
        let with = |value: &str| Column { default: Some(SqlExpr::new(value)), ..column.clone() };
        let (added, then) = match held {
            Held::Default | Held::Own => return Some((column, Vec::new())),
            Held::Plain(value) => {
                let added = with(&value);
                self.notes.push(Note::Neutral { table: of, column: name, value });
                (added, vec![set])
            }
            Held::Numbered => {
                self.notes.push(Note::MadeUp { table: of, column: name });
                let from = identity.identity.as_deref();
                let whole = Alter::SetIdentity { table: &table.table, column: &column.name, from, to: None };
                let set = column.default.is_some().then_some(set);
                let then = std::iter::once(Statement::Alter(whole)).chain(set).collect();
                return Some((identity, then));
            }
            Held::Drawn(value) => {
                self.notes.push(Note::MadeUp { table: of, column: name });
                (with(value), vec![set])
            }
            Held::Null(why) => {
                let mut added = Column { nullable: true, ..bare };
                if let Empty::Below(base) = &why {
                    added.ty = base.clone();
                    added.collation = None;
                }
                if !column.nullable || matches!(why, Empty::Below(_)) {
                    self.notes.push(Note::TakesNull { table: of, column: name, why });
                }
                (added, column.default.is_some().then_some(set).into_iter().collect())
            }
        };
        Some((self.arena.column(added), then))
    }

    /// On the way back: a column that is computed from one that comes back without values takes null too.
    pub(super) fn computed_of_nulls(&mut self, table: &Table, column: &'d Column) -> &'d Column {
        let Some(generated) = column.generated.as_ref().filter(|_| !column.nullable) else { return column };
        let returning = self.returning(&table.table);
        let mut empty = returning.into_iter().flatten().filter(|(_, held)| held.is_null());
        if !empty.any(|(name, _)| generated.reads(name)) {
            return column;
        }
        let (table, name) = (table.table.clone(), column.name.clone());
        self.notes.push(Note::TakesNull { table, column: name, why: Empty::Computed });
        self.arena.column(Column { nullable: true, ..column.clone() })
    }
}

/// What a key can be made up of.
fn drawn(ty: &DataType) -> Option<Held> {
    let is_bare = ty.schema.is_empty() && ty.dims == 0 && ty.args.is_empty();
    match specc_facts::family(&ty.name) {
        _ if !is_bare => None,
        Family::Integer => Some(Held::Numbered),
        Family::Uuid => Some(Held::Drawn("gen_random_uuid()")),
        Family::Text if ty.name == "text" => Some(Held::Drawn("gen_random_uuid()::text")),
        _ => None,
    }
}
