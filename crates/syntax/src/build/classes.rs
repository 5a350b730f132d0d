//! Data classes, retention, whose rows are a person's.

use super::Cx;
use crate::ast::*;
use crate::explain::{self, Place};
use crate::grammar::{Pair, Rule};

/// The class with this word.
pub(super) fn class(word: &str) -> Option<DataClass> {
    [DataClass::Pii, DataClass::Secret].into_iter().find(|class| class.word() == word)
}

impl Cx<'_> {
    pub(super) fn retain(&mut self, pair: Pair<'_>) -> Option<RetainDecl> {
        let at = self.at(&pair);
        let (mut spans, mut from) = (Vec::new(), None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::span => {
                    let mut parts = part.into_inner();
                    let number = parts.next().and_then(|p| self.number(&p))?;
                    spans.push((number, parts.next().map(|p| self.word(&p))?));
                }
                _ => from = self.inner_name(part),
            }
        }
        Some(RetainDecl { spans, from, at })
    }

    pub(super) fn distribute(&mut self, pair: Pair<'_>) -> Option<DistributeDecl> {
        let at = self.at(&pair);
        let inner = pair.into_inner().next()?;
        let is_by = inner.as_rule() == Rule::dist_by;
        let mut parts = inner.into_inner();
        if is_by {
            let column = parts.next().map(|p| self.name(&p))?;
            let with = parts.next().map(|p| self.qname(&p));
            return Some(DistributeDecl { by: Some((column, with)), kind: None, at });
        }
        let kind = parts.next().map(|p| self.word(&p))?;
        Some(DistributeDecl { by: None, kind: Some(kind), at })
    }

    pub(super) fn rolls(&mut self, pair: Pair<'_>) -> Option<RollsDecl> {
        let at = self.at(&pair);
        let (mut every, mut keep, mut then, mut ahead) = (None, None, None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::roll_keep => {
                    for inner in part.into_inner() {
                        let is_span = inner.as_rule() == Rule::span;
                        let mut parts = inner.into_inner();
                        if is_span {
                            let number = parts.next().and_then(|p| self.number(&p))?;
                            keep = Some((number, parts.next().map(|p| self.word(&p))?));
                        } else {
                            let word = parts.next().map(|p| self.word(&p))?;
                            then = Some((word, parts.next().map(|p| self.name(&p))));
                        }
                    }
                }
                Rule::roll_ahead => ahead = part.into_inner().next().and_then(|p| self.number(&p)),
                _ => every = Some(self.word(&part)),
            }
        }
        Some(RollsDecl { every: every?, keep, then, ahead, at })
    }

    pub(super) fn person(&mut self, pair: Pair<'_>) -> Option<PersonDecl> {
        let opener = self.opener(&pair);
        let (mut entity, mut rows) = (None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => entity = Some(self.qname(&part)),
                Rule::person_rows => rows.extend(self.person_rows(part)),
                _ => explain::entry(self, &part, Place::Person, opener),
            }
        }
        Some(PersonDecl { entity: entity?, rows })
    }

    fn person_rows(&mut self, pair: Pair<'_>) -> Option<PersonRows> {
        let at = self.at(&pair);
        let (mut entity, mut columns, mut of) = (None, Vec::new(), None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => entity = Some(self.qname(&part)),
                Rule::name => columns.push(self.name(&part)),
                _ => {
                    let mut parts = part.into_inner();
                    let name = parts.next().map(|p| self.qname(&p));
                    of = name.zip(parts.next().map(|p| self.names(p)));
                }
            }
        }
        Some(PersonRows { entity: entity?, columns, of, at })
    }
}
