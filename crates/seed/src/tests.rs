//! Seeds of models made by hand.

use crate::generate;
use smol_str::SmolStr;
use specc_diag::Span;
use specc_model::scope::Scope;
use specc_model::typing::{Expect, Place, check};
use specc_model::*;
use std::sync::Arc;

fn expr(text: &str) -> ExprRef {
    over(&Model::default(), &Scope::default(), text)
}

fn over(model: &Model, scope: &Scope, text: &str) -> ExprRef {
    let span = Span::default();
    let parsed = specc_expr::parse_expr(text, span).expect("SQL");
    let formula = check(model, scope, &parsed, text, span, Expect::any(Place::Index), &mut Vec::new());
    Arc::new(Expr { formula, text: text.into(), span })
}

/// `name type`, with `?`, and with `!` for identity.
fn field(text: &str) -> Field {
    let (name, ty) = text.split_once(' ').expect("name and type");
    let base = Base::Builtin(ty.trim_end_matches(['?', '!']).into());
    Field {
        using: None,
        meta: Meta::default(),
        name: name.into(),
        ty: Type { base, args: vec![], dims: 0 },
        nullable: ty.ends_with('?'),
        default: None,
        generated: None,
        is_virtual: false,
        identity: ty.ends_with('!').then(|| Box::new((true, vec![]))),
        collation: None,
        maintained: None,
        immutable: false,
        class: None,
        deprecated: None,
        backfill: None,
        storage: None,
        compression: None,
        statistics: None,
        shape: None,
        relation: None,
        mixin: None,
        inherited: false,
    }
}

#[derive(Default)]
struct Build(Model);

impl Build {
    /// The first column is the key.
    fn entity(&mut self, name: &str, fields: &[&str]) -> EntityId {
        let id = EntityId(self.0.entities.len() as u32);
        let (schema, name) = name.split_once('.').unwrap_or(("public", name));
        let key = Key {
            name: "key".into(),
            doc: None,
            fields: vec![0],
            include: vec![],
            deferrable: false,
            initially_deferred: false,
            span: Default::default(),
        };
        self.0.entities.push(Entity {
            id,
            meta: Meta::default(),
            name: Qualified { schema: schema.into(), name: name.into() },
            external: false,
            unlogged: false,
            rls: Rls::On,
            options: vec![],
            replica_identity: None,
            retain: None,
            placement: None,
            inherits: vec![],
            origins: vec![],
            depends: vec![],
            fields: fields.iter().map(|text| field(text)).collect(),
            key: Some(key),
            uniques: vec![],
            checks: vec![],
            excludes: vec![],
            indexes: vec![],
            searches: vec![],
            partition_by: None,
            partitions: vec![],
            workflows: vec![],
            limits: vec![],
            triggers: vec![],
            rules: vec![],
            promises: vec![],
            visible: None,
            outgoing: vec![],
            incoming: vec![],
            mixins: vec![],
        });
        id
    }

    fn reference(&mut self, from: EntityId, field: FieldIx, to: EntityId, to_field: FieldIx) {
        let id = RelationId(self.0.relations.len() as u32);
        self.0.relations.push(Relation {
            id,
            from,
            fields: vec![field],
            to,
            to_fields: vec![to_field],
            path: "path".into(),
            inverse: "inverse".into(),
            inverse_one: false,
            nullable: false,
            constraint: "fkey".into(),
            options: Default::default(),
            doc: None,
            span: Default::default(),
        });
        self.0.entities[from.0 as usize].outgoing.push(id);
        self.0.entities[to.0 as usize].incoming.push(id);
    }

    fn unique(&mut self, entity: EntityId, fields: &[FieldIx], filter: Option<&str>) {
        let filter = filter.map(|text| over(&self.0, &Scope::of(entity), text));
        let element = |field: &FieldIx| Element {
            on: On::Field(*field),
            collation: None,
            opclass: None,
            desc: false,
            nulls_first: None,
            span: Default::default(),
        };
        self.0.entities[entity.0 as usize].uniques.push(Unique {
            name: "unique".into(),
            doc: None,
            elements: fields.iter().map(element).collect(),
            include: vec![],
            filter,
            nulls_not_distinct: false,
            deferrable: false,
            initially_deferred: false,
            span: Default::default(),
        });
    }

    fn seed(&mut self, env: &str, entity: EntityId, label: &str, count: u32, fields: Vec<(FieldIx, SeedValue)>) {
        let row = SeedRow {
            large: false,
            entity,
            label: (!label.is_empty()).then(|| label.into()),
            count: (count > 0).then_some(count),
            fields,
            span: Default::default(),
        };
        match self.0.seeds.iter_mut().find(|set| set.env == env) {
            Some(set) => set.rows.push(row),
            None => self.0.seeds.push(SeedSet { env: env.into(), rows: vec![row] }),
        }
    }
}

fn sql(text: &str) -> SeedValue {
    SeedValue::Expr(expr(text))
}

fn label(entity: EntityId, label: &str) -> SeedValue {
    SeedValue::Label { entity, label: label.into() }
}

/// Blocks as a reader would like to see them.
fn show(model: &Model, env: &str) -> String {
    let mut out = String::new();
    for seed in generate(model, env) {
        let join = |names: &[SmolStr]| names.join(", ");
        let restart = seed.restart.as_ref().map(|column| format!(" restart {column}")).unwrap_or_default();
        let update = if seed.update { " update" } else { "" };
        let table = format!("{}.{}", seed.table.schema, seed.table.name);
        out +=
            &format!("{} {table} ({}) key ({}){update}{restart}\n", seed.order, join(&seed.columns), join(&seed.key));
        for row in &seed.rows {
            out += &format!("    {}\n", row.iter().map(|value| value.text.as_str()).collect::<Vec<_>>().join(" | "));
        }
    }
    out
}

fn example() -> Model {
    let mut b = Build::default();
    let topics = b.entity("topics", &["slug text", "name text", "parent text?"]);
    let events = b.entity(
        "events",
        &[
            "id uuid",
            "organizer_id uuid",
            "topic text?",
            "title text",
            "capacity int",
            "price numeric",
            "starts_at timestamptz",
            "on_day date",
            "kind text",
        ],
    );
    let profiles = b.entity("profiles", &["id uuid", "email text", "full_name text"]);
    let users = b.entity("auth.users", &["id uuid", "email text"]);
    let invoices = b.entity("invoices", &["no bigint!", "profile_id uuid"]);
    b.reference(topics, 2, topics, 0);
    b.reference(events, 1, profiles, 0);
    b.reference(events, 2, topics, 0);
    b.reference(profiles, 0, users, 0);
    b.reference(invoices, 1, profiles, 0);
    b.unique(profiles, &[1], None);
    b.seed("base", topics, "small", 0, vec![(0, sql("'small'")), (1, sql("'Small'")), (2, label(topics, "all"))]);
    b.seed("base", topics, "all", 0, vec![(0, sql("'all'")), (1, sql("'All''s'"))]);
    b.seed(
        "dev",
        profiles,
        "ana",
        0,
        vec![(0, label(users, "ana_account")), (1, sql("'ana@example.com'")), (2, sql("'Ana'"))],
    );
    b.seed("dev", users, "ana_account", 0, vec![(1, sql("'ana@example.com'"))]);
    b.seed("dev", users, "", 3, vec![(1, SeedValue::Fake("email".into()))]);
    b.seed(
        "dev",
        profiles,
        "",
        9,
        vec![(0, SeedValue::Any(users)), (1, SeedValue::Fake("email".into())), (2, SeedValue::Fake("name".into()))],
    );
    b.seed("dev", invoices, "", 0, vec![(0, sql("7")), (1, label(profiles, "ana"))]);
    b.seed("dev", invoices, "", 2, vec![(1, SeedValue::Any(profiles))]);
    let kinds = vec![expr("'talk'"), expr("'workshop'")];
    b.seed(
        "dev",
        events,
        "",
        4,
        vec![
            (1, SeedValue::Any(profiles)),
            (2, SeedValue::Any(topics)),
            (3, SeedValue::Fake("sentence".into())),
            (4, SeedValue::Between(expr("10"), expr("500"))),
            (5, SeedValue::Between(expr("0"), expr("9.5"))),
            (6, SeedValue::Between(expr("now() - interval '30 days'"), expr("now()"))),
            (7, SeedValue::Between(expr("'2026-01-01'"), expr("'2026-12-31'"))),
            (8, SeedValue::OneOf(kinds)),
        ],
    );
    b.0
}

#[test]
fn rows_come_after_what_they_refer_to_with_keys_and_values_decided() {
    let model = example();
    insta::assert_snapshot!(format!("{}\n{}", show(&model, "base"), show(&model, "dev")));
}

#[test]
fn the_same_model_gives_the_same_rows() {
    assert_eq!(generate(&example(), "dev"), generate(&example(), "dev"));
    assert!(generate(&example(), "test").is_empty());
}

#[test]
fn a_labelled_row_keeps_its_key_whatever_stands_beside_it() {
    let mut model = example();
    let before = show(&model, "dev");
    model.seeds[1].rows.retain(|row| row.label.is_some());
    let after = show(&model, "dev");
    let key = before.lines().find(|line| line.contains("'Ana'")).expect("the row of Ana");
    assert!(after.contains(key));
}

#[test]
fn generated_rows_do_not_repeat_what_is_unique() {
    let mut b = Build::default();
    let people = b.entity("people", &["id uuid", "nick text"]);
    let seats = b.entity("seats", &["id uuid", "person_id uuid", "row int", "state text"]);
    b.reference(seats, 1, people, 0);
    b.unique(people, &[1], None);
    b.unique(seats, &[1, 2], Some("state <> 'left'"));
    b.seed("dev", people, "", 300, vec![(1, SeedValue::Fake("word".into()))]);
    let row = || SeedValue::Between(expr("1"), expr("2"));
    b.seed("dev", seats, "", 600, vec![(1, SeedValue::Any(people)), (2, row()), (3, sql("'here'"))]);
    b.seed("dev", seats, "", 50, vec![(1, SeedValue::Any(people)), (2, row()), (3, sql("'left'"))]);
    let seeds = generate(&b.0, "dev");
    let distinct = |seed: &specc_catalog::Seed, columns: std::ops::Range<usize>| {
        let rows: std::collections::BTreeSet<_> = seed
            .rows
            .iter()
            .map(|row| row[columns.clone()].iter().map(|v| v.text.clone()).collect::<Vec<_>>())
            .collect();
        rows.len()
    };
    assert_eq!((seeds[0].rows.len(), distinct(&seeds[0], 1..2)), (300, 300));
    assert_eq!(seeds[1].rows.len(), 650);
    assert_eq!(
        distinct(&seeds[1], 1..4),
        600 + seeds[1].rows[600..]
            .iter()
            .map(|r| (&r[1].text, &r[2].text))
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    );
}

#[test]
fn rows_are_given_up_where_no_unique_value_is_left() {
    let mut b = Build::default();
    let people = b.entity("people", &["id uuid"]);
    let cards = b.entity("cards", &["person_id uuid"]);
    b.reference(cards, 0, people, 0);
    b.seed("dev", people, "", 3, vec![]);
    b.seed("dev", cards, "", 9, vec![(0, SeedValue::Any(people))]);
    let seeds = generate(&b.0, "dev");
    assert_eq!(seeds[1].rows.len(), 3);
}

#[test]
fn every_generator_is_stable_and_fits_its_room() {
    use specc_rows::fake::{Wish, text};
    let mut out = String::new();
    for kind in specc_model::FAKE {
        let wish = Wish { seed: 11, serial: Some(4), attempt: 0, room: None };
        let again = text(kind, Wish { attempt: 1, ..wish });
        out += &format!("{kind}: {} / {again}\n", text(kind, wish));
        if !matches!(*kind, "json" | "uuid" | "email" | "date" | "timestamp" | "ip") {
            assert!(text(kind, Wish { room: Some(10), ..wish }).chars().count() <= 10, "{kind}");
        }
    }
    insta::assert_snapshot!(out);
}
