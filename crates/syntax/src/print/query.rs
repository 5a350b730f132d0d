//! Declared queries.

use super::text::*;
use super::{Printer, WIDTH};
use crate::ast::*;

impl Printer<'_> {
    pub(super) fn query(&mut self, query: &QueryDecl) -> String {
        let params: Vec<String> = query.params.iter().map(|param| self.query_param(param)).collect();
        let params = if params.is_empty() { String::new() } else { format!("({})", params.join(", ")) };
        let head = format!("query {}{params}", name(&query.name));
        let mut parts = Vec::new();
        parts.extend(query.role.as_ref().map(|role| format!("as {}", name(role))));
        parts.extend(query.claims.as_ref().map(|claims| format!("claims {}", string(&claims.value))));
        parts.extend(query.within.as_ref().map(|within| {
            let percentile = within.percentile.as_ref().map_or(String::new(), |p| format!(" {}", p.text));
            format!("within {} {}{percentile}", within.number, within.unit.text)
        }));
        parts.extend(query.rows.map(|rows| format!("rows {rows}")));
        parts.extend(query.buffers.map(|buffers| format!("buffers {buffers}")));
        if !query.no_scan.is_empty() {
            parts.push(format!("no seq scan on {}", qnames(&query.no_scan)));
        }
        if !query.whole.is_empty() {
            parts.push(format!("reads all of {}", qnames(&query.whole)));
        }
        let head = self.wrapped(head, &parts, 2);
        let body = self.expr(&query.body);
        let last = head.rsplit('\n').next().unwrap_or_default().chars().count();
        let comment = ["//", "--", "/*"].iter().any(|mark| body.contains(mark));
        if !body.contains('\n') && !comment && last + body.chars().count() + 5 <= WIDTH {
            return format!("{head} {{ {body} }}");
        }
        format!("{head} {{\n  {body}\n}}")
    }

    fn query_param(&mut self, param: &QueryParam) -> String {
        let from = param
            .from
            .as_ref()
            .map_or(String::new(), |(entity, column)| format!(" from {}.{}", qname(entity), name(column)));
        let usual = param.usual.as_ref().map_or(String::new(), |value| format!(" = {}", self.expr(value)));
        format!("{}: {}{from}{usual}", name(&param.name), type_ref(&param.ty))
    }
}
