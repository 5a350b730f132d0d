//! Items: schemas, types, entities, mixins, and the dispatch over all of them.

use super::Cx;
use crate::ast::*;
use crate::explain::{self, Place};
use crate::grammar::{Pair, Rule};

impl Cx<'_> {
    /// One item; none where it is broken.
    pub(crate) fn item(&mut self, pair: Pair<'_>) -> Option<Item> {
        let at = self.at(&pair);
        if pair.as_rule() == Rule::broken_item {
            // a doc before a broken item is nobody's
            self.doc(at.0.start as usize);
            return explain::broken_item(self, &pair);
        }
        let doc = self.doc(at.0.start as usize);
        let kind = match pair.as_rule() {
            Rule::schema => ItemKind::Schema(self.schema(pair)?),
            Rule::extension => ItemKind::Extension(self.extension(pair)?),
            Rule::enum_item => ItemKind::Enum(self.enum_item(pair)?),
            Rule::domain => ItemKind::Domain(Box::new(self.domain(pair)?)),
            Rule::composite => ItemKind::Composite(self.composite(pair)?),
            Rule::sequence => ItemKind::Sequence(Box::new(self.sequence(pair)?)),
            Rule::entity => ItemKind::Entity(Box::new(self.entity(pair)?)),
            Rule::mixin => ItemKind::Mixin(self.mixin(pair)?),
            Rule::viewer => ItemKind::Viewer(ViewerDecl { entity: self.inner_qname(pair)? }),
            Rule::predicate => ItemKind::Predicate(self.predicate(pair)?),
            Rule::policy_block => ItemKind::Policy(self.policy_block(pair)?),
            Rule::view => ItemKind::View(Box::new(self.view(pair)?)),
            Rule::function => ItemKind::Function(Box::new(self.function(pair)?)),
            Rule::trigger_item => ItemKind::Trigger(Box::new(self.trigger(pair)?)),
            Rule::role => ItemKind::Role(self.role(pair)?),
            Rule::ext_type => ItemKind::ExternalType(self.inner_qname(pair)?),
            Rule::grant => ItemKind::Grant(Box::new(self.grant(pair)?)),
            Rule::ownership => ItemKind::Owner(self.ownership(pair)?),
            Rule::bucket => ItemKind::Bucket(self.bucket(pair)?),
            Rule::realtime => ItemKind::Realtime(self.realtime(pair)),
            Rule::schedule => ItemKind::Schedule(self.schedule(pair)?),
            Rule::webhook => ItemKind::Webhook(Box::new(self.webhook(pair)?)),
            Rule::seed => ItemKind::Seed(self.seed(pair)?),
            Rule::sql => ItemKind::Sql(Box::new(self.sql(pair)?)),
            Rule::promise_block => ItemKind::Promise(Box::new(self.promise(pair)?)),
            Rule::scenario => ItemKind::Scenario(Box::new(self.scenario(pair)?)),
            Rule::query => ItemKind::Query(Box::new(self.query(pair)?)),
            Rule::size => ItemKind::Size(self.size(pair)),
            Rule::person => ItemKind::Person(Box::new(self.person(pair)?)),
            _ => return None,
        };
        Some(Item { doc, kind, at })
    }

    fn schema(&mut self, pair: Pair<'_>) -> Option<SchemaDecl> {
        let (mut name, mut was) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                Rule::was => was = self.inner_name(part),
                _ => {}
            }
        }
        Some(SchemaDecl { name: name?, was })
    }

    fn extension(&mut self, pair: Pair<'_>) -> Option<ExtensionDecl> {
        let (mut name, mut schema, mut version) = (None, None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::sname => name = Some(self.name(&part)),
                Rule::ext_in => schema = self.inner_name(part),
                Rule::ext_version => version = self.inner_str(part),
                _ => {}
            }
        }
        Some(ExtensionDecl { name: name?, schema, version })
    }

    fn enum_item(&mut self, pair: Pair<'_>) -> Option<EnumDecl> {
        let opener = self.opener(&pair);
        let (mut name, mut was, mut labels) = (None, None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => name = Some(self.qname(&part)),
                Rule::moved => was = self.moved(part),
                Rule::enum_label => labels.extend(self.enum_label(part)),
                _ => explain::entry(self, &part, Place::Enum, opener),
            }
        }
        Some(EnumDecl { name: name?, was, labels })
    }

    fn enum_label(&mut self, pair: Pair<'_>) -> Option<EnumLabel> {
        let at = self.at(&pair);
        let doc = self.doc(at.0.start as usize);
        let (mut label, mut was) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::sname => label = Some(self.name(&part)),
                _ => was = self.inner_name(part),
            }
        }
        Some(EnumLabel { doc, label: label?, was, at })
    }

    fn domain(&mut self, pair: Pair<'_>) -> Option<DomainDecl> {
        let opener = self.opener(&pair);
        let (mut name, mut was, mut base, mut collate, mut default) = (None, None, None, None, None);
        let mut checks = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => name = Some(self.qname(&part)),
                Rule::moved => was = self.moved(part),
                Rule::type_ref => base = Some(self.type_ref(part)),
                Rule::collate => collate = self.inner_qname(part),
                Rule::x_default => default = Some(self.expr(&part)),
                Rule::check => {
                    self.doc(part.as_span().start() + self.base);
                    checks.extend(self.check(part));
                }
                _ => explain::entry(self, &part, Place::Domain, opener),
            }
        }
        Some(DomainDecl { name: name?, was, base: base?, collate, default, checks })
    }

    fn composite(&mut self, pair: Pair<'_>) -> Option<CompositeDecl> {
        let opener = self.opener(&pair);
        let (mut name, mut was, mut fields) = (None, None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => name = Some(self.qname(&part)),
                Rule::moved => was = self.moved(part),
                Rule::composite_field => fields.extend(self.composite_field(part)),
                _ => explain::entry(self, &part, Place::Composite, opener),
            }
        }
        Some(CompositeDecl { name: name?, was, fields })
    }

    fn composite_field(&mut self, pair: Pair<'_>) -> Option<CompositeField> {
        let at = self.at(&pair);
        let doc = self.doc(at.0.start as usize);
        let (mut name, mut ty, mut collate, mut was) = (None, None, None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                Rule::type_ref => ty = Some(self.type_ref(part)),
                Rule::collate => collate = self.inner_qname(part),
                Rule::was => was = self.inner_name(part),
                _ => {}
            }
        }
        Some(CompositeField { doc, name: name?, ty: ty?, collate, was, at })
    }

    fn sequence(&mut self, pair: Pair<'_>) -> Option<SequenceDecl> {
        let opener = self.opener(&pair);
        let (mut name, mut was, mut ty, mut owned_by) = (None, None, None, None);
        let mut options = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => name = Some(self.qname(&part)),
                Rule::moved => was = self.moved(part),
                Rule::type_ref => ty = Some(self.type_ref(part)),
                Rule::counting => options.push(self.setting(part)),
                Rule::owned_by => owned_by = part.into_inner().next().and_then(|p| self.owner(&p)),
                _ => explain::entry(self, &part, Place::Sequence, opener),
            }
        }
        Some(SequenceDecl { name: name?, was, ty, options, owned_by })
    }

    /// `invoices.no` or `billing.invoices.no`
    fn owner(&self, pair: &Pair<'_>) -> Option<(QName, Name)> {
        let start = pair.as_span().start() + self.base;
        let mut names: Vec<Name> = super::small::split_dots(pair.as_str())
            .into_iter()
            .map(|(from, part)| Name {
                text: super::small::unquote(part),
                at: self.at_range(start + from, start + from + part.len()),
            })
            .collect();
        let field = names.pop()?;
        let name = names.pop()?;
        Some((QName { schema: names.pop(), name }, field))
    }

    fn entity(&mut self, pair: Pair<'_>) -> Option<EntityDecl> {
        let opener = self.opener(&pair);
        let (mut name, mut was, mut external, mut unlogged) = (None, None, false, false);
        let mut from = Vec::new();
        let mut members = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => name = Some(self.qname(&part)),
                Rule::moved => was = self.moved(part),
                Rule::rows_from => from.extend(self.inner_expr(part)),
                Rule::external => external = true,
                Rule::unlogged => unlogged = true,
                _ => self.member(part, opener, &mut members),
            }
        }
        Some(EntityDecl { name: name?, was, from, external, unlogged, members })
    }

    fn mixin(&mut self, pair: Pair<'_>) -> Option<MixinDecl> {
        let opener = self.opener(&pair);
        let mut name = None;
        let (mut params, mut members) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                Rule::mixin_param => {
                    let (mut name, mut default) = (None, None);
                    for part in part.into_inner() {
                        match part.as_rule() {
                            Rule::name => name = Some(self.name(&part)),
                            _ => default = Some(self.expr(&part)),
                        }
                    }
                    params.extend(name.map(|name| MixinParam { name, default }));
                }
                _ => self.member(part, opener, &mut members),
            }
        }
        Some(MixinDecl { name: name?, params, members })
    }

    fn sql(&mut self, pair: Pair<'_>) -> Option<SqlDecl> {
        let (mut name, mut up, mut down, mut after) = (None, None, None, false);
        let (mut provides, mut depends) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                Rule::sql_after => after = true,
                Rule::sql_provides => {
                    let all = self.dependencies(part).into_iter();
                    provides.extend(all.filter_map(|(kind, name)| Some((kind?, name))));
                }
                Rule::sql_depends => depends.extend(self.dependencies(part)),
                _ if up.is_none() => up = Some(self.body(&part)),
                _ => down = Some(self.body(&part)),
            }
        }
        Some(SqlDecl { name: name?, provides, depends, after, up: up?, down })
    }

    /// Kinds, where they are written, and names.
    pub(super) fn dependencies(&mut self, pair: Pair<'_>) -> Vec<(Option<Name>, QName)> {
        let (mut all, mut kind) = (Vec::new(), None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::sql_kind => kind = Some(self.word(&part)),
                _ => all.push((kind.take(), self.qname(&part))),
            }
        }
        all
    }

    /// Where the block of this pair is opened, for a brace that is missing.
    pub(super) fn opener(&self, pair: &Pair<'_>) -> usize {
        let span = pair.as_span();
        span.start() + self.base
    }
}
