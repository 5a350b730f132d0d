//! Members of an entity or mixin: fields, references, constraints, indexes, partitions.

use super::Cx;
use crate::ast::*;
use crate::explain::{self, Place};
use crate::grammar::{Pair, Rule};

impl Cx<'_> {
    /// One member (or what stands in its place), added to `members`.
    pub(crate) fn member(&mut self, pair: Pair<'_>, opener: usize, members: &mut Vec<Member>) {
        let at = self.at(&pair);
        if matches!(pair.as_rule(), Rule::broken | Rule::unclosed | Rule::EOI) {
            explain::entry(self, &pair, Place::Member, opener);
            return;
        }
        let doc = self.doc(at.0.start as usize);
        if let Some((kind, at)) = self.member_kind(pair, at) {
            members.push(Member { doc, kind, at });
        }
    }

    fn member_kind(&mut self, pair: Pair<'_>, at: At) -> Option<(MemberKind, At)> {
        let kind = match pair.as_rule() {
            Rule::column => return self.column(pair),
            Rule::composite_ref => MemberKind::CompositeRef(Box::new(self.composite_ref(pair)?)),
            Rule::use_decl => MemberKind::Use(self.use_decl(pair)),
            Rule::key => MemberKind::Key(Box::new(self.key(pair))),
            Rule::unique => MemberKind::Unique(Box::new(self.unique(pair))),
            Rule::check => MemberKind::Check(Box::new(self.check(pair)?)),
            Rule::exclude => MemberKind::Exclude(Box::new(self.exclude(pair))),
            Rule::index => MemberKind::Index(Box::new(self.index(pair))),
            Rule::search => MemberKind::Search(Box::new(self.search(pair))),
            Rule::partition_by => MemberKind::PartitionBy(Box::new(self.partition_by(pair)?)),
            Rule::partition => MemberKind::Partition(Box::new(self.partition(pair)?)),
            Rule::workflow => MemberKind::Workflow(Box::new(self.workflow(pair)?)),
            Rule::limit => MemberKind::Limit(Box::new(self.limit(pair)?)),
            Rule::trigger => MemberKind::Trigger(Box::new(self.trigger(pair)?)),
            Rule::policy => MemberKind::Policy(self.policy(pair)),
            Rule::promise => MemberKind::Promise(Box::new(self.promise(pair)?)),
            Rule::rls => MemberKind::Rls(pair.into_inner().next().map(|p| self.name(&p))?),
            Rule::settings => MemberKind::With(self.settings(pair)),
            Rule::sql_depends => MemberKind::Depends(self.dependencies(pair)),
            Rule::inherits => MemberKind::Inherits(self.qnames(pair)),
            Rule::distribute => MemberKind::Distribute(Box::new(self.distribute(pair)?)),
            Rule::retain => MemberKind::Retain(Box::new(self.retain(pair)?)),
            Rule::replica => {
                let inner = pair.into_inner().next()?;
                MemberKind::ReplicaIdentity(match inner.as_rule() {
                    Rule::replica_index => ReplicaIdentity::Index(self.inner_name(inner)?),
                    _ => ReplicaIdentity::Word(self.name(&inner)),
                })
            }
            _ => return None,
        };
        Some((kind, at))
    }

    fn column(&mut self, pair: Pair<'_>) -> Option<(MemberKind, At)> {
        let at = self.at(&pair);
        let mut at = at;
        let start = at.0.start as usize;
        let (mut name, mut kind) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                Rule::field => {
                    at = At(at.0.to(self.at(&part).0));
                    kind = Some(MemberKind::Field(Box::new(self.field(part, name.take()?)?)));
                }
                Rule::reference => kind = Some(MemberKind::Ref(Box::new(self.reference(part, name.take()?)?))),
                _ => explain::junk(self, &part, start),
            }
        }
        Some((kind?, at))
    }

    fn field(&mut self, pair: Pair<'_>, name: Name) -> Option<FieldDecl> {
        let mut parts = pair.into_inner();
        let ty = parts.next().map(|p| self.type_ref(p))?;
        let mut field = FieldDecl {
            name,
            ty,
            value: None,
            key: false,
            unique: false,
            immutable: false,
            class: None,
            generated: None,
            is_virtual: false,
            identity: None,
            collate: None,
            was: None,
            deprecated: None,
            backfill: None,
            using: None,
            storage: None,
            compression: None,
            statistics: None,
            shape: None,
        };
        for part in parts {
            match part.as_rule() {
                Rule::x_default => field.value = Some(FieldValue::Default(self.expr(&part))),
                Rule::maintained => field.value = self.maintained(part).map(|m| FieldValue::Maintained(Box::new(m))),
                Rule::m_key => field.key = true,
                Rule::m_unique => field.unique = true,
                Rule::m_immutable => field.immutable = true,
                // who holds a secret of a person holds it as a secret
                Rule::m_class => field.class = field.class.max(super::classes::class(part.as_str())),
                Rule::generated => {
                    for part in part.into_inner() {
                        match part.as_rule() {
                            Rule::g_virtual => field.is_virtual = true,
                            _ => field.generated = Some(Box::new(self.bracketed(&part))),
                        }
                    }
                }
                Rule::identity => field.identity = Some(Box::new(self.identity(part))),
                Rule::collate => field.collate = self.inner_qname(part).map(Box::new),
                Rule::was => field.was = self.inner_name(part).map(Box::new),
                Rule::deprecated => field.deprecated = Some(self.why(part)),
                Rule::convert => field.using = self.inner_expr(part).map(Box::new),
                Rule::backfill => field.backfill = self.inner_expr(part).map(Box::new),
                Rule::storage => field.storage = self.inner_name(part).map(Box::new),
                Rule::compression => field.compression = self.inner_name(part).map(Box::new),
                Rule::statistics => field.statistics = Some(Box::new(self.statistics(part))),
                Rule::shape => {
                    let at = self.at(&part);
                    let keys = part.into_inner().next().map(|object| self.shape_keys(object)).unwrap_or_default();
                    field.shape = Some(Box::new(ShapeDecl { keys, at }));
                }
                _ => {}
            }
        }
        Some(field)
    }

    fn statistics(&mut self, pair: Pair<'_>) -> StatisticsDecl {
        let mut said = StatisticsDecl { target: None, distinct: None, inherited: None };
        let mut parts = pair.into_inner();
        while let (Some(word), Some(amount)) = (parts.next(), parts.next()) {
            let amount = Some(self.amount(&amount));
            match word.as_str() {
                "target" => said.target = amount,
                "n_distinct" => said.distinct = amount,
                _ => said.inherited = amount,
            }
        }
        said
    }

    /// The keys of an object; the scanner bounds how deep they are.
    fn shape_keys(&mut self, object: Pair<'_>) -> Vec<ShapeKey> {
        object.into_inner().filter_map(|key| self.shape_key(key)).collect()
    }

    fn shape_key(&mut self, pair: Pair<'_>) -> Option<ShapeKey> {
        let at = self.at(&pair);
        let (mut name, mut value) = (None, None);
        for part in pair.into_inner() {
            match (part.as_rule(), &mut value) {
                (Rule::name, _) => name = Some(self.name(&part)),
                (Rule::type_ref, _) => value = Some(ShapeValue::Type(self.type_ref(part))),
                (Rule::shape_object, _) => {
                    value = Some(ShapeValue::Object { keys: self.shape_keys(part), dims: 0, nullable: false });
                }
                (Rule::dim, Some(ShapeValue::Object { dims, .. })) => *dims = dims.saturating_add(1),
                (Rule::opt, Some(ShapeValue::Object { nullable, .. })) => *nullable = true,
                _ => {}
            }
        }
        Some(ShapeKey { name: name?, value: value?, at })
    }

    /// The reason in `deprecated 'why'`, empty where none is given.
    fn why(&self, pair: Pair<'_>) -> smol_str::SmolStr {
        self.inner_str(pair).map(|s| s.value).unwrap_or_default()
    }

    fn identity(&mut self, pair: Pair<'_>) -> Identity {
        let mut identity = Identity { always: true, options: Vec::new() };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::id_default => identity.always = false,
                Rule::counting => identity.options.push(self.setting(part)),
                _ => {}
            }
        }
        identity
    }

    fn maintained(&mut self, pair: Pair<'_>) -> Option<Maintained> {
        let at = self.at(&pair);
        let (mut function, mut path, mut field, mut filter) = (None, None, None, None);
        let mut including_deleted = false;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::agg => function = Some(self.word(&part)),
                Rule::name => path = Some(self.name(&part)),
                Rule::name_field => field = Some(self.name(&part)),
                Rule::including => including_deleted = true,
                _ => filter = Some(self.expr(&part)),
            }
        }
        Some(Maintained { function: function?, path: path?, field, including_deleted, filter, at })
    }

    fn reference(&mut self, pair: Pair<'_>, column: Name) -> Option<RefDecl> {
        let mut parts = pair.into_inner();
        let target = parts.next().map(|p| self.qname(&p))?;
        let mut out = RefDecl {
            column,
            target,
            target_column: None,
            nullable: false,
            key: false,
            unique: false,
            immutable: false,
            default: None,
            was: None,
            deprecated: None,
            backfill: None,
            using: None,
            options: RefOptions::default(),
        };
        for part in parts {
            match part.as_rule() {
                Rule::opt => out.nullable = true,
                Rule::cols => {
                    let at = self.at(&part).0;
                    let columns = self.names(part);
                    if columns.len() > 1 {
                        explain::two_target_columns(self, at);
                    }
                    out.target_column = columns.into_iter().next();
                }
                Rule::m_key => out.key = true,
                Rule::m_unique => out.unique = true,
                Rule::m_immutable => out.immutable = true,
                Rule::x_default => out.default = Some(self.expr(&part)),
                Rule::was => out.was = self.inner_name(part),
                Rule::deprecated => out.deprecated = Some(self.why(part)),
                Rule::convert => out.using = self.inner_expr(part),
                Rule::backfill => out.backfill = self.inner_expr(part),
                _ => self.ref_option(part, &mut out.options),
            }
        }
        Some(out)
    }

    fn ref_option(&mut self, part: Pair<'_>, options: &mut RefOptions) {
        match part.as_rule() {
            Rule::on_delete => options.on_delete = self.action(part),
            Rule::on_update => options.on_update = self.action(part),
            Rule::deferrable => {
                options.deferrable = true;
                options.initially_deferred |= part.into_inner().next().is_some();
            }
            Rule::initially_deferred => {
                options.deferrable = true;
                options.initially_deferred = true;
            }
            Rule::match_full => options.match_full = true,
            Rule::ref_as => options.path = self.inner_name(part),
            Rule::inverse => options.inverse = self.inner_name(part),
            Rule::constraint => options.constraint = self.inner_name(part),
            Rule::no_index => options.no_index = true,
            Rule::not_valid => options.not_valid = true,
            _ => {}
        }
    }

    fn action(&mut self, pair: Pair<'_>) -> Option<RefAction> {
        let mut out: Option<RefAction> = None;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::act_kind {
                let at = self.at(&part);
                let kind = match self.word(&part).text.as_str() {
                    "cascade" => RefActionKind::Cascade,
                    "restrict" => RefActionKind::Restrict,
                    "set null" => RefActionKind::SetNull,
                    "set default" => RefActionKind::SetDefault,
                    _ => RefActionKind::NoAction,
                };
                out = Some(RefAction { kind, columns: Vec::new(), at });
            } else if let Some(action) = &mut out {
                action.at = At(action.at.0.to(self.at(&part).0));
                action.columns = self.names(part);
            }
        }
        out
    }

    fn composite_ref(&mut self, pair: Pair<'_>) -> Option<CompositeRefDecl> {
        let (mut target, mut lists, mut options) = (None, Vec::new(), RefOptions::default());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => target = Some(self.qname(&part)),
                Rule::cols => lists.push(self.names(part)),
                _ => self.ref_option(part, &mut options),
            }
        }
        let mut lists = lists.into_iter();
        Some(CompositeRefDecl {
            columns: lists.next()?,
            target: target?,
            target_columns: lists.next().unwrap_or_default(),
            options,
        })
    }

    fn use_decl(&mut self, pair: Pair<'_>) -> UseDecl {
        let mut mixins = Vec::new();
        for part in pair.into_inner() {
            let at = self.at(&part);
            let (mut name, mut args) = (None, Vec::new());
            for part in part.into_inner() {
                if part.as_rule() == Rule::name {
                    name = Some(self.name(&part));
                    continue;
                }
                let mut arg_name = None;
                for part in part.into_inner() {
                    match part.as_rule() {
                        Rule::arg_name => arg_name = Some(self.name(&part)),
                        _ => args.push((arg_name.take(), self.expr(&part))),
                    }
                }
            }
            mixins.extend(name.map(|name| UseMixin { name, args, at }));
        }
        UseDecl { mixins }
    }

    fn key(&mut self, pair: Pair<'_>) -> KeyDecl {
        let mut key = KeyDecl {
            name: None,
            columns: Vec::new(),
            include: Vec::new(),
            deferrable: false,
            initially_deferred: false,
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::cname => key.name = self.inner_name(part),
                Rule::cols => key.columns = self.names(part),
                Rule::include => key.include = self.include(part),
                _ => deferral(part, &mut key.deferrable, &mut key.initially_deferred),
            }
        }
        key
    }

    fn include(&mut self, pair: Pair<'_>) -> Vec<Name> {
        pair.into_inner().flat_map(|p| self.names(p)).collect()
    }

    fn unique(&mut self, pair: Pair<'_>) -> UniqueDecl {
        let mut out = UniqueDecl {
            name: None,
            elements: Vec::new(),
            include: Vec::new(),
            filter: None,
            nulls_not_distinct: false,
            deferrable: false,
            initially_deferred: false,
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::cname => out.name = self.inner_name(part),
                Rule::element => out.elements.push(self.element(part)),
                Rule::include => out.include = self.include(part),
                Rule::filter => out.filter = self.inner_expr(part),
                Rule::nulls_not_distinct => out.nulls_not_distinct = true,
                _ => deferral(part, &mut out.deferrable, &mut out.initially_deferred),
            }
        }
        out
    }

    pub(super) fn check(&mut self, pair: Pair<'_>) -> Option<CheckDecl> {
        let at = self.at(&pair);
        let (mut name, mut expr, mut no_inherit, mut not_valid) = (None, None, false, false);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::cname => name = self.inner_name(part),
                Rule::no_inherit => no_inherit = true,
                Rule::not_valid => not_valid = true,
                _ => expr = Some(self.expr(&part)),
            }
        }
        Some(CheckDecl { name, expr: expr?, no_inherit, not_valid, at })
    }

    fn exclude(&mut self, pair: Pair<'_>) -> ExcludeDecl {
        let mut out = ExcludeDecl {
            name: None,
            method: None,
            elements: Vec::new(),
            filter: None,
            deferrable: false,
            initially_deferred: false,
        };
        let mut element = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::cname => out.name = self.inner_name(part),
                Rule::using => out.method = self.inner_name(part),
                Rule::element => element = Some(self.element(part)),
                Rule::operator => out.elements.extend(element.take().map(|e| (e, part.as_str().into()))),
                Rule::filter => out.filter = self.inner_expr(part),
                _ => deferral(part, &mut out.deferrable, &mut out.initially_deferred),
            }
        }
        out
    }

    pub(super) fn index(&mut self, pair: Pair<'_>) -> IndexDecl {
        let mut out = IndexDecl {
            doc: None,
            name: None,
            unique: false,
            elements: Vec::new(),
            method: None,
            include: Vec::new(),
            filter: None,
            with: Vec::new(),
            nulls_not_distinct: false,
            was: None,
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::m_unique => out.unique = true,
                Rule::cname => out.name = self.inner_name(part),
                Rule::element => out.elements.push(self.element(part)),
                Rule::using => out.method = self.inner_name(part),
                Rule::include => out.include = self.include(part),
                Rule::filter => out.filter = self.inner_expr(part),
                Rule::settings => out.with = self.settings(part),
                Rule::nulls_not_distinct => out.nulls_not_distinct = true,
                Rule::was => out.was = self.inner_name(part),
                _ => {}
            }
        }
        out
    }

    fn search(&mut self, pair: Pair<'_>) -> SearchDecl {
        let mut out = SearchDecl { column: None, fields: Vec::new(), config: None };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::cname => out.column = self.inner_name(part),
                Rule::using => out.config = self.inner_name(part),
                _ => {
                    let mut parts = part.into_inner();
                    if let Some(name) = parts.next().map(|p| self.name(&p)) {
                        let weight = parts
                            .next()
                            .map(|p| Name { text: p.as_str().to_ascii_uppercase().into(), at: self.at(&p) });
                        out.fields.push((name, weight));
                    }
                }
            }
        }
        out
    }

    fn partition_by(&mut self, pair: Pair<'_>) -> Option<PartitionByDecl> {
        let mut parts = pair.into_inner();
        let method = parts.next().map(|p| self.word(&p))?;
        let (mut elements, mut rolls) = (Vec::new(), None);
        for part in parts {
            match part.as_rule() {
                Rule::rolls => rolls = self.rolls(part),
                _ => elements.push(self.element(part)),
            }
        }
        Some(PartitionByDecl { method, elements, rolls })
    }

    fn partition(&mut self, pair: Pair<'_>) -> Option<PartitionDecl> {
        let mut name = None;
        let mut bounds = PartitionBounds::Default;
        let mut lower = Vec::new();
        let (mut rls, mut with) = (None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => name = Some(self.qname(&part)),
                Rule::part_from => lower = self.exprs(part),
                Rule::part_to => {
                    bounds = PartitionBounds::Range { from: std::mem::take(&mut lower), to: self.exprs(part) };
                }
                Rule::part_in => bounds = PartitionBounds::List(self.exprs(part)),
                Rule::part_hash => {
                    let mut numbers = part.into_inner();
                    let modulus = numbers.next().and_then(|p| self.number(&p));
                    let remainder = numbers.next().and_then(|p| self.number(&p));
                    bounds = PartitionBounds::Hash { modulus: modulus?, remainder: remainder? };
                }
                Rule::rls => rls = part.into_inner().next().map(|p| self.name(&p)),
                Rule::settings => with = self.settings(part),
                _ => {}
            }
        }
        Some(PartitionDecl { name: name?, bounds, rls, with })
    }

    fn exprs(&mut self, pair: Pair<'_>) -> Vec<RawExpr> {
        pair.into_inner().map(|p| self.expr(&p)).collect()
    }
}

/// `deferrable [initially deferred]`
fn deferral(pair: Pair<'_>, deferrable: &mut bool, initially_deferred: &mut bool) {
    match pair.as_rule() {
        Rule::deferrable => {
            *deferrable = true;
            *initially_deferred |= pair.into_inner().next().is_some();
        }
        Rule::initially_deferred => {
            *deferrable = true;
            *initially_deferred = true;
        }
        _ => {}
    }
}
