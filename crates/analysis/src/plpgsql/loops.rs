//! Loops of PL/pgSQL.

use super::reader::Reader;
use crate::scope::{Frame, Record, Shape};
use smol_str::SmolStr;

impl Reader<'_, '_> {
    /// From after `loop` on.
    pub(super) fn loop_body(&mut self, label: Option<SmolStr>, opened: usize) -> Option<()> {
        self.in_loop(Frame { label: label.unwrap_or_default(), ..Frame::default() }, opened)
    }

    fn in_loop(&mut self, frame: Frame, opened: usize) -> Option<()> {
        self.walk.frames.push(Frame { is_loop: true, ..frame });
        self.loops += 1;
        // It is closed with `end loop`, whatever it begins with.
        let word = (opened..self.at).rev().find(|at| self.is_at(*at, "loop")).unwrap_or(opened);
        let read = self.statements(&["end"], word);
        self.loops -= 1;
        self.walk.frames.pop();
        read?;
        self.end(Some("loop"))
    }

    pub(super) fn for_loop(&mut self, label: Option<SmolStr>) -> Option<()> {
        let frame = Frame { label: label.unwrap_or_default(), ..Frame::default() };
        // An integer loop declares its variable; a loop over rows has one already.
        let start = self.at;
        self.at = self.until(&["in"]);
        self.need("in", "for")?;
        let inside = self.at;
        let end = self.until(&["loop"]);
        if !self.is_at(end, "loop") {
            self.at = end;
            return self.need("loop", "for … in");
        }
        let middle = (inside..end).find(|at| self.symbol_at(*at, b'.') && self.symbol_at(at + 1, b'.'));
        let first = self.tokens.get(inside)?;
        let starts_query = ["select", "with", "insert", "update", "delete", "values", "merge", "table", "execute"]
            .iter()
            .any(|word| first.is(self.text, word));
        if let Some(middle) = middle.filter(|_| !starts_query) {
            self.at = start;
            let name = self.name()?;
            self.at = inside;
            self.take("reverse");
            self.bound(middle);
            self.at = middle + 2;
            let end = self.until(&["loop", "by"]);
            self.bound(end);
            self.at = end;
            if self.take("by") {
                self.expression(&["loop"]);
            }
            self.take("loop");
            let variables = vec![(name.into(), Shape::Type(crate::query::plain("int")))];
            return self.in_loop(Frame { variables, ..frame }, start);
        }
        self.at = start;
        let mut variables = Vec::new();
        let single = self.names();
        let targets = match &single.0[..] {
            // A loop over a cursor declares its record, whatever else is called so.
            [name] if single.1 + 1 == inside && self.is_cursor_at(inside) => {
                let output = self.tokens[inside].name(self.text).map(|name| self.walk.rows_of_cursor(&name));
                let fields = output.iter().flat_map(|output| &output.columns).map(|(name, _)| name.clone()).collect();
                let open = output.is_none_or(|output| !output.complete);
                variables.push((name.into(), Shape::Record(self.walk.records.len())));
                self.walk.records.push(Record { open, fields, uses: Vec::new() });
                Vec::new()
            }
            _ => self.targets(),
        };
        self.at = inside;
        if self.take("execute") {
            let output = self.dynamic_text(&["using", "loop"]);
            if self.take("using") {
                self.expression(&["loop"]);
            }
            self.put(&targets, &output, self.bytes(inside, end));
        } else if starts_query || self.symbol(b'(') {
            let output = self.statement_to(inside, end);
            self.put(&targets, &output, self.bytes(inside, end));
        } else {
            // A cursor with its arguments.
            self.unknown_into(&targets);
            if let ([name], after) = (&self.names().0[..], self.names().1) {
                let name = SmolStr::from(name.as_str());
                self.at = after;
                self.cursor_arguments(inside, &name, end);
            }
        }
        self.at = end;
        self.take("loop");
        self.in_loop(Frame { variables, ..frame }, start)
    }

    /// Where a loop over numbers begins or ends: an expression up to this token.
    fn bound(&mut self, end: usize) {
        let (start, stop) = self.bytes(self.at, end);
        let output = self.expression_to(end);
        let int = crate::query::plain("int");
        if let ([(_, given)], true) = (&output.columns[..], output.complete) {
            self.walk.put_into((start, stop), given, &int);
        }
        if let Some(int) = &int {
            self.walk.literal_in_text(start, stop, int);
        }
    }

    /// Whether the name of a cursor with a query stands here, with its values or alone.
    fn is_cursor_at(&self, at: usize) -> bool {
        let name = self.tokens.get(at).and_then(|token| token.name(self.text));
        let ends = self.symbol_at(at + 1, b'(') || self.is_at(at + 1, "loop");
        ends && name.is_some_and(|name| self.walk.cursor(&name).is_some())
    }

    pub(super) fn foreach(&mut self, label: Option<SmolStr>) -> Option<()> {
        let targets = self.targets();
        self.unknown_into(&targets);
        let opened = self.at;
        self.at = self.until(&["array", "loop"]);
        self.take("array");
        let from = self.at;
        let given = self.needed(&["loop"], "in array")?;
        if let ([(_, ty)], true) = (&given.columns[..], given.complete)
            && crate::meet::is_no_array(ty)
        {
            let message = format!("`foreach` takes an array, and `{}` is none", self.shown(from));
            self.refused(from, crate::Problem::Types, message, "write `for … in select …` for rows");
        }
        self.need("loop", "foreach")?;
        self.loop_body(label, opened)
    }
}
