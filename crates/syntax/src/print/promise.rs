//! Promises.

use super::text::*;
use super::{Cells, Printer};
use crate::ast::*;

impl Printer<'_> {
    pub(super) fn promise(&mut self, promise: &PromiseDecl) -> String {
        let on = promise.entity.as_ref().map_or(String::new(), |entity| format!(" on {}", qname(entity)));
        let lines = self.block(|p, lines| {
            for line in &promise.lines {
                p.entry(lines, line.at, &None, |p| p.promise_line(line));
            }
        });
        format!("promise {}{on} {lines}", string(&promise.text.text))
    }

    fn promise_line(&mut self, line: &PromiseLine) -> Cells {
        let word = if line.deny { "deny" } else { "allow" };
        let roles = if line.roles.is_empty() { String::new() } else { format!("to {}", names(&line.roles)) };
        let mut rest = Vec::new();
        if let Some(when) = &line.when {
            rest.push(format!("{} {}", if line.unless { "unless" } else { "when" }, self.expr(when)));
        }
        rest.extend(line.becoming.as_ref().map(|new| format!("becoming {}", self.expr(new))));
        self.in_columns(vec![word.to_owned(), join(&line.actions, action), roles, rest.join(" ")])
    }
}
