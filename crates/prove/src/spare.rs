//! How many values decide beside the constants that they are compared with.
//!
//! Values of a sort are told apart by comparisons only. Those that are compared with constants and with values of the session
//! alone, such as `now()`, can be moved one by one: a few stand for all. Those that are compared with each other have to be
//! so many as there are columns in a row of comparisons, twice, since a row may be looked at before and after a change.

use crate::sorts::{Sorts, Source};
use rustc_hash::FxHashMap;
use specc_model::{EntityId, FieldIx, Model};
use std::collections::BTreeSet;

/// No more values that are compared with each other are looked at.
const MOST: usize = 16;

/// So many values decide.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spare {
    /// Of an ordered sort, in each gap between constants.
    pub between: usize,
    /// Beside the constants.
    pub others: usize,
    /// Keys of no row.
    pub keys: usize,
    /// More would decide.
    pub crowded: bool,
    /// More keys of no row would decide.
    pub crowded_keys: bool,
}

/// The same for a whole statement, whatever the rows are.
fn is_of_session(source: &Source) -> bool {
    matches!(source, Source::Viewer | Source::Claim(_) | Source::Session(_))
}

/// Whether it is a key of a row that is there, or null.
fn refers(model: &Model, entity: EntityId, field: FieldIx) -> bool {
    let entity = model.entity(entity);
    let mut relations = entity.outgoing.iter().map(|id| model.relation(*id));
    let is_key = entity.key.as_ref().is_some_and(|key| key.fields == [field]);
    is_key || relations.any(|relation| relation.fields == [field])
}

/// Of each sort how many values decide of those that are compared with each other: `counts` says which do.
fn compared(sort_of: &[usize], links: &BTreeSet<(usize, usize)>, counts: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..sort_of.len()).collect();
    fn root(parents: &[usize], mut at: usize) -> usize {
        while parents[at] != at {
            at = parents[at];
        }
        at
    }
    let links: Vec<(usize, usize)> = links.iter().filter(|(a, b)| counts(*a) && counts(*b)).copied().collect();
    for (a, b) in &links {
        let (a, b) = (root(&parents, *a), root(&parents, *b));
        parents[b] = a;
    }
    // Members of what is connected, and comparisons.
    let mut sizes = vec![(0, 0); sort_of.len()];
    (0..sort_of.len()).for_each(|at| sizes[root(&parents, at)].0 += 1);
    links.iter().for_each(|(a, _)| sizes[root(&parents, *a)].1 += 1);
    let mut most = vec![0; sort_of.len()];
    for (at, (members, comparisons)) in sizes.into_iter().enumerate().filter(|(_, (_, comparisons))| *comparisons > 0) {
        let most = &mut most[sort_of[at]];
        *most = (*most).max(2 * members.max(comparisons + 1));
    }
    most
}

/// What decides for each sort by its number. `sources` are all there are, `sort_of` says of which sort each is, and `links`
/// which of them are compared with each other.
fn spares(
    model: &Model,
    sources: &FxHashMap<Source, usize>,
    sort_of: &[usize],
    links: &[(usize, usize)],
) -> Vec<Spare> {
    let (mut sessions, mut claims) = (vec![0; sort_of.len()], vec![0; sort_of.len()]);
    let (mut of_session, mut free) = (vec![false; sort_of.len()], vec![false; sort_of.len()]);
    let mut any_free = vec![false; sort_of.len()];
    #[allow(clippy::iter_over_hash_type)] // each has a place of its own
    for (source, at) in sources {
        let sort = sort_of[*at];
        of_session[*at] = is_of_session(source);
        sessions[sort] += usize::from(of_session[*at]);
        claims[sort] += usize::from(of_session[*at] && *source != Source::Viewer);
        let known = match source {
            Source::Field(entity, field) => refers(model, *entity, *field),
            Source::Parameter(..) => true,
            _ => of_session[*at],
        };
        free[*at] = !known;
        any_free[sort] |= !known;
    }
    let links: BTreeSet<(usize, usize)> = links.iter().copied().collect();
    let all = compared(sort_of, &links, |at| !of_session[at]);
    let keys = compared(sort_of, &links, |at| free[at]);
    let spare = |sort: usize| Spare {
        between: 3 * sessions[sort] + 2 + all[sort].min(MOST),
        others: sessions[sort] + 2 + all[sort].min(MOST),
        keys: keys[sort].min(MOST) + if any_free[sort] { claims[sort] + 1 } else { claims[sort].saturating_sub(1) },
        crowded: all[sort] > MOST,
        crowded_keys: keys[sort] > MOST,
    };
    (0..sort_of.len()).map(spare).collect()
}

impl Sorts {
    /// Counts what decides, once all is known.
    pub(crate) fn count(&mut self, model: &Model) {
        let spares = spares(model, &self.ids, &self.parents, &self.links);
        self.sorts.iter_mut().zip(spares).for_each(|(sort, spare)| sort.spare = spare);
    }
}
