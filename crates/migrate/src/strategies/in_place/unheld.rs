//! Rules that the way back brings again, over columns that come back without their values: what the rows cannot be held to.

use super::comes_back::Held;
use crate::account::Note;
use crate::creation::Made;
use crate::planner::Builder;
use crate::strategies::casts;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_analysis::checks::{Sort, Truths, conditions};
use specc_catalog::{Constraint, ForeignKey, IdRef, IndexKey, KeyOn, Kind, Object, Rule, SqlExpr, Table, TableName};
use specc_sql::Statement;

/// How a rule comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// As it was.
    Whole,
    /// For new rows only.
    NotValid,
    /// Not at all.
    Not,
}

type Returned = FxHashMap<SmolStr, Held>;

impl<'d> Builder<'d, '_> {
    /// The step with which a rule comes back as far as the rows can be held to it; none where it does not come.
    pub(crate) fn as_far_as_held(&mut self, mut step: Made<'d>) -> Option<Made<'d>> {
        if !self.options.one {
            return Some(step);
        }
        let object = self.to.object(step.place())?;
        let hold = self.hold(object);
        let is_made = matches!(step.statement, Statement::Create(_));
        let (rule, kind) = match object {
            Object::Constraint(o) => (o.name.clone(), Kind::Constraint),
            object => (object.id().name, object.id().kind),
        };
        let note =
            |table: &TableName| Note::Unheld { table: table.clone(), rule, kind, checks_new: hold == Hold::NotValid };
        match (hold, object) {
            (Hold::Whole, _) => {}
            (Hold::NotValid, Object::Constraint(constraint)) if is_made => {
                let (weaker, _) = self.arena.constraint(Constraint { not_valid: true, ..constraint.clone() });
                step.statement = Statement::Create(weaker);
                self.notes.push(note(&constraint.table));
            }
            (Hold::NotValid, _) => {}
            (Hold::Not, _) => {
                let table = object.table().filter(|_| is_made);
                self.notes.extend(table.map(note));
                return None;
            }
        }
        Some(step)
    }

    fn hold(&self, object: &Object) -> Hold {
        let Some(table) = object.table() else { return Hold::Whole };
        let none = Returned::default();
        let back = self.returning(table);
        match object {
            Object::Constraint(Constraint { rule: Rule::ForeignKey(key), .. }) => {
                let target = self.returning(&key.target);
                if back.is_none() && target.is_none() {
                    return Hold::Whole;
                }
                self.refers(table, key, back.unwrap_or(&none), target.unwrap_or(&none))
            }
            Object::Constraint(o) => back.map_or(Hold::Whole, |back| self.rule(&o.table, &o.rule, back)),
            Object::Index(o) if o.unique => {
                let Some(back) = back else { return Hold::Whole };
                let never = o.filter.as_ref().is_some_and(|filter| self.keeps_out(table, filter, back));
                if never || apart(&o.keys, o.nulls_not_distinct, o.filter.as_ref(), back) {
                    Hold::Whole
                } else {
                    Hold::Not
                }
            }
            _ => Hold::Whole,
        }
    }

    fn rule(&self, table: &TableName, rule: &Rule, back: &Returned) -> Hold {
        let returned = |columns: &[SmolStr]| columns.iter().filter_map(|name| back.get(name)).collect::<Vec<_>>();
        let whole_if = |holds: bool, otherwise: Hold| if holds { Hold::Whole } else { otherwise };
        match rule {
            Rule::PrimaryKey { columns, .. } => {
                let found = returned(columns);
                let is_key = found.iter().any(|held| held.tells_apart()) && !found.iter().any(|held| held.is_null());
                whole_if(found.is_empty() || is_key, Hold::Not)
            }
            Rule::Unique { columns, nulls_not_distinct, .. } => {
                let found = returned(columns);
                let tells = |held: &&Held| held.tells_apart() || held.is_null() && !nulls_not_distinct;
                whole_if(found.is_empty() || found.iter().any(tells), Hold::Not)
            }
            Rule::Exclude { elements, filter, .. } => {
                let keys: Vec<IndexKey> = elements.iter().map(|(key, _)| key.clone()).collect();
                let never = filter.as_ref().is_some_and(|filter| self.keeps_out(table, filter, back));
                // What is not equal may meet all the same.
                let only_equal = elements.iter().all(|(_, operator)| operator == "=");
                let null = |key: &IndexKey| matches!(&key.on, KeyOn::Column(name) if back.get(name).is_some_and(Held::is_null));
                let holds = never
                    || keys.iter().any(null)
                    || only_equal && apart(&keys, false, filter.as_ref(), back)
                    || !reads(&keys, filter.as_ref(), back);
                whole_if(holds, Hold::Not)
            }
            Rule::Check { expr, .. } => {
                let found = returned(&expr.columns);
                let is_alone = || {
                    let [only] = expr.columns.as_slice() else { return false };
                    matches!(back.get(only), Some(Held::Default | Held::Own))
                };
                let passes = || self.truths(table, expr, back).is_some_and(|all| !all.iter().any(|one| one.no));
                whole_if(found.is_empty() || is_alone() || passes(), Hold::NotValid)
            }
            Rule::ForeignKey(_) => Hold::Whole,
        }
    }

    fn refers(&self, table: &TableName, key: &ForeignKey, back: &Returned, target: &Returned) -> Hold {
        let own: Vec<&Held> = key.columns.iter().filter_map(|name| back.get(name)).collect();
        let changed = key.target_columns.iter().any(|name| target.contains_key(name));
        if changed && self.lacks_key(key) {
            return Hold::Not;
        }
        let nulls = own.iter().filter(|held| held.is_null()).count();
        let refers_to_none = nulls > 0 && (!key.match_full || nulls == key.columns.len());
        if own.is_empty() && !changed || refers_to_none {
            return Hold::Whole;
        }
        // Postgres before 18 knows no reference of a divided table that is not valid.
        if self.to.table(table).is_some_and(|table| table.partition_by.is_some()) { Hold::Not } else { Hold::NotValid }
    }

    /// Whether what a reference is to does not come back as a key.
    fn lacks_key(&self, key: &ForeignKey) -> bool {
        let is_key = |columns: &[SmolStr]| {
            columns.len() == key.target_columns.len() && columns.iter().all(|name| key.target_columns.contains(name))
        };
        let mut keys =
            self.to.iter().filter(|(_, entry)| entry.object.table() == Some(&key.target)).filter(|(_, entry)| {
                match &entry.object {
                    Object::Constraint(o) => match &o.rule {
                        Rule::PrimaryKey { columns, .. } | Rule::Unique { columns, .. } => is_key(columns),
                        _ => false,
                    },
                    Object::Index(o) if o.unique && o.filter.is_none() => {
                        let columns = o.keys.iter().map_while(|key| match &key.on {
                            KeyOn::Column(name) => Some(name.clone()),
                            KeyOn::Expr(_) => None,
                        });
                        is_key(&columns.collect::<Vec<_>>())
                    }
                    _ => false,
                }
            });
        !keys.any(|(_, entry)| self.hold(&entry.object) == Hold::Whole)
    }

    /// Whether a filter lets no row in.
    fn keeps_out(&self, table: &TableName, filter: &SqlExpr, back: &Returned) -> bool {
        self.truths(table, filter, back).is_some_and(|all| all.iter().any(|one| !one.yes))
    }

    /// What the conditions of an expression can be where columns came back as null; none where that is not known.
    fn truths(&self, table: &TableName, expr: &SqlExpr, back: &Returned) -> Option<Vec<Truths>> {
        let table = self.to.table(table)?;
        let all = conditions(&expr.text, &|column| self.sort(table, column));
        let is_null = |column: &SmolStr| back.get(column).is_some_and(Held::is_null);
        all.into_iter().map(|one| Some(one.ok()?.of_nulls(&is_null))).collect()
    }

    fn sort(&self, table: &Table, column: &str) -> Sort {
        let Some(column) = table.columns.iter().find(|own| own.name == column) else { return Sort::Other };
        let base = casts::base(self.to.catalog, &column.ty);
        let is_enum = self.to.catalog.find(IdRef::new(Kind::Enum, &base.schema, &base.name)).is_some();
        Sort::of(&base, is_enum && base.dims == 0)
    }
}

/// Whether keys are over what came back.
fn reads(keys: &[IndexKey], filter: Option<&SqlExpr>, back: &Returned) -> bool {
    let in_expr = |expr: &SqlExpr| back.keys().any(|name| expr.reads(name));
    filter.is_some_and(in_expr)
        || keys.iter().any(|key| match &key.on {
            KeyOn::Column(name) => back.contains_key(name),
            KeyOn::Expr(expr) => in_expr(expr),
        })
}

/// Whether keys tell rows apart, as far as what came back goes.
fn apart(keys: &[IndexKey], nulls_are_equal: bool, filter: Option<&SqlExpr>, back: &Returned) -> bool {
    let tells = |key: &IndexKey| match &key.on {
        KeyOn::Column(name) => {
            back.get(name).is_some_and(|held| held.tells_apart() || held.is_null() && !nulls_are_equal)
        }
        KeyOn::Expr(_) => false,
    };
    keys.iter().any(tells) || !reads(keys, filter, back)
}
