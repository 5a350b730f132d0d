//! Temporary tables that a text makes for itself.

use crate::find::idents;
use crate::scope::{Output, Seen, Source, Ty};
use crate::text::{Part, folded};
use crate::walk::Walk;
use smol_str::SmolStr;
use specc_catalog::Qualified;
use specc_expr::sqlparser::ast::{CreateTable, CreateTableLikeKind};
use specc_split::{Lexer, Token, TokenKind};

/// The schema in which Postgres looks first.
const TEMPORARY: &str = "pg_temp";

impl Walk<'_> {
    /// `create table …`: a temporary one is there from here on.
    pub(crate) fn made_table(&mut self, part: &Part<'_>, table: &CreateTable) {
        let mut output = match &table.query {
            Some(query) => self.query(part, query),
            None => Output { columns: Vec::new(), complete: true, ..Output::default() },
        };
        let written: Vec<(SmolStr, Ty)> = table
            .columns
            .iter()
            .map(|column| (folded(&column.name), self.data_type(part, &column.data_type)))
            .collect();
        match &table.query {
            // Names for the first columns of the query.
            Some(_) => {
                for ((name, _), (own, _)) in written.iter().zip(&mut output.columns) {
                    own.clone_from(name);
                }
            }
            None => output.columns.extend(written),
        }
        if let Some(CreateTableLikeKind::Parenthesized(like) | CreateTableLikeKind::Plain(like)) = &table.like {
            match self.relation(part, &like.name) {
                Some(found) => {
                    output.complete &= found.complete;
                    output.stars.beside |= !output.columns.is_empty();
                    output.stars.of.push(found.name.clone());
                    output.columns.extend(found.columns.into_iter().map(|column| (column.name, column.ty)));
                }
                None => output.complete = false,
            }
        }
        output.complete &= table.inherits.is_none() && table.partition_of.is_none();
        let Some(name) = idents(&table.name).and_then(|all| all.last().map(|ident| folded(ident))) else { return };
        if table.temporary {
            output.complete &= self.is_made_once(&name);
            self.temporary.retain(|(other, _)| *other != name);
            self.temporary.push((name, output));
        }
    }

    /// The row of a temporary table of this name.
    pub(crate) fn temporary_table(&self, schema: Option<&str>, name: &str) -> Option<Source> {
        if schema.is_some_and(|schema| schema != TEMPORARY) {
            return None;
        }
        let (_, output) = self.temporary.iter().find(|(own, _)| own == name)?;
        let seen = |(name, ty): &(SmolStr, Ty)| Seen { name: name.clone(), ty: ty.clone(), of: None };
        Some(Source {
            columns: output.columns.iter().map(seen).collect(),
            complete: output.complete,
            relation: Some(Qualified::new(TEMPORARY, name)),
            stars: output.stars.clone(),
            ..Source::open(name.into())
        })
    }

    /// Whether the text makes a temporary table of this name somewhere.
    pub(crate) fn is_temporary(&self, schema: Option<&str>, name: &str) -> bool {
        schema.is_none() && self.made_temporary.iter().any(|made| made == name)
    }

    /// Whether nothing else in the text makes or changes a table of this name.
    fn is_made_once(&self, name: &str) -> bool {
        let text = self.text;
        let changes = |token: Token| {
            token.is(text, "alter")
                || token.is(text, "rename")
                || token.kind == TokenKind::Text && text[token.start..token.end].contains(name)
        };
        let made = self.made.iter().filter(|made| *made == name).count();
        made == 1 && !Lexer::new(text).map_while(Result::ok).any(changes)
    }
}
