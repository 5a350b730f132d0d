//! Where values and columns meet by their order alone, as in `insert into t select …` without the names of columns. A table
//! may have its columns in another order than the spec has them.

use crate::scope::Output;
use crate::walk::Walk;
use specc_catalog::{DataType, Qualified};

/// The relations whose columns stand in rows by `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stars {
    /// Each with all its columns, in the order of the rows.
    pub of: Vec<Qualified>,
    /// Other columns stand beside them.
    pub beside: bool,
}

impl Stars {
    /// The rows of one relation.
    pub(crate) fn of(schema: &str, name: &str) -> Self {
        Self { of: vec![Qualified::new(schema, name)], beside: false }
    }

    /// The relations whose order of columns decides which value goes where, when such rows become rows of `into`; none: they
    /// go into columns that are named one by one. Rows of a relation as they are fit into it in whatever order it has.
    pub fn ordered<'a>(&'a self, into: Option<&'a Qualified>) -> impl Iterator<Item = &'a Qualified> {
        let fits = !self.beside && matches!((&self.of[..], into), ([one], Some(into)) if one == into);
        self.of.iter().chain(into).filter(move |_| !fits)
    }
}

impl Walk<'_> {
    /// Rows become rows of a relation, or go into columns or variables one by one.
    pub(crate) fn by_order(&mut self, place: Option<(usize, usize)>, into: Option<&Qualified>, output: &Output) {
        // Of what nothing is known, nothing is said; and a row may stand there as one value.
        let is_row = |into: &Qualified| match &output.columns[..] {
            [(_, Some(ty))] => ty.schema == into.schema && ty.name == into.name,
            columns => columns.is_empty(),
        };
        let into = into.filter(|into| !is_row(into));
        if let Some(place) = place {
            self.out.by_order.extend(output.stars.ordered(into).map(|relation| (place, relation.clone())));
        }
    }

    /// What `*` stands for in rows of two queries under one another.
    pub(crate) fn united(&mut self, place: Option<(usize, usize)>, left: &Output, right: &Output) -> Stars {
        if left.stars == right.stars {
            return left.stars.clone();
        }
        self.by_order(place, None, left);
        self.by_order(place, None, right);
        Stars { of: left.stars.of.iter().chain(&right.stars.of).cloned().collect(), beside: true }
    }

    /// Whether values of a type have columns.
    pub(crate) fn is_row_type(&self, ty: &DataType) -> bool {
        ty.dims == 0 && self.env.fields(&ty.schema, &ty.name).is_some()
    }
}
