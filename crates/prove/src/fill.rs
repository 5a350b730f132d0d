//! What values of a small database are in a real one.

use crate::case::Held;
use crate::sorts::{Sorts, Source, Val, viewer_key};
use crate::world::ordered;
use rustc_hash::FxHashMap;
use specc_facts::{Family, family};
use specc_model::{Base, EntityId, FieldIx, Model, Type};
use std::collections::BTreeMap;

/// Values that a column takes.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Their texts, in the order in which they are used.
    pub texts: Vec<String>,
    /// Whether checks let pass no others.
    pub checked: bool,
}

/// Values that columns take.
pub type Samples = BTreeMap<(EntityId, FieldIx), Sample>;

/// A column whose values stand for those of its sort.
struct Leading {
    /// Checks let few values pass, and it refers to nothing.
    rank: (bool, bool),
    column: (EntityId, FieldIx),
}

/// Values for columns: of a sort together, so that what is equal stays equal.
pub struct Fill<'m> {
    pub(crate) model: &'m Model,
    sorts: Sorts,
    samples: &'m Samples,
    /// Of each sort the column whose values are hardest to find.
    leading: FxHashMap<usize, Leading>,
}

impl<'m> Fill<'m> {
    /// `samples`: what a server said that columns take; where there are none, any value of the type.
    pub fn new(model: &'m Model, samples: &'m Samples) -> Self {
        let sorts = Sorts::of(model);
        let mut leading = FxHashMap::default();
        for ((entity, field), sample) in samples {
            let Some((id, _)) = sorts.get(&Source::Field(*entity, *field)) else { continue };
            // A reference takes what it refers to.
            let refers = model.entity(*entity).fields[*field].relation.is_some();
            let rank = (sample.checked, !refers);
            if leading.get(&id).is_none_or(|known: &Leading| known.rank < rank) {
                leading.insert(id, Leading { rank, column: (*entity, *field) });
            }
        }
        Self { model, sorts, samples, leading }
    }

    /// What stands for the values of a sort.
    fn sample(&self, source: &Source) -> Option<&Sample> {
        let leading = self.sorts.get(source).and_then(|(id, _)| self.leading.get(&id)).map(|leading| &leading.column);
        let own = match source {
            Source::Field(entity, field) => Some((*entity, *field)),
            _ => None,
        };
        self.samples.get(&leading.copied().or(own)?)
    }

    /// A value that nobody reads, for the row of this place.
    pub(crate) fn any(&self, entity: EntityId, field: FieldIx, place: usize) -> Option<&str> {
        let texts = self.samples.get(&(entity, field)).map(|sample| &sample.texts).filter(|texts| !texts.is_empty())?;
        Some(&texts[place % texts.len()])
    }

    /// A value among the others of its sort, as text.
    pub(crate) fn other(&self, source: &Source, number: u16) -> String {
        let text = self.sample(source).and_then(|sample| sample.texts.get(usize::from(number)));
        text.cloned().unwrap_or_else(|| format!("other {number}"))
    }

    /// The text of a value that only some pass the checks of its column.
    pub(crate) fn checked(&self, source: &Source, number: u16) -> Option<&str> {
        let sample = self.sample(source).filter(|sample| sample.checked)?;
        sample.texts.get(usize::from(number)).map(String::as_str)
    }

    /// A number that stands where it has to among the constants of its sort; none where that is not known.
    pub(crate) fn number(&self, source: &Source, number: u16) -> Option<String> {
        let Some((_, sort)) = self.sorts.get(source).filter(|(_, sort)| sort.ordered && !sort.constants.is_empty())
        else {
            return Some((u32::from(number) + 1000).to_string());
        };
        let domain = ordered(self.model, sort);
        let at = domain.iter().position(|value| *value == Val::Other(number))?;
        let constant = |value: &Val| value.as_number();
        let (below, above) = (
            domain[..at].iter().rposition(|v| !matches!(v, Val::Other(_))),
            domain[at..].iter().position(|v| !matches!(v, Val::Other(_))),
        );
        let (low, high) =
            (below.map(|n| (at - n, constant(&domain[n]))), above.map(|n| (n, constant(&domain[at + n]))));
        let said = match (low, high) {
            (Some((nth, Some(low))), Some((rest, Some(high)))) if high - low >= (nth + rest) as f64 => low + nth as f64,
            (Some((nth, Some(low))), Some((rest, Some(high)))) => low + (high - low) * nth as f64 / (nth + rest) as f64,
            (Some((nth, Some(low))), None) => low + nth as f64,
            (None, Some((rest, Some(high)))) => high - rest as f64,
            _ => return None,
        };
        Some(said.to_string())
    }

    /// Whether the order of a column's values among its constants is more than numbers have.
    pub(crate) fn is_beyond(&self, entity: EntityId, field: FieldIx) -> bool {
        let sort = self.sorts.get(&Source::Field(entity, field));
        sort.is_some_and(|(_, sort)| sort.ordered && sort.constants.iter().any(|value| value.as_number().is_none()))
    }

    /// A column whose values are those of who asks: the key of the viewer's entity, or one that rules compare with her.
    pub(crate) fn viewer(&self) -> Option<(EntityId, FieldIx)> {
        let compared = || self.sorts.get(&Source::Viewer)?.1.fields.first().copied();
        viewer_key(self.model).or_else(compared)
    }

    /// What a claim holds.
    pub(crate) fn claim(&self, source: &Source, held: &Held) -> Option<String> {
        match held {
            Held::Value(Val::Text(text)) => Some(text.to_string()),
            Held::Value(Val::Number(_, digits)) => Some(digits.to_string()),
            Held::Value(Val::Other(number)) => Some(self.other(source, *number)),
            Held::Value(Val::Key(entity, number)) => Some(uuid(*entity, *number)),
            Held::Null | Held::Truth(_) | Held::List(_) => None,
        }
    }
}

/// A key as a UUID.
pub(crate) fn uuid(entity: EntityId, number: u16) -> String {
    format!("{:08x}-0000-4000-8000-{:012x}", entity.0 + 1, u32::from(number) + 1)
}

/// Whether its values are points in time.
pub(crate) fn is_time(ty: &Type) -> bool {
    ty.dims == 0 && matches!(&ty.base, Base::Builtin(name) if family(name) == Family::Moment)
}
