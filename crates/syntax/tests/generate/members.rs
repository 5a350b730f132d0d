//! What stands between the braces of an entity.

use super::*;

fn statistics() -> impl Strategy<Value = StatisticsDecl> {
    let number = |text: &'static [&'static str]| {
        of(proptest::sample::select(text).prop_map(|text| Amount { text: text.into(), at: at() }))
    };
    (number(&["0", "500"]), number(&["-0.25", "7"]), number(&["-1", "1000000"]))
        .prop_filter("one at least", |(a, b, c)| a.is_some() || b.is_some() || c.is_some())
        .prop_map(|(target, distinct, inherited)| StatisticsDecl { target, distinct, inherited })
}

pub(super) fn field() -> impl Strategy<Value = FieldDecl> {
    let maintained = (prop_oneof![Just("count"), Just("sum")], name(), of(name()), any::<bool>(), of(expr())).prop_map(
        |(f, path, field, including_deleted, filter)| {
            let function = name_of(f);
            FieldValue::Maintained(Box::new(Maintained { function, path, field, including_deleted, filter, at: at() }))
        },
    );
    let value = prop_oneof![expr().prop_map(FieldValue::Default), maintained];
    let identity = (any::<bool>(), vec(counting(), 0..3)).prop_map(|(always, options)| Identity { always, options });
    (
        (name(), type_ref(), of(value), any::<bool>(), any::<bool>(), any::<bool>()),
        (
            of(expr()),
            of(identity),
            of(qname()),
            of(name()),
            of(string()),
            of(expr()),
            of(name()),
            of(name()),
            of(expr()),
            of(shape()),
            of(statistics()),
        ),
        of(proptest::sample::select(&[DataClass::Pii, DataClass::Secret][..])),
    )
        .prop_map(|((name, ty, value, key, unique, immutable), rest, class)| FieldDecl {
            name,
            ty,
            value,
            key,
            unique,
            immutable,
            class,
            is_virtual: immutable && rest.0.is_some(),
            generated: rest.0.map(Box::new),
            identity: rest.1.map(Box::new),
            collate: rest.2.map(Box::new),
            was: rest.3.map(Box::new),
            deprecated: rest.4.map(|s| s.value),
            backfill: rest.5.map(Box::new),
            storage: rest.6.map(Box::new),
            compression: rest.7.map(Box::new),
            using: rest.8.map(Box::new),
            shape: rest.9.map(Box::new),
            statistics: rest.10.map(Box::new),
        })
}

fn shape() -> impl Strategy<Value = ShapeDecl> {
    let key = |value: ShapeValue, name| ShapeKey { name, value, at: at() };
    let leaf = type_ref().prop_map(ShapeValue::Type);
    let value = leaf.prop_recursive(3, 12, 3, move |inner| {
        (vec((inner, name()), 0..3), 0..3u8, any::<bool>()).prop_map(move |(keys, dims, nullable)| {
            let keys = keys.into_iter().map(|(value, name)| key(value, name)).collect();
            ShapeValue::Object { keys, dims, nullable }
        })
    });
    vec((value, name()), 0..4).prop_map(move |keys| ShapeDecl {
        keys: keys.into_iter().map(|(value, name)| key(value, name)).collect(),
        at: at(),
    })
}

pub(super) fn action() -> impl Strategy<Value = RefAction> {
    use RefActionKind::*;
    (proptest::sample::select(&[NoAction, Restrict, Cascade, SetNull, SetDefault][..]), names(0))
        .prop_map(|(kind, columns)| RefAction { kind, columns, at: at() })
}

pub(super) fn ref_options() -> impl Strategy<Value = RefOptions> {
    (
        of(name()),
        of(name()),
        of(name()),
        of(action()),
        of(action()),
        deferral(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(path, inverse, constraint, on_delete, on_update, deferral, match_full, no_index, not_valid)| RefOptions {
                path,
                inverse,
                constraint,
                on_delete,
                on_update,
                deferrable: deferral.0,
                initially_deferred: deferral.1,
                match_full,
                no_index,
                not_valid,
            },
        )
}

pub(super) fn reference() -> impl Strategy<Value = RefDecl> {
    (
        (name(), qname(), of(name()), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
        (of(expr()), of(name()), of(string()), of(expr()), ref_options(), of(expr())),
    )
        .prop_map(|((column, target, target_column, nullable, key, unique, immutable), rest)| RefDecl {
            column,
            target,
            target_column,
            nullable,
            key,
            unique,
            immutable,
            default: rest.0,
            was: rest.1,
            deprecated: rest.2.map(|s| s.value),
            backfill: rest.3,
            options: rest.4,
            using: rest.5,
        })
}

pub(super) fn check() -> impl Strategy<Value = CheckDecl> {
    (of(name()), expr(), any::<bool>(), any::<bool>()).prop_map(|(name, expr, no_inherit, not_valid)| CheckDecl {
        name,
        expr,
        no_inherit,
        not_valid,
        at: at(),
    })
}

pub(super) fn index() -> impl Strategy<Value = IndexDecl> {
    (
        of(name()),
        any::<bool>(),
        elements(),
        of(name()),
        names(0),
        of(expr()),
        vec(setting(), 0..2),
        any::<bool>(),
        of(name()),
    )
        .prop_map(|(name, unique, elements, method, include, filter, with, nulls_not_distinct, was)| IndexDecl {
            doc: None,
            name,
            unique,
            elements,
            method,
            include,
            filter,
            with,
            nulls_not_distinct,
            was,
        })
}

pub(super) fn actions(words: &'static [&'static str]) -> impl Strategy<Value = Vec<PolicyAction>> {
    let one = (proptest::sample::select(words), names(0));
    vec(one.prop_map(|(word, columns)| PolicyAction { action: name_of(word), columns }), 1..3)
}

pub(super) fn rules() -> impl Strategy<Value = Vec<PolicyRule>> {
    let rule = (
        (doc(), name(), any::<bool>(), actions(&["select", "insert", "update", "delete", "all"]), names(0)),
        (of(expr()), any::<bool>(), of(expr()), any::<bool>(), of(name())),
    )
        .prop_map(|((doc, name, forbid, actions, roles), (when, unless, check, exact, was))| PolicyRule {
            doc,
            name,
            forbid,
            actions,
            roles,
            exact: exact && (when.is_some() || check.is_some()),
            unless: unless && !exact && when.is_some(),
            when,
            check,
            was,
            at: at(),
        });
    vec(rule, 0..3)
}

pub(super) fn promise(top: bool) -> impl Strategy<Value = PromiseDecl> {
    let line = (
        any::<bool>(),
        actions(&["select", "insert", "update", "delete", "all"]),
        names(0),
        of(expr()),
        any::<bool>(),
        of(expr()),
    )
        .prop_map(|(deny, actions, roles, when, unless, becoming)| PromiseLine {
            deny,
            actions,
            roles,
            unless: unless && when.is_some(),
            when,
            becoming,
            at: at(),
        });
    (string(), qname(), vec(line, 0..3)).prop_map(move |(text, entity, lines)| PromiseDecl {
        text: Name { text: text.value, at: at() },
        entity: top.then_some(entity),
        lines,
    })
}

pub(super) fn trigger(top: bool) -> impl Strategy<Value = TriggerDecl> {
    use TriggerTiming::*;
    let event = (proptest::sample::select(&["insert", "update", "delete", "truncate"][..]), names(0))
        .prop_map(|(event, columns)| TriggerEvent { event: name_of(event), columns });
    let execute = (qname(), vec(string(), 0..3)).prop_map(|(function, args)| TriggerAction::Execute { function, args });
    let enabled = of(proptest::sample::select(&["disabled", "always", "replica"][..]).prop_map(name_of));
    let action = prop_oneof![execute.boxed(), body().prop_map(TriggerAction::Body).boxed()];
    (
        (name(), qname(), proptest::sample::select(&[Before, After, InsteadOf][..]), vec(event, 1..3), any::<bool>()),
        (of(name()), of(name()), of(expr()), action, any::<bool>(), any::<bool>(), enabled, of(name())),
    )
        .prop_map(move |((name, on, timing, events, per_row), rest)| TriggerDecl {
            name,
            on: top.then_some(on),
            timing,
            events,
            per_row,
            old_table: rest.0,
            new_table: rest.1,
            when: rest.2,
            action: rest.3,
            constraint: rest.4,
            initially_deferred: rest.5,
            enabled: rest.6,
            was: rest.7,
        })
}

pub(super) fn workflow() -> impl Strategy<Value = WorkflowDecl> {
    let step = (doc(), names(0), names(1), of(expr())).prop_map(|(doc, from, to, when)| WorkflowStep {
        doc,
        from,
        to,
        when,
        at: at(),
    });
    (name(), vec(step, 0..3)).prop_map(|(field, steps)| WorkflowDecl { field, steps })
}

pub(super) fn limit() -> impl Strategy<Value = LimitDecl> {
    (name(), expr(), names(0), expr(), vec((name(), expr()), 0..2), vec(element(), 0..2)).prop_map(
        |(name, condition, per, to, overflow, promote_by)| LimitDecl { name, condition, per, to, overflow, promote_by },
    )
}

pub(super) fn partition() -> impl Strategy<Value = PartitionDecl> {
    let list = || vec(expr(), 1..3);
    let bounds = prop_oneof![
        (list(), list()).prop_map(|(from, to)| PartitionBounds::Range { from, to }),
        list().prop_map(PartitionBounds::List),
        (1u32..9, 0u32..9).prop_map(|(modulus, remainder)| PartitionBounds::Hash { modulus, remainder }),
        Just(PartitionBounds::Default),
    ];
    let rls = of(proptest::sample::select(&["off", "on", "force"][..]).prop_map(name_of));
    (qname(), bounds, rls, vec(setting(), 0..2)).prop_map(|(name, bounds, rls, with)| PartitionDecl {
        name,
        bounds,
        rls,
        with,
    })
}

pub(super) fn constraints() -> impl Strategy<Value = MemberKind> {
    let key = (of(name()), names(1), names(0), deferral()).prop_map(|(name, columns, include, d)| {
        MemberKind::Key(Box::new(KeyDecl { name, columns, include, deferrable: d.0, initially_deferred: d.1 }))
    });
    let unique = (of(name()), elements(), names(0), of(expr()), any::<bool>(), deferral()).prop_map(
        |(name, elements, include, filter, nulls_not_distinct, d)| {
            MemberKind::Unique(Box::new(UniqueDecl {
                name,
                elements,
                include,
                filter,
                nulls_not_distinct,
                deferrable: d.0,
                initially_deferred: d.1,
            }))
        },
    );
    let operator = proptest::sample::select(&["=", "&&", "<>", "-|-"][..]).prop_map(smol);
    let exclude = (of(name()), of(name()), vec((element(), operator), 1..3), of(expr()), deferral()).prop_map(
        |(name, method, elements, filter, d)| {
            MemberKind::Exclude(Box::new(ExcludeDecl {
                name,
                method,
                elements,
                filter,
                deferrable: d.0,
                initially_deferred: d.1,
            }))
        },
    );
    prop_oneof![key, unique, check().prop_map(|c| MemberKind::Check(Box::new(c))), exclude]
}

pub(super) fn smol<S: AsRef<str>, T: for<'a> From<&'a str>>(text: S) -> T {
    T::from(text.as_ref())
}

fn rolls() -> impl Strategy<Value = RollsDecl> {
    let unit = || proptest::sample::select(&["day", "weeks", "month", "year"][..]).prop_map(name_of);
    let then = (proptest::sample::select(&["drop", "detach", "archive"][..]).prop_map(name_of), of(name()));
    (unit(), of((0u32..1000, unit(), of(then))), of(0u32..99)).prop_map(|(every, keep, ahead)| {
        let (keep, then) = keep.map_or((None, None), |(number, unit, then)| (Some((number, unit)), then));
        RollsDecl { every, keep, then, ahead, at: at() }
    })
}

fn distribute() -> impl Strategy<Value = DistributeDecl> {
    let kind = proptest::sample::select(&["reference", "local"][..]).prop_map(name_of);
    prop_oneof![
        (name(), of(qname())).prop_map(|by| DistributeDecl { by: Some(by), kind: None, at: at() }),
        kind.prop_map(|kind| DistributeDecl { by: None, kind: Some(kind), at: at() }),
    ]
}

fn retain() -> impl Strategy<Value = RetainDecl> {
    let unit = proptest::sample::select(&["years", "year", "days", "minutes"][..]).prop_map(name_of);
    (vec((0u32..1000, unit), 1..3), of(name())).prop_map(|(spans, from)| RetainDecl { spans, from, at: at() })
}

pub(super) fn member() -> impl Strategy<Value = Member> {
    let composite =
        (names(1), qname(), names(0), ref_options()).prop_map(|(columns, target, target_columns, options)| {
            MemberKind::CompositeRef(Box::new(CompositeRefDecl { columns, target, target_columns, options }))
        });
    // without a name, `a = 1` is the value of a parameter `a`
    let arg = (of(name()), expr())
        .prop_map(|(name, value)| (name.or_else(|| value.text.starts_with("a = ").then(|| name_of("b"))), value));
    let mixin = (name(), vec(arg, 0..3)).prop_map(|(name, args)| UseMixin { name, args, at: at() });
    let weight = of(proptest::sample::select(&["A", "B", "C", "D"][..]).prop_map(name_of));
    let search = (of(name()), vec((name(), weight), 1..3), of(name()))
        .prop_map(|(column, fields, config)| MemberKind::Search(Box::new(SearchDecl { column, fields, config })));
    let kind = proptest::sample::select(&["function", "sql", "extension", "materialized view"][..]).prop_map(name_of);
    let method = proptest::sample::select(&["range", "list", "hash"][..]).prop_map(name_of);
    let by = (method, elements(), of(rolls())).prop_map(|(method, elements, rolls)| {
        MemberKind::PartitionBy(Box::new(PartitionByDecl { method, elements, rolls }))
    });
    let kind = prop_oneof![
        3 => field().prop_map(|f| MemberKind::Field(Box::new(f))).boxed(),
        3 => reference().prop_map(|r| MemberKind::Ref(Box::new(r))).boxed(),
        3 => constraints().boxed(),
        1 => composite.boxed(),
        1 => vec(mixin, 1..3).prop_map(|mixins| MemberKind::Use(UseDecl { mixins })).boxed(),
        2 => index().prop_map(|i| MemberKind::Index(Box::new(i))).boxed(),
        1 => search.boxed(),
        1 => by.boxed(),
        1 => partition().prop_map(|p| MemberKind::Partition(Box::new(p))).boxed(),
        1 => workflow().prop_map(|w| MemberKind::Workflow(Box::new(w))).boxed(),
        1 => limit().prop_map(|l| MemberKind::Limit(Box::new(l))).boxed(),
        1 => trigger(false).prop_map(|t| MemberKind::Trigger(Box::new(t))).boxed(),
        1 => rules().prop_map(MemberKind::Policy).boxed(),
        1 => promise(false).prop_map(|p| MemberKind::Promise(Box::new(p))).boxed(),
        1 => proptest::sample::select(&["off", "force", "on"][..]).prop_map(|w| MemberKind::Rls(name_of(w))).boxed(),
        1 => vec(setting(), 1..3).prop_map(MemberKind::With).boxed(),
        1 => distribute().prop_map(|d| MemberKind::Distribute(Box::new(d))).boxed(),
        1 => retain().prop_map(|r| MemberKind::Retain(Box::new(r))).boxed(),
        1 => name().prop_map(|n| MemberKind::ReplicaIdentity(ReplicaIdentity::Word(n))).boxed(),
        1 => name().prop_map(|n| MemberKind::ReplicaIdentity(ReplicaIdentity::Index(n))).boxed(),
        1 => vec(qname(), 1..3).prop_map(MemberKind::Inherits).boxed(),
        1 => vec((of(kind), qname()), 1..3).prop_map(MemberKind::Depends).boxed(),
    ];
    (doc(), kind).prop_map(|(doc, kind)| Member { doc, kind, at: at() })
}
