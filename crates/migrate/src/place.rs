//! Places in the old state, in the new state and in the plan: one is never taken for another.

use specc_catalog::{Catalog, Entry, IdRef, Kind, Needs, Object, ObjectId, Strength, Table, TableName};
use std::fmt;
use std::marker::PhantomData;

/// Which of the two states.
pub trait Side: Copy + Eq + Ord + std::hash::Hash + std::fmt::Debug {}

/// What was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Old {}
/// What is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum New {}

impl Side for Old {}
impl Side for New {}

/// An object of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place<S> {
    index: u32,
    side: PhantomData<S>,
}

/// An object as it was.
pub type OldPlace = Place<Old>;
/// An object as it is to be.
pub type NewPlace = Place<New>;

impl<S: Side> Place<S> {
    /// By its place in the catalog of this state.
    pub(crate) fn new(index: u32) -> Self {
        Self { index, side: PhantomData }
    }

    /// Its place in the catalog of this state.
    pub fn index(self) -> usize {
        self.index as usize
    }

    pub(crate) fn raw(self) -> u32 {
        self.index
    }
}

/// A statement of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub u32);

/// One of the two states.
#[derive(Clone, Copy)]
pub(crate) struct State<'d, S> {
    /// What is in it.
    pub catalog: &'d Catalog,
    side: PhantomData<S>,
}

impl<'d, S: Side> State<'d, S> {
    pub fn new(catalog: &'d Catalog) -> Self {
        Self { catalog, side: PhantomData }
    }

    pub fn places(self) -> impl Iterator<Item = (Place<S>, &'d ObjectId, &'d Entry)> {
        (0..).zip(self.catalog.iter()).map(|(index, (id, entry))| (Place::new(index), id, entry))
    }

    pub fn iter(self) -> impl Iterator<Item = (&'d ObjectId, &'d Entry)> {
        self.catalog.iter()
    }

    /// # Errors
    /// No object has this place: the plan's own mistake.
    pub fn at(self, place: Place<S>) -> Planned<(&'d ObjectId, &'d Entry)> {
        self.catalog.at(place.index()).ok_or(Unexpected { object: None, case: "a place that no object has" })
    }

    pub fn entry(self, place: Place<S>) -> Planned<&'d Entry> {
        Ok(self.at(place)?.1)
    }

    /// The object at a place of this state; none for a place that no object has.
    pub fn object(self, place: Place<S>) -> Option<&'d Object> {
        self.catalog.at(place.index()).map(|(_, entry)| &entry.object)
    }

    pub fn kind(self, place: Place<S>) -> Option<Kind> {
        self.catalog.at(place.index()).map(|(id, _)| id.kind)
    }

    pub fn get(self, id: &ObjectId) -> Option<&'d Entry> {
        self.catalog.get(id)
    }

    pub fn contains(self, id: &ObjectId) -> bool {
        self.catalog.contains(id)
    }

    pub fn find(self, id: IdRef<'_>) -> Option<Place<S>> {
        self.catalog.find(id).map(|index| Place::new(index as u32))
    }

    pub fn index_of(self, id: &ObjectId) -> Option<Place<S>> {
        self.catalog.index_of(id).map(|index| Place::new(index as u32))
    }

    pub fn table(self, name: &TableName) -> Option<&'d Table> {
        match self.catalog.at(self.catalog.find(IdRef::table(name))?)?.1.object {
            Object::Table(ref table) => Some(table),
            _ => None,
        }
    }

    /// # Errors
    /// No table has this place.
    pub fn table_at(self, place: Place<S>) -> Planned<&'d Table> {
        let (id, entry) = self.at(place)?;
        match &entry.object {
            Object::Table(table) => Ok(table),
            _ => Err(Unexpected::new(id, "a table was expected")),
        }
    }

    pub fn needs(self) -> NeedsOf<'d, S> {
        NeedsOf { needs: Needs::new(self.catalog), side: PhantomData }
    }
}

/// What the objects of a state need.
pub(crate) struct NeedsOf<'d, S> {
    needs: Needs<'d>,
    side: PhantomData<S>,
}

impl<S: Side> NeedsOf<'_, S> {
    pub fn of(&self, place: Place<S>) -> Vec<(Place<S>, Strength)> {
        self.needs.of(place.raw()).into_iter().map(|(need, strength)| (Place::new(need), strength)).collect()
    }

    /// The object that the one at `place` is a part of.
    pub fn home(&self, place: Place<S>) -> Option<Place<S>> {
        self.needs.home(place.raw()).map(Place::new)
    }
}

/// A case that the planner does not expect: a fault of its own, never of the spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexpected {
    /// On the way of this object.
    pub object: Option<ObjectId>,
    /// What was met.
    pub case: &'static str,
}

impl Unexpected {
    pub(crate) fn new(object: &ObjectId, case: &'static str) -> Self {
        Self { object: Some(object.clone()), case }
    }
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the planner met a case that it does not know, so nothing is written")?;
        if let Some(object) = &self.object {
            write!(f, "\n  {object}")?;
        }
        write!(f, ": {}", self.case)
    }
}

/// What a step of planning gives.
pub(crate) type Planned<T = ()> = Result<T, Unexpected>;
