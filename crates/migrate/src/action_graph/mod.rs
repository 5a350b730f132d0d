//! Statements as nodes of a graph, and the order that its edges allow.

mod edges;

use rustc_hash::FxHashMap;
use specc_sql::{Statement, Transaction};
use std::collections::BTreeSet;

/// When a statement runs, where nothing else decides. Statements of one phase share a transaction if they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// New names for what stays.
    Names,
    /// New labels, which nothing can use before they are committed.
    Labels,
    /// What takes a moment only: definitions, access, constraints for new rows.
    Main,
    /// Indexes, built without blocking writes.
    Build,
    /// Rows filled in batches.
    Backfill,
    /// Old rows checked, without blocking writes.
    Validate,
    /// What was built and checked takes effect.
    CutOver,
    /// What is not needed any more.
    Cleanup,
    /// The last names, and blocks that come after everything else.
    Finish,
}

impl Phase {
    /// Phases that share a transaction.
    fn group(self) -> Phase {
        match self {
            Phase::Names => Phase::Main,
            other => other,
        }
    }

    /// The end of its file's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Phase::Names | Phase::Main => "",
            Phase::Labels => "labels",
            Phase::Build => "index",
            Phase::Backfill => "backfill",
            Phase::Validate => "validate",
            Phase::CutOver => "switch",
            Phase::Cleanup => "clear",
            Phase::Finish => "finish",
        }
    }
}

/// Whose statement it is: a place in the old catalog or in the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Slot {
    Old(u32),
    New(u32),
}

/// What a statement is to those who need its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// They have to wait for it: what they need is there afterwards.
    Make,
    /// They have to wait for it, and what they were before has to be gone before it.
    Change,
    /// What they were before has to be gone, or not need it any more.
    Drop,
    /// Nobody waits for it.
    After,
}

/// A statement with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node<'d> {
    pub statement: Statement<'d>,
    pub phase: Phase,
    pub slot: Slot,
    pub role: Role,
}

/// Nodes, and which has to come before which.
#[derive(Debug, Default)]
pub(crate) struct Nodes<'d> {
    pub all: Vec<Node<'d>>,
    /// Before, after, and whether a circle may break it.
    edges: Vec<(u32, u32, bool)>,
    by_slot: FxHashMap<Slot, Vec<u32>>,
}

impl<'d> Nodes<'d> {
    /// Adds a node.
    pub fn push(&mut self, slot: Slot, role: Role, phase: Phase, statement: Statement<'d>) -> u32 {
        let node = self.all.len() as u32;
        self.all.push(Node { statement, phase, slot, role });
        self.by_slot.entry(slot).or_default().push(node);
        node
    }

    /// Adds a node that comes after another one.
    pub fn then(&mut self, before: u32, role: Role, phase: Phase, statement: Statement<'d>) -> u32 {
        let slot = self.all[before as usize].slot;
        let node = self.push(slot, role, phase, statement);
        self.edge(before, node);
        node
    }

    /// Says that `slot` is also done by these nodes of another one.
    pub fn alias(&mut self, slot: Slot, nodes: &[u32]) {
        self.by_slot.entry(slot).or_default().extend_from_slice(nodes);
    }

    /// The nodes of a slot.
    pub fn of(&self, slot: Slot) -> &[u32] {
        self.by_slot.get(&slot).map_or(&[], Vec::as_slice)
    }

    /// The nodes of a slot with one of these roles.
    pub fn with(&self, slot: Slot, roles: &[Role]) -> Vec<u32> {
        self.of(slot).iter().copied().filter(|&node| roles.contains(&self.all[node as usize].role)).collect()
    }

    /// `before` runs before `after`.
    pub fn edge(&mut self, before: u32, after: u32) {
        if before != after {
            self.edges.push((before, after, false));
        }
    }

    /// The same, unless that would be a circle.
    pub fn soft(&mut self, before: u32, after: u32) {
        if before != after {
            self.edges.push((before, after, true));
        }
    }

    /// All nodes in order: as their edges allow, a phase to its end and then the lowest, then as they were added.
    ///
    /// # Errors
    /// The nodes of circles.
    pub fn sorted(&self) -> Result<Vec<u32>, Vec<u32>> {
        let n = self.all.len();
        let mut after: Vec<Vec<(u32, bool)>> = vec![Vec::new(); n];
        let mut waits = vec![0_u32; n];
        let mut soft_waits = vec![0_u32; n];
        let mut edges = self.edges.clone();
        edges.sort_unstable();
        edges.dedup_by_key(|edge| (edge.0, edge.1));
        for &(a, b, soft) in &edges {
            after[a as usize].push((b, soft));
            *(if soft { &mut soft_waits } else { &mut waits }).get_mut(b as usize).unwrap_or(&mut 0) += 1;
        }
        let mut ready: BTreeSet<(Phase, u32)> = BTreeSet::new();
        let key = |node: u32| (self.all[node as usize].phase, node);
        ready.extend((0..n as u32).filter(|&i| waits[i as usize] + soft_waits[i as usize] == 0).map(key));
        let mut done = vec![false; n];
        let mut sorted = Vec::with_capacity(n);
        let mut phase = Phase::Names;
        loop {
            // What is under way is ended first, so that what belongs together is done in one transaction.
            let next =
                ready.range((phase, 0)..).next().filter(|next| next.0 == phase).or_else(|| ready.first()).copied();
            let Some(next) = next else {
                // Stuck: a circle gives way where it may.
                let stuck = (0..n).filter(|&i| !done[i] && waits[i] == 0).map(|i| i as u32);
                match stuck.min_by_key(|&i| key(i)) {
                    Some(node) => {
                        soft_waits[node as usize] = 0;
                        ready.insert(key(node));
                        continue;
                    }
                    None => break,
                }
            };
            ready.remove(&next);
            let node = next.1;
            phase = next.0;
            if std::mem::replace(&mut done[node as usize], true) {
                continue;
            }
            sorted.push(node);
            for &(next, soft) in &after[node as usize] {
                let at = next as usize;
                let waiting = if soft { &mut soft_waits[at] } else { &mut waits[at] };
                *waiting = waiting.saturating_sub(1);
                if waits[at] + soft_waits[at] == 0 && !done[at] {
                    ready.insert(key(next));
                }
            }
        }
        if sorted.len() == n { Ok(sorted) } else { Err(circle(&edges, &done)) }
    }
}

/// Nodes that wait for each other, each for the one after it.
fn circle(edges: &[(u32, u32, bool)], done: &[bool]) -> Vec<u32> {
    let mut before: FxHashMap<u32, u32> = FxHashMap::default();
    for &(a, b, soft) in edges {
        if !soft && !done[a as usize] && !done[b as usize] {
            before.entry(b).or_insert(a);
        }
    }
    let Some(mut at) = before.keys().min().copied() else { return Vec::new() };
    let mut path: Vec<u32> = Vec::new();
    while !path.contains(&at) {
        path.push(at);
        match before.get(&at) {
            Some(&next) => at = next,
            None => return path,
        }
    }
    let start = path.iter().position(|&node| node == at).unwrap_or(0);
    path.split_off(start)
}

/// Statements that run together.
#[derive(Clone, Debug)]
pub struct Stage<'d> {
    /// What it is for.
    pub phase: Phase,
    /// Its transaction: `Outside` holds one statement.
    pub transaction: Transaction,
    /// In order.
    pub statements: Vec<Statement<'d>>,
}

/// Cuts ordered nodes where a transaction has to end.
pub(crate) fn stages<'d>(nodes: &Nodes<'d>, sorted: &[u32], one: bool) -> Vec<Stage<'d>> {
    let mut stages: Vec<Stage<'d>> = Vec::new();
    for &node in sorted {
        let Node { statement, phase, .. } = &nodes.all[node as usize];
        let phase = phase.group();
        let transaction = statement.transaction();
        let shared = transaction != Transaction::Outside;
        match stages.last_mut() {
            Some(stage) if shared && stage.transaction != Transaction::Outside && (one || stage.phase == phase) => {
                stage.statements.push(statement.clone());
            }
            _ => stages.push(Stage { phase, transaction, statements: vec![statement.clone()] }),
        }
    }
    stages
}

#[cfg(test)]
mod tests {
    use super::*;
    use specc_catalog::{Object, Schema};

    fn sorted(edges: &[(u32, u32)], soft: &[(u32, u32)], phases: &[Phase]) -> Result<Vec<u32>, Vec<u32>> {
        let object = Object::Schema(Schema { name: "s".into() });
        let mut nodes = Nodes::default();
        for (n, phase) in phases.iter().enumerate() {
            nodes.push(Slot::New(n as u32), Role::Make, *phase, Statement::Create(&object));
        }
        edges.iter().for_each(|&(a, b)| nodes.edge(a, b));
        soft.iter().for_each(|&(a, b)| nodes.soft(a, b));
        nodes.sorted()
    }

    #[test]
    fn edges_come_before_phases_and_phases_before_the_order_of_adding() {
        use Phase::{Build, Main, Names};
        assert_eq!(sorted(&[], &[], &[Build, Main, Names]), Ok(vec![2, 1, 0]));
        assert_eq!(sorted(&[(0, 1)], &[], &[Build, Main, Names]), Ok(vec![2, 0, 1]));
    }

    #[test]
    fn a_circle_breaks_at_a_soft_edge_only() {
        use Phase::Main;
        assert_eq!(sorted(&[(0, 1)], &[(1, 0)], &[Main, Main]), Ok(vec![0, 1]));
        assert_eq!(sorted(&[(0, 1), (1, 0)], &[], &[Main, Main, Main]), Err(vec![0, 1]));
    }
}
