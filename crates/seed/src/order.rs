//! Which entity and which row comes first.

use crate::plan::Row;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashMap;
use specc_model::{EntityId, Model, SeedValue};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

/// Entities with rows, what is referred to first; entities that refer to each other share a group. Ties are broken by the
/// first row.
pub(crate) fn groups(model: &Model, rows: &[Row<'_>]) -> Vec<Vec<EntityId>> {
    let mut graph: DiGraph<EntityId, ()> = DiGraph::new();
    let mut nodes: FxHashMap<EntityId, NodeIndex> = FxHashMap::default();
    for row in rows {
        nodes.entry(row.entity).or_insert_with(|| graph.add_node(row.entity));
    }
    let mut last = std::ptr::null();
    for row in rows {
        if std::ptr::eq(row.source, last) {
            continue;
        }
        last = row.source;
        for (_, value) in &row.source.fields {
            if let SeedValue::Label { entity, .. } | SeedValue::Any(entity) = value
                && let Some(&to) = nodes.get(entity)
            {
                graph.update_edge(nodes[&row.entity], to, ());
            }
        }
    }
    // A foreign key whose value is spelled out as SQL orders too.
    for node in graph.node_indices() {
        for id in &model.entity(graph[node]).outgoing {
            if let Some(&to) = nodes.get(&model.relation(*id).to) {
                graph.update_edge(node, to, ());
            }
        }
    }
    let mut parts = kosaraju_scc(&graph);
    parts.iter_mut().for_each(|part| part.sort_unstable());
    let mut part_of = vec![0; graph.node_count()];
    for (number, part) in parts.iter().enumerate() {
        part.iter().for_each(|node| part_of[node.index()] = number);
    }
    let mut waits = vec![0; parts.len()];
    let mut frees = vec![Vec::new(); parts.len()];
    for edge in graph.edge_indices() {
        let (from, to) = graph.edge_endpoints(edge).expect("an edge of the graph");
        let (from, to) = (part_of[from.index()], part_of[to.index()]);
        if from != to {
            waits[from] += 1;
            frees[to].push(from);
        }
    }
    // Nodes were added by first row, so the smallest node of a part says where it stands.
    let sorted = sort(&parts.iter().map(|part| part[0].index()).collect::<Vec<_>>(), waits, &frees);
    sorted.into_iter().map(|number| parts[number].iter().map(|node| graph[*node]).collect()).collect()
}

/// The rows of a range, what they need before them; as far as that allows by entity as in `entities`, then as
/// written.
pub(crate) fn rows(rows: &[Row<'_>], range: Range<usize>, entities: &[EntityId]) -> Vec<usize> {
    let rank: FxHashMap<EntityId, usize> = entities.iter().enumerate().map(|(rank, id)| (*id, rank)).collect();
    let here: Vec<usize> = range.filter(|at| rows[*at].values.is_some()).collect();
    let place: FxHashMap<usize, usize> = here.iter().enumerate().map(|(place, at)| (*at, place)).collect();
    let mut waits = vec![0; here.len()];
    let mut frees = vec![Vec::new(); here.len()];
    for (from, at) in here.iter().enumerate() {
        for to in rows[*at].needs.iter().filter_map(|need| place.get(need)) {
            if *to != from {
                waits[from] += 1;
                frees[*to].push(from);
            }
        }
    }
    let mut by_rank: Vec<usize> = (0..here.len()).collect();
    by_rank.sort_by_key(|place| (rank[&rows[here[*place]].entity], *place));
    let mut priority = vec![0; here.len()];
    by_rank.iter().enumerate().for_each(|(n, place)| priority[*place] = n);
    sort(&priority, waits, &frees).into_iter().map(|place| here[place]).collect()
}

/// Kahn's algorithm, the smallest priority first; what waits for itself comes last, by priority.
fn sort(priority: &[usize], mut waits: Vec<usize>, frees: &[Vec<usize>]) -> Vec<usize> {
    let mut ready: BinaryHeap<_> =
        (0..waits.len()).filter(|n| waits[*n] == 0).map(|n| Reverse((priority[n], n))).collect();
    let mut out = Vec::with_capacity(waits.len());
    while let Some(Reverse((_, n))) = ready.pop() {
        out.push(n);
        for &next in &frees[n] {
            waits[next] -= 1;
            if waits[next] == 0 {
                ready.push(Reverse((priority[next], next)));
            }
        }
    }
    let mut rest: Vec<usize> = (0..waits.len()).filter(|n| waits[*n] > 0).collect();
    rest.sort_by_key(|n| priority[*n]);
    out.extend(rest);
    out
}
