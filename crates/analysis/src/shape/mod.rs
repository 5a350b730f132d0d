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
use std::cell::{Cell, RefCell};
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
    /// Tables that are there besides it.
    around: &'c Catalog,
    known: Known<'c>,
    /// None while a view is looked at, and for one that cannot be read.
    views: RefCell<FxHashMap<TableName, Option<Rc<Shape>>>>,
    /// In how many queries we are of which only the types count: what is never null is not worked out in them, or queries in
    /// queries would be looked at over and over.
    typed: Cell<usize>,
    /// How many views over each other are being looked at.
    depth: Cell<usize>,
}

/// How many views over each other are followed.
const DEEP: usize = 32;

impl<'c> Shapes<'c> {
    /// Of this catalog; `around` has tables that are there besides it.
    pub fn new(catalog: &'c Catalog, around: &'c Catalog) -> Self {
        Self {
            catalog,
            around,
            known: Known::new(catalog),
            views: RefCell::default(),
            typed: Cell::new(0),
            depth: Cell::new(0),
        }
    }

    /// The shape of a view; none where it is no view, or where its query cannot be read to the end.
    pub fn view(&self, name: &TableName) -> Option<Rc<Shape>> {
        if let Some(found) = self.views.borrow().get(name) {
            return found.clone();
        }
        let view = self.find(name)?;
        if self.depth.get() > DEEP {
            return None;
        }
        self.views.borrow_mut().insert(name.clone(), None);
        self.depth.set(self.depth.get() + 1);
        let typed = self.typed.replace(0);
        let shape = self.read(view).map(Rc::new);
        self.typed.set(typed);
        self.depth.set(self.depth.get() - 1);
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

#[cfg(test)]
mod tests {
    use super::Shapes;
    use specc_catalog::{Catalog, Entry, TableName, View};

    fn view(name: &str, query: &str) -> Entry {
        Entry::new(View {
            view: TableName::new("public", name),
            columns: Vec::new(),
            query: query.into(),
            materialized: false,
            security_invoker: false,
            security_barrier: false,
            check_option: None,
            no_data: false,
        })
    }

    #[test]
    fn queries_in_queries_are_looked_at_once() {
        let query =
            (0..24).fold("select count(*) as n".to_owned(), |inner, _| format!("select count(*) + ({inner}) as n"));
        let mut catalog = Catalog::new();
        catalog.insert(view("deep", &query));
        let shape = Shapes::new(&catalog, &catalog).view(&TableName::new("public", "deep")).expect("a shape");
        assert!(shape.columns[0].certain, "{shape:?}");
        assert_eq!(shape.columns[0].ty.as_ref().map(|ty| ty.name.as_str()), Some("bigint"));
    }

    #[test]
    fn views_over_views_end_somewhere() {
        let mut catalog = Catalog::new();
        catalog.insert(view("v0", "select v3000.id from public.v3000"));
        for n in 1..=3000 {
            catalog.insert(view(&format!("v{n}"), &format!("select v{0}.id from public.v{0}", n - 1)));
        }
        let shapes = Shapes::new(&catalog, &catalog);
        for n in [3000, 7, 1500] {
            let shape = shapes.view(&TableName::new("public", format!("v{n}"))).expect("a shape");
            assert_eq!((shape.columns.len(), &shape.columns[0].ty), (1, &None));
        }
    }

    #[test]
    fn what_cannot_be_read_has_no_shape() {
        for query in [
            "select",
            "",
            "select * from (",
            "values",
            "select 1 union select",
            "delete from t",
            "select $1 from t where",
        ] {
            let mut catalog = Catalog::new();
            catalog.insert(view("v", query));
            assert_eq!(Shapes::new(&catalog, &catalog).view(&TableName::new("public", "v")), None, "{query}");
        }
    }
}
