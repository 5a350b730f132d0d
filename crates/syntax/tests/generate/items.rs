//! What stands by itself in a file.

use super::members::*;
use super::*;

pub(super) fn types() -> impl Strategy<Value = ItemKind> {
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
            |(name, was, base, collate, default, checks)| ItemKind::Domain(Box::new(DomainDecl {
                name,
                was,
                base,
                collate,
                default,
                checks
            }))
        ),
        (qname(), of(qname()), vec(composite_field, 0..3))
            .prop_map(|(name, was, fields)| ItemKind::Composite(CompositeDecl { name, was, fields })),
        (qname(), of(qname()), of(type_ref()), vec(counting(), 0..3), of((qname(), name()))).prop_map(
            |(name, was, ty, options, owned_by)| ItemKind::Sequence(Box::new(SequenceDecl {
                name,
                was,
                ty,
                options,
                owned_by
            }))
        ),
    ]
}

pub(super) fn structure() -> impl Strategy<Value = ItemKind> {
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
        3 => (qname(), of(qname()), vec(expr(), 0..2), any::<bool>(), any::<bool>(), vec(member(), 0..6)).prop_map(
            |(name, was, from, external, unlogged, members)| ItemKind::Entity(Box::new(EntityDecl { name, was, from, external, unlogged, members }))
        ),
        1 => (name(), vec(param, 0..3), vec(member(), 0..3)).prop_map(|(name, params, members)| ItemKind::Mixin(MixinDecl { name, params, members })),
        1 => (name(), vec(row, 0..3)).prop_map(|(env, rows)| ItemKind::Seed(SeedDecl { env, rows })),
        1 => (name(), vec((kind(), qname()), 0..3), vec((of(kind()), qname()), 0..3), any::<bool>(), body(), of(body())).prop_map(
            |(name, provides, depends, after, up, down)| ItemKind::Sql(Box::new(SqlDecl { name, provides, depends, after, up, down }))
        ),
        1 => query(),
        1 => (of(name()), vec(size_rows(), 1..4)).prop_map(|(env, rows)| ItemKind::Size(SizeDecl { env, rows })),
    ]
}

fn query() -> impl Strategy<Value = ItemKind> {
    let param = (name(), type_ref(), of((qname(), name())), of(expr()))
        .prop_map(|(name, ty, from, usual)| QueryParam { name, ty, from, usual, at: at() });
    let unit = || proptest::sample::select(&["ms", "s"][..]).prop_map(name_of);
    let percentile = || proptest::sample::select(&["p50", "p90", "p95", "p99"][..]).prop_map(name_of);
    let within = (0u64..9999, unit(), of(percentile())).prop_map(|(number, unit, percentile)| Within {
        number,
        unit,
        percentile,
    });
    let budgets = (of(within), of(0u64..99_999), of(0u64..9_999));
    let entities = || vec(qname(), 0..3);
    (name(), vec(param, 0..3), of(name()), of(string()), budgets, entities(), entities(), expr()).prop_map(
        |(name, params, role, claims, (within, rows, buffers), no_scan, whole, body)| {
            let twice = Vec::new();
            ItemKind::Query(Box::new(QueryDecl {
                name,
                params,
                role,
                claims,
                within,
                rows,
                buffers,
                no_scan,
                whole,
                body,
                twice,
            }))
        },
    )
}

fn amount() -> impl Strategy<Value = Amount> {
    "-?[0-9]{1,7}(\\.[0-9]{0,3})?".prop_map(|text| Amount { text: text.into(), at: at() })
}

fn skew() -> impl Strategy<Value = Skew> {
    (any::<bool>(), of(amount())).prop_map(|(zipf, exponent)| Skew { zipf, exponent, at: at() })
}

fn size_rows() -> impl Strategy<Value = SizeRows> {
    let value = prop_oneof![name(), amount().prop_map(|amount| name_of(&amount.text))];
    let part = prop_oneof![
        (0u64..9_999_999).prop_map(|count| SizeTrait::Distinct { count, at: at() }),
        amount().prop_map(SizeTrait::Nulls),
        (0u64..9_999_999).prop_map(|bytes| SizeTrait::Width { bytes, at: at() }),
        amount().prop_map(SizeTrait::Correlation),
        expr().prop_map(SizeTrait::Between),
        skew().prop_map(SizeTrait::Skew),
        (value, amount()).prop_map(|(value, percent)| SizeTrait::Share { value, percent }),
    ];
    let column = (name(), vec(part, 1..4)).prop_map(|(name, traits)| SizeColumn { name, traits, at: at() });
    let count = prop_oneof![
        (0u64..9_999_999).prop_map(|rows| SizeCount::Rows { rows, at: at() }),
        (amount(), name(), of(skew())).prop_map(|(each, path, skew)| SizeCount::Per { each, path, skew }),
    ];
    (qname(), count, vec(column, 0..3)).prop_map(|(entity, count, columns)| SizeRows {
        entity,
        count,
        columns,
        at: at(),
    })
}

pub(super) fn behaviour() -> impl Strategy<Value = ItemKind> {
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
            let timeout = timeout.map(|number| (number, At::default()));
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

pub(super) fn access() -> impl Strategy<Value = ItemKind> {
    let option = proptest::sample::select(&["login", "bypassrls", "noinherit", "createdb"][..]).prop_map(name_of);
    let kind = || of(proptest::sample::select(&["schema", "function", "type", "sequence"][..]).prop_map(name_of));
    let unit = proptest::sample::select(&["B", "KB", "MB", "gb"][..]).prop_map(name_of);
    let table = (qname(), names(0), of(expr())).prop_map(|(entity, columns, filter)| RealtimeTable {
        entity,
        columns,
        filter,
        at: at(),
    });
    prop_oneof![
        qname().prop_map(|entity| ItemKind::Viewer(ViewerDecl { entity })),
        (qname(), vec((qname(), names(1), of((qname(), names(1)))), 0..3)).prop_map(|(entity, rows)| {
            let rows = rows.into_iter().map(|(entity, columns, of)| PersonRows { entity, columns, of, at: at() });
            ItemKind::Person(Box::new(PersonDecl { entity, rows: rows.collect() }))
        }),
        (name(), vec((name(), type_ref()), 0..3), expr())
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
            kind(),
            qname(),
            of(vec(type_ref(), 0..3)),
            names(1),
            any::<bool>()
        )
            .prop_map(|(revoke, privileges, kind, name, arg_types, roles, grant_option)| {
                ItemKind::Grant(Box::new(GrantDecl {
                    revoke,
                    privileges,
                    object: Target { kind, name, arg_types },
                    roles,
                    grant_option,
                }))
            }),
        (name(), vec((kind(), qname(), of(vec(type_ref(), 0..3))), 1..3)).prop_map(|(role, objects)| {
            let target = |(kind, name, arg_types)| Target { kind, name, arg_types };
            ItemKind::Owner(OwnerDecl { role, objects: objects.into_iter().map(target).collect() })
        }),
        (name(), any::<bool>(), of((0u64..99, unit)), vec(string(), 0..3), rules()).prop_map(
            |(name, public, size, mime, rules)| ItemKind::Bucket(BucketDecl {
                name,
                public: public.then(At::default),
                size,
                mime,
                rules
            })
        ),
        scenario(),
        promise(true).prop_map(|p| ItemKind::Promise(Box::new(p))),
        qname().prop_map(ItemKind::ExternalType),
        vec(table, 0..3).prop_map(|tables| ItemKind::Realtime(RealtimeDecl { tables })),
    ]
}

fn row_ref() -> impl Strategy<Value = RowRef> {
    (of(qname()), name()).prop_map(|(entity, label)| RowRef { entity, label })
}

fn step() -> impl Strategy<Value = StepDecl> {
    let rows = prop_oneof![
        proptest::strategy::Just(RowsDecl::None),
        proptest::strategy::Just(RowsDecl::All),
        (0u64..99).prop_map(RowsDecl::Count),
        names(1).prop_map(RowsDecl::Only),
    ];
    let fields = || vec((name(), expr()), 0..4);
    let args = expr();
    let what = prop_oneof![
        (qname(), fields()).prop_map(|(entity, fields)| TryDecl::Insert { entity, fields }),
        (row_ref(), fields()).prop_map(|(row, fields)| TryDecl::Update { row, fields }),
        row_ref().prop_map(|row| TryDecl::Delete { row }),
        (qname(), args).prop_map(|(function, args)| TryDecl::Call { function, args }),
    ];
    prop_oneof![
        (qname(), rows).prop_map(|(entity, rows)| StepKind::Rows { entity, rows }),
        (any::<bool>(), what, of(string())).prop_map(|(deny, what, code)| StepKind::Try { deny, what, code }),
    ]
    .prop_map(|kind| StepDecl { kind, at: at() })
}

pub(super) fn scenario() -> impl Strategy<Value = ItemKind> {
    let row = (qname(), of(name()), vec((name(), expr()), 0..4)).prop_map(|(entity, label, fields)| SeedRow {
        entity,
        label,
        count: None,
        fields,
        at: at(),
    });
    let actor = (name(), any::<bool>(), of(name()), of(string()), vec(step(), 0..4));
    let part = prop_oneof![
        vec(row, 0..3).prop_map(|rows| ScenarioPart::Given { rows, at: at() }),
        actor.prop_map(|(who, is_role, role, claims, steps)| ScenarioPart::As(ActorDecl {
            who,
            is_role,
            role,
            claims,
            steps,
            at: at()
        })),
    ];
    (string(), of(name()), vec(part, 0..3)).prop_map(|(text, env, parts)| {
        let text = Name { text: text.value, at: at() };
        ItemKind::Scenario(Box::new(ScenarioDecl { text, env, parts }))
    })
}
