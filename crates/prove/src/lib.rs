//! Who may do what, decided. A property of access is asked of every small database at once: rows, columns and who asks
//! are wires of a circuit, and a SAT solver says whether the property can fail. See `docs/proving.md`.
//!
//! Access is what `specc_model::effective` says it is, so what is proven is what grants and policies are made of.

mod access;
mod aside;
mod beside;
mod case;
mod circuit;
mod compare;
mod constraints;
mod crowd;
mod demand;
mod encode;
mod files;
mod fill;
mod inside;
mod lapse;
mod matrix;
mod membership;
mod pin;
mod properties;
mod queries;
mod replay;
mod rounds;
mod sample;
mod scene;
mod session;
mod sets;
mod shape;
mod sort;
mod sorts;
mod spare;
mod standing;
mod unknown;
mod values;
mod verdict;
mod whole;
mod why;
mod wider;
mod world;

pub use access::{Granted, Right, Role};
pub use aside::{Aside, asides};
pub use beside::{Compared, Difference, compare};
pub use case::{Case, CaseRow, Held, Step, Through};
pub use crowd::{Crowd, Crowds};
pub use encode::ANYWHERE;
pub use fill::{Fill, Sample, Samples};
pub use matrix::{Aim, Expected, Matrix, Standing, Statement, Stuck, Subject, Trial, Variant, Way, matrix};
pub use properties::Finding;
pub use replay::{Given, Named, Replay, table};
pub use sample::{Tried, sample};
pub use sorts::{Source, Val};
pub use verdict::{Verdict, name};
pub use why::{Answer, Asking, Change, Edit, Opened, Reason, Why, answers, conjuncts, why};
pub use wider::More;

use circuit::Budget;
use rounds::Pool;
use smol_str::SmolStr;
use sorts::Sorts;
use specc_diag::{Code, codes};
use specc_model::effective::{self, PUBLIC};
use specc_model::{Entity, Model, Rls, Target};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// A verdict for each property of each entity that has rules, in the order of the spec.
pub fn prove(model: &Model) -> Vec<Finding> {
    prove_all(model, false, 0)
}

/// What is said where a question takes more steps than are taken.
pub const TOO_LARGE: &str = "it takes too many steps to decide: its rules ask too much at once";

/// What is asked only by [`prove_strictly`]: what many specs leave as it is, since somebody else sees to it.
pub const STRICT: [Code; 2] = [codes::LAST_MANAGER, codes::STALE_INVITATION];

/// The same with the questions of [`STRICT`].
pub fn prove_strictly(model: &Model) -> Vec<Finding> {
    prove_all(model, true, 0)
}

/// The same over databases with `more` rows of each table than decide: no verdict should change.
pub fn prove_beyond(model: &Model, more: usize) -> Vec<Finding> {
    prove_all(model, true, more)
}

/// What questions about one entity have at first, and those about several statements, files, views and functions.
const STEPS_OF_ONE: usize = 64_000;
const STEPS_OF_SEVERAL: usize = 256_000;

fn prove_all(model: &Model, strict: bool, more: usize) -> Vec<Finding> {
    let sorts = Sorts::of(model);
    let shared = Arc::new(properties::Shared::new(model, &sorts, strict, more));
    let mut pool = Pool::of(model, more);
    let entities: Vec<&Entity> = model.entities.iter().filter(|entity| is_guarded(entity)).collect();
    let of_one = |entity: &&Entity, steps| properties::of(&properties::Context::new(&shared, steps), entity);
    let mut found: Vec<Finding> = pool.ask(STEPS_OF_ONE, &entities, of_one).into_iter().flatten().collect();
    found.extend(properties::past_the_rules(&shared, &mut pool));
    let buckets = files::of_buckets(model);
    let files = pool.ask(STEPS_OF_SEVERAL, &buckets, |model, steps| of_files(model, (strict, more), steps, None));
    found.extend(files.into_iter().flatten());
    let is_accused = |finding: &&Finding| {
        let other = [codes::UNSEEN_WRITE, codes::BLIND_CHILD].contains(&finding.code);
        matches!(finding.verdict, Verdict::Counterexample(Some(_))) && !other
    };
    let accused = found.iter().filter(is_accused).map(|finding| finding.span).collect();
    let later =
        |entity: &&Entity, steps| properties::of_steps(&properties::Context::new(&shared, steps), entity, &accused);
    found.extend(pool.ask(STEPS_OF_SEVERAL, &entities, later).into_iter().flatten());
    let later = |model: &Model, steps| of_files(model, (strict, more), steps, Some(&accused));
    found.extend(pool.ask(STEPS_OF_SEVERAL, &buckets, later).into_iter().flatten());
    // A row that is added to what nobody shows, and opens it by that, is one hole.
    let opening: std::collections::BTreeSet<String> = found.iter().filter_map(|f| opened_by(model, f)).collect();
    found.retain(|finding| finding.code != codes::BLIND_CHILD || !opening.contains(&finding.entity));
    found.iter_mut().for_each(|finding| finding.verdict = beside_blocks(model, finding));
    said_once(found)
}

/// Nothing is proven of an entity of which a block of SQL changes who may do what.
fn beside_blocks(model: &Model, finding: &Finding) -> Verdict {
    let block = match &finding.verdict {
        Verdict::Proven { .. } | Verdict::Checked { .. } => {
            let of = model.entities.iter().find(|entity| name(model, entity.id) == finding.entity);
            of.and_then(|entity| aside::opened_by_block(model, entity.id))
        }
        _ => None,
    };
    block.map_or_else(|| finding.verdict.clone(), |block| Verdict::OutOfFragment { because: vec![block.meta.span] })
}

/// What a predicate says of every entity, and a rule of each of its statements, is said once: as it is where it fails.
fn said_once(found: Vec<Finding>) -> Vec<Finding> {
    let mut said: BTreeMap<_, usize> = BTreeMap::new();
    let mut once: Vec<Finding> = Vec::new();
    for finding in found {
        match said.entry((finding.code, finding.span, finding.claim.clone())) {
            Entry::Vacant(new) => {
                new.insert(once.len());
                once.push(finding);
            }
            Entry::Occupied(known) => {
                let known = &mut once[*known.get()];
                if finding.verdict.weight() > known.verdict.weight() {
                    *known = finding;
                }
            }
        }
    }
    once
}

/// The entity whose new row gives a right, where that is what was found.
fn opened_by(model: &Model, finding: &Finding) -> Option<String> {
    let Verdict::Counterexample(Some(case)) = &finding.verdict else { return None };
    let new = case.steps.first()?.new.filter(|_| finding.code == codes::GAINED_RIGHT)?;
    Some(verdict::name(model, case.rows.get(new)?.entity))
}

/// What is asked of the table of files: of one statement, or of several, where it is known what is accused.
fn of_files(
    model: &Model,
    (strict, more): (bool, usize),
    steps: Budget,
    accused: Option<&properties::Accused>,
) -> Vec<Finding> {
    let sorts = Sorts::of(model);
    let shared = Arc::new(properties::Shared::new(model, &sorts, strict, more));
    let context = properties::Context::new(&shared, steps);
    let files = model.entities.iter().filter(|entity| files::is_files(entity) && is_guarded(entity));
    let asked = files.map(|entity| match accused {
        None => properties::of(&context, entity),
        Some(accused) => properties::of_steps_to_files(&context, entity, accused),
    });
    asked.flatten().collect()
}

/// Whether rules of the spec decide about rows of an entity.
pub fn is_guarded(entity: &Entity) -> bool {
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

/// Those of them that row level security binds: what rules refuse is refused to these alone.
pub fn bound_roles(model: &Model) -> Vec<Role> {
    let mut roles = roles(model);
    roles.retain(|role| !effective::bypasses(model, &role.name));
    roles
}
