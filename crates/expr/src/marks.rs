//! What sqlparser cannot say, said with names that no author writes: they have a space in front.

use crate::mend::{Reader, said};
use sqlparser::ast::{AccessExpr, Cte, Expr, Ident, Insert, ObjectName, Query, Select, SelectItem, SetExpr};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, Word};

/// Stands before the alias of `using (…) as alias`, which sqlparser does not read, in the list of columns: no name that an
/// author writes has a space in front.
pub(crate) const JOIN_ALIAS: &str = " as";

/// Stands for the `*` of `(row).*`, which sqlparser does not read, as if it were a field.
pub(crate) const ROW_STAR: &str = " *";

pub(crate) const SEARCH: &str = " search";
pub(crate) const CYCLE: &str = " cycle";
pub(crate) const OLD: &str = " old";
pub(crate) const NEW: &str = " new";

/// The name of the value of what stands in `from` and has a form of its own in the grammar.
pub(crate) const FORM: &str = " form";

/// Whether the column has the name of its row: `from extract(year from a) as y`.
pub fn is_form(column: &str) -> bool {
    column == FORM
}

/// Stands for the function of `rows from (…)`, whose arguments are the functions in it.
pub(crate) const ROWS_FROM: &str = " rows";

/// Stands behind the name of a column of which an element is written to: `set a[1] = …`.
pub(crate) const ELEMENT: &str = " []";

/// Whether the name before this part is that of an array, of which an element is written to.
pub fn is_element(part: &Ident) -> bool {
    part.value == ELEMENT
}

/// Stands for `overriding system value`.
pub(crate) const OVERRIDING: &str = " overriding";

/// Whether the values of an insert come before the numbers that Postgres would give.
pub fn is_overriding(insert: &Insert) -> bool {
    insert.partitioned.is_some()
}

/// Whether the functions of `rows from (…)` are the arguments of what has this name.
pub fn is_rows_from(name: &ObjectName) -> bool {
    matches!(&name.0[..], [part] if part.as_ident().is_some_and(|ident| ident.value == ROWS_FROM))
}

/// The type of what stands in `from` as a table and is a value of the session: `from current_date`.
pub fn session_value(name: &ObjectName) -> Option<&'static str> {
    let [part] = &name.0[..] else { return None };
    value_of_session(std::slice::from_ref(part.as_ident()?)).map(|(_, ty)| ty)
}

/// The word and the type of a value of the session that is said without parentheses: `current_schema`.
pub fn value_of_session(name: &[Ident]) -> Option<(String, &'static str)> {
    let [ident @ Ident { quote_style: None, .. }] = name else { return None };
    let word = ident.value.to_ascii_lowercase();
    let ty = specc_facts::grammar(&word)?.value.filter(|_| specc_facts::needs_quotes(&word))?;
    Some((word, ty))
}

pub(crate) fn token(mark: &str) -> Token {
    Token::Word(Word { value: mark.into(), quote_style: Some('"'), keyword: Keyword::NoKeyword })
}

/// What `search` or `cycle` behind a `with` query says.
#[derive(Clone, Debug)]
pub struct AddedColumns<'q> {
    /// The columns of the query that are looked at.
    pub by: Vec<&'q Ident>,
    /// The columns that it adds.
    pub added: Vec<&'q Ident>,
    /// The first of those is true or false.
    pub flag: bool,
}

/// The clause that the `with` query before it has, where this one stands for a clause.
pub fn added_columns(cte: &Cte) -> Option<AddedColumns<'_>> {
    if !matches!(&*cte.alias.name.value, SEARCH | CYCLE) {
        return None;
    }
    let Query { body, .. } = &*cte.query;
    let SetExpr::Select(select) = &**body else { return None };
    let Select { projection, .. } = &**select;
    let last = projection.len().checked_sub(1)?;
    let added = [0, last].into_iter().take(1 + usize::from(last > 0)).filter_map(|at| match &projection[at] {
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(ident),
        _ => None,
    });
    let flag = cte.alias.name.value == CYCLE && last == 1;
    Some(AddedColumns {
        by: cte.alias.columns.iter().map(|column| &column.name).collect(),
        added: added.collect(),
        flag,
    })
}

/// `old as o` of `returning with (old as o)`: whether it is the row before, and its name.
pub fn returned_row(item: &SelectItem) -> Option<(bool, &Ident)> {
    let SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) = item else { return None };
    let [mark, name] = &parts[..] else { return None };
    let old = mark.value == OLD;
    (mark.quote_style.is_some() && (old || mark.value == NEW)).then_some((old, name))
}

/// The alias that `join … using (…) as alias` gives to the columns that both sides share, where this element of the list
/// of columns is one.
pub fn join_alias(name: &ObjectName) -> Option<&Ident> {
    match &name.0[..] {
        [mark, alias] if mark.as_ident().is_some_and(|ident| ident.value == JOIN_ALIAS) => alias.as_ident(),
        _ => None,
    }
}

/// The row of which `(row).*` gives all fields.
pub fn row_of_star(expr: &Expr) -> Option<RowOfStar<'_>> {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else { return None };
    let (last, fields) = access_chain.split_last()?;
    match last {
        AccessExpr::Dot(Expr::Identifier(star)) if star.value == ROW_STAR => Some(RowOfStar { root, fields, star }),
        _ => None,
    }
}

/// A row, and the fields that lead from it to the one whose fields are meant.
#[derive(Clone, Copy, Debug)]
pub struct RowOfStar<'e> {
    /// What stands before the first dot.
    pub root: &'e Expr,
    /// Mostly none.
    pub fields: &'e [AccessExpr],
    /// Where the `*` stands.
    pub star: &'e Ident,
}

impl Reader<'_> {
    /// Where the bracket is closed that opens here.
    pub(crate) fn bracket_closed(&self, opens: usize) -> usize {
        let mut depth = 0usize;
        for at in opens..self.seen.len() {
            depth += usize::from(self.symbol(at, &Token::LBracket));
            depth -= usize::from(self.symbol(at, &Token::RBracket));
            if depth == 0 {
                return at;
            }
        }
        self.seen.len()
    }

    /// `set a[1] = …, b = …`: elements are given values as their columns are, from here on.
    pub(crate) fn set_elements(&mut self, mut n: usize) {
        while matches!(self.token(n), Token::Word(_) | Token::LParen) {
            let mut elements = Vec::new();
            let mut at = if self.symbol(n, &Token::LParen) { self.closed(n) + 1 } else { n + 1 };
            while matches!(self.token(at), Token::Period | Token::LBracket) {
                let end = if self.symbol(at, &Token::Period) { at + 1 } else { self.bracket_closed(at) };
                elements.extend(self.symbol(at, &Token::LBracket).then_some(at..end + 1));
                at = end + 1;
            }
            if !self.symbol(at, &Token::Eq) {
                return;
            }
            let last = elements.pop_if(|range| self.marks && range.end == at);
            elements.into_iter().for_each(|range| self.drop(range));
            last.into_iter().for_each(|range| self.element(range));
            let mut depth = 0usize;
            loop {
                match self.token(at) {
                    Token::LParen | Token::LBracket => depth += 1,
                    Token::RParen | Token::RBracket if depth == 0 => return,
                    Token::RParen | Token::RBracket => depth -= 1,
                    Token::Comma if depth == 0 => break,
                    Token::EOF | Token::SemiColon => return,
                    _ if depth == 0 && self.is_any(at, &["from", "where", "returning", "when"]) => return,
                    _ => {}
                }
                at += 1;
            }
            n = at + 1;
        }
    }

    /// `overriding system value`, said as a part of the table that sqlparser reads there.
    pub(crate) fn overriding(&mut self, n: usize) {
        if self.marks {
            let mark = vec![said("partition", Keyword::PARTITION), Token::LParen, token(OVERRIDING), Token::RParen];
            self.instead.push((n, mark));
            self.drop(n + 1..n + 3);
        } else {
            self.drop(n..n + 3);
        }
    }

    /// What stands in brackets here is an element of what has the name before.
    pub(crate) fn element(&mut self, range: std::ops::Range<usize>) {
        self.instead.push((range.start, vec![Token::Period, token(ELEMENT)]));
        self.drop(range.start + 1..range.end);
    }

    /// Names with commas between them, from here on: where they end.
    fn listed(&self, mut n: usize) -> Option<usize> {
        loop {
            matches!(self.token(n), Token::Word(_)).then_some(())?;
            if !self.symbol(n + 1, &Token::Comma) {
                return Some(n + 1);
            }
            n += 2;
        }
    }

    /// `search depth first by a set o` and `cycle a set c using p` behind a `with` query: another one with a mark for its
    /// name, which has the columns that are looked at, and selects those that are added.
    pub(crate) fn added_columns(&mut self, n: usize) {
        let search = self.is(n, "search");
        let first = match () {
            () if !search => n + 1,
            () if self.is_any(n + 1, &["depth", "breadth"]) && self.is(n + 2, "first") && self.is(n + 3, "by") => n + 4,
            () => return,
        };
        let Some(set) = self.listed(first).filter(|at| self.is(*at, "set")) else { return };
        let added = set + 1;
        let using = if search { None } else { (added..self.seen.len()).find(|at| self.is(*at, "using")) };
        let last = using.map_or(added, |using| using + 1);
        if !search && using.is_none() || !matches!(self.token(last), Token::Word(_)) {
            return;
        }
        let mark = if search { SEARCH } else { CYCLE };
        self.instead.push((n, vec![Token::Comma, token(mark), Token::LParen]));
        self.drop(n + 1..first);
        let opens = vec![Token::RParen, said("as", Keyword::AS), Token::LParen, said("select", Keyword::SELECT)];
        self.instead.push((set, opens));
        for at in added + 1..last {
            if self.is_any(at, &["to", "default", "using"]) {
                self.instead.push((at, vec![Token::Comma]));
            }
        }
        self.instead.push((last, vec![self.token(last).clone(), Token::RParen]));
    }

    /// `returning with (old as o, new as n) …`: the names stand among what is returned, behind marks.
    pub(crate) fn returned_rows(&mut self, n: usize) {
        if !self.is(n + 1, "with") || !self.symbol(n + 2, &Token::LParen) {
            return;
        }
        let end = self.closed(n + 2);
        self.drop(n + 1..n + 3);
        for at in n + 3..end {
            if self.is_any(at, &["old", "new"]) && self.is(at + 1, "as") {
                let mark = if self.is(at, "old") { OLD } else { NEW };
                self.instead.push((at, vec![token(mark)]));
                self.instead.push((at + 1, vec![Token::Period]));
            }
        }
        self.instead.push((end, vec![Token::Comma]));
    }
}
