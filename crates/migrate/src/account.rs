//! What a change does to data, locks and access, in words.

use crate::action_graph::Stage;
use crate::header::{count, list, name};
use crate::planner::ChangePlan;
use specc_catalog::{Kind, Object, Policy, Rls, TableName};
use specc_diff::Difference;
use specc_sql::{Lock, Statement};
use std::collections::{BTreeMap, BTreeSet};

/// `+1 table, ~2 tables, -1 index`
pub(crate) fn objects(difference: &Difference<'_>) -> String {
    let mut counts: BTreeMap<(Kind, char), usize> = BTreeMap::new();
    let mut add = |kind: Option<Kind>, sign: char| {
        if let Some(kind) = kind {
            *counts.entry((kind, sign)).or_default() += 1;
        }
    };
    let kind = |catalog: &specc_catalog::Catalog, place: u32| catalog.at(place as usize).map(|(id, _)| id.kind);
    difference.added.iter().for_each(|&place| add(kind(difference.to, place), '+'));
    difference.removed.iter().for_each(|&place| add(kind(&difference.from, place), '-'));
    difference.changed.iter().for_each(|&(_, place)| add(kind(difference.to, place), '~'));
    let mut all: Vec<String> =
        counts.into_iter().map(|((kind, sign), n)| format!("{sign}{}", count(n, kind.word()))).collect();
    let renames = difference.renamed.len() + difference.relabelled.len();
    if renames > 0 {
        all.insert(0, count(renames, "rename"));
    }
    let rows: usize = difference.rows.iter().map(|change| change.seed.rows.len()).sum();
    if rows > 0 {
        all.push(count(rows, "seed row"));
    }
    if all.is_empty() { "nothing".into() } else { all.join(", ") }
}

/// What is rewritten, filled and lost.
pub(crate) fn data(plan: &ChangePlan<'_>, stage: &Stage<'_>) -> String {
    let mut texts = Vec::new();
    let losses: Vec<String> =
        stage.statements.iter().filter_map(Statement::loses).map(|loss| loss.0.to_string()).collect();
    if !losses.is_empty() {
        texts.push(format!("LOST: {}", list(&losses)));
    }
    let tables = |want: &dyn Fn(&Statement<'_>) -> bool| {
        let all = stage.statements.iter().filter(|statement| want(statement)).filter_map(Statement::table);
        all.filter(|table| plan.old_tables.contains(*table))
            .map(name)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    };
    let is_old = |table: &TableName| !plan.old_tables.contains(table);
    let rewritten = tables(&|statement| statement.effects(is_old).rewrites);
    if !rewritten.is_empty() {
        texts.push(format!("rewrites {}", list(&rewritten)));
    }
    let filled = tables(&|statement| matches!(statement, Statement::Alter(specc_sql::Alter::Backfill { .. })));
    if !filled.is_empty() {
        texts.push(format!("fills {} in batches; run again after an interruption, it goes on", list(&filled)));
    }
    if texts.is_empty() {
        texts.push("nothing is rewritten or lost".into());
    }
    texts.join("; ")
}

/// The strongest lock on each table that others may be using, and how long it is held.
pub(crate) fn locks(plan: &ChangePlan<'_>, stage: &Stage<'_>) -> String {
    let mut strongest: BTreeMap<&TableName, (Lock, bool)> = BTreeMap::new();
    for statement in &stage.statements {
        let rewrites = matches!(statement, Statement::Alter(change) if change_rewrites(change));
        let on_new = statement.table().is_some_and(|table| !plan.old_tables.contains(table));
        statement.each_lock(|table, lock, scan| {
            let scan = scan && !on_new;
            if plan.old_tables.contains(table) {
                let held = strongest.entry(table).or_insert((lock, false));
                held.0 = held.0.max(lock);
                held.1 |= (scan || rewrites) && lock.blocks_writes();
            }
        });
    }
    let mut all: Vec<_> = strongest.into_iter().filter(|(_, (lock, _))| *lock > Lock::AccessShare).collect();
    all.sort_by(|a, b| (b.1.1, b.1.0, a.0).cmp(&(a.1.1, a.1.0, b.0)));
    let texts: Vec<String> = all
        .into_iter()
        .map(|(table, (lock, long))| {
            let who = match lock {
                lock if lock.blocks_reads() => "reads and writes wait",
                lock if lock.blocks_writes() => "writes wait",
                _ => "nobody waits",
            };
            let time = match (lock.blocks_writes(), long) {
                (true, true) => ", for as long as it reads or writes all rows",
                (true, false) => ", a moment",
                (false, _) => "",
            };
            format!("{} on {} ({who}{time})", lock.words(), name(table))
        })
        .collect();
    if texts.is_empty() { "none on a table that is in use".into() } else { list(&texts) }
}

fn change_rewrites(change: &specc_sql::Alter<'_>) -> bool {
    let statement = Statement::Alter(change.clone());
    statement.effects(|_| false).rewrites
}

/// Whose access to what becomes wider or narrower.
pub fn access(difference: &Difference<'_>) -> Vec<String> {
    let mut changes = Access::default();
    let (from, to) = (&*difference.from, difference.to);
    for &place in &difference.added {
        if let Some((_, entry)) = to.at(place as usize) {
            changes.object(&entry.object, true);
        }
    }
    for &place in &difference.removed {
        if let Some((_, entry)) = from.at(place as usize) {
            changes.object(&entry.object, false);
        }
    }
    for &(old, new) in &difference.changed {
        let (Some((_, a)), Some((_, b))) = (from.at(old as usize), to.at(new as usize)) else { continue };
        match (&a.object, &b.object) {
            (Object::Grant(x), Object::Grant(y)) => {
                let more = y.privileges.iter().any(|p| !x.privileges.contains(p));
                let less = x.privileges.iter().any(|p| !y.privileges.contains(p));
                changes.counts.entry(("grant", '~')).and_modify(|n| *n += 1).or_insert(1);
                changes.say(&y.on.name, &y.to, more, less);
            }
            (Object::Policy(x), Object::Policy(y)) if x != y => {
                changes.counts.entry(("policy", '~')).and_modify(|n| *n += 1).or_insert(1);
                for role in roles(x).chain(roles(y)) {
                    // Conditions are not compared here: either is possible.
                    changes.say(&y.table.name, role, true, true);
                }
            }
            (Object::Table(x), Object::Table(y)) if x.rls != y.rls => {
                let off = y.rls == Rls::Off;
                let on = x.rls == Rls::Off;
                changes.say(&y.table.name, "everyone with a grant", off, on);
            }
            _ => {}
        }
    }
    changes.lines()
}

fn roles(policy: &Policy) -> impl Iterator<Item = &str> {
    let everyone = policy.roles.is_empty().then_some("everyone");
    everyone.into_iter().chain(policy.roles.iter().map(|role| role.as_str()))
}

#[derive(Default)]
struct Access {
    counts: BTreeMap<(&'static str, char), usize>,
    /// By object and role: wider, narrower.
    ways: BTreeMap<(String, String), (bool, bool)>,
}

impl Access {
    fn object(&mut self, object: &Object, is_new: bool) {
        let sign = if is_new { '+' } else { '-' };
        match object {
            Object::Grant(o) => {
                *self.counts.entry(("grant", sign)).or_default() += 1;
                self.say(&o.on.name, &o.to, is_new, !is_new);
            }
            Object::Policy(o) => {
                *self.counts.entry(("policy", sign)).or_default() += 1;
                for role in roles(o) {
                    self.say(&o.table.name, role, o.permissive == is_new, o.permissive != is_new);
                }
            }
            _ => {}
        }
    }

    fn say(&mut self, on: &str, role: &str, wider: bool, narrower: bool) {
        let way = self.ways.entry((on.to_string(), role.to_string())).or_default();
        way.0 |= wider;
        way.1 |= narrower;
    }

    fn lines(self) -> Vec<String> {
        if self.counts.is_empty() && self.ways.is_empty() {
            return vec!["as before".into()];
        }
        let counts: Vec<String> =
            self.counts.iter().map(|((word, sign), n)| format!("{sign}{}", count(*n, word))).collect();
        let mut lines = Vec::new();
        if !counts.is_empty() {
            lines.push(counts.join(", "));
        }
        let mut by_way: BTreeMap<(&'static str, String), Vec<String>> = BTreeMap::new();
        for ((on, role), way) in self.ways {
            let word = match way {
                (true, false) => "widens",
                (false, true) => "narrows",
                _ => "changes",
            };
            by_way.entry((word, on)).or_default().push(role);
        }
        for ((word, on), roles) in by_way {
            lines.push(format!("access to {on} {word} for {}", list(&roles)));
        }
        const MOST: usize = 12;
        if lines.len() > MOST {
            let more = lines.len() - MOST;
            lines.truncate(MOST);
            lines.push(format!("and {more} more"));
        }
        lines
    }
}
