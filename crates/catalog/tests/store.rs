//! What is stored comes back, whatever it is.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use smol_str::SmolStr;
use specc_catalog::*;
use std::collections::BTreeMap;

/// Names as people and machines make them: plain, long, quoted, in other scripts, empty.
fn name() -> BoxedStrategy<SmolStr> {
    let odd =
        vec!["", "user", "Order \"Items\"", "naïve_表", "a\\b\n\u{1}", "a_name_that_is_longer_than_what_fits_inline"];
    prop_oneof![4 => "[a-z_]{1,8}".prop_map(SmolStr::from), 1 => select(odd).prop_map(SmolStr::from)].boxed()
}

fn expr() -> BoxedStrategy<SqlExpr> {
    (name(), vec(name(), 0..3)).prop_map(|(text, columns)| SqlExpr { text, columns }).boxed()
}

fn qualified() -> BoxedStrategy<Qualified> {
    (name(), name()).prop_map(|(schema, name)| Qualified { schema, name }).boxed()
}

fn table_name() -> BoxedStrategy<TableName> {
    (name(), name()).prop_map(|(schema, name)| TableName { schema, name }).boxed()
}

fn data_type() -> BoxedStrategy<DataType> {
    (name(), name(), vec(any::<i64>(), 0..3), 0..3_u8)
        .prop_map(|(schema, name, args, dims)| DataType { schema, name, args, dims })
        .boxed()
}

fn numbers() -> BoxedStrategy<SequenceOptions> {
    (of(any::<i64>()), of(any::<i64>()), of(any::<i64>()), any::<bool>())
        .prop_map(|(start, min, max, cycle)| SequenceOptions { start, min, max, cycle, ..Default::default() })
        .boxed()
}

fn pairs() -> BoxedStrategy<Vec<(SmolStr, SmolStr)>> {
    vec((name(), name()), 0..3).boxed()
}

fn index_key() -> BoxedStrategy<IndexKey> {
    let on = prop_oneof![name().prop_map(KeyOn::Column), expr().prop_map(KeyOn::Expr)];
    (on, of(qualified().prop_map(Box::new)), of(qualified().prop_map(Box::new)), any::<bool>(), of(any::<bool>()))
        .prop_map(|(on, collation, opclass, desc, nulls_first)| IndexKey { on, collation, opclass, desc, nulls_first })
        .boxed()
}

fn column() -> BoxedStrategy<Column> {
    let values = (of(expr()), of(expr()), of((any::<bool>(), numbers())), of(qualified()));
    (name(), data_type(), any::<bool>(), values, of(name()), of(name()))
        .prop_map(|(name, ty, nullable, (default, generated, identity, collation), storage, comment)| Column {
            nullable,
            default,
            generated: generated.map(Box::new),
            identity: identity.map(Box::new),
            collation: collation.map(Box::new),
            storage: storage.map(Box::new),
            comment,
            ..Column::new(name, ty)
        })
        .boxed()
}

fn table() -> BoxedStrategy<Object> {
    let bounds = prop_oneof![
        (vec(expr(), 1..3), vec(expr(), 1..3)).prop_map(|(from, to)| Bounds::Range { from, to }),
        vec(expr(), 1..3).prop_map(Bounds::List),
        (any::<u32>(), any::<u32>()).prop_map(|(modulus, remainder)| Bounds::Hash { modulus, remainder }),
        Just(Bounds::Default),
    ];
    let by = (name(), vec(index_key(), 1..3)).prop_map(|(method, keys)| PartitionBy { method, keys });
    let rls = select(vec![Rls::Off, Rls::On, Rls::Forced]);
    (table_name(), vec(column(), 0..4), any::<bool>(), of(by), of((table_name(), bounds)), rls, pairs())
        .prop_map(|(table, columns, unlogged, partition_by, partition_of, rls, options)| {
            Table {
                table,
                columns,
                unlogged,
                partition_by,
                partition_of,
                rls,
                options: options.into_iter().collect(),
                replica_identity: None,
                inherits: Vec::new(),
            }
            .into()
        })
        .boxed()
}

fn constraint() -> BoxedStrategy<Object> {
    let names = || vec(name(), 0..3);
    let action =
        || select(vec![Action::NoAction, Action::Restrict, Action::Cascade, Action::SetNull, Action::SetDefault]);
    let key = (names(), table_name(), names(), action(), names(), action(), any::<bool>()).prop_map(
        |(columns, target, target_columns, on_delete, on_delete_columns, on_update, match_full)| {
            Rule::ForeignKey(ForeignKey {
                columns,
                target,
                target_columns,
                on_delete,
                on_delete_columns,
                on_update,
                match_full,
            })
        },
    );
    let rule =
        prop_oneof![
            (names(), names()).prop_map(|(columns, include)| Rule::PrimaryKey { columns, include }),
            (names(), names(), any::<bool>()).prop_map(|(columns, include, nulls_not_distinct)| Rule::Unique {
                columns,
                include,
                nulls_not_distinct
            }),
            (expr(), any::<bool>()).prop_map(|(expr, no_inherit)| Rule::Check { expr, no_inherit }),
            key,
            (name(), vec((index_key(), name()), 1..3), of(expr()))
                .prop_map(|(method, elements, filter)| Rule::Exclude { method, elements, filter }),
        ];
    (table_name(), name(), rule, any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(table, name, rule, deferrable, initially_deferred, not_valid)| {
            Constraint { table, name, rule, deferrable, initially_deferred, not_valid }.into()
        })
        .boxed()
}

fn function() -> BoxedStrategy<Object> {
    let param = (name(), name(), data_type(), of(expr())).prop_map(|(mode, name, ty, default)| Param {
        mode,
        name,
        ty,
        default,
    });
    let returns = prop_oneof![
        data_type().prop_map(Returns::Type),
        data_type().prop_map(Returns::SetOf),
        vec((name(), data_type()), 0..3).prop_map(Returns::Table),
    ];
    let body = prop_oneof![name().prop_map(Body::Atomic), name().prop_map(Body::Text)];
    let volatility = select(vec![Volatility::Volatile, Volatility::Stable, Volatility::Immutable]);
    (table_name(), vec(param, 0..3), of(returns), name(), body, volatility, any::<[bool; 4]>(), of(name()), pairs())
        .prop_map(|(id, params, returns, language, body, volatility, flags, parallel, settings)| {
            Function {
                schema: id.schema,
                name: id.name,
                procedure: flags[0],
                params,
                returns,
                language,
                body,
                volatility,
                strict: flags[1],
                parallel: parallel.clone(),
                leakproof: flags[2],
                security_definer: flags[3],
                cost: parallel,
                rows: None,
                settings,
            }
            .into()
        })
        .boxed()
}

fn trigger_or_policy() -> BoxedStrategy<Object> {
    let timing = select(vec![Timing::Before, Timing::After, Timing::InsteadOf]);
    let events = vec((name(), vec(name(), 0..2)), 0..3);
    let trigger = (table_name(), name(), timing, events, any::<[bool; 3]>(), of(name()), of(expr()), qualified());
    let trigger = trigger.prop_map(|(table, name, timing, events, flags, old_table, when, function)| {
        Trigger {
            table,
            name,
            timing,
            events,
            per_row: flags[0],
            new_table: old_table.clone(),
            args: old_table.iter().cloned().collect(),
            old_table,
            when,
            function,
            constraint: flags[1],
            initially_deferred: flags[2],
            enabled: SmolStr::default(),
        }
        .into()
    });
    let commands = vec![Command::All, Command::Select, Command::Insert, Command::Update, Command::Delete];
    let policy = (table_name(), name(), any::<bool>(), select(commands), vec(name(), 0..3), of(expr()), of(expr()))
        .prop_map(|(table, name, permissive, command, roles, using, check)| {
            Policy { table, name, permissive, command, roles, using, check }.into()
        });
    prop_oneof![trigger, policy].boxed()
}

fn kinds() -> BoxedStrategy<Kind> {
    select(vec![Kind::Schema, Kind::Table, Kind::View, Kind::Function, Kind::Sequence, Kind::Enum]).boxed()
}

fn id() -> BoxedStrategy<ObjectId> {
    (kinds(), name(), name(), name())
        .prop_map(|(kind, schema, name, part)| ObjectId { kind, schema, name, part })
        .boxed()
}

fn small() -> BoxedStrategy<Object> {
    let names = || vec(name(), 0..3);
    let privilege =
        (name(), names(), any::<bool>()).prop_map(|(name, columns, grantable)| Privilege { name, columns, grantable });
    let index = (table_name(), name(), any::<[bool; 2]>(), name(), vec(index_key(), 1..3), of(expr()), pairs());
    let view = (table_name(), names(), name(), any::<[bool; 4]>(), of(name()));
    let fields = vec((name(), data_type(), of(qualified())), 0..3);
    let rows = vec(vec(expr(), 0..3), 0..3);
    prop_oneof![
        name().prop_map(|name| Schema { name }.into()),
        (name(), name(), of(name())).prop_map(|(name, schema, version)| Extension { name, schema, version }.into()),
        (name(), names(), names()).prop_map(|(name, options, member_of)| Role { name, options, member_of }.into()),
        (name(), name(), names()).prop_map(|(schema, name, labels)| Enum { schema, name, labels }.into()),
        (table_name(), data_type(), any::<bool>(), of(qualified()), of(expr()), vec((name(), expr()), 0..3)).prop_map(
            |(id, base, nullable, collation, default, checks)| {
                Domain { schema: id.schema, name: id.name, base, nullable, collation, default, checks }.into()
            }
        ),
        (name(), name(), fields).prop_map(|(schema, name, fields)| Composite { schema, name, fields }.into()),
        (name(), name(), of(data_type()), numbers(), of((table_name(), name())))
            .prop_map(|(schema, name, ty, options, owned_by)| Sequence { schema, name, ty, options, owned_by }.into()),
        index.prop_map(|(table, name, flags, method, keys, filter, options)| {
            let (unique, nulls_not_distinct) = (flags[0], flags[1]);
            let options = options.into_iter().collect();
            Index { table, name, unique, method, keys, include: vec![], filter, options, nulls_not_distinct }.into()
        }),
        view.prop_map(|(view, columns, query, flags, check_option)| {
            View {
                view,
                columns,
                query,
                materialized: flags[0],
                security_invoker: flags[1],
                security_barrier: flags[2],
                check_option,
                no_data: flags[3],
            }
            .into()
        }),
        (id(), name(), vec(privilege, 0..3)).prop_map(|(on, to, privileges)| Grant { on, to, privileges }.into()),
        name().prop_map(|name| Publication { name }.into()),
        (name(), table_name(), names(), of(expr())).prop_map(|(publication, table, columns, filter)| {
            PublicationTable { publication, table, columns, filter }.into()
        }),
        (name(), any::<bool>(), of(any::<u64>()), names()).prop_map(|(id, public, size_limit, mime_types)| Bucket {
            id,
            public,
            size_limit,
            mime_types
        }
        .into()),
        (name(), name(), name()).prop_map(|(name, schedule, command)| Job { name, schedule, command }.into()),
        (table_name(), any::<u32>(), names(), names(), rows, any::<bool>(), of(name())).prop_map(
            |(table, order, columns, key, rows, update, restart)| {
                Seed { table, order, columns, key, rows, update, restart }.into()
            }
        ),
        (name(), name(), of(name()), any::<bool>(), vec(id(), 0..2)).prop_map(|(name, up, down, last, provides)| Sql {
            last,
            name,
            up,
            down,
            provides
        }
        .into()),
    ]
    .boxed()
}

fn entry() -> BoxedStrategy<Entry> {
    let object = prop_oneof![16 => small(), 4 => table(), 4 => constraint(), 3 => function(), 3 => trigger_or_policy()];
    let depends = vec((id(), name()).prop_map(|(on, why)| Dependency { on, why }), 0..2);
    let counts = vec((name(), table_name(), expr()).prop_map(|(column, of, value)| Count { column, of, value }), 0..2);
    let class = prop_oneof![Just(DataClass::Pii), Just(DataClass::Secret)];
    (object, of(name()), of(name()), depends, name(), counts, vec((name(), class), 0..2))
        .prop_map(|(object, comment, owner, depends, area, counts, classes)| Entry {
            object,
            comment,
            owner,
            depends,
            area,
            counts,
            classes,
        })
        .boxed()
}

fn catalog() -> impl Strategy<Value = Catalog> {
    let grantees = || vec(name(), 0..3);
    (vec(entry(), 0..12), grantees(), grantees(), grantees()).prop_map(|(entries, objects, types, schemas)| {
        let mut catalog = Catalog::new();
        catalog.default_grantees = Grantees { objects, types, sequences: Vec::new(), schemas };
        for entry in entries {
            catalog.insert(entry);
        }
        catalog
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_stored_comes_back(catalog in catalog()) {
        let text = to_json(&catalog);
        let back = from_json(&text).unwrap();
        prop_assert_eq!(&back, &catalog);
        prop_assert_eq!(to_json(&back), text.clone());
        prop_assert_eq!(text.lines().count(), catalog.len() + 2);
        let sealed = to_sealed_json(&catalog);
        prop_assert_eq!(from_json(&sealed).unwrap(), back);
        prop_assert_eq!((is_whole(&sealed), is_whole(&text)), (Some(true), None));
        let damaged = sealed.replacen("\"specc\":1", "\"specc\": 1", 1);
        prop_assert_eq!(is_whole(&damaged), Some(false));
    }

    #[test]
    fn what_one_side_did_is_what_both_did(base in catalog(), side in catalog()) {
        let texts = |merged: Result<Catalog, _>| merged.map(|merged| to_json(&merged));
        prop_assert_eq!(texts(merge(&base, &side, &base)), Ok(to_json(&side)));
        prop_assert_eq!(texts(merge(&base, &base, &side)), Ok(to_json(&side)));
        // Done twice, it cannot be done.
        let entries = |catalog: &Catalog| catalog.iter().map(|(id, entry)| (id.clone(), entry.clone())).collect::<BTreeMap<_, _>>();
        let same = entries(&base) == entries(&side) && base.default_grantees == side.default_grantees;
        prop_assert_eq!(merge(&base, &side, &side).is_ok(), same);
    }

    #[test]
    fn the_sides_may_be_exchanged(base in catalog(), ours in catalog(), theirs in catalog()) {
        let texts = |merged: Result<Catalog, Vec<Clash>>| merged.map(|merged| to_json(&merged)).map_err(|clashes| clashes.len());
        prop_assert_eq!(
            texts(merge(&base, &ours, &theirs)).map(|text| text.len()),
            texts(merge(&base, &theirs, &ours)).map(|text| text.len())
        );
    }

    #[test]
    fn what_is_written_alike_is_not_looked_at(a in catalog(), b in catalog(), both in vec(entry(), 0..12)) {
        let with = |mut catalog: Catalog| {
            both.iter().for_each(|entry| { catalog.insert(entry.clone()); });
            catalog
        };
        let (a, b) = (with(a), with(b));
        let Some((old, new)) = apart(&to_json(&a), &b) else {
            // Nothing stands between its brackets.
            prop_assert!(a.is_empty());
            return Ok(());
        };
        let lacks = |catalog: &Catalog, other: &Catalog| -> Vec<Entry> {
            catalog.iter().filter(|(id, entry)| other.get(id) != Some(entry)).map(|(_, entry)| entry.clone()).collect()
        };
        let sorted = |entries: Vec<Entry>| {
            let mut lines: Vec<String> = entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect();
            lines.sort_unstable();
            lines
        };
        let all = |catalog: &Catalog| catalog.iter().map(|(_, entry)| entry.clone()).collect::<Vec<_>>();
        prop_assert_eq!(sorted(all(&old)), sorted(lacks(&a, &b)));
        prop_assert_eq!(sorted(all(&new)), sorted(lacks(&b, &a)));
    }

    #[test]
    fn an_order_has_every_object_once_and_never_before_what_it_needs(catalog in catalog()) {
        if let Ok(order) = order(&catalog) {
            let mut made = vec![false; catalog.len()];
            for &object in order.sequence() {
                for (need, strength) in order.needs(object) {
                    prop_assert!(made[need as usize] || strength < Strength::Hard);
                }
                prop_assert!(!std::mem::replace(&mut made[object as usize], true));
            }
            prop_assert!(made.iter().all(|made| *made));
        }
    }
}

#[test]
fn another_version_is_refused_in_words() {
    let error = from_json("{\"specc\":2,\"things\":[]}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the stored catalog has version 2; this specc reads version 1: use the specc that wrote it"
    );
    assert!(from_json("{}").unwrap_err().to_string().starts_with("this is not a stored catalog: "));
    assert!(from_json("").is_err());
    assert_eq!(checksum("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
