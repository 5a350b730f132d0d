//! Rows that no part of a divided table would take: they are counted before anything is changed.

use super::eligible::TableMove;
use crate::action_graph::{Role, Slot};
use crate::planner::Builder;
use crate::schedule::Phase;
use smol_str::SmolStr;
use specc_catalog::{Bounds, KeyOn, SqlExpr, Table};
use specc_sql::quote::{ident, qualified};
use specc_sql::{Alter, Misfit, Statement};

impl<'d> Builder<'d, '_> {
    /// Counts rows that fit nowhere.
    pub(super) fn fits_somewhere(&mut self, one: &TableMove<'d>) {
        let Some(fits) = self.fits(one, one.to) else { return };
        let rows =
            format!("from {} where ({fits}) is not true", qualified(&one.from.table.schema, &one.from.table.name));
        let misfit = Misfit {
            table: &one.from.table,
            other: None,
            rows: self.arena.text(rows),
            groups: None,
            what: "no partition to go to",
            code: "check_violation",
        };
        let ask = Statement::Alter(Alter::RefuseRows(misfit));
        let node = self.nodes.push(Slot::None, Role::After, Phase::Ask, ask);
        self.asked.push(node);
    }

    /// The condition under which some part takes a row; none where each row has its part, or only Postgres can say.
    fn fits(&self, one: &TableMove<'d>, whole: &Table) -> Option<String> {
        let by = whole.partition_by.as_ref()?;
        let keys: Option<Vec<String>> = by.keys.iter().map(|key| self.divides(one, &key.on)).collect();
        let keys = keys?;
        let parts = one.new_tables.iter().filter_map(|(_, part)| match &part.partition_of {
            Some((of, bounds)) if *of == whole.table => Some((*part, bounds)),
            _ => None,
        });
        let mut all = Vec::new();
        let mut sub_divided = false;
        for (part, bounds) in parts {
            let own = within(&keys, bounds)?;
            let within = self.fits(one, part);
            sub_divided |= within.is_some();
            all.push(match within {
                Some(within) => format!("{own} and ({within})"),
                None => own,
            });
        }
        if all.is_empty() {
            return Some("false".into());
        }
        if sub_divided {
            all = all.into_iter().map(|one| format!("({one})")).collect();
        }
        Some(all.join(" or "))
    }

    /// What divides, over a row of the old table.
    fn divides(&self, one: &TableMove<'d>, on: &KeyOn) -> Option<String> {
        let pair = |name: &SmolStr| {
            let find = |table: &'d Table| table.columns.iter().find(|column| column.name == *name);
            Some((find(one.from)?, find(one.to)?))
        };
        match on {
            KeyOn::Column(name) => {
                let (before, after) = pair(name)?;
                if before.ty == after.ty {
                    return Some(ident(name).into_owned());
                }
                let way = self.way(one.to, before, after, &after.ty);
                let mut text = format!("({})::", way.value);
                specc_sql::push_type(&mut text, &after.ty);
                Some(text)
            }
            KeyOn::Expr(expr) => {
                let same = |name: &SmolStr| pair(name).is_some_and(|(before, after)| before.ty == after.ty);
                expr.columns.iter().all(same).then(|| format!("({})", expr.text))
            }
        }
    }
}

/// Whether what divides is within bounds; none where only Postgres can say.
pub(crate) fn within(keys: &[String], bounds: &Bounds) -> Option<String> {
    match bounds {
        Bounds::Default | Bounds::Hash { .. } => None,
        Bounds::List(values) => in_list(keys, values),
        Bounds::Range { from, to } => Some(in_range(keys, from, to)),
    }
}

fn in_list(keys: &[String], values: &[SqlExpr]) -> Option<String> {
    let [key] = keys else { return None };
    let is_null = |value: &&SqlExpr| value.text.trim().eq_ignore_ascii_case("null");
    let (nulls, others): (Vec<&SqlExpr>, Vec<&SqlExpr>) = values.iter().partition(is_null);
    let list: Vec<&str> = others.iter().map(|value| value.text.as_str()).collect();
    let within = (!list.is_empty()).then(|| format!("{key} in ({})", list.join(", ")));
    let null = (!nulls.is_empty()).then(|| format!("{key} is null"));
    Some(within.into_iter().chain(null).collect::<Vec<_>>().join(" or "))
}

/// Rows are compared as Postgres does it: the bounds `minvalue` and `maxvalue` are before and after all values, and what
/// follows them does not count. Null is in no range.
fn in_range(keys: &[String], from: &[SqlExpr], to: &[SqlExpr]) -> String {
    let mut all: Vec<String> = keys.iter().map(|key| format!("{key} is not null")).collect();
    all.extend(compared(keys, from, ">=", ">="));
    all.extend(compared(keys, to, "<", "<="));
    format!("({})", all.join(" and "))
}

/// `whole`: how rows are compared with a bound that names a value for each key; `reached`: how with the values before a
/// bound that all values of the next key are within.
fn compared(keys: &[String], bound: &[SqlExpr], whole: &str, reached: &str) -> Option<String> {
    let word = |value: &SqlExpr, word: &str| value.text.trim().eq_ignore_ascii_case(word);
    let end = bound.iter().position(|value| word(value, "minvalue") || word(value, "maxvalue"));
    let (within, operator) = match end {
        None => (bound.len(), whole),
        Some(at) => {
            let lower = whole == ">=";
            let all = word(&bound[at], if lower { "minvalue" } else { "maxvalue" });
            match (at, all) {
                (0, true) => return None,
                (0, false) => return Some("false".into()),
                (at, true) => (at, reached),
                (at, false) => (at, if lower { ">" } else { "<" }),
            }
        }
    };
    let values: Vec<&str> = bound[..within].iter().map(|value| value.text.as_str()).collect();
    Some(match (&keys[..within.min(keys.len())], values.as_slice()) {
        ([key], [value]) => format!("{key} {operator} {value}"),
        (keys, values) => format!("({}) {operator} ({})", keys.join(", "), values.join(", ")),
    })
}
