//! Statements as nodes of a graph, and the order that its edges allow.

mod blocks;
mod by_order;
mod covered;
mod edges;
mod filled;
mod moved;
mod moving;

use crate::place::{NewPlace, NodeId, OldPlace};
use crate::schedule::Phase;
use rustc_hash::FxHashMap;
use specc_sql::Statement;
use std::collections::BTreeSet;
use std::ops::{Index, IndexMut};

/// Whose statement it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Slot {
    /// An object's as it was.
    Old(OldPlace),
    /// An object's as it is to be.
    New(NewPlace),
    /// Nobody's: what it is done to is in neither state.
    None,
}

impl From<OldPlace> for Slot {
    fn from(place: OldPlace) -> Self {
        Slot::Old(place)
    }
}

impl From<NewPlace> for Slot {
    fn from(place: NewPlace) -> Self {
        Slot::New(place)
    }
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
    all: Vec<Node<'d>>,
    /// Before, after, and whether a circle may break it.
    edges: Vec<(NodeId, NodeId, bool)>,
    by_slot: FxHashMap<Slot, Vec<NodeId>>,
}

impl<'d> Index<NodeId> for Nodes<'d> {
    type Output = Node<'d>;

    fn index(&self, node: NodeId) -> &Node<'d> {
        &self.all[node.0 as usize]
    }
}

impl IndexMut<NodeId> for Nodes<'_> {
    fn index_mut(&mut self, node: NodeId) -> &mut Self::Output {
        &mut self.all[node.0 as usize]
    }
}

impl<'d> Nodes<'d> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// All of them, as they were added.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.all.len() as u32).map(NodeId)
    }

    /// All of them with their statements.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Node<'d>)> {
        self.ids().zip(&self.all)
    }

    /// Adds a node.
    pub fn push(&mut self, slot: Slot, role: Role, phase: Phase, statement: Statement<'d>) -> NodeId {
        let node = NodeId(self.all.len() as u32);
        self.all.push(Node { statement, phase, slot, role });
        if slot != Slot::None {
            self.by_slot.entry(slot).or_default().push(node);
        }
        node
    }

    /// Adds a node that comes after another one.
    pub fn then(&mut self, before: NodeId, role: Role, phase: Phase, statement: Statement<'d>) -> NodeId {
        let slot = self[before].slot;
        let node = self.push(slot, role, phase, statement);
        self.edge(before, node);
        node
    }

    /// Says that `slot` is also done by these nodes of another one.
    pub fn alias(&mut self, slot: Slot, nodes: &[NodeId]) {
        self.by_slot.entry(slot).or_default().extend_from_slice(nodes);
    }

    /// The nodes of a slot.
    pub fn of(&self, slot: impl Into<Slot>) -> &[NodeId] {
        self.by_slot.get(&slot.into()).map_or(&[], Vec::as_slice)
    }

    /// The nodes of a slot with one of these roles.
    pub fn with(&self, slot: impl Into<Slot>, roles: &[Role]) -> Vec<NodeId> {
        self.of(slot).iter().copied().filter(|&node| roles.contains(&self[node].role)).collect()
    }

    /// `before` runs before `after`.
    pub fn edge(&mut self, before: NodeId, after: NodeId) {
        if before != after {
            self.edges.push((before, after, false));
        }
    }

    /// The same, unless that would be a circle.
    pub fn soft(&mut self, before: NodeId, after: NodeId) {
        if before != after {
            self.edges.push((before, after, true));
        }
    }

    /// By node, those that come before it.
    pub fn before(&self) -> FxHashMap<NodeId, Vec<NodeId>> {
        let mut all: FxHashMap<NodeId, Vec<NodeId>> = FxHashMap::default();
        self.edges.iter().for_each(|&(before, after, _)| all.entry(after).or_default().push(before));
        all
    }

    /// By node, those that come after it.
    pub fn after(&self) -> FxHashMap<NodeId, Vec<NodeId>> {
        let mut all: FxHashMap<NodeId, Vec<NodeId>> = FxHashMap::default();
        self.edges.iter().for_each(|&(before, after, _)| all.entry(before).or_default().push(after));
        all
    }

    /// All nodes in order: as their edges allow, a phase to its end and then the lowest, then as they were added.
    ///
    /// # Errors
    /// The nodes of circles.
    pub fn sorted(&self) -> Result<Vec<NodeId>, Vec<NodeId>> {
        let n = self.all.len();
        let mut after: Vec<Vec<(u32, bool)>> = vec![Vec::new(); n];
        let mut waits = vec![0_u32; n];
        let mut soft_waits = vec![0_u32; n];
        let mut edges = self.edges.clone();
        edges.sort_unstable();
        edges.dedup_by_key(|edge| (edge.0, edge.1));
        for &(NodeId(a), NodeId(b), soft) in &edges {
            after[a as usize].push((b, soft));
            (if soft { &mut soft_waits } else { &mut waits })[b as usize] += 1;
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
            sorted.push(NodeId(node));
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
fn circle(edges: &[(NodeId, NodeId, bool)], done: &[bool]) -> Vec<NodeId> {
    let mut before: FxHashMap<NodeId, NodeId> = FxHashMap::default();
    for &(a, b, soft) in edges {
        if !soft && !done[a.0 as usize] && !done[b.0 as usize] {
            before.entry(b).or_insert(a);
        }
    }
    let Some(mut at) = before.keys().min().copied() else { return Vec::new() };
    let mut path: Vec<NodeId> = Vec::new();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Phase;
    use specc_catalog::{Object, Schema};

    type Edge = (u32, u32);

    fn sorted(edges: &[Edge], soft: &[Edge], phases: &[Phase]) -> Result<Vec<u32>, Vec<u32>> {
        let object = Object::Schema(Schema { name: "s".into() });
        let mut nodes = Nodes::default();
        for (n, phase) in phases.iter().enumerate() {
            nodes.push(Slot::New(NewPlace::new(n as u32)), Role::Make, *phase, Statement::Create(&object));
        }
        edges.iter().for_each(|&(a, b)| nodes.edge(NodeId(a), NodeId(b)));
        soft.iter().for_each(|&(a, b)| nodes.soft(NodeId(a), NodeId(b)));
        let plain = |nodes: Vec<NodeId>| nodes.into_iter().map(|node| node.0).collect();
        nodes.sorted().map(plain).map_err(plain)
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
