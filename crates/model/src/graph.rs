//! Entities and the relations between them as a graph.

use crate::types::*;
use petgraph::graph::{DiGraph, NodeIndex};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Entities and relations: an edge leads from the entity that has the reference to the one it points to.
#[derive(Clone, Debug)]
pub struct RelationGraph {
    /// A node for each entity, in the order of [`Model::entities`].
    pub graph: DiGraph<EntityId, RelationId>,
}

impl RelationGraph {
    /// The graph of a model.
    pub fn new(model: &Model) -> Self {
        let mut graph = DiGraph::with_capacity(model.entities.len(), model.relations.len());
        for entity in &model.entities {
            graph.add_node(entity.id);
        }
        for relation in &model.relations {
            graph.add_edge(node(relation.from), node(relation.to), relation.id);
        }
        Self { graph }
    }

    /// Entities by area, in the order declared.
    pub fn areas(&self, model: &Model) -> BTreeMap<SmolStr, Vec<EntityId>> {
        let mut areas: BTreeMap<SmolStr, Vec<EntityId>> = BTreeMap::new();
        for entity in &model.entities {
            areas.entry(entity.meta.area.clone()).or_default().push(entity.id);
        }
        areas
    }

    /// Groups of entities that refer to each other in a circle, and entities that refer to themselves.
    pub fn cycles(&self) -> Vec<Vec<EntityId>> {
        let mut groups: Vec<Vec<EntityId>> = petgraph::algo::tarjan_scc(&self.graph)
            .into_iter()
            .filter(|group| group.len() > 1 || self.graph.contains_edge(group[0], group[0]))
            .map(|group| {
                let mut ids: Vec<_> = group.into_iter().map(|n| self.graph[n]).collect();
                ids.sort_unstable();
                ids
            })
            .collect();
        groups.sort();
        groups
    }

    /// Entities reached from `start` over references, itself first, nearest first.
    pub fn reach(&self, start: EntityId) -> Vec<EntityId> {
        let mut walk = petgraph::visit::Bfs::new(&self.graph, node(start));
        let mut found = Vec::new();
        while let Some(next) = walk.next(&self.graph) {
            found.push(self.graph[next]);
        }
        found
    }
}

fn node(id: EntityId) -> NodeIndex {
    NodeIndex::new(id.0 as usize)
}

impl Model {
    /// The graph of entities and relations.
    pub fn graph(&self) -> RelationGraph {
        RelationGraph::new(self)
    }

    /// Whether a foreign key needs an index of its own: it is not declined by `no index`, its entity is ours, and no key,
    /// unique constraint or full index starts with its columns.
    pub fn needs_index(&self, relation: &Relation) -> bool {
        let entity = self.entity(relation.from);
        if relation.options.no_index || entity.external {
            return false;
        }
        let covers = |fields: &mut dyn Iterator<Item = Option<FieldIx>>| {
            let first: Vec<_> = fields.take(relation.fields.len()).collect();
            first.len() == relation.fields.len() && relation.fields.iter().all(|f| first.contains(&Some(*f)))
        };
        let key = entity.key.as_ref().is_some_and(|k| covers(&mut k.fields.iter().map(|f| Some(*f))));
        let unique =
            entity.uniques.iter().any(|u| u.filter.is_none() && covers(&mut u.elements.iter().map(Element::field)));
        let index = entity
            .indexes
            .iter()
            .any(|i| i.filter.is_none() && i.method == "btree" && covers(&mut i.elements.iter().map(Element::field)));
        !(key || unique || index)
    }
}
