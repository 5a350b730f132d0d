//! Walks through the trees of sqlparser. A visitor of sqlparser is compiled anew for each of its two hundred types of nodes, so
//! there is one, here, which passes on what it meets.

use sqlparser::ast::{Expr, Ident, ObjectName, Query, Statement, TableFactor, Visit, Visitor};
use std::ops::ControlFlow;

/// Who looks at the nodes of a tree, in their order. What is not of interest is left out.
pub trait Look {
    /// A query begins.
    fn query(&mut self, _: &Query) {}
    /// It has ended.
    fn query_ends(&mut self, _: &Query) {}
    /// What stands in `from`.
    fn table_factor(&mut self, _: &TableFactor) {}
    /// The name of a table or of a function in `from`.
    fn relation(&mut self, _: &ObjectName) {}
    /// An expression begins; a break ends the walk.
    fn expr(&mut self, _: &Expr) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    /// It has ended.
    fn expr_ends(&mut self, _: &Expr) {}
    /// A name; a break ends the walk.
    fn ident(&mut self, _: &Ident) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// A node that can be walked through.
pub trait Tree {
    /// Shows each node below this one, and this one.
    fn walk(&self, look: &mut dyn Look);
}

impl Tree for Expr {
    fn walk(&self, look: &mut dyn Look) {
        let _ = self.visit(&mut Through(look));
    }
}

impl Tree for Query {
    fn walk(&self, look: &mut dyn Look) {
        let _ = self.visit(&mut Through(look));
    }
}

impl Tree for Statement {
    fn walk(&self, look: &mut dyn Look) {
        let _ = self.visit(&mut Through(look));
    }
}

impl Tree for Vec<Statement> {
    fn walk(&self, look: &mut dyn Look) {
        let _ = self.visit(&mut Through(look));
    }
}

impl<T: Tree> Tree for Box<T> {
    fn walk(&self, look: &mut dyn Look) {
        T::walk(self, look);
    }
}

struct Through<'l>(&'l mut dyn Look);

impl Visitor for Through<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.0.query(query);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.0.query_ends(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        self.0.table_factor(factor);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.0.relation(relation);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.0.expr(expr)
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.0.expr_ends(expr);
        ControlFlow::Continue(())
    }

    fn pre_visit_ident(&mut self, ident: &Ident) -> ControlFlow<()> {
        self.0.ident(ident)
    }
}
