//! Random trees: every item and member, with odd names.

#![allow(dead_code)]

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use specc_syntax::ast::*;

fn at() -> At {
    At::default()
}

fn name_of(text: impl AsRef<str>) -> Name {
    Name { text: text.as_ref().into(), at: at() }
}

/// Plain words, keywords, words that need quotes, unicode, as long as Postgres allows.
pub fn name() -> BoxedStrategy<Name> {
    prop_oneof![
        4 => "[a-z_][a-z0-9_]{0,8}",
        2 => proptest::sample::select(KEYWORDS).prop_map(str::to_owned),
        1 => "[A-Za-z0-9 \"'.$-]{1,12}",
        1 => "[a-zäöüßéñ日本]{1,10}",
        1 => "[a-z]{63}",
        1 => "\\$[a-z_]{1,8}",
    ]
    .prop_map(name_of)
    .boxed()
}

const KEYWORDS: &[&str] = &[
    "key",
    "unique",
    "index",
    "check",
    "status",
    "policy",
    "was",
    "on",
    "to",
    "from",
    "as",
    "when",
    "where",
    "using",
    "include",
    "with",
    "nulls",
    "desc",
    "asc",
    "in",
    "out",
    "entity",
    "enum",
    "use",
    "limit",
    "per",
    "else",
    "promote",
    "by",
    "trigger",
    "workflow",
    "search",
    "case",
    "end",
    "and",
    "or",
    "not",
    "no",
    "all",
    "select",
    "schema",
    "function",
    "after",
    "down",
    "default",
    "identity",
    "generated",
    "deprecated",
    "backfill",
    "setof",
    "table",
    "public",
    "size",
    "reference",
    "partition",
];

fn qname() -> impl Strategy<Value = QName> {
    (of(name()), name()).prop_map(|(schema, name)| QName { schema, name })
}

fn expr() -> impl Strategy<Value = RawExpr> {
    proptest::sample::select(
        &[
            "a > 0",
            "'it''s'",
            "now()",
            "(a + b) * 2",
            "a = 'x' and (b is null or c <> 'd')",
            "case when a then 'x' else 'y' end",
            "lower(email)",
            "meta ->> 'k' = 'v'",
            "a::text ~ '^[a-z]{2,3}$'",
            "E'a\\'b'",
            "$x$ it's } $x$",
            "not exists s.members (user_id = viewer)",
            "array[1, 2][1]",
            "\"Odd ) name\" <= 5",
            "a = 1\n    and b = 2",
            "-1.5",
            "tags @> '{}'",
            "interval '7 days'",
        ][..],
    )
    .prop_map(|text| RawExpr { text: text.into(), at: at() })
}

fn string() -> impl Strategy<Value = StrLit> {
    "[a-z '\"/*$-]{0,8}".prop_map(|value| StrLit { value: value.into(), at: at() })
}

fn body() -> impl Strategy<Value = SqlBody> {
    (
        proptest::sample::select(&["select 1", " begin return new; end ", "\n  select '{' -- it's\n", ""][..]),
        prop_oneof![Just(""), Just("fn")],
    )
        .prop_map(|(text, tag)| SqlBody { text: text.into(), tag: tag.into(), at: at() })
}

fn doc() -> impl Strategy<Value = Doc> {
    of("[a-zA-Z ./]{0,20}(\n[a-z ]{0,10})?")
        .prop_map(|d| d.map(|d| d.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").into()))
}

fn type_ref() -> impl Strategy<Value = TypeRef> {
    let built_in = proptest::sample::select(
        &["double precision", "timestamp with time zone", "character varying", "interval day to second"][..],
    )
    .prop_map(|text| QName { schema: None, name: name_of(text) });
    (prop_oneof![4 => qname().boxed(), 1 => built_in.boxed()], vec(-5i64..2000, 0..3), 0u8..3, any::<bool>())
        .prop_map(|(name, args, dims, nullable)| TypeRef { name, args, dims, nullable, at: at() })
}

fn setting() -> impl Strategy<Value = Setting> {
    ("[a-z][a-z_]{0,7}", prop_oneof![("[0-9]{1,4}", Just(false)), ("[a-z' ]{0,6}", Just(true))])
        .prop_map(|(name, (value, quoted))| Setting { name: name_of(name), value: value.into(), quoted, at: at() })
}

/// `start 1`, `cycle`
fn counting() -> impl Strategy<Value = Setting> {
    let known = proptest::sample::select(&["start", "increment", "min", "max", "cache"][..]);
    prop_oneof![
        (known, -9i32..999).prop_map(|(n, v)| Setting {
            name: name_of(n),
            value: v.to_string().into(),
            quoted: false,
            at: at()
        }),
        Just(Setting { name: name_of("cycle"), value: "true".into(), quoted: false, at: at() }),
    ]
}

fn element() -> impl Strategy<Value = IndexElement> {
    let column = name().prop_filter("quotes", |n| !n.text.starts_with('"')).prop_map(|n| {
        let plain = n.text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
            && !n.text.starts_with(|c: char| c.is_ascii_digit());
        let plain = plain
            && !(n.text.starts_with('$')
                && (n.text.len() == 1
                    || n.text[1..].contains('$')
                    || n.text[1..].starts_with(|c: char| c.is_ascii_digit())));
        let text = if plain { n.text.to_string() } else { format!("\"{}\"", n.text.replace('"', "\"\"")) };
        (text, true)
    });
    let other = proptest::sample::select(&["lower(a)", "a + b", "a", "x.f(a, (b))", "f(a) + g(b)"][..])
        .prop_map(|t| (t.to_owned(), false));
    (prop_oneof![3 => column.boxed(), 1 => other.boxed()], of(qname()), of(qname()), any::<bool>(), of(any::<bool>()))
        .prop_map(|((text, is_column), collate, opclass, desc, nulls_first)| IndexElement {
            expr: RawExpr { text: text.into(), at: at() },
            is_column,
            collate,
            opclass,
            desc,
            nulls_first,
            at: at(),
        })
}

fn names(min: usize) -> impl Strategy<Value = Vec<Name>> {
    vec(name(), min..3)
}

fn elements() -> impl Strategy<Value = Vec<IndexElement>> {
    vec(element(), 1..3)
}

/// `deferrable`, `initially deferred`: the second implies the first.
fn deferral() -> impl Strategy<Value = (bool, bool)> {
    prop_oneof![Just((false, false)), Just((true, false)), Just((true, true))]
}

fn field() -> impl Strategy<Value = FieldDecl> {
    let maintained = (prop_oneof![Just("count"), Just("sum")], name(), of(name()), of(expr())).prop_map(
        |(f, path, field, filter)| {
            FieldValue::Maintained(Box::new(Maintained { function: name_of(f), path, field, filter, at: at() }))
        },
    );
    let value = prop_oneof![expr().prop_map(FieldValue::Default), maintained];
    let identity = (any::<bool>(), vec(counting(), 0..3)).prop_map(|(always, options)| Identity { always, options });
    (
        (name(), type_ref(), of(value), any::<bool>(), any::<bool>(), any::<bool>()),
        (of(expr()), of(identity), of(qname()), of(name()), of(string()), of(expr()), of(name()), of(name())),
    )
        .prop_map(|((name, ty, value, key, unique, immutable), rest)| FieldDecl {
            name,
            ty,
            value,
            key,
            unique,
            immutable,
            is_virtual: immutable && rest.0.is_some(),
            generated: rest.0.map(Box::new),
            identity: rest.1.map(Box::new),
            collate: rest.2.map(Box::new),
            was: rest.3.map(Box::new),
            deprecated: rest.4.map(|s| s.value),
            backfill: rest.5.map(Box::new),
            storage: rest.6.map(Box::new),
            compression: rest.7.map(Box::new),
        })
}

fn action() -> impl Strategy<Value = RefAction> {
    use RefActionKind::*;
    (proptest::sample::select(&[NoAction, Restrict, Cascade, SetNull, SetDefault][..]), names(0))
        .prop_map(|(kind, columns)| RefAction { kind, columns, at: at() })
}

fn ref_options() -> impl Strategy<Value = RefOptions> {
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

fn reference() -> impl Strategy<Value = RefDecl> {
    (
        (name(), qname(), of(name()), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
        (of(expr()), of(name()), of(string()), of(expr()), ref_options()),
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
        })
}

fn check() -> impl Strategy<Value = CheckDecl> {
    (of(name()), expr(), any::<bool>(), any::<bool>()).prop_map(|(name, expr, no_inherit, not_valid)| CheckDecl {
        name,
        expr,
        no_inherit,
        not_valid,
        at: at(),
    })
}

fn index() -> impl Strategy<Value = IndexDecl> {
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

fn actions(words: &'static [&'static str]) -> impl Strategy<Value = Vec<PolicyAction>> {
    let one = (proptest::sample::select(words), names(0));
    vec(one.prop_map(|(word, columns)| PolicyAction { action: name_of(word), columns }), 1..3)
}

fn rules() -> impl Strategy<Value = Vec<PolicyRule>> {
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

fn trigger(top: bool) -> impl Strategy<Value = TriggerDecl> {
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

fn workflow() -> impl Strategy<Value = WorkflowDecl> {
    let step = (doc(), names(0), names(1), of(expr())).prop_map(|(doc, from, to, when)| WorkflowStep {
        doc,
        from,
        to,
        when,
        at: at(),
    });
    (name(), vec(step, 0..3)).prop_map(|(field, steps)| WorkflowDecl { field, steps })
}

fn limit() -> impl Strategy<Value = LimitDecl> {
    (name(), expr(), names(0), expr(), vec((name(), expr()), 0..2), vec(element(), 0..2)).prop_map(
        |(name, condition, per, to, overflow, promote_by)| LimitDecl { name, condition, per, to, overflow, promote_by },
    )
}

fn partition() -> impl Strategy<Value = PartitionDecl> {
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

fn constraints() -> impl Strategy<Value = MemberKind> {
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

fn smol<S: AsRef<str>, T: for<'a> From<&'a str>>(text: S) -> T {
    T::from(text.as_ref())
}

fn member() -> impl Strategy<Value = Member> {
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
    let by = (method, elements())
        .prop_map(|(method, elements)| MemberKind::PartitionBy(Box::new(PartitionByDecl { method, elements })));
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
        1 => proptest::sample::select(&["off", "force", "on"][..]).prop_map(|w| MemberKind::Rls(name_of(w))).boxed(),
        1 => vec(setting(), 1..3).prop_map(MemberKind::With).boxed(),
        1 => name().prop_map(MemberKind::ReplicaIdentity).boxed(),
        1 => vec(qname(), 1..3).prop_map(MemberKind::Inherits).boxed(),
        1 => vec((of(kind), qname()), 1..3).prop_map(MemberKind::Depends).boxed(),
    ];
    (doc(), kind).prop_map(|(doc, kind)| Member { doc, kind, at: at() })
}

fn types() -> impl Strategy<Value = ItemKind> {
    let label = (doc(), name(), of(name())).prop_map(|(doc, label, was)| EnumLabel { doc, label, was, at: at() });
    let composite_field = (doc(), name(), type_ref(), of(qname()), of(name()))
        .prop_map(|(doc, name, ty, collate, was)| CompositeField { doc, name, ty, collate, was, at: at() });
    prop_oneof![
        (name(), of(name())).prop_map(|(name, was)| ItemKind::Schema(SchemaDecl { name, was })),
        (name(), of(name()), of(string())).prop_map(|(name, schema, version)| ItemKind::Extension(ExtensionDecl {
            name,
            schema,
            version
        })),
        (qname(), of(qname()), vec(label, 0..4)).prop_map(|(name, was, labels)| ItemKind::Enum(EnumDecl {
            name,
            was,
            labels
        })),
        (qname(), of(qname()), type_ref(), of(qname()), of(expr()), vec(check(), 0..3)).prop_map(
            |(name, was, base, collate, default, checks)| ItemKind::Domain(DomainDecl {
                name,
                was,
                base,
                collate,
                default,
                checks
            })
        ),
        (qname(), of(qname()), vec(composite_field, 0..3))
            .prop_map(|(name, was, fields)| ItemKind::Composite(CompositeDecl { name, was, fields })),
        (qname(), of(qname()), of(type_ref()), vec(counting(), 0..3), of((qname(), name()))).prop_map(
            |(name, was, ty, options, owned_by)| ItemKind::Sequence(SequenceDecl { name, was, ty, options, owned_by })
        ),
    ]
}

fn structure() -> impl Strategy<Value = ItemKind> {
    let param = (name(), of(expr())).prop_map(|(name, default)| MixinParam { name, default });
    let row = (
        qname(),
        prop_oneof![of(name()).prop_map(|l| (l, None)), (1u32..99).prop_map(|n| (None, Some(n)))],
        vec((name(), expr()), 0..4),
    )
        .prop_map(|(entity, (label, count), fields)| SeedRow { entity, label, count, fields, at: at() });
    let kind =
        || proptest::sample::select(&["function", "table", "extension", "materialized view"][..]).prop_map(name_of);
    prop_oneof![
        3 => (qname(), of(qname()), any::<bool>(), any::<bool>(), vec(member(), 0..6)).prop_map(
            |(name, was, external, unlogged, members)| ItemKind::Entity(Box::new(EntityDecl { name, was, external, unlogged, members }))
        ),
        1 => (name(), vec(param, 0..3), vec(member(), 0..3)).prop_map(|(name, params, members)| ItemKind::Mixin(MixinDecl { name, params, members })),
        1 => (name(), vec(row, 0..3)).prop_map(|(env, rows)| ItemKind::Seed(SeedDecl { env, rows })),
        1 => (name(), vec((kind(), qname()), 0..3), vec((of(kind()), qname()), 0..3), any::<bool>(), body(), of(body())).prop_map(
            |(name, provides, depends, after, up, down)| ItemKind::Sql(SqlDecl { name, provides, depends, after, up, down })
        ),
        1 => proptest::sample::select(&["query q(a: int) within 5 ms {\n  select '}' -- it's\n}", "scenario \"x's\" { as ben { a -> none } }", "promise nobody reads secrets"][..])
            .prop_map(|text| ItemKind::Kept(KeptDecl { keyword: name_of(text.split(' ').next().unwrap_or("")), text: text.into() })),
    ]
}

fn behaviour() -> impl Strategy<Value = ItemKind> {
    let view = (
        (
            qname(),
            any::<bool>(),
            names(0),
            any::<bool>(),
            any::<bool>(),
            of(proptest::sample::select(&["local", "cascaded"][..]).prop_map(name_of)),
        ),
        (any::<bool>(), vec(qname(), 0..3), of(string()), names(0), of(qname()), body(), vec(index(), 0..2)),
    )
        .prop_map(|((name, materialized, columns, security_definer, security_barrier, check_option), rest)| {
            ItemKind::View(Box::new(ViewDecl {
                name,
                materialized,
                columns,
                security_definer,
                security_barrier,
                check_option,
                no_data: rest.0,
                depends: rest.1,
                refresh: rest.2,
                roles: rest.3,
                was: rest.4,
                body: rest.5,
                indexes: rest.6,
            }))
        });
    let mode = of(proptest::sample::select(&["in", "out", "inout", "variadic"][..]).prop_map(name_of));
    let param_name = prop_oneof![4 => name().boxed(), 1 => Just(name_of("")).boxed()];
    let param = (mode, param_name, type_ref(), of(expr())).prop_map(|(mode, name, ty, default)| FunctionParam {
        mode,
        name,
        ty,
        default,
    });
    let returns = prop_oneof![
        type_ref().prop_map(Returns::Type),
        type_ref().prop_map(Returns::SetOf),
        vec((name(), type_ref()), 1..3).prop_map(Returns::Table),
    ];
    let function = (
        (
            any::<bool>(),
            qname(),
            vec(param, 0..3),
            of(returns),
            of(name()),
            of(proptest::sample::select(&["volatile", "stable", "immutable"][..]).prop_map(name_of)),
        ),
        (
            any::<bool>(),
            of(proptest::sample::select(&["safe", "restricted", "unsafe"][..]).prop_map(name_of)),
            any::<bool>(),
            any::<bool>(),
            of(0u32..99),
            of(0u32..99),
        ),
        (vec(setting(), 0..2), vec(qname(), 0..2), names(0), of(qname()), any::<bool>(), body()),
    )
        .prop_map(|(a, b, c)| {
            ItemKind::Function(Box::new(FunctionDecl {
                procedure: a.0,
                name: a.1,
                params: a.2,
                returns: a.3,
                language: a.4,
                volatility: a.5,
                strict: b.0,
                parallel: b.1,
                leakproof: b.2,
                security_definer: b.3,
                cost: b.4.map(|n| n.to_string().into()),
                rows: b.5.map(|n| n.to_string().into()),
                settings: c.0,
                depends: c.1,
                roles: c.2,
                was: c.3,
                atomic: c.4,
                body: c.5,
            }))
        });
    let target = prop_oneof![string().prop_map(WebhookTarget::Url), string().prop_map(WebhookTarget::EdgeFunction)];
    let webhook = (
        name(),
        qname(),
        actions(&["insert", "update", "delete"]),
        of(expr()),
        of(target),
        vec((string(), string(), any::<bool>()), 0..3),
        of(0u32..9999),
    )
        .prop_map(|(name, entity, actions, when, target, headers, timeout)| {
            ItemKind::Webhook(Box::new(WebhookDecl { name, entity, actions, when, target, headers, timeout }))
        });
    prop_oneof![
        view,
        function,
        trigger(true).prop_map(|t| ItemKind::Trigger(Box::new(t))),
        webhook,
        (name(), string(), body()).prop_map(|(name, cron, body)| ItemKind::Schedule(ScheduleDecl { name, cron, body })),
    ]
}

fn access() -> impl Strategy<Value = ItemKind> {
    let option = proptest::sample::select(&["login", "bypassrls", "noinherit", "createdb"][..]).prop_map(name_of);
    let kind = of(proptest::sample::select(&["schema", "function", "type", "sequence"][..]).prop_map(name_of));
    let unit = proptest::sample::select(&["B", "KB", "MB", "gb"][..]).prop_map(name_of);
    let table = (qname(), names(0), of(expr())).prop_map(|(entity, columns, filter)| RealtimeTable {
        entity,
        columns,
        filter,
        at: at(),
    });
    prop_oneof![
        qname().prop_map(|entity| ItemKind::Viewer(ViewerDecl { entity })),
        (name(), vec((name(), qname()), 0..3), expr())
            .prop_map(|(name, params, body)| ItemKind::Predicate(PredicateDecl { name, params, body })),
        (qname(), rules()).prop_map(|(entity, rules)| ItemKind::Policy(PolicyBlock { entity, rules })),
        (any::<bool>(), name(), vec(option, 0..3), names(0), of(name())).prop_map(
            |(external, name, options, member_of, was)| ItemKind::Role(RoleDecl {
                external,
                name,
                options,
                member_of,
                was
            })
        ),
        (
            any::<bool>(),
            actions(&["select", "usage", "execute", "all"]),
            kind,
            qname(),
            of(vec(type_ref(), 0..3)),
            names(1),
            any::<bool>()
        )
            .prop_map(|(revoke, privileges, object_kind, object, arg_types, roles, grant_option)| {
                ItemKind::Grant(GrantDecl { revoke, privileges, object_kind, object, arg_types, roles, grant_option })
            }),
        (name(), any::<bool>(), of((0u64..99, unit)), vec(string(), 0..3), rules()).prop_map(
            |(name, public, size, mime, rules)| ItemKind::Bucket(BucketDecl { name, public, size, mime, rules })
        ),
        qname().prop_map(ItemKind::ExternalType),
        vec(table, 0..3).prop_map(|tables| ItemKind::Realtime(RealtimeDecl { tables })),
    ]
}

/// A file.
pub fn file() -> impl Strategy<Value = SpecFile> {
    let kind = prop_oneof![types().boxed(), structure().boxed(), behaviour().boxed(), access().boxed()];
    let item = (doc(), kind).prop_map(|(doc, kind)| Item { doc, kind, at: at() });
    vec(item, 0..6).prop_map(|items| SpecFile { file: FileIdEq::default(), items, comments: Vec::new() })
}
