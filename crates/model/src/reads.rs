//! Whose rows a function or a view looks for with the rights of who asks.

use crate::types::*;
use rustc_hash::FxHashSet;

impl Model {
    /// The entities that a function or a view reads as who asks, by way of other functions and views too, sorted. What runs with its
    /// owner's rights is not followed.
    pub fn read_as_asked(&self, start: Object) -> Vec<EntityId> {
        let (mut seen, mut open) = (FxHashSet::default(), vec![start]);
        let mut reads = Vec::new();
        while let Some(object) = open.pop() {
            if !seen.insert(object.clone()) {
                continue;
            }
            match object {
                Object::Function(at) if !self.functions[at].security_definer => {
                    let function = &self.functions[at];
                    reads.extend(&function.reads);
                    open.extend(function.calls.iter().map(|at| Object::Function(*at)));
                    open.extend(function.views.iter().map(|at| Object::View(*at)));
                }
                Object::View(at) if !self.views[at].security_definer && !self.views[at].materialized => {
                    open.extend(self.views[at].depends.iter().cloned());
                }
                Object::Entity(id) => reads.push(id),
                _ => {}
            }
        }
        reads.sort();
        reads.dedup();
        reads
    }
}
