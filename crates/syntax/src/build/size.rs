//! Sizes.

use super::Cx;
use crate::ast::*;
use crate::explain::{self, Place};
use crate::grammar::{Pair, Rule};

impl Cx<'_> {
    pub(super) fn size(&mut self, pair: Pair<'_>) -> SizeDecl {
        let (mut env, mut rows) = (None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::size_in => env = self.inner_name(part),
                _ => rows.extend(self.size_rows(part)),
            }
        }
        SizeDecl { env, rows }
    }

    fn size_rows(&mut self, pair: Pair<'_>) -> Option<SizeRows> {
        let at = self.at(&pair);
        let (mut entity, mut count, mut columns) = (None, None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => entity = Some(self.qname(&part)),
                Rule::uint => count = self.number(&part).map(|rows| SizeCount::Rows { rows, at: self.at(&part) }),
                Rule::size_per => {
                    let (mut each, mut path, mut skew) = (None, None, None);
                    for part in part.into_inner() {
                        match part.as_rule() {
                            Rule::amount => each = Some(self.amount(&part)),
                            Rule::name => path = Some(self.name(&part)),
                            _ => skew = self.skew(part),
                        }
                    }
                    count = each.zip(path).map(|(each, path)| SizeCount::Per { each, path, skew });
                }
                _ => {
                    let opener = self.opener(&part);
                    for part in part.into_inner() {
                        match part.as_rule() {
                            Rule::size_column => columns.extend(self.size_column(part)),
                            _ => explain::entry(self, &part, Place::Size, opener),
                        }
                    }
                }
            }
        }
        Some(SizeRows { entity: entity?, count: count?, columns, at })
    }

    fn size_column(&mut self, pair: Pair<'_>) -> Option<SizeColumn> {
        let at = self.at(&pair);
        let (mut name, mut traits) = (None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                _ => traits.extend(self.size_trait(part)),
            }
        }
        Some(SizeColumn { name: name?, traits, at })
    }

    fn size_trait(&mut self, pair: Pair<'_>) -> Option<SizeTrait> {
        let at = self.at(&pair);
        let rule = pair.as_rule();
        if rule == Rule::skew {
            return self.skew(pair).map(SizeTrait::Skew);
        }
        let mut parts = pair.into_inner();
        let first = parts.next()?;
        Some(match rule {
            Rule::trait_distinct => SizeTrait::Distinct { count: self.number(&first)?, at },
            Rule::trait_width => SizeTrait::Width { bytes: self.number(&first)?, at },
            Rule::trait_null => SizeTrait::Nulls(self.percent(first)?),
            Rule::trait_correlation => SizeTrait::Correlation(self.amount(&first)),
            Rule::trait_between => SizeTrait::Between(self.bracketed(&first)),
            _ => SizeTrait::Share { value: self.name(&first), percent: parts.next().and_then(|p| self.percent(p))? },
        })
    }

    fn percent(&mut self, pair: Pair<'_>) -> Option<Amount> {
        pair.into_inner().next().map(|p| self.amount(&p))
    }

    pub(super) fn amount(&mut self, pair: &Pair<'_>) -> Amount {
        Amount { text: pair.as_str().replace('_', "").into(), at: self.at(pair) }
    }

    fn skew(&mut self, pair: Pair<'_>) -> Option<Skew> {
        let at = self.at(&pair);
        let mut parts = pair.into_inner();
        let zipf = parts.next()?.as_str() == "zipf";
        Some(Skew { zipf, exponent: parts.next().map(|p| self.amount(&p)), at })
    }
}
