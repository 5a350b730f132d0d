//! What the query of a view gives: for each column its type, where its values come from, and whether they may be null.
//!
//! The checker ([`crate::query()`]) says of a type only what is sure, since it reports what does not fit. Here the query is one
//! that Postgres takes, so the type is worked out as Postgres does: literals become text, operators and functions are chosen
//! among their variants.

mod certain;
mod columns;
mod from;
mod listed;
mod query;
mod resolve;
mod scope;
mod types;

pub use columns::{RelationColumn, table_columns};
pub use listed::{Listed, listed};

use crate::catalog::Known;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Catalog, DataType, IdRef, Kind, Object, Qualified, TableName, View};
use specc_split::{Lexer, TokenKind};
use std::cell::RefCell;
use std::rc::Rc;

/// What a view gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// In order.
    pub columns: Vec<Column>,
    /// The one table or view that the view is over, where Postgres writes through it by itself.
    pub base: Option<Qualified>,
}

/// A column of what a query gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: SmolStr,
    /// Its type, where it is known.
    pub ty: Option<DataType>,
    /// The column of a table or view that it passes on as it is.
    pub of: Option<(Qualified, SmolStr)>,
    /// It passes on a column that is required, and no outer join leaves it empty.
    pub required: bool,
    /// It is never null, by whatever way that is known.
    pub certain: bool,
    /// The column of [`Shape::base`] that is written through it.
    pub writes: Option<SmolStr>,
}

/// The shapes of a catalog's views.
#[derive(Debug)]
pub struct Shapes<'c> {
    catalog: &'c Catalog,
    known: Known<'c>,
    /// None while a view is looked at, and for one that cannot be read.
    views: RefCell<FxHashMap<TableName, Option<Rc<Shape>>>>,
}

impl<'c> Shapes<'c> {
    /// Of this catalog.
    pub fn new(catalog: &'c Catalog) -> Self {
        Self { catalog, known: Known::new(catalog), views: RefCell::default() }
    }

    /// The shape of a view; none where it is no view, or where its query cannot be read to the end.
    pub fn view(&self, name: &TableName) -> Option<Rc<Shape>> {
        if let Some(found) = self.views.borrow().get(name) {
            return found.clone();
        }
        let view = self.find(name)?;
        self.views.borrow_mut().insert(name.clone(), None);
        let shape = self.read(view).map(Rc::new);
        self.views.borrow_mut().insert(name.clone(), shape.clone());
        shape
    }

    fn find(&self, name: &TableName) -> Option<&'c View> {
        let at = self.catalog.find(IdRef::new(Kind::View, &name.schema, &name.name))?;
        match self.catalog.at(at).map(|(_, entry)| &entry.object) {
            Some(Object::View(view)) => Some(view),
            _ => None,
        }
    }

    fn read(&self, view: &View) -> Option<Shape> {
        let parse = |text: &str| specc_expr::parse_query(text, crate::walk::all_of(text)).ok();
        let query = parse(&view.query).or_else(|| parse(&plainer(&view.query)))?;
        let mut shape = self.top(&query)?;
        for (column, name) in shape.columns.iter_mut().zip(&view.columns) {
            column.name = name.clone();
        }
        for column in &mut shape.columns {
            // What is still a bare literal is text.
            if column.ty.as_ref().is_some_and(types::is_literal) {
                column.ty = Some(DataType::builtin("text"));
            }
        }
        if view.materialized {
            shape.base = None;
        }
        Some(shape)
    }
}

/// The same query in words that the parser reads: a whole row without its star (`t.*::t`), and without `only`, which says
/// nothing of columns.
fn plainer(text: &str) -> String {
    let tokens: Vec<_> = Lexer::new(text).map_while(Result::ok).collect();
    let mut out = text.to_owned().into_bytes();
    let is = |at: usize, sign: u8| tokens.get(at).is_some_and(|token| token.kind == TokenKind::Symbol(sign));
    let word = |at: usize| tokens.get(at).map(|token| &text[token.start..token.end]).unwrap_or_default();
    let mut blank = |at: usize| {
        if let Some(token) = tokens.get(at) {
            out[token.start..token.end].fill(b' ');
        }
    };
    for at in 0..tokens.len() {
        if is(at, b'.') && is(at + 1, b'*') && word(at + 2).starts_with(':') {
            blank(at);
            blank(at + 1);
        }
        let before = at.checked_sub(1).map(word).unwrap_or_default();
        if word(at).eq_ignore_ascii_case("only") && ["from", "join"].iter().any(|w| before.eq_ignore_ascii_case(w)) {
            blank(at);
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}
