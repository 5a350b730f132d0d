//! Who may do what, decided. A property of access is asked of every small database at once: rows, columns and who asks
//! are wires of a circuit, and a SAT solver says whether the property can fail. See `docs/proving.md`.
//!
//! Access is what `specc_model::effective` says it is, so what is proven is what grants and policies are made of.

mod access;
mod aside;
mod case;
mod circuit;
mod demand;
mod encode;
mod fill;
mod inside;
mod matrix;
mod membership;
mod pin;
mod properties;
mod replay;
mod sample;
mod shape;
mod sorts;
mod verdict;
mod whole;
mod world;

pub use access::{Granted, Right, Role};
pub use aside::{Aside, asides};
pub use case::{Case, CaseRow, Held, Part};
pub use encode::ANYWHERE;
pub use fill::{Fill, Sample, Samples};
pub use matrix::{Aim, COMMANDS, Expected, Matrix, Standing, Statement, Stuck, Trial, Variant, Way, matrix};
pub use properties::Finding;
pub use replay::{Replay, table};
pub use sample::sample;
pub use sorts::{Source, Val};
pub use verdict::Verdict;

use rayon::prelude::*;
use smol_str::SmolStr;
use sorts::Sorts;
use specc_model::effective::{self, PUBLIC};
use specc_model::{Entity, Model, Rls, Target};

/// A verdict for each property of each entity that has rules, in the order of the spec.
pub fn prove(model: &Model) -> Vec<Finding> {
    prove_beyond(model, 0)
}

/// The same over databases with `more` rows of each table than decide: no verdict should change.
pub fn prove_beyond(model: &Model, more: usize) -> Vec<Finding> {
    let sorts = Sorts::of(model);
    let context = properties::Context::new(model, &sorts, more);
    let entities: Vec<&Entity> = model.entities.iter().filter(|entity| is_guarded(entity)).collect();
    let mut found: Vec<Finding> =
        entities.par_iter().flat_map_iter(|entity| properties::of(&context, entity)).collect();
    // What a predicate says of every entity is said once.
    let mut said = std::collections::BTreeSet::new();
    found.retain(|finding| said.insert((finding.code, finding.span, finding.claim.clone())));
    found
}

/// Whether rules of the spec decide about its rows.
fn is_guarded(entity: &Entity) -> bool {
    entity.rls != Rls::Off && (!entity.external || !entity.rules.is_empty())
}

/// The roles that rules are for, those of a platform's API among them.
pub fn roles(model: &Model) -> Vec<Role> {
    let rules = model.entities.iter().flat_map(|entity| &entity.rules).filter(|rule| !rule.forbid);
    let mut names: Vec<SmolStr> = rules.flat_map(|rule| effective::grantees(model, rule)).collect();
    // A role has the rights of those that it belongs to.
    names.extend(model.roles.iter().filter(|role| !role.member_of.is_empty()).map(|role| role.name.clone()));
    if model.options.target == Target::Supabase {
        names.extend(["anon".into(), "authenticated".into()]);
        names.retain(|name| name != PUBLIC);
    }
    names.sort();
    names.dedup();
    names.iter().map(|name| Role::new(model, name)).collect()
}
