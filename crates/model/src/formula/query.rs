//! Plain SQL inside an expression: the author's text, with the names of the spec in it taken out by their places.
//!
//! Nothing is printed from sqlparser's tree: text between the names stays as it was written, apart from the case of
//! words, comments and the width of spaces, and every literal is written from its value.

use super::build::{Builder, Meaning, folded};
use super::*;
use specc_expr::lex::{Lexed, closing};
use specc_expr::{Look, Tree};
use specc_expr::{exists_path, idents_span};
use sqlparser::ast::{self, Expr as Ast, Ident, ObjectName, Query, SetExpr, TableFactor};
use sqlparser::tokenizer::Token;
use std::ops::ControlFlow;

/// A name of the spec in a text: its bytes, and what stands for it.
struct Site {
    start: usize,
    end: usize,
    piece: Piece,
}

impl Builder<'_> {
    /// A subquery with the parentheses around it.
    pub(super) fn query(&self, query: &Query) -> Sql {
        let area =
            specc_expr::start_of(query, self.text).and_then(|inner| enclosing(self.tokens(), inner, nesting(query)));
        let sql = match area {
            Some((start, end)) => self.cut(query, start, end, true),
            // A place that sqlparser does not know: what is read is noted all the same.
            None => self.cut(query, 0, self.text.len(), true),
        };
        Sql { selects: self.selects(query), ..sql }
    }

    /// A form that is not taken apart.
    pub(super) fn verbatim(&self, ast: &Ast) -> Sql {
        let span = specc_expr::expr_span(ast, self.text, self.whole());
        self.cut(ast, span.start as usize, span.end as usize, false)
    }

    /// All of the text, by its own places: those in the file are others where a mixin's argument was filled in.
    fn whole(&self) -> Span {
        Span::new(self.at.file, 0, self.text.len())
    }

    fn cut<T: Tree>(&self, node: &T, start: usize, end: usize, query: bool) -> Sql {
        let mut sites = Sites {
            builder: self,
            found: Vec::new(),
            aliases: Vec::new(),
            with: Vec::new(),
            negations: 0,
            negated: Vec::new(),
        };
        node.walk(&mut sites);
        let Sites { mut found, aliases, negated, .. } = sites;
        found.sort_by_key(|site| (site.start, std::cmp::Reverse(site.end)));
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut last = start;
        let mut sites = found.into_iter().filter(|site| site.start >= start && site.end <= end).peekable();
        for token in self.tokens().iter().filter(|t| t.start >= start && t.end <= end) {
            while sites.peek().is_some_and(|site| site.start < last) {
                sites.next();
            }
            if token.start < last {
                continue;
            }
            if let Some(site) = sites.next_if(|site| site.start <= token.start) {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text).into()));
                }
                last = site.end;
                pieces.push(site.piece);
                continue;
            }
            last = token.end;
            push(&mut text, &token.token);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.into()));
        }
        Sql { pieces, aliases, query, negated, selects: Vec::new() }
    }
}

/// How many parentheses of its own stand around the start of a query: `((select …) union select …)`.
fn nesting(query: &Query) -> usize {
    let mut depth = 0;
    if query.with.is_some() {
        return depth;
    }
    let mut body = &*query.body;
    loop {
        body = match body {
            SetExpr::SetOperation { left, .. } => left,
            SetExpr::Query(inner) => {
                depth += 1;
                if inner.with.is_some() {
                    return depth;
                }
                &inner.body
            }
            _ => return depth,
        };
    }
}

/// The parentheses around the byte `inner`, leaving out as many as are the query's own.
fn enclosing(tokens: &[Lexed], inner: usize, own: usize) -> Option<(usize, usize)> {
    let at = tokens.iter().position(|t| t.end > inner)?;
    let mut depth = 0;
    let mut left = own;
    for (open, token) in tokens[..at].iter().enumerate().rev() {
        match token.token {
            Token::RParen => depth += 1,
            Token::LParen if depth > 0 => depth -= 1,
            Token::LParen if left > 0 => left -= 1,
            Token::LParen => {
                let close = closing(tokens, open)?;
                return Some((token.start, tokens[close].end));
            }
            _ => {}
        }
    }
    None
}

/// Appends a token in its canonical form.
fn push(out: &mut String, token: &Token) {
    match token {
        Token::Whitespace(_) => {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        }
        Token::Word(word) if word.quote_style.is_some() => out.push_str(&specc_sql::quote::ident(&word.value)),
        Token::Word(word) => out.push_str(&word.value.to_lowercase()),
        Token::SingleQuotedString(text) | Token::UnicodeStringLiteral(text) => {
            out.push_str(&Value::Text(text.as_str().into()).sql());
        }
        Token::EscapedStringLiteral(text) => out.push_str(&Value::Escaped(text.as_str().into()).sql()),
        Token::NationalStringLiteral(text) => out.push_str(&Value::National(text.as_str().into()).sql()),
        Token::SingleQuotedByteStringLiteral(digits) => out.push_str(&Value::Bits(digits.as_str().into()).sql()),
        Token::HexStringLiteral(digits) => out.push_str(&Value::Hex(digits.as_str().into()).sql()),
        other => out.push_str(&other.to_string()),
    }
}

/// Whether a query in it has to be without rows for it to hold.
fn negates(ast: &Ast) -> bool {
    match ast {
        Ast::UnaryOp { op: ast::UnaryOperator::Not, .. } | Ast::AllOp { .. } => true,
        Ast::IsFalse(_) | Ast::IsNotTrue(_) => true,
        Ast::Exists { negated, .. } | Ast::InSubquery { negated, .. } => *negated,
        _ => false,
    }
}

/// Finds the names of the spec in a tree.
struct Sites<'a> {
    builder: &'a Builder<'a>,
    found: Vec<Site>,
    aliases: Vec<SmolStr>,
    /// Names of `with` queries.
    with: Vec<SmolStr>,
    /// Negations around what is at hand.
    negations: usize,
    /// Tables inside an odd number of them.
    negated: Vec<EntityId>,
}

impl Sites<'_> {
    fn site(&mut self, idents: &[Ident], piece: Piece) {
        let builder = self.builder;
        let span = idents_span(idents, builder.text, builder.whole());
        if span != builder.whole() {
            self.found.push(Site { start: span.start as usize, end: span.end as usize, piece });
        }
    }

    fn object(&mut self, name: &ObjectName, piece: Piece) {
        let idents: Vec<Ident> = name.0.iter().filter_map(|p| p.as_ident().cloned()).collect();
        self.site(&idents, piece);
    }

    /// A name in an expression.
    fn name(&mut self, idents: &[Ident]) {
        let meaning = self.builder.meanings.of(&idents[0]);
        let (node, nullable, volatility) = match meaning {
            // A column of a table of the query is SQL already.
            Some(Meaning::Spec(crate::scope::Resolved::Field { .. }, Some(Row::Query(..)))) => return,
            Some(Meaning::Spec(crate::scope::Resolved::Row(_), Some(Row::Query(..)))) => return,
            Some(Meaning::Spec(..)) => self.builder.name(idents),
            Some(_) => return,
            None if idents[0].quote_style.is_none() => {
                let words: Vec<&str> = idents.iter().map(|i| i.value.as_str()).collect();
                let special = words.len() > 1 || matches!(words[..], ["viewer"]);
                match self.builder.model.resolve(self.builder.scope, &words, false).filter(|_| special) {
                    Some(resolved) => self.builder.spec(&resolved, None),
                    None => return,
                }
            }
            None => return,
        };
        let span = idents_span(idents, self.builder.text, self.builder.at);
        let ty = Type { base: crate::types::Base::Unknown, args: Vec::new(), dims: 0 };
        self.site(idents, Piece::Formula(Formula { node, ty, span, nullable, volatility }));
    }

    /// `exists path (condition)` and predicates: all of the call.
    fn call(&mut self, ast: &Ast, call: &ast::Function) {
        let builder = self.builder;
        if let Some(word) = builder.meant(call) {
            return self.name(std::slice::from_ref(word));
        }
        let first = call.name.0.first().and_then(|p| p.as_ident());
        let Some(first) = first else { return };
        if exists_path(call).is_some() || builder.predicate(call).is_some() {
            let start = idents_span(std::slice::from_ref(first), builder.text, builder.whole()).start as usize;
            let tokens = builder.tokens();
            let open = tokens.iter().position(|t| t.start >= start && t.token == Token::LParen);
            if let Some(close) = open.and_then(|open| closing(tokens, open)) {
                let piece = Piece::Formula(builder.formula(ast));
                self.found.push(Site { start, end: tokens[close].end, piece });
            }
            return;
        }
        if let Some((name, qualified)) = builder.function_name(&call.name)
            && let Some(declared) = builder.declared(&call.name)
        {
            self.object(&call.name, Piece::Function { name, qualified, declared: Some(declared) });
        }
    }

    fn alias(&mut self, name: SmolStr) {
        if !self.aliases.contains(&name) {
            self.aliases.push(name);
        }
    }
}

impl Look for Sites<'_> {
    fn query(&mut self, query: &Query) {
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                self.with.push(folded(&cte.alias.name));
                self.alias(folded(&cte.alias.name));
            }
        }
    }

    fn table_factor(&mut self, factor: &TableFactor) {
        if let TableFactor::Table { name, alias, .. } = factor
            && let Some(ident) = name.0.first().and_then(|p| p.as_ident())
        {
            match self.builder.meanings.of(ident) {
                Some(Meaning::Table(id)) => {
                    if self.negations % 2 == 1 {
                        self.negated.push(*id);
                    }
                    self.object(name, Piece::Table(*id, alias.is_some()));
                }
                Some(Meaning::View(at)) => self.object(name, Piece::View(*at)),
                _ => {}
            }
        }
        let alias = match factor {
            TableFactor::Table { name, alias, .. } => match alias {
                Some(alias) => Some(folded(&alias.name)),
                None => name.0.last().and_then(|p| p.as_ident()).map(folded),
            },
            TableFactor::Derived { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::NestedJoin { alias, .. } => alias.as_ref().map(|a| folded(&a.name)),
            _ => None,
        };
        if let Some(alias) = alias {
            self.alias(alias);
        }
    }

    fn expr_ends(&mut self, ast: &Ast) {
        self.negations -= usize::from(negates(ast));
    }

    fn expr(&mut self, ast: &Ast) -> ControlFlow<()> {
        self.negations += usize::from(negates(ast));
        match ast {
            Ast::Identifier(ident) => self.name(std::slice::from_ref(ident)),
            Ast::CompoundIdentifier(idents) => self.name(idents),
            Ast::Function(call) => self.call(ast, call),
            Ast::Cast { data_type: ast::DataType::Custom(name, modifiers), .. } if modifiers.is_empty() => {
                if let Ast::Cast { data_type, .. } = ast {
                    let ty = self.builder.type_name(data_type);
                    self.object(name, Piece::Type(ty));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
