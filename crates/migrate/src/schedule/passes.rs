//! Columns of one table that are filled in one pass over its rows, in one file.

use super::{Stage, Step};
use crate::action_graph::Nodes;
use crate::arena::Arena;
use crate::place::NodeId;
use rustc_hash::FxHashMap;
use specc_sql::quote::ident;
use specc_sql::{Alter, Refuse, Statement};

/// The files that fill rows and follow each other, and the nodes of each.
#[derive(Default)]
pub(super) struct Run {
    files: Vec<(usize, Vec<NodeId>)>,
}

impl Run {
    /// Puts what fills a column into the file before that fills others of the same table, unless it needs what is filled since.
    /// Whether it did.
    pub(super) fn take<'d>(
        &mut self,
        stages: &mut [Stage<'d>],
        node: NodeId,
        (nodes, before): (&Nodes<'d>, &FxHashMap<NodeId, Vec<NodeId>>),
        arena: &'d Arena,
    ) -> bool {
        let needs = |file: &[NodeId]| before.get(&node).is_some_and(|all| all.iter().any(|need| file.contains(need)));
        for at in (0..self.files.len()).rev() {
            let (stage, file) = &mut self.files[at];
            if needs(file) {
                return false;
            }
            let Some(Step { statement: Statement::Alter(with), .. }) = stages[*stage].steps.first_mut() else {
                continue;
            };
            let Statement::Alter(change) = &nodes[node].statement else { return false };
            if let Some(both) = together(with, change, arena) {
                *with = both;
                file.push(node);
                return true;
            }
        }
        false
    }

    /// A file of its own.
    pub(super) fn add(&mut self, stage: usize, node: NodeId) {
        self.files.push((stage, vec![node]));
    }

    /// Something else comes between.
    pub(super) fn end(&mut self) {
        self.files.clear();
    }
}

/// Both fillings as one, where they are of one table and done alike.
fn together<'d>(a: &Alter<'d>, b: &Alter<'d>, arena: &'d Arena) -> Option<Alter<'d>> {
    let Alter::Backfill {
        table,
        set,
        was_null: None,
        pending,
        gives_up,
        refuse,
        settings,
        divided,
        counted,
        at_once,
        joins: true,
    } = a
    else {
        return None;
    };
    let Alter::Backfill {
        table: other,
        set: more,
        was_null: None,
        pending: other_pending,
        gives_up: other_gives_up,
        refuse: other_refuse,
        settings: other_settings,
        counted: other_counted,
        at_once: other_at_once,
        joins: true,
        ..
    } = b
    else {
        return None;
    };
    if table != other || settings != other_settings || (counted, at_once) != (other_counted, other_at_once) {
        return None;
    }
    // A row that waits for one value keeps the other one, which somebody may have given it.
    let guarded = |set: &[(&'d str, &'d str)], pending: &str| -> Vec<(&'d str, &'d str)> {
        let guard = |&(column, value): &(&'d str, &'d str)| {
            let value = format!("case when {pending} then {value} else {} end", ident(column));
            (column, arena.text(value))
        };
        set.iter().map(guard).collect()
    };
    // What has several columns is guarded already.
    let mut all = if set.len() == 1 { guarded(set, pending) } else { set.clone() };
    all.extend(guarded(more, other_pending));
    let refuse = match (refuse, other_refuse) {
        (Some(one), Some(other)) => Some(Refuse {
            columns: one.columns.iter().chain(&other.columns).copied().collect(),
            rows: arena.text(format!("{} or {}", one.rows, other.rows)),
            key: one.key.clone(),
        }),
        (one, other) => one.clone().or_else(|| other.clone()),
    };
    // What one of them waits for is joined by `and`, which binds closer than `or`.
    Some(Alter::Backfill {
        table,
        set: all,
        was_null: None,
        pending: arena.text(format!("({pending} or {other_pending})")),
        gives_up: *gives_up || *other_gives_up,
        refuse,
        settings: settings.clone(),
        divided: *divided,
        counted: *counted,
        at_once: *at_once,
        joins: true,
    })
}
