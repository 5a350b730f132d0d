//! Declared queries.

use super::Cx;
use super::small::{split_dots, unquote};
use crate::ast::*;
use crate::grammar::{Pair, Rule};

impl Cx<'_> {
    pub(super) fn query(&mut self, pair: Pair<'_>) -> Option<QueryDecl> {
        let (mut name, mut body) = (None, None);
        let (mut params, mut no_scan, mut whole) = (Vec::new(), Vec::new(), Vec::new());
        let (mut role, mut claims, mut within, mut rows, mut buffers) = (None, None, None, None, None);
        let mut twice = Vec::new();
        for part in pair.into_inner() {
            let at = self.at(&part);
            let again = match part.as_rule() {
                Rule::query_as => role.is_some(),
                Rule::query_claims => claims.is_some(),
                Rule::query_within => within.is_some(),
                Rule::query_rows => rows.is_some(),
                Rule::query_buffers => buffers.is_some(),
                _ => false,
            };
            if again {
                twice.push(at);
                continue;
            }
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                Rule::query_param => params.extend(self.query_param(part)),
                Rule::query_as => role = self.inner_name(part),
                Rule::query_claims => claims = self.inner_str(part),
                Rule::query_within => within = self.within(part),
                Rule::query_rows => rows = part.into_inner().next().and_then(|p| self.number(&p)),
                Rule::query_buffers => buffers = part.into_inner().next().and_then(|p| self.number(&p)),
                Rule::query_no_scan => no_scan.extend(self.qnames(part)),
                Rule::query_whole => whole.extend(self.qnames(part)),
                _ => body = Some(self.braced(&part)),
            }
        }
        Some(QueryDecl { name: name?, params, role, claims, within, rows, buffers, no_scan, whole, body: body?, twice })
    }

    fn query_param(&mut self, pair: Pair<'_>) -> Option<QueryParam> {
        let at = self.at(&pair);
        let (mut name, mut ty, mut from, mut usual) = (None, None, None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                Rule::type_ref => ty = Some(self.type_ref(part)),
                Rule::query_from => from = part.into_inner().next().and_then(|p| self.column_of(&p)),
                _ => usual = Some(self.expr(&part)),
            }
        }
        Some(QueryParam { name: name?, ty: ty?, from, usual, at })
    }

    /// `events.id`, `billing.plans.code`
    fn column_of(&self, pair: &Pair<'_>) -> Option<(QName, Name)> {
        let start = pair.as_span().start() + self.base;
        let name = |(from, part): &(usize, &str)| Name {
            text: unquote(part),
            at: self.at_range(start + from, start + from + part.len()),
        };
        match split_dots(pair.as_str()).as_slice() {
            [entity, column] => Some((QName { schema: None, name: name(entity) }, name(column))),
            [schema, entity, column] => Some((QName { schema: Some(name(schema)), name: name(entity) }, name(column))),
            _ => None,
        }
    }

    fn within(&mut self, pair: Pair<'_>) -> Option<Within> {
        let mut parts = pair.into_inner();
        let number = parts.next().and_then(|p| self.number(&p))?;
        let unit = parts.next().map(|p| self.word(&p))?;
        Some(Within { number, unit, percentile: parts.next().map(|p| self.word(&p)) })
    }
}
